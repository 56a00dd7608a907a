import numpy as np
import pytest

from src.data.cmu import Clip, Variation, read_clips, read_pickled_cameras, through_cameras, without_distortion
from src.data.h36m import POSE17, POSE_ROWS, TEST_SUBJECTS, TRAIN_SUBJECTS
from src.data.h36m_pack import MotionPack
from src.errors import InputError
from src.geometry.lens import project_through_lens
from src.tools import prepare_cmu


def write_clips(path, **changes):
    rng = np.random.default_rng(0)
    arrays = {"joints": rng.integers(-9000, 9000, (30, 17, 3)).astype(np.int16),
              "root_mm": rng.standard_normal((30, 3)).astype(np.float32), "clip_index": np.repeat([0, 1], 15),
              "clip_name": np.array(["01_01", "02_01"]), "clip_category": np.array(["walk", "jump"]),
              "clip_subject": np.array([1, 2], np.int16), **changes}
    np.savez(path, **arrays)
    return path, arrays


def test_clips_are_in_millimetres_of_the_world(tmp_path):
    path, arrays = write_clips(tmp_path / "clips.npz")
    first, second = read_clips(path)
    assert (first.name, first.action, second.subject) == ("01_01", "walk", 2)
    np.testing.assert_allclose(second.joints_mm, arrays["joints"][15:] / 10 + arrays["root_mm"][15:, None])


@pytest.mark.parametrize(("changes", "words"), [
    ({"joints": np.zeros((30, 16, 3), np.int16)}, "'joints' has shape"), ({"clip_index": np.full(30, 2)}, "clip_index"),
    ({"clip_category": np.array(["walk"])}, "clip_category"), ({"root_mm": np.full((30, 3), np.inf)}, "finite")])
def test_damaged_clips_are_refused_with_the_key(tmp_path, changes, words):
    with pytest.raises(InputError, match=words):
        read_clips(write_clips(tmp_path / "clips.npz", **changes)[0])


def test_every_nth_frame_is_counted_over_all_clips():
    numbers = np.arange(25.0)[:, None, None] * np.ones((1, 17, 3))
    clips = [Clip("a", "walk", 1, numbers[:7]), Clip("b", "jump", 1, numbers[7:9]), Clip("c", "run", 1, numbers[9:])]
    sequences = through_cameras(clips, (9, 11), 5)
    assert [(row.subject, row.name) for row in sequences] == [(9, "a"), (11, "a"), (9, "c"), (11, "c")]
    kept = np.concatenate([row.world_mm[:, 0, 0] for row in sequences if row.subject == 9])
    np.testing.assert_array_equal(kept, [0, 5, 10, 15, 20])


def test_the_tool_writes_a_set_that_can_be_opened(tmp_path, capsys):
    path, _ = write_clips(tmp_path / "clips.npz")
    prepare_cmu.main(["--train", str(path), "--test", str(path), "--out", str(tmp_path / "poses.npz")])
    printed = capsys.readouterr().out
    assert "mocap.cs.cmu.edu" in printed and "120 views of frames" in printed
    pack = MotionPack(tmp_path / "poses.npz")
    assert pack.actions == ("jump", "walk")
    assert len(list(pack.sequences((*TRAIN_SUBJECTS, *TEST_SUBJECTS), pack.actions))) == 14


@pytest.mark.parametrize("options", [["--out", "poses.h5"], ["--out", "p.npz", "--train_every", "0"],
                                     ["--out", "p.npz", "--fps", "0"], ["--out", "p.npz", "--limb_spread", "-1"]])
def test_wrong_options_are_refused(tmp_path, options):
    path, _ = write_clips(tmp_path / "clips.npz")
    with pytest.raises(InputError, match="prepare_cmu"):
        prepare_cmu.main(["--train", str(path), "--test", str(path), *options])


def test_pickled_cameras_look_at_the_room(shared):
    cameras = read_pickled_cameras(shared / "data" / "h36m" / "cameras.pkl")
    assert len(cameras) == 28
    for camera in cameras.values():
        np.testing.assert_allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-6)
        middle = camera.rotation @ (np.array([0, 0, 900.0]) - camera.position_mm)
        assert middle[2] > 3000 and abs(middle[:2]).max() < 1200


