"""Motion in a MindRecord set against the source that it was written from."""

import json

import numpy as np
import pytest

from src.data.h36m import TEST_SUBJECTS, TRAIN_SUBJECTS, H36mFolder
from src.data.h36m_pack import MotionPack, open_motion, write_pack
from src.data.image import use_archive
from src.data.image_archive import Row
from src.data.mindrecord import write_rows
from src.data.motion_rows import HEAD, RecordedMotion, motion_rows
from src.errors import InputError

SUBJECTS, DETECTOR = TRAIN_SUBJECTS + TEST_SUBJECTS, "StackedHourglass"


@pytest.fixture(autouse=True)
def no_archive_stays():
    yield
    use_archive("", ".")


@pytest.fixture(params=["folder", "pack"])
def source(request, fake_h36m, tmp_path):
    """Both readers of motion."""
    if request.param == "folder":
        return fake_h36m
    write_pack(tmp_path / "motion.npz", fake_h36m.sequences(SUBJECTS, fake_h36m.actions, DETECTOR),
               fake_h36m.cameras(), DETECTOR)
    return MotionPack(tmp_path / "motion.npz")


@pytest.fixture
def recorded(tmp_path):
    """Writes rows as a set, and opens it as readers do."""
    def call(rows, shards=1):
        write_rows(tmp_path / "set", rows, shards)
        use_archive(tmp_path / "set", tmp_path)
        return open_motion(tmp_path / "no such folder")
    return call


@pytest.mark.parametrize("detector", ["", DETECTOR])
def test_a_set_holds_what_its_source_holds_to_the_last_bit(source, recorded, detector):
    motion = recorded(motion_rows(source, SUBJECTS, detector), 3)
    assert isinstance(motion, RecordedMotion) and motion.actions == source.actions
    first, second = (list(one.sequences((9, 1, 5), source.actions[::-1], detector)) for one in (source, motion))
    assert len(first) == len(second) > 0
    for one, two in zip(first, second):
        assert (one.subject, one.action, one.name) == (two.subject, two.action, two.name)
        np.testing.assert_array_equal(one.world_mm, two.world_mm)
        assert list(one.detections) == list(two.detections) and bool(detector) == bool(two.detections)
        for camera, pixels in one.detections.items():
            np.testing.assert_array_equal(pixels, two.detections[camera])
    cameras = motion.cameras()
    assert list(cameras) == list(source.cameras())
    for key, camera in source.cameras().items():
        for one, two in ((camera, cameras[key]), (camera.lens, cameras[key].lens)):
            for name, value in vars(one).items():
                np.testing.assert_array_equal(value, getattr(two, name) if name != "lens" else value)


def test_what_a_set_was_written_without_is_named(fake_h36m, recorded):
    motion = recorded(motion_rows(fake_h36m, TRAIN_SUBJECTS))
    with pytest.raises(InputError, match="was written without detections of StackedHourglass: write the set again"):
        next(motion.sequences((1,), motion.actions, "StackedHourglass"))
    with pytest.raises(InputError, match="was written without subject 9"):
        next(motion.sequences((1, 9), motion.actions))


def test_without_motion_in_the_set_the_path_is_read(fake_h36m, tmp_path):
    write_rows(tmp_path / "set", [Row("a.png", 1, lambda: b"x")], 1)
    use_archive(tmp_path / "set", tmp_path)
    assert isinstance(open_motion(fake_h36m.root), H36mFolder)


GOOD = {"actions": ["Eating"], "subjects": [1], "detector": "", "cameras": [], "sequences": [[1, "Eating", "Eating"]]}


@pytest.mark.parametrize("head", [b"{", b"[]", b"null", b"[" * 100_000, b"{}", *(
    json.dumps({**GOOD, **change}).encode() for change in (
        {"sequences": [[1, "Eating"]]}, {"sequences": 3}, {"subjects": ["x"]}, {"cameras": [{"name": "a"}]},
        {"cameras": [{"subject": 1, "name": "a", "rotation": [1], "position_mm": [0, 0, 0], "focal_px": [1, 1],
                      "center_px": [0, 0], "radial": [0, 0, 0], "tangential": [0, 0]}]}))])
def test_a_list_that_is_none_is_refused(recorded, head):
    with pytest.raises(InputError, match="row motion: is not the list"):
        recorded([Row(HEAD, len(head), lambda: head)])


@pytest.mark.parametrize(("content", "expected"), [(None, "motion/0: is missing"), (b"x" * 100, "is not a sequence")])
def test_a_damaged_sequence_is_refused(recorded, content, expected):
    head = json.dumps(GOOD).encode()
    rows = [Row(HEAD, len(head), lambda: head)]
    motion = recorded(rows + ([Row(f"{HEAD}/0", len(content), lambda: content)] if content else []))
    with pytest.raises(InputError, match=expected):
        next(motion.sequences((1,), ("Eating",)))
