import numpy as np
import pytest

from src.data.h36m import TRAIN_SUBJECTS
from src.data.h36m_pack import MotionPack
from src.data.lifting import load_rows, measure
from src.errors import InputError
from src.tools import make_motion, prepare_h36m

ACTIONS = ("Eating", "Walking")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("motion")
    make_motion.main(["--out", str(path), "--frames", "3", "--seed", "2"])
    return path


def rows_of(source):
    moments = measure(source, TRAIN_SUBJECTS, ACTIONS, "StackedHourglass", True, False, {})
    return load_rows(source, TRAIN_SUBJECTS, ACTIONS, "StackedHourglass", True, moments)


def test_the_packed_file_gives_the_rows_of_the_folder(folder, tmp_path):
    from src.data.h36m import H36mFolder

    prepare_h36m.main(["--source", str(folder), "--out", str(tmp_path / "poses.npz")])
    packed, plain = rows_of(MotionPack(tmp_path / "poses.npz")), rows_of(H36mFolder(folder))
    np.testing.assert_allclose(packed.inputs, plain.inputs, atol=1e-4)
    np.testing.assert_allclose(packed.targets, plain.targets, atol=1e-4)
    np.testing.assert_array_equal(packed.camera, plain.camera)
    assert packed.sequences == plain.sequences


def test_detections_can_be_left_out(folder, tmp_path):
    prepare_h36m.main(["--source", str(folder), "--out", str(tmp_path / "poses.npz"), "--detector", "none"])
    assert not any(name.startswith("detections") for name in MotionPack(tmp_path / "poses.npz").arrays)


def test_wrong_options_are_refused(folder, tmp_path):
    with pytest.raises(InputError, match="must end in .npz"):
        prepare_h36m.main(["--source", str(folder), "--out", "poses.h5"])
    with pytest.raises(InputError, match="no such folder"):
        prepare_h36m.main(["--source", str(tmp_path / "none"), "--out", "poses.npz"])


def test_made_motion_is_found_complete_and_its_format_can_be_chosen(folder, tmp_path, capsys):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.h5")}
    make_motion.main(["--out", str(folder), "--frames", "3", "--seed", "2"])
    assert "nothing written" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*.h5")} and len(before) == 1051
    make_motion.main(["--out", str(tmp_path), "--frames", "2", "--format", "npz"])
    assert len(MotionPack(tmp_path / "poses.npz").positions) == 420
    with pytest.raises(InputError, match="--frames must be at least 1"):
        make_motion.main(["--out", str(tmp_path), "--frames", "0"])