def test_ideal_lenses_see_the_described_pixels(shared):
    cameras = without_distortion(read_pickled_cameras(shared / "data" / "h36m" / "cameras.pkl"))
    camera = cameras[9, "55011271"]
    point = camera.rotation @ (np.array([400.0, -300.0, 1200.0]) - camera.position_mm)
    np.testing.assert_allclose(project_through_lens(point, camera.lens),
                               point[:2] / point[2] * camera.lens.focal_px + camera.lens.center_px)


def test_the_recorded_clips_have_the_counts_of_their_description(shared):
    folder = shared / "data" / "cmu_mocap"
    clips = {name: read_clips(folder / f"cmu_{name}.npz") for name in ("train", "test")}
    assert (len(clips["train"]), len(clips["test"])) == (118, 38)
    views = 4 * sum(len(row.world_mm) for row in through_cameras(clips["train"], TRAIN_SUBJECTS, 5))
    assert views == 72_080
    assert 4 * sum(len(row.world_mm) for row in through_cameras(clips["test"], TEST_SUBJECTS, 2)) == 11_648


def test_turned_frames_are_the_same_bodies_seen_from_elsewhere(rng):
    joints = rng.standard_normal((60, 17, 3)) * 300 + [100, -200, 900]
    clips = [Clip("a", "walk", 1, joints)]
    first = through_cameras(clips, (1,), 1)[0].world_mm[:, POSE_ROWS]
    for sequence in through_cameras(clips, (1, 5), 1, Variation(turned=True)):
        world = sequence.world_mm[:, POSE_ROWS]
        np.testing.assert_allclose(world[:, 0, 2], first[:, 0, 2])
        np.testing.assert_allclose(np.hypot(*world[:, 0, :2].T), np.hypot(*first[:, 0, :2].T))
        leg = np.linalg.norm(first[:, 3] - first[:, 0], axis=-1)
        same, swapped = (np.isclose(np.linalg.norm(world[:, row] - world[:, 0], axis=-1), leg) for row in (3, 6))
        np.testing.assert_array_equal(same, ~swapped)
        assert 15 < swapped.sum() < 45
        assert len(np.unique(np.arctan2(world[:, 0, 1], world[:, 0, 0]).round(3))) > 50


def bone_vectors(joints):
    return np.stack([joints[:, child] - joints[:, parent] for parent, child in POSE17.bones], 1)


def test_reshaped_frames_have_the_same_directions_of_bones_and_equal_sides(rng):
    joints = rng.standard_normal((400, 17, 3)) * 300 + [100, -200, 900]
    clips = [Clip("a", "walk", 1, joints)]
    sequences = through_cameras(clips, (1, 5), 1, Variation(limb_spread=0.1))
    worlds = [sequence.world_mm[:, POSE_ROWS] for sequence in sequences]
    assert not np.allclose(*worlds)
    for world in worlds:
        before, after = bone_vectors(joints), bone_vectors(world)
        factor = np.linalg.norm(after, axis=-1) / np.linalg.norm(before, axis=-1)
        np.testing.assert_allclose(after, factor[..., None] * before, atol=1e-6)
        np.testing.assert_allclose(world[..., 2].min(1), joints[..., 2].min(1))
        np.testing.assert_allclose(world[:, 0, :2], joints[:, 0, :2])
        children = [child for _, child in POSE17.bones]
        mirrored = [children.index(POSE17.flip[child]) for child in children]
        np.testing.assert_allclose(factor, factor[:, mirrored])
        # a bone of its own and half as much of the whole body
        assert np.log(factor).std() == pytest.approx(0.1 * np.sqrt(1.25), rel=0.1)
        assert np.log(factor).mean(1).std() > 0.04


def test_varied_frames_are_the_same_in_every_run():
    clips = [Clip("a", "walk", 1, np.random.default_rng(1).standard_normal((5, 17, 3)))]
    first, second = (through_cameras(clips, (1, 5), 1, Variation(True, 0.1)) for _ in range(2))
    for one, two in zip(first, second):
        np.testing.assert_array_equal(one.world_mm, two.world_mm)
