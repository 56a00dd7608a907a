"""Reading MPII files: recorded records and mistakes in files."""

import json

import numpy as np
import pytest
import scipy.io

from src.data.mpii import read_mpii, read_mpii_truth
from src.errors import InputError


def make_person(**changes):
    row = {
        "image": "a.jpg", "center": [100.0, 120.0], "scale": 2.0,
        "joints": [[11.0, 21.0]] * 16, "joints_vis": [1] * 15 + [0],
    }
    row.update(changes)
    return {key: value for key, value in row.items() if value is not None}


def read_rows(folder, rows):
    (folder / "train.json").write_text(json.dumps(rows), encoding="utf-8")
    return read_mpii(folder / "train.json", "images")


def write_truth(folder, **changes):
    fields = {
        "pos_gt_src": np.full((16, 2, 3), 5), "jnt_missing": np.zeros((16, 3)),
        "headboxes_src": np.stack([np.zeros((2, 3)), np.full((2, 3), 10.0)]),
    }
    fields.update(changes)
    path = folder / "gt_valid.mat"
    scipy.io.savemat(path, {key: value for key, value in fields.items() if value is not None})
    return path


def test_records_equal_the_reference(golden, tmp_path):
    columns = (golden[f"mpii_ann_{name}"] for name in ("center", "scale", "joints"))
    rows = [
        make_person(center=center.tolist(), scale=float(scale), joints=joints.tolist())
        for center, scale, joints in zip(*columns)
    ]
    records = read_rows(tmp_path, rows)
    np.testing.assert_allclose(records.center, golden["mpii_db_center"], rtol=1e-6)
    np.testing.assert_allclose(records.scale, golden["mpii_db_scale"], rtol=1e-6)
    np.testing.assert_allclose(records.joints * records.visibility[:, :, None],
                               golden["mpii_db_joints"][:, :, :2] * records.visibility[:, :, None], rtol=1e-6)


def test_center_is_lowered_scale_padded_and_pixels_counted_from_zero(tmp_path):
    records = read_rows(tmp_path, [make_person()])
    np.testing.assert_allclose(records.center, [[99, 149]])
    np.testing.assert_allclose(records.scale, [[2.5, 2.5]])
    np.testing.assert_allclose(records.joints[0], [[10, 20]] * 16)
    assert records.visibility[0].tolist() == [1] * 15 + [0]
    assert records.image_paths == ["images/a.jpg"]


def test_test_set_has_no_visible_joint(tmp_path):
    records = read_rows(tmp_path, [make_person(joints=None, joints_vis=None)] * 2)
    assert records.joints.shape == (2, 16, 2) and records.visibility.max() == 0


def test_real_file_is_read(shared):
    folder = shared / "data" / "mpii"
    records = read_mpii(folder / "test_mpii.json", folder)
    assert len(records) == 5
    np.testing.assert_allclose(records.joints[0, 0], [803, 710])


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"image": None}, r"train.json: persons\[1\].image: expected a file name"),
        ({"center": [1]}, r"train.json: persons\[1\].center: expected 2 numbers"),
        ({"scale": "x"}, r"train.json: persons\[1\].scale: expected a number, got x"),
        ({"joints": [[1, 2]]}, r"train.json: persons\[1\].joints: expected 16 x 2 numbers"),
        ({"joints_vis": None}, r"train.json: persons\[1\].joints_vis: expected 16 numbers, is missing"),
    ],
)
def test_mistake_in_a_person_is_named(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read_rows(tmp_path, [make_person(), make_person(**changes)])


def test_truth_is_read_person_by_person(tmp_path):
    missing = np.zeros((16, 3))
    missing[4, 1] = 1
    truth = read_mpii_truth(write_truth(tmp_path, jnt_missing=missing))
    assert truth.joints.shape == (3, 16, 2) and (truth.joints == 4).all()
    assert np.argwhere(~truth.is_present).tolist() == [[1, 4]]
    np.testing.assert_allclose(truth.head_size, [10 * np.sqrt(2)] * 3)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"jnt_missing": None}, r"gt_valid.mat: jnt_missing is missing, expected 16 x 3 numbers"),
        ({"jnt_missing": np.zeros((16, 2))}, r"jnt_missing: expected 16 x 3 numbers, got 16 x 2"),
        ({"pos_gt_src": np.zeros((16, 2))}, r"gt_valid.mat: pos_gt_src: expected 16 x 2 x N numbers"),
        ({"headboxes_src": np.array(["a", "b"])}, r"gt_valid.mat: headboxes_src: expected 2 x 2 x 3 numbers"),
    ],
)
def test_mistake_in_the_truth_is_named(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read_mpii_truth(write_truth(tmp_path, **changes))


@pytest.mark.parametrize("content", [None, b"", b"no matlab", b"MATLAB 5.0 MAT-file" + bytes(200)])
def test_file_that_is_not_matlab_is_named(tmp_path, content):
    path = tmp_path / "gt.mat"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="gt.mat"):
        read_mpii_truth(path)


def test_cut_truth_file_is_named(tmp_path):
    path = write_truth(tmp_path)
    content = path.read_bytes()
    for length in range(0, len(content) - 1, 97):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match="gt_valid.mat"):
            read_mpii_truth(path)
