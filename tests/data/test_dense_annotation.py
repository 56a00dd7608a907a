"""Annotation files of DecoMR: real and made-up ones come back as columns, broken ones are one line."""

from pathlib import Path

import numpy as np
import pytest

from src.data.body_records import make_body_records
from src.data.dense_annotation import (
    FEMALE,
    MALE,
    NEUTRAL,
    PICTURE,
    make_dense_records,
    read_dense_annotation,
    with_fits,
    write_dense_annotation,
)
from src.errors import InputError


def columns(rng, count=3):
    """Columns of a whole file."""
    return {"imgname": [f"a/{k}.jpg" for k in range(count)], "center": rng.uniform(0, 90, (count, 2)),
            "scale": rng.uniform(1, 2, count), "part": rng.normal(size=(count, 24, 3)),
            "S": rng.normal(size=(count, 24, 4)), "pose": rng.normal(size=(count, 72)),
            "shape": rng.normal(size=(count, 10)), "gender": ["m", "f", "m"][:count],
            "iuv_names": ["x.png", "", "y.png"][:count], "fit_errors": rng.uniform(size=count),
            "maskname": ["m.png"] * count}


def read(path):
    return read_dense_annotation(path, "pictures", "iuv", "labels")


def test_the_real_file_is_read(shared):
    folder = shared / "data/h36m"
    records = read_dense_annotation(folder / "test_h36m.npz", folder, folder / "BF_IUV_gt")
    assert len(records) == 4 and records.bodies.has_smpl.all() and (records.frame == PICTURE).all()
    assert all(Path(path).is_file() for path in records.iuv_paths)
    assert (records.gender == NEUTRAL).all() and not records.joints_smpl.any()
    for center, path in zip(np.round(records.bodies.center).astype(int), records.iuv_paths):
        assert path.endswith(f"_{center[0]}_{center[1]}.png")


def test_a_whole_file_comes_back(tmp_path, rng):
    written = columns(rng)
    write_dense_annotation(tmp_path / "a.npz", written)
    records = read(tmp_path / "a.npz")
    np.testing.assert_allclose(records.bodies.pose.reshape(3, 72), written["pose"], rtol=1e-6)
    np.testing.assert_allclose(records.bodies.side, 200 * written["scale"], rtol=1e-6)
    np.testing.assert_allclose(records.fit_errors, written["fit_errors"], rtol=1e-6)
    assert records.gender.tolist() == [MALE, FEMALE, MALE]
    assert records.iuv_paths == ["iuv/x.png", "", "iuv/y.png"] and records.mask_paths[0] == "labels/m.png"
    assert records.part_paths == ["", "", ""]


def test_rows_are_chosen_in_every_column(tmp_path, rng):
    write_dense_annotation(tmp_path / "a.npz", columns(rng))
    records = read(tmp_path / "a.npz")
    for rows in (np.array([2, 0]), np.array([True, False, True]), slice(1, 3)):
        part, places = records.select(rows), np.arange(3)[rows]
        assert len(part) == 2 and part.iuv_paths == [records.iuv_paths[k] for k in places]
        np.testing.assert_array_equal(part.bodies.joints_3d, records.bodies.joints_3d[places])
        np.testing.assert_array_equal(part.gender, records.gender[places])


def test_frames_of_videos_and_smpl_joints_are_read(tmp_path, rng):
    written = {**columns(rng), "framenum": np.array([3, 0, 8]), "part_smpl": rng.normal(size=(3, 24, 3)),
               "S_smpl": rng.normal(size=(3, 24, 4))}
    written["videoname"] = written.pop("imgname")
    write_dense_annotation(tmp_path / "a.npz", written)
    records = read(tmp_path / "a.npz")
    assert records.frame.tolist() == [3, 0, 8] and records.bodies.image_paths[1] == "pictures/a/1.jpg"
    np.testing.assert_allclose(records.joints_smpl, written["S_smpl"], rtol=1e-6)


def test_fits_replace_the_bodies(tmp_path, rng):
    write_dense_annotation(tmp_path / "a.npz", columns(rng))
    np.savez(tmp_path / "fits.npz", pose=np.ones((3, 72)), betas=np.ones((3, 10)), valid_fit=np.array([0, 1, 1]))
    fitted = with_fits(read(tmp_path / "a.npz"), tmp_path / "fits.npz")
    assert fitted.bodies.has_smpl.tolist() == [0, 1, 1] and (fitted.bodies.pose == 1).all()


def test_what_is_not_given_is_not_known():
    records = make_dense_records(make_body_records(["a", "b"]), fit_errors=np.ones(2, np.float32))
    assert records.iuv_paths == ["", ""] and not records.keypoints_smpl.any() and records.fit_errors.all()


def test_columns_of_different_lengths_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="rows"):
        write_dense_annotation(tmp_path / "a.npz", {"imgname": ["a"], "scale": [1.0, 2.0]})


@pytest.mark.parametrize(("key", "value", "message"), [
    ("imgname", None, "key 'imgname' is missing"), ("gender", ["m", "x", "f"], "'gender' must be m or f, got 'x'"),
    ("iuv_names", ["a", "b"], "'iuv_names' has shape"), ("iuv_names", [1, 2, 3], "'iuv_names' must hold texts"),
    ("fit_errors", [0.0, np.nan, 0.0], "'fit_errors' must hold finite"), ("scale", [0.0, 1.0, 1.0], "positive")])
def test_a_broken_file_is_one_line(tmp_path, rng, key, value, message):
    written = columns(rng)
    written.pop(key)
    if value is not None:
        written[key] = value
    np.savez(tmp_path / "a.npz", **written)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "a.npz")


def test_a_frame_before_the_first_is_refused(tmp_path, rng):
    written = {**columns(rng), "framenum": np.array([3, -1, 8])}
    written["videoname"] = written.pop("imgname")
    np.savez(tmp_path / "a.npz", **written)
    with pytest.raises(InputError, match="'framenum' must not be negative"):
        read(tmp_path / "a.npz")
