"""Annotation files of meshes: real and made-up ones come back as columns, broken ones are one line."""

import numpy as np
import pytest

from src.data.mesh_annotation import (
    FEMALE,
    MALE,
    NEUTRAL,
    make_records,
    read_mesh_annotation,
    with_fits,
    write_mesh_annotation,
)
from src.errors import InputError


def columns(rng, count=3):
    """Columns of a whole file."""
    return {"imgname": np.array([f"a/{k}.jpg" for k in range(count)]), "center": rng.uniform(0, 90, (count, 2)),
            "scale": rng.uniform(1, 2, count), "part": rng.normal(size=(count, 24, 3)),
            "S": rng.normal(size=(count, 24, 4)), "pose": rng.normal(size=(count, 72)),
            "shape": rng.normal(size=(count, 10)), "gender": np.array(["m", "f", "m"][:count]),
            "iuv_names": np.array(["x.png", "", "y.png"][:count]), "fit_errors": rng.uniform(size=count)}


def test_the_real_file_is_read(shared):
    records = read_mesh_annotation(shared / "data/h36m/test_h36m.npz")
    assert len(records) == 4 and records.has_smpl.all() and records.has_joints_3d.all()
    assert records.names[0] == "S1_Directions_1.54138969_000001.jpg"
    assert all((shared / "data/h36m/BF_IUV_gt" / name).is_file() for name in records.iuv_names)
    assert (records.gender == NEUTRAL).all() and not records.has_joints_smpl.any()
    assert (records.keypoints[:, [13, 15, 19], 2] == 0).all() and (records.keypoints[:, :13, 2] == 1).all()


def test_a_whole_file_comes_back(tmp_path, rng):
    written = columns(rng)
    write_mesh_annotation(tmp_path / "a.npz", written)
    records = read_mesh_annotation(tmp_path / "a.npz")
    np.testing.assert_array_equal(records.center, written["center"])
    np.testing.assert_allclose(records.pose.reshape(3, 72), written["pose"], rtol=1e-6)
    np.testing.assert_allclose(records.joints_3d, written["S"], rtol=1e-6)
    assert records.gender.tolist() == [MALE, FEMALE, MALE] and records.iuv_names == ["x.png", "", "y.png"]
    assert records.frame.tolist() == [-1, -1, -1] and records.mask_names == ["", "", ""]


def test_rows_are_chosen_in_every_column(tmp_path, rng):
    write_mesh_annotation(tmp_path / "a.npz", columns(rng))
    records = read_mesh_annotation(tmp_path / "a.npz")
    for rows in (np.array([2, 0]), np.array([True, False, True]), slice(1, 3)):
        part = records.select(rows)
        places = np.arange(3)[rows]
        assert part.names == [f"a/{k}.jpg" for k in places]
        np.testing.assert_array_equal(part.joints_3d, records.joints_3d[places])


def test_what_a_file_lacks_is_not_known(tmp_path, rng):
    few = {key: value for key, value in columns(rng).items() if key in ("imgname", "center", "scale")}
    write_mesh_annotation(tmp_path / "a.npz", few)
    records = read_mesh_annotation(tmp_path / "a.npz")
    assert not (records.has_smpl.any() or records.has_joints_3d.any() or records.keypoints.any())


def test_frames_of_videos_and_smpl_joints_are_read(tmp_path, rng):
    written = {**columns(rng), "framenum": np.array([3, 0, 8]), "part_smpl": rng.normal(size=(3, 24, 3)),
               "S_smpl": rng.normal(size=(3, 24, 3))}
    written["videoname"] = written.pop("imgname")
    write_mesh_annotation(tmp_path / "a.npz", written)
    records = read_mesh_annotation(tmp_path / "a.npz")
    assert records.frame.tolist() == [3, 0, 8] and records.has_joints_smpl.all()
    assert (records.joints_smpl[..., 3] == 1).all()


def test_rows_without_a_valid_body_say_so(tmp_path, rng):
    write_mesh_annotation(tmp_path / "a.npz", {**columns(rng), "has_smpl": np.array([1.0, 0.0, 1.0])})
    records = read_mesh_annotation(tmp_path / "a.npz")
    assert records.has_smpl.tolist() == [True, False, True]
    np.savez(tmp_path / "fits.npz", pose=np.ones((3, 72)), betas=np.ones((3, 10)), valid_fit=np.array([0, 1, 1]))
    fitted = with_fits(records, tmp_path / "fits.npz")
    assert fitted.has_smpl.tolist() == [False, True, True] and (fitted.pose == 1).all()
    assert fitted.names == records.names


@pytest.mark.parametrize(("key", "value", "message"), [
    ("imgname", None, "key 'imgname' is missing"), ("center", None, "key 'center' is missing"),
    ("scale", np.array([1.0, 0.0, 1.0]), "'scale' must be positive, row 1"),
    ("center", np.zeros((3, 3)), "'center' has shape"), ("part", np.zeros((3, 17, 3)), r"expected \(3, 24, 3\)"),
    ("S", np.full((3, 24, 4), np.nan), "'S' must hold finite numbers"),
    ("pose", np.array([["a"] * 72] * 3), "'pose' must hold numbers"),
    ("gender", np.array(["m", "x", "f"]), "'gender' must be m or f, got 'x'"),
    ("imgname", np.array(["a", "../b", "c"]), "path inside the set's folder"),
    ("iuv_names", np.array(["a", "/b", "c"]), "path inside the set's folder")])
def test_a_broken_file_is_one_line(tmp_path, rng, key, value, message):
    written = columns(rng)
    written.pop(key)
    if value is not None:
        written[key] = value
    write_mesh_annotation(tmp_path / "a.npz", written)
    with pytest.raises(InputError, match=message):
        read_mesh_annotation(tmp_path / "a.npz")


def test_records_are_made_from_the_columns_at_hand():
    records = make_records(["a"], np.zeros((1, 2)), np.ones(1), has_smpl=np.array([True]))
    assert records.has_smpl.all() and records.shape.shape == (1, 10) and records.pose.shape == (1, 24, 3)
