"""Data sets by name: files, folders and mixtures are found, missing ones named, validation rows held out."""

import numpy as np
import pytest

from src.data.dense_annotation import write_dense_annotation
from src.data.dense_sets import (
    MIXTURES,
    SETS,
    draw_member,
    find_test_set,
    hold_out,
    read_test_set,
    read_training_sets,
)
from src.errors import InputError


def write_set(root, name, count, with_body=True, **more):
    """Writes a set's annotation and its picture folder."""
    columns = {"imgname": [f"{k}.jpg" for k in range(count)], "center": np.zeros((count, 2)), "scale": np.ones(count)}
    if with_body:
        columns |= {"pose": np.zeros((count, 72)), "shape": np.arange(count)[:, None] * np.ones((1, 10))}
    one = SETS[name]
    write_dense_annotation(root / "mesh_annotation_files" / f"{(one.train or one.test)[0]}.npz", {**columns, **more})
    (root / one.folder).mkdir(exist_ok=True)


def test_a_set_is_read_from_its_place(tmp_path):
    write_set(tmp_path, "up-3d", 4, iuv_names=["a.png"] * 4)
    sets = read_training_sets("up-3d", tmp_path, "BF")
    assert sets.names == ["up-3d"] and sets.shares == [1.0] and len(sets) == 4
    assert sets.records[0].iuv_paths[0] == str(tmp_path / "up-3d/BF_IUV_gt/a.png")
    assert sets.records[0].bodies.image_paths[0] == str(tmp_path / "up-3d/0.jpg")


def test_videos_lie_by_split_with_or_without_the_folder_data(tmp_path):
    columns = {"videoname": ["d/c.mp4"], "framenum": [3], "center": np.zeros((1, 2)), "scale": [1.0]}
    for file in ("surreal_train", "surreal_val"):
        write_dense_annotation(tmp_path / f"mesh_annotation_files/{file}.npz", columns)
    (tmp_path / "surreal/cmu/train").mkdir(parents=True)
    (tmp_path / "surreal/data/cmu/val").mkdir(parents=True)
    train = read_training_sets("surreal", tmp_path, "BF").records[0]
    assert train.bodies.image_paths == [str(tmp_path / "surreal/cmu/train/d/c.mp4")]
    test = read_test_set("surreal", tmp_path, "BF")
    assert test.bodies.image_paths == [str(tmp_path / "surreal/data/cmu/val/d/c.mp4")] and test.frame.tolist() == [3]


def test_the_members_of_a_mixture_have_their_shares(tmp_path):
    for name, count in (("h36m", 10), ("lsp-orig", 1), ("mpii", 2), ("lspet", 3), ("coco", 6), ("mpi-inf-3dhp", 4)):
        write_set(tmp_path, name, count, with_body=name == "h36m")
    sets = read_training_sets("spin", tmp_path, "BF")
    shares = dict(zip(sets.names, sets.shares))
    assert shares["h36m"] == 0.3 and shares["mpi-inf-3dhp"] == 0.1
    np.testing.assert_allclose([shares[name] for name in ("lsp-orig", "mpii", "lspet", "coco")],
                               [0.05, 0.1, 0.15, 0.3])
    assert len(sets) == 10


def test_shares_of_every_mixture_leave_nothing_out():
    for shares in MIXTURES.values():
        total = sum(share for share in shares.values() if share is not None)
        assert total == pytest.approx(1) or (None in shares.values() and total < 1)
        assert all(SETS[name].train for name in shares)


def test_members_are_drawn_by_their_shares(tmp_path):
    for name in MIXTURES["mesh"]:
        write_set(tmp_path, name, 3 if name == "up-3d" else 8)
    sets = read_training_sets("mesh", tmp_path, "BF")
    drawn = [draw_member(sets, 7, np.random.default_rng(seed)) for seed in range(2000)]
    share = np.mean([records is sets.records[0] for records, _ in drawn])
    assert abs(share - 0.7) < 0.04
    assert {(records is sets.records[0], row) for records, row in drawn} == {(True, 7), (False, 1)}


