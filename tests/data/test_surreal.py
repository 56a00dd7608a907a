"""SURREAL's info files become columns in the camera frame; what is missing or broken is named."""

import numpy as np
import pytest
import scipy.io

from src.data.surreal import camera_joints, camera_pelvis, split_folder, training_columns, validation_columns
from src.errors import InputError


def write_clip(folder, name, rng, frames=23, **changes):
    """Writes the info file of a clip of a woman well inside the picture."""
    clip = {"gender": np.zeros((frames, 1)), "joints2D": rng.uniform(50, 200, (2, 24, frames)),
            "joints3D": rng.normal(size=(3, 24, frames)), "pose": 0.3 * rng.normal(size=(72, frames)),
            "shape": rng.normal(size=(10, frames)), "zrot": rng.normal(size=(frames, 1)), "clipNo": 1, **changes}
    path = folder / f"{name}_info.mat"
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, clip)
    return clip


def test_joints_and_pelvis_turn_as_recorded(decomr_file):
    with np.load(decomr_file("surreal.npz"), allow_pickle=False) as recorded:
        np.testing.assert_allclose(camera_joints(recorded["joints3d"]), recorded["joints3d_out"], atol=1e-12)
        turned = camera_pelvis(recorded["pelvis"], recorded["zrot"])
        np.testing.assert_allclose(turned, recorded["pelvis_out"], atol=1e-9)


def test_every_tenth_frame_of_a_clip_becomes_a_row(tmp_path, rng):
    clip = write_clip(tmp_path, "01_01/01_01_c0001", rng)
    columns = training_columns(tmp_path)
    assert columns["videoname"].tolist() == ["01_01/01_01_c0001.mp4"] * 3
    assert columns["framenum"].tolist() == [0, 10, 20] and columns["gender"].tolist() == ["f"] * 3
    for row, frame in enumerate((0, 10, 20)):
        np.testing.assert_allclose(columns["part_smpl"][row, :, 0], 319 - clip["joints2D"][0, :, frame])
        np.testing.assert_allclose(columns["part_smpl"][row, :, 1], clip["joints2D"][1, :, frame])
        np.testing.assert_allclose(columns["S_smpl"][row, :, 0], clip["joints3D"][2, :, frame])
        np.testing.assert_allclose(columns["pose"][row, 3:], clip["pose"][3:, frame])
        np.testing.assert_allclose(columns["shape"][row], clip["shape"][:, frame])
        places = columns["part_smpl"][row, :, :2]
        extent = np.ptp(places, axis=0).max()
        assert columns["scale"][row] == pytest.approx(1.2 * extent / 200)
        np.testing.assert_allclose(columns["center"][row], (places.min(axis=0) + places.max(axis=0)) / 2)


def test_clips_are_sorted_and_frames_outside_of_the_picture_left_out(tmp_path, rng):
    outside = rng.uniform(50, 200, (2, 24, 23))
    outside[0, 3, 10] = 330
    write_clip(tmp_path, "b/b_c1", rng, joints2D=outside)
    write_clip(tmp_path, "a/a_c2", rng, gender=np.ones((23, 1)))
    write_clip(tmp_path, "a/a_c1", rng, frames=1)
    columns = training_columns(tmp_path)
    assert columns["videoname"].tolist() == ["a/a_c2.mp4"] * 3 + ["b/b_c1.mp4"] * 2
    assert columns["framenum"].tolist() == [0, 10, 20, 0, 20] and columns["gender"].tolist() == ["m"] * 3 + ["f"] * 2


def test_the_middle_frames_of_the_chosen_clips_are_validated_on(tmp_path, rng):
    for name, frames in (("1/a", 9), ("1/b", 100), ("2/c", 1)):
        write_clip(tmp_path, name, rng, frames=frames, joints2D=rng.uniform(-50, 400, (2, 24, frames)))
    (tmp_path / "names.txt").write_text("x/cmu/val/1/a.mp4\t3\nx/cmu/val/1/b.mp4\t4\nx/cmu/val/2/c.mp4\t4\n",
                                        encoding="utf-8")
    (tmp_path / "list.txt").write_text("[3, 2]", encoding="utf-8")
    columns = validation_columns(tmp_path, tmp_path / "names.txt", tmp_path / "list.txt")
    assert columns["videoname"].tolist() == ["2/c.mp4", "1/b.mp4"] and columns["framenum"].tolist() == [0, 50]


@pytest.mark.parametrize("text", ["[0]", "[2]", "[a]", ""])
def test_numbers_that_name_no_line_are_refused(tmp_path, rng, text):
    write_clip(tmp_path, "1/a", rng)
    (tmp_path / "names.txt").write_text("val/1/a.mp4\t3\n", encoding="utf-8")
    (tmp_path / "list.txt").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="list.txt: expected"):
        validation_columns(tmp_path, tmp_path / "names.txt", tmp_path / "list.txt")


@pytest.mark.parametrize(("changes", "message"), [
    ({"pose": np.zeros((70, 23))}, "'pose' has shape"), ({"zrot": np.zeros((22, 1))}, "'zrot' has 22 frames"),
    ({"gender": np.full((23, 1), 2)}, "'gender' must be 0 or 1"), ({"joints2D": "text"}, "'joints2D' has shape")])
def test_a_broken_info_file_is_named(tmp_path, rng, changes, message):
    write_clip(tmp_path, "1/a", rng, **changes)
    with pytest.raises(InputError, match=f"a_info.mat: {message}"):
        training_columns(tmp_path)


def test_missing_folders_and_frames_are_named(tmp_path):
    with pytest.raises(InputError, match="no folder .*data/cmu/train or .*cmu/train"):
        split_folder(tmp_path, "train")
    (tmp_path / "cmu/train").mkdir(parents=True)
    assert split_folder(tmp_path, "train") == tmp_path / "cmu/train"
    with pytest.raises(InputError, match="no clip with a frame"):
        training_columns(tmp_path / "cmu/train")
