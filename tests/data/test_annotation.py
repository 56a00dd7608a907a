"""Record columns, the centring filter and the checks that all readers share."""

import gc

import numpy as np
import pytest

from src.data.annotation import KeypointRecords, is_centered, read_column, read_rows
from src.errors import InputError
from src.files import read_json


def make_records(count=3):
    return KeypointRecords(
        image_paths=[f"{number}.jpg" for number in range(count)],
        image_id=np.arange(count),
        center=np.full((count, 2), 100, np.float32),
        scale=np.ones((count, 2), np.float32),
        joints=np.full((count, 17, 2), 100, np.float32),
        visibility=np.ones((count, 17), np.float32),
        score=np.arange(count, dtype=np.float32) / 10,
        image_size=np.full((count, 2), 640),
    )


@pytest.mark.parametrize("indices", [[2, 0], np.array([2, 0])])
def test_selected_rows_come_in_the_given_order_in_every_column(indices):
    records = make_records().select(indices)
    assert len(records) == 2
    assert records.image_paths == ["2.jpg", "0.jpg"]
    assert records.image_id.tolist() == [2, 0]
    assert records.score.tolist() == pytest.approx([0.2, 0])
    assert records.joints.shape == (2, 17, 2)


def test_mask_and_slice_select_the_same_rows():
    mask = make_records().select(np.array([False, True, True]))
    assert mask.image_paths == make_records().select(slice(1, None)).image_paths == ["1.jpg", "2.jpg"]


def test_empty_selection_gives_empty_records():
    records = make_records().select([])
    assert len(records) == 0 and records.joints.shape == (0, 17, 2)


def test_centered_joints_are_kept_and_distant_or_unlabelled_ones_are_not():
    records = make_records()
    records.joints[1] += 200
    records.visibility[2] = 0
    assert is_centered(records).tolist() == [True, False, False]


@pytest.mark.parametrize("count, limit", [(1, 0.45), (17, 0.65)])
def test_limit_of_the_filter_rises_with_the_labelled_joints(count, limit):
    records = make_records(2)
    records.visibility[:, count:] = 0
    closeness = np.array([limit + 0.005, limit - 0.005])
    records.joints[:, :, 0] += np.sqrt(-2 * 0.2**2 * 200**2 * np.log(closeness))[:, None]
    assert is_centered(records).tolist() == [True, False]


def test_unlabelled_joints_do_not_move_the_mean_of_the_filter():
    records = make_records(1)
    records.joints[0, 5:] = 10000
    records.visibility[0, 5:] = 0
    assert is_centered(records).tolist() == [True]


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="none.json: cannot be read: No such file"):
        read_json(tmp_path / "none.json")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b"[" * 200_000])
def test_file_that_is_not_json_is_named(tmp_path, content):
    (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(InputError, match="bad.json: is not JSON"):
        read_json(tmp_path / "bad.json")


def test_garbage_collection_goes_on_after_a_broken_file(tmp_path):
    (tmp_path / "bad.json").write_bytes(b"{")
    with pytest.raises(InputError):
        read_json(tmp_path / "bad.json")
    assert gc.isenabled()


@pytest.mark.parametrize("rows", [None, {}, [1], "rows"])
def test_section_that_is_no_list_of_objects_is_named(rows):
    with pytest.raises(InputError, match="f.json: images must be a list of objects"):
        read_rows("f.json", rows, "images")


@pytest.mark.parametrize(
    "value, message",
    [
        ({"box": [1, 2, 3]}, r"f.json: people\[1\].box: expected 4 numbers, got \[1, 2, 3\]"),
        ({}, r"f.json: people\[1\].box: expected 4 numbers, is missing"),
        ({"box": None}, r"people\[1\].box: expected 4 numbers, got None"),
        ({"box": [1, 2, 3, "a"]}, r"people\[1\].box"),
        ({"box": [1, 2, 3, float("nan")]}, r"people\[1\].box"),
        ({"box": [[1, 2, 3, 4]]}, r"people\[1\].box"),
    ],
)
def test_value_of_wrong_shape_or_kind_names_its_row_and_field(value, message):
    rows = [{"box": [1, 2, 3, 4]}, value]
    with pytest.raises(InputError, match=message):
        read_column("f.json", rows, "people", "box", (4,))


def test_flat_lists_are_given_the_wanted_shape():
    column = read_column("f.json", [{"k": [1, 2, 3, 4]}], "people", "k", (4,))
    assert column.shape == (1, 4) and column.dtype == np.float64


def test_no_rows_give_an_empty_column():
    assert read_column("f.json", [], "people", "box", (4,)).shape == (0, 4)
