import numpy as np
import pytest

from src.data.lifting import LiftingRows
from src.data.order import Shard
from src.data.pose_space import PoseSpace
from src.errors import InputError
from src.gmh_mdn.data import (
    INPUT_NAMES,
    LIMBS,
    MotionData,
    TrainPoses,
    choose_actions,
    draw_missing,
    evaluation_order,
    make_eval_batches,
    sample_names,
    spread_places,
)


def make_rows(count=40, action=None):
    rng = np.random.default_rng(0)
    number = np.arange(count, dtype=np.int32)
    return LiftingRows(rng.standard_normal((count, 32)).astype(np.float32),
                       rng.standard_normal((count, 48)).astype(np.float32), np.zeros((count, 3), np.float32),
                       np.zeros(count, np.int32) if action is None else action, number % 4, number // 20, number % 20,
                       ("Eating", "Sitting"), tuple((9, name) for name in "abcd"),
                       ((9, "Eating", "Eating 1"), (9, "Sitting", "Sitting")))


def batch_of(rows, step=3, seed=5, shard=Shard(), keep=0.5, miss_num=0, size=8):
    return TrainPoses(rows, size, seed, shard, (5, 16), keep, miss_num).arrays(step)


def test_a_batch_depends_on_seed_and_step_alone():
    rows = make_rows()
    for first, second in zip(batch_of(rows), batch_of(rows)):
        np.testing.assert_array_equal(first, second)
    assert (batch_of(rows)[0] != batch_of(rows, step=4)[0]).any()
    assert (batch_of(rows)[2] != batch_of(rows, seed=6)[2]).any()


def test_inputs_and_targets_belong_together():
    rows = make_rows()
    inputs, targets, *_ = batch_of(rows)
    places = [np.flatnonzero((rows.inputs == one).all(1))[0] for one in inputs]
    np.testing.assert_array_equal(targets, rows.targets[places])


def test_workers_share_a_batch_its_missing_joints_and_its_dropout():
    rows = make_rows()
    whole = batch_of(rows, miss_num=1)
    parts = [batch_of(rows, shard=Shard(rank, 2), size=4, miss_num=1) for rank in (0, 1)]
    for array, shares in zip(whole, zip(*parts)):
        np.testing.assert_array_equal(np.stack(shares, 1).reshape(array.shape), array)


@pytest.mark.parametrize("keep", [0.5, 0.8])
def test_dropout_keeps_the_expected_share_and_the_mean(keep):
    rows = make_rows()
    batches = TrainPoses(rows, 32, 1, Shard(), (5, 512), keep, 0)
    factors = np.stack(batches.arrays(0)[2:])
    assert factors.shape == (5, 32, 512) and factors.dtype == np.float32
    assert set(np.unique(factors)) == {np.float32(0), np.float32(1 / keep)}
    assert (factors > 0).mean() == pytest.approx(keep, abs=0.01)


def test_without_dropout_a_batch_has_no_factors():
    assert len(batch_of(make_rows(), keep=1)) == 2


@pytest.mark.parametrize("miss_num", [1, 2])
def test_missing_joints_are_different_limbs_with_both_coordinates(miss_num):
    inputs = batch_of(make_rows(), miss_num=miss_num)[0].reshape(8, 16, 2)
    missing = (inputs == 0).all(-1)
    np.testing.assert_array_equal(missing.sum(1), miss_num)
    assert set(np.flatnonzero(missing.any(0))) <= set(LIMBS)
    choice = draw_missing(np.random.default_rng(0), 4000, miss_num)
    np.testing.assert_allclose(np.bincount(choice.ravel(), minlength=8) / choice.size, 1 / 8, atol=0.02)


def test_the_limbs_are_knees_ankles_elbows_and_wrists():
    assert LIMBS == (2, 3, 5, 6, 11, 12, 14, 15)
    assert [INPUT_NAMES[row] for row in LIMBS[:2]] == ["right_knee", "right_ankle"]


def test_the_last_frames_of_every_action_are_left_out():
    action = np.array([1, 0, 0, 1, 1, 0, 0, 0])
    np.testing.assert_array_equal(evaluation_order(action, 2), [1, 2, 5, 6, 0, 3])
    np.testing.assert_array_equal(evaluation_order(action, 1), [1, 2, 5, 6, 7, 0, 3, 4])