def test_fits_of_spin_replace_bodies_when_asked(tmp_path):
    write_set(tmp_path, "lspet", 2, with_body=False, iuv_names=["a.png"] * 2)
    (tmp_path / "spin_fits").mkdir()
    np.savez(tmp_path / "spin_fits/hr-lspet_train.npz", pose=np.ones((2, 72)), betas=np.ones((2, 10)),
             valid_fit=np.array([1, 0]))
    records = read_training_sets("lspet", tmp_path, "BF", use_spin_fit=True).records[0]
    assert records.bodies.has_smpl.tolist() == [1, 0] and "BF_IUV_SPIN_fit/a.png" in records.iuv_paths[0]
    records = read_training_sets("lspet", tmp_path, "BF").records[0]
    assert not records.bodies.has_smpl.any() and "BF_IUV_gt/a.png" in records.iuv_paths[0]


def test_validation_takes_the_last_rows_out_of_training(tmp_path):
    write_set(tmp_path, "up-3d", 20)
    sets, taken = hold_out(read_training_sets("up-3d", tmp_path, "BF"), 0.1)
    assert len(sets) == 18 and taken.bodies.shape[:, 0].tolist() == [18, 19]
    assert sets.records[0].bodies.shape[:, 0].max() == 17


def test_validation_is_held_out_of_the_member_with_bodies(tmp_path):
    for name in MIXTURES["itw"]:
        write_set(tmp_path, name, 10, with_body=name == "up-3d")
    sets, taken = hold_out(read_training_sets("itw", tmp_path, "BF"), 0.2)
    assert {name: len(one) for name, one in zip(sets.names, sets.records)} == {
        "lsp-orig": 10, "coco": 10, "mpii": 10, "up-3d": 8}
    assert len(taken) == 2 and taken.bodies.has_smpl.all()


def test_fits_are_not_validated_on_where_bodies_are_measured(tmp_path):
    for name in MIXTURES["itw"]:
        write_set(tmp_path, name, 10)
    sets, taken = hold_out(read_training_sets("itw", tmp_path, "BF"), 0.2)
    assert len(taken) == 2 and {name: len(one) for name, one in zip(sets.names, sets.records)} == {
        "lsp-orig": 10, "coco": 10, "mpii": 10, "up-3d": 8}


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_nothing_is_held_out_when_there_is_nothing_to_score_or_not_asked(tmp_path, share):
    write_set(tmp_path, "lspet", 4, with_body=share == 0)
    sets, taken = hold_out(read_training_sets("lspet", tmp_path, "BF"), share)
    assert taken is None and len(sets) == 4


@pytest.mark.parametrize("share", [-0.1, 1.0, 0.99])
def test_a_share_that_leaves_nothing_is_refused(tmp_path, share):
    write_set(tmp_path, "up-3d", 4)
    with pytest.raises(InputError, match="validation_share"):
        hold_out(read_training_sets("up-3d", tmp_path, "BF"), share)


def test_the_test_set_follows_from_the_training_set():
    assert find_test_set("up-3d") == "up-3d" and find_test_set("itw") == "up-3d"
    assert find_test_set("spin") == "h36m-p2" and find_test_set("up-3d", "lsp") == "lsp"
    for wrong in ("lspet", "nothing"):
        with pytest.raises(InputError, match="expected one of people, up-3d"):
            find_test_set(wrong)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match="dataset 'x': expected one of people, up-3d"):
        read_training_sets("x", tmp_path, "BF")
    with pytest.raises(InputError, match="up_3d_trainval.npz: not found"):
        read_training_sets("up-3d", tmp_path, "BF")
    write_set(tmp_path, "up-3d", 4)
    (tmp_path / "up-3d").rmdir()
    with pytest.raises(InputError, match="holds the pictures of up-3d"):
        read_training_sets("up-3d", tmp_path, "BF")
