import json

import numpy as np
import pytest

from src.data.h36m import ACTIONS, TEST_SUBJECTS, TRAIN_SUBJECTS
from src.data.lifting import load_rows, measure, read_standardisation

SEQUENCE = "S1 Directions 1.54138969"


@pytest.fixture(scope="module")
def recorded(shared):
    folder = shared / "golden" / "gmh_mdn"
    with np.load(folder / "h36m.npz", allow_pickle=False) as content:
        return dict(content), json.loads((folder / "h36m.json").read_text(encoding="utf-8"))


ORDER = tuple(sorted(ACTIONS))


def load(source, detector="StackedHourglass", camera_frame=True, predict_14=False, subjects=TRAIN_SUBJECTS):
    moments = measure(source, TRAIN_SUBJECTS, ORDER, detector, camera_frame, predict_14, {"detector": detector})
    return moments, load_rows(source, subjects, ORDER, detector, camera_frame, moments)


@pytest.fixture(scope="module")
def default(fake_h36m):
    return load(fake_h36m)


def first_sequence(rows):
    number = rows.sequences.index((1, "Directions", "Directions 1"))
    return np.flatnonzero((rows.sequence == number) & (rows.camera == 0))


def test_mean_and_deviation_equal_the_original(default, recorded):
    arrays, moments = recorded[0], default[0]
    for name in ("mean_2d", "std_2d", "mean_3d", "std_3d"):
        np.testing.assert_allclose(getattr(moments, name), arrays[name], rtol=1e-6, atol=1e-9, err_msg=name)


def test_rows_and_their_order_equal_the_original(default, recorded):
    arrays, facts = recorded
    rows = default[1]
    assert len(rows) == facts["train_3d_frames"]
    keys = [[f"{subject}|{action}|{name}.{rows.cameras[camera][1]}.h5-sh", int(count)]
            for (subject, action, name), camera, count in runs(rows)]
    assert keys == [list(pair) for pair in facts["train_2d_keys"].items()]
    np.testing.assert_allclose(rows.inputs[:64], arrays["train_batch0_x"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(rows.targets[:64], arrays["train_batch0_y"], rtol=1e-6, atol=1e-6)
    last = slice(64 * (facts["train_batches"] - 1), 64 * facts["train_batches"])
    np.testing.assert_allclose(rows.inputs[last], arrays["train_batch_last_x"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(rows.targets[last], arrays["train_batch_last_y"], rtol=1e-6, atol=1e-6)


def runs(rows):
    """Sequence, camera and frames of every stretch of rows of one view."""
    ends = np.flatnonzero((np.diff(rows.sequence) != 0) | (np.diff(rows.camera) != 0)) + 1
    for part in np.split(np.arange(len(rows)), ends):
        yield rows.sequences[rows.sequence[part[0]]], rows.camera[part[0]], len(part)


def test_a_sequence_and_its_way_back_equal_the_original(default, recorded):
    arrays, (moments, rows) = recorded[0], default
    part = first_sequence(rows)
    np.testing.assert_allclose(rows.inputs[part], arrays[f"norm_2d/{SEQUENCE}"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(rows.targets[part], arrays[f"norm_3d/{SEQUENCE}"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(rows.root_mm[part], arrays[f"root_3d/{SEQUENCE}"], rtol=1e-6)
    for name, mean, dims, values in (
            ("unnorm_2d", moments.mean_2d, moments.input_dims, moments.pixels(rows.inputs[part])),
            ("unnorm_3d", moments.mean_3d, moments.target_dims, moments.millimetres(rows.targets[part]))):
        whole = np.tile(mean, (len(part), 1))  # coordinates that the network does not see are their mean
        whole[:, dims] = values.reshape(len(part), len(dims))
        np.testing.assert_allclose(whole, arrays[name], rtol=1e-6, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("predict_14", [False, True])
def test_the_coordinates_that_are_used_are_those_of_the_original(fake_h36m, recorded, predict_14):
    moments = measure(fake_h36m, (1,), ("Eating",), "", True, predict_14, {})
    assert moments.input_dims.tolist() == recorded[1]["dim_to_use_2d"]
    assert moments.target_dims.tolist() == recorded[1]["dim_to_use_3d_14" if predict_14 else "dim_to_use_3d"]


def test_projected_joints_equal_the_original(fake_h36m, recorded):
    arrays = recorded[0]
    moments, rows = load(fake_h36m, detector="")
    np.testing.assert_allclose(moments.mean_2d, arrays["gt_2d/mean"], rtol=1e-6)
    np.testing.assert_allclose(moments.std_2d, arrays["gt_2d/std"], rtol=1e-6)
    np.testing.assert_allclose(rows.inputs[first_sequence(rows)], arrays[f"gt_2d/{SEQUENCE}"], rtol=1e-6, atol=1e-6)


def test_world_axes_count_once(fake_h36m, recorded):
    moments, rows = load(fake_h36m, detector="", camera_frame=False)
    for name in ("mean_3d", "std_3d"):
        np.testing.assert_allclose(getattr(moments, name), recorded[0][f"world_frame/{name}"], rtol=1e-6, atol=1e-9)
    assert len(rows) == 4 * recorded[1]["world_frame_train_3d_frames"]


def test_the_damaged_video_is_left_out_of_the_test_subjects(fake_h36m, default, recorded):
    rows = load_rows(fake_h36m, TEST_SUBJECTS, ORDER, "StackedHourglass", True, default[0])
    keys = [f"{subject}|{action}|{name}.{rows.cameras[camera][1]}.h5-sh"
            for (subject, action, name), camera, _ in runs(rows)]
    assert keys == list(recorded[1]["test_2d_keys"])


def test_the_regression_is_the_least_squares_solution(default):
    moments, rows = default
    inputs = np.concatenate([rows.inputs, np.ones((len(rows), 1))], 1).astype(np.float64)
    expected = np.linalg.lstsq(inputs, rows.targets.astype(np.float64), rcond=None)[0]
    np.testing.assert_allclose(moments.regression, expected, atol=1e-5)


def test_a_standardisation_survives_its_file(default, tmp_path):
    moments = default[0]
    moments.save(tmp_path / "statistics.npz")
    again = read_standardisation(tmp_path / "statistics.npz")
    assert again.origin == moments.origin and again.predict_14 is False
    for name in ("mean_2d", "std_2d", "mean_3d", "std_3d", "regression"):
        np.testing.assert_array_equal(getattr(again, name), getattr(moments, name))