def test_evaluation_has_a_pass_for_each_number_of_missing_joints():
    batches = make_eval_batches(make_rows(), 16, 1, 0, True, 1, 0)
    batch = next(iter(batches))
    assert batches.pass_count == len(batch.passes) == 3 and batch.target["input"].shape == (16, 3, 32)
    for number, (inputs,) in enumerate(batch.passes):
        np.testing.assert_array_equal(inputs, batch.target["input"][:, number])
        np.testing.assert_array_equal((inputs.reshape(16, 16, 2) == 0).all(-1).sum(1), number)


def test_evaluation_without_a_full_batch_names_the_way_out():
    with pytest.raises(InputError, match="--tail_batch 1"):
        make_eval_batches(make_rows(10), 16, 64, 0, False, 1, 0)


def test_an_unknown_action_names_the_known_ones():
    with pytest.raises(InputError, match="action Swimming: expected All or one of Eating, Sitting"):
        choose_actions(("Eating", "Sitting"), "Swimming")
    assert choose_actions(("Eating", "Sitting"), "all") == ("Eating", "Sitting")


def test_places_are_spread_evenly():
    assert spread_places(3, 11) == [0, 5, 10] and spread_places(9, 2) == [0, 1] and spread_places(0, 5) == []


def test_samples_are_those_of_the_published_shuffle():
    rows = make_rows()
    order = evaluation_order(rows.action, 1)
    names = sample_names(rows, order, "Eating", 3)
    assert len(names) == 4 * 3  # five frames per view: 0, 4, 8, 12, 16 of camera 0
    shuffled = np.arange(0, 20, 4)[np.random.RandomState(42).permutation(5)]
    assert [place for place, name in names.items() if "_0_" in name] == shuffled[1:4].tolist()
    assert names[int(shuffled[1])] == "samples_sh/sample_9_Eating_1_0_1"


def test_world_poses_of_a_sample_equal_the_original(fake_h36m, make_network, golden_folder):
    from src.engine.score import forward
    from src.metrics.mixture import split_heads

    with np.load(golden_folder / "h36m.npz", allow_pickle=False) as content:
        recorded = {name: content[name] for name in content.files if name.startswith("sample/")}
    data = MotionData(str(fake_h36m.root), "", "StackedHourglass", "All", True, False)
    moments = data.measure()
    rows, cameras = data.test_rows(moments), data.cameras()
    space = PoseSpace(moments, [cameras[key] for key in rows.cameras], True)
    view = [number for number, title in enumerate(rows.sequences) if title[:2] == (9, "SittingDown")]
    camera = rows.cameras.index((9, "55011271"))
    candidates = [np.flatnonzero((rows.sequence == number) & (rows.camera == camera)) for number in view]
    part = next(found for found in candidates if len(found) == 10)
    mixture = split_heads(forward(make_network().set_train(False), (rows.inputs[part],))[0], 48)

    def whole(vectors, axes):
        """All 32 joints, those that are not predicted being their mean, in the original's axes."""
        joints = np.broadcast_to(moments.mean_3d, (*vectors.shape[:-1], 96)).copy()
        joints[..., moments.target_dims] = moments.millimetres(vectors).reshape(*vectors.shape[:-1], 48)
        return space.world(joints.reshape(*vectors.shape[:-1], 32, 3), camera).reshape(joints.shape).transpose(axes)

    for values, name in ((whole(mixture.mean, (0, 2, 1)), "hypotheses_world"), (whole(rows.targets[part], (0, 1)),
                                                                                "gt_world")):
        expected = recorded[f"sample/{name}"]
        np.testing.assert_allclose(values, expected, rtol=0, atol=1e-6 * np.abs(expected).max(), err_msg=name)
    pixels = np.tile(moments.mean_2d, (10, 1))
    pixels[:, moments.input_dims] = moments.pixels(rows.inputs[part]).reshape(10, 32)
    np.testing.assert_allclose(pixels, recorded["sample/pixels"], rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(np.random.RandomState(42).permutation(10), recorded["sample/permutation"])
