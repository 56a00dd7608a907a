"""HMR's training step against the recorded step of the published code, and what it must do in any case."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from src.body.assets import default_body
from src.body.layer import BodyJoints, BodyLayer
from src.data.mesh_annotation import PosePrior
from src.data.order import Shard
from src.engine.checkpoint import assign_arrays, network_arrays
from src.hmr import training
from src.hmr.loss import AxisAngleObjective, SixDObjective, score_loss
from src.hmr.network import BodyNet, Discriminator
from src.hmr.weights import rename_discriminator, rename_pytorch_hmr
from tests.hmr.test_loss import HMR_WEIGHTS, MMPOSE_WEIGHTS, mixed_labels

HIDDEN = 16
GRADIENT_TOLERANCE = 0.01


def make_step(profile, network, discriminator, rates=(1e-3, 1e-3), decay=1e-4, body=None, arrays=None, **options):
    """The step of a profile on a body; without arrays the joints are rows of the body's own regressor."""
    body = body or default_body("small")
    regressor = arrays["cocoplus_regressor"][:14] if arrays else np.tile(body.joint_regressor, (2, 1))[:24]
    objective = (AxisAngleObjective(BodyJoints(body, regressor[:14]), HMR_WEIGHTS, arrays is not None)
                 if profile == "hmr" else SixDObjective(BodyLayer(body, (regressor,)), 64, MMPOSE_WEIGHTS))
    discriminator.update_parameters_name("discriminator.")
    optimizers = (training.make_optimizer(network, rates[0], decay, "optimizer."),
                  training.make_optimizer(discriminator, rates[1], decay, "discriminator_optimizer."))
    step = training.AdversarialStep(network, discriminator, objective, optimizers,
                                    is_discriminator_first=profile == "mmpose", is_summed=profile == "hmr", **options)
    return step.set_train(True)


def make_batch(profile, rng, batch=4, real=3, size=64):
    """A batch of random numbers."""
    joints, visible = (14, 24)[profile == "mmpose"], rng.random
    arrays = (rng.normal(size=(batch, 3, size, size)),
              np.concatenate([rng.normal(size=(batch, joints, 2)), visible((batch, joints, 1)).round()], axis=2),
              np.concatenate([rng.normal(size=(batch, joints, 3)), visible((batch, joints, 1)).round()], axis=2),
              rng.normal(size=(batch, 24, 3)) * 0.3, rng.normal(size=(batch, 10)), np.arange(batch) % 2,
              rng.normal(size=(real, 24, 3)) * 0.3, rng.normal(size=(real, 10)),
              training.dropout_masks(rng, batch, HIDDEN))
    return tuple(Tensor(array.astype(np.float32)) for array in arrays)


def small_pair(profile, seed=3):
    """A network with an encoder of one layer and a discriminator, always with the same weights."""
    ms.set_seed(seed)
    network = BodyNet(profile, num_layers=18, hidden=HIDDEN)
    network.encoder = nn.SequentialCell(nn.Conv2d(3, 512, 16, stride=16, pad_mode="pad"), nn.BatchNorm2d(512),
                                        nn.ReLU())
    return network, Discriminator(hidden=8)


# ---- against the recorded step -------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded_step(hmr_golden, recorded_network, recorded_discriminator, recorded_body, golden_recipe):
    """Outputs, gradients and weights of the recorded step, made here."""
    golden, (body, arrays) = hmr_golden("losses_pytorch_hmr.npz"), recorded_body
    network, discriminator = recorded_network("pytorch_hmr"), recorded_discriminator("pytorch_hmr")
    step = make_step("hmr", network, discriminator, (1e-5, 1e-4), body=body, arrays=arrays)
    real = golden["step_mosh_theta"]
    batch = (Tensor(golden_recipe.normal("image", (2, 3, 224, 224))), *mixed_labels(golden),
             Tensor(real[:, 3:75].reshape(-1, 24, 3)), Tensor(real[:, 75:]),
             Tensor(np.ones((3, 2, 2, 1024), np.float32)))
    before = network_arrays(network)
    gradients = GradientsOf(step)(*batch)
    assign_arrays(network, before, "statistics before the step")
    trained = (*step.network_parameters, *step.update_discriminator.optimizer.parameters)
    names = [parameter.name for parameter in trained]
    found = {name: gradient.asnumpy() for name, gradient in zip(names, (*gradients[0], *gradients[1]))}
    assert len(found) == len(names)
    found["theta_2"] = np.concatenate([part.asnumpy().reshape(2, -1) for part in gradients[2]], axis=1)
    values = dict(zip(step.terms, (float(value) for value in step(*batch))))
    return values, found, {**network_arrays(network), **network_arrays(discriminator)}


class GradientsOf(nn.Cell):
    """Gradients of both losses of a step and its last state, without an update."""

    def __init__(self, step):
        super().__init__(auto_prefix=False)
        self.step = step

    def construct(self, image, keypoints_2d, joints_3d, pose, shape, has_smpl, real_pose, real_shape, masks):
        labels = (keypoints_2d, joints_3d, pose, shape, has_smpl)
        states, pull_back = ms.vjp(self.step.network, image, masks, weights=self.step.network_parameters)
        _, gradient = self.step.state_gradient(states, labels, ops.ones((), ms.float32))
        _, of_discriminator = self.step.discriminator_gradient(training.rotation_matrices(real_pose), real_shape,
                                                               *self.step.objective.candidates(states))
        return pull_back(gradient)[1], of_discriminator, states[-1]


def test_losses_of_the_recorded_step(recorded_step, hmr_golden):
    values, golden = recorded_step[0], hmr_golden("train_step_pytorch_hmr.npz")
    assert values["loss"] == pytest.approx(float(golden["loss_g"]), rel=1e-4)
    assert values["discriminator"] == pytest.approx(float(golden["loss_d"]), rel=1e-4)
    names = hmr_golden("losses_pytorch_hmr.npz")["step_names"].tolist()
    assert names[:6] == ["kp_2d", "kp_3d", "shape", "pose", "e_disc", "d_disc"]
    for name, expected in zip(("keypoints_2d", "joints_3d", "shape", "pose", "adversarial", "discriminator"),
                              golden["loss_terms"]):
        assert values[name] == pytest.approx(float(expected), rel=2e-4), name


def test_last_state_of_the_recorded_step(recorded_step, hmr_golden):
    golden = hmr_golden("train_step_pytorch_hmr.npz")
    np.testing.assert_allclose(recorded_step[1]["theta_2"], golden["theta_2"], atol=1e-5)


def test_gradients_of_the_recorded_step(recorded_step, hmr_golden):
    golden, found = hmr_golden("train_step_pytorch_hmr.npz"), recorded_step[1]
    for part, rename in (("g", rename_pytorch_hmr), ("d", rename_discriminator)):
        for name, norm in zip(golden[f"{part}_grad_names"].tolist(), golden[f"{part}_grad_norms"]):
            name = rename(name.removeprefix("module."))
            name = name if part == "g" else "discriminator." + name
            row = None
            if name.rpartition(".")[2].isdigit():
                name, _, row = name.rpartition(".")
            gradient = found[name] if row is None else found[name][int(row)]
            assert np.linalg.norm(gradient) == pytest.approx(norm, rel=GRADIENT_TOLERANCE), name
    expected = golden["g_grad_regressor_fc_2.bias"]
    np.testing.assert_allclose(found["regressor.output.bias"], expected, atol=1e-3 * np.abs(expected).max())


def test_weights_after_the_recorded_step(recorded_step, hmr_golden):
    golden, weights = hmr_golden("train_step_pytorch_hmr.npz"), recorded_step[2]
    # a step of Adam has the length of the rate, 1e-5 and 1e-4
    np.testing.assert_allclose(weights["regressor.output.bias"], golden["g_after_step_regressor_fc_2.bias"], atol=2e-7)
    np.testing.assert_allclose(weights["discriminator.shared1.bias"], golden["d_after_step_conv_0.bias"], atol=2e-6)


def test_statistics_after_the_recorded_step(recorded_step, hmr_golden):
    golden, weights = hmr_golden("train_step_pytorch_hmr.npz"), recorded_step[2]
    np.testing.assert_allclose(weights["encoder.bn1.moving_mean"], golden["bn1_running_mean"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(weights["encoder.bn1.moving_variance"], golden["bn1_running_var"], rtol=1e-4)


# ---- what a step must do in any case -------------------------------------------------------------


@pytest.mark.parametrize("profile", ["hmr", "mmpose"])
def test_the_network_learns_from_the_discriminator_before_or_after_its_update(profile, rng):
    batch = make_batch(profile, rng)
    network, discriminator = small_pair(profile)
    step = make_step(profile, network, discriminator)
    values = dict(zip(step.terms, (float(value) for value in step(*batch))))
    fresh, fresh_discriminator = small_pair(profile)
    fresh.set_train(True)
    judge = discriminator if profile == "mmpose" else fresh_discriminator
    optimizer = training.make_optimizer(fresh, 1e-3, 1e-4, "optimizer.")

    def total(*columns):
        states = fresh(columns[0], columns[8])
        scores = judge(*step.objective.candidates(states))
        adversarial = score_loss(scores, 1.0, profile == "hmr")
        return sum(step.objective(states, *columns[1:6])) + adversarial, adversarial

    (loss, adversarial), gradients = ms.value_and_grad(total, None, optimizer.parameters, has_aux=True)(*batch)
    optimizer(gradients)
    assert values["adversarial"] == pytest.approx(float(adversarial), rel=1e-4)
    assert values["loss"] == pytest.approx(float(loss), rel=1e-4)
    expected = network_arrays(fresh)
    for name, array in network_arrays(network).items():
        far = np.abs(array - expected[name]) > 1e-4  # a step of Adam is 1e-3 long; signs of tiny gradients may differ
        assert far.mean() < 0.02, name


def test_the_discriminator_learns_to_tell_real_from_estimated(rng):
    network, discriminator = small_pair("hmr")
    step = make_step("hmr", network, discriminator, rates=(0.0, 1e-2))
    batch, place = make_batch("hmr", rng), step.terms.index("discriminator")
    losses = [float(step(*batch)[place]) for _ in range(25)]
    assert losses[-1] < 0.5 * losses[0]


def test_further_updates_of_the_discriminator_equal_single_ones(rng):
    batch, weights = make_batch("mmpose", rng), []
    for steps, calls in ((2, 1), (1, 2)):
        network, discriminator = small_pair("mmpose")
        step = make_step("mmpose", network, discriminator, rates=(0.0, 1e-2), discriminator_steps=steps)
        for _ in range(calls):
            step(*batch)
        assert step.update_discriminator.optimizer.global_step.asnumpy() == 2
        weights.append(network_arrays(discriminator))
    for name, array in weights[0].items():
        np.testing.assert_allclose(array, weights[1][name], atol=1e-5, err_msg=name)


def test_all_state_has_a_name_of_its_own(rng):
    network, discriminator = small_pair("hmr")
    names = [parameter.name for parameter in make_step("hmr", network, discriminator, accumulate_steps=2,
                                                       ).get_parameters()]
    assert len(names) == len(set(names))
    for prefix in ("optimizer.", "discriminator_optimizer."):
        assert prefix + "global_step" in names


def test_a_step_from_stored_state_equals_the_uninterrupted_one(rng):
    batches = [make_batch("hmr", rng) for _ in range(4)]
    step = make_step("hmr", *small_pair("hmr"))
    for batch in batches[:2]:
        step(*batch)
    stored = network_arrays(step)
    expected = [[float(value) for value in step(*batch)] for batch in batches[2:]]
    again = make_step("hmr", *small_pair("hmr", seed=99))
    assign_arrays(again, stored, "stored state")
    assert [[float(value) for value in again(*batch)] for batch in batches[2:]] == expected
    for name, array in network_arrays(again).items():
        np.testing.assert_array_equal(array, network_arrays(step)[name])


def test_accumulation_updates_both_parts_every_second_batch(rng):
    network, discriminator = small_pair("hmr")
    step, batch = make_step("hmr", network, discriminator, accumulate_steps=2), make_batch("hmr", rng)
    before = network_arrays(network)["regressor.fc1.weight"], network_arrays(discriminator)
    step(*batch)
    np.testing.assert_array_equal(network_arrays(network)["regressor.fc1.weight"], before[0])
    step(*batch)
    assert np.abs(network_arrays(network)["regressor.fc1.weight"] - before[0]).max() > 1e-4
    name = "discriminator.joint_weight"
    assert np.abs(network_arrays(discriminator)[name] - before[1][name]).max() > 1e-4


def test_an_overflow_lowers_the_loss_scale_and_leaves_the_network(rng):
    network, discriminator = small_pair("hmr")
    step, batch = make_step("hmr", network, discriminator, loss_scale=1e38), make_batch("hmr", rng)
    before = network_arrays(network)["regressor.fc1.weight"]
    step(*batch)
    np.testing.assert_array_equal(network_arrays(network)["regressor.fc1.weight"], before)
    assert float(step.scaler.scale_value) == pytest.approx(5e37)


def test_a_loss_scale_does_not_change_the_update(rng):
    batch, weights = make_batch("hmr", rng), []
    for options in ({}, {"loss_scale": 1024.0}):
        network, discriminator = small_pair("hmr")
        make_step("hmr", network, discriminator, **options)(*batch)
        weights.append(network_arrays(network)["regressor.fc1.weight"])
    np.testing.assert_allclose(weights[0], weights[1], atol=1e-5)


# ---- real bodies and dropout masks --------------------------------------------------------------------


@pytest.fixture
def prior(rng):
    """A prior of 50 bodies."""
    return PosePrior(rng.normal(size=(50, 24, 3)).astype(np.float32), rng.normal(size=(50, 10)).astype(np.float32))


def test_masks_keep_half_of_the_numbers_and_double_them(rng):
    masks = training.dropout_masks(rng, 32, 1024)
    assert masks.shape == (3, 2, 32, 1024) and masks.dtype == np.float32 and set(np.unique(masks)) == {0, 2}
    assert masks.mean() == pytest.approx(1, abs=0.02)
    assert np.abs(np.corrcoef(masks.reshape(6, -1)) - np.eye(6)).max() < 0.03


def test_masks_of_another_rate_keep_the_mean(rng):
    masks = training.dropout_masks(rng, 32, 1024, 0.2)
    assert (masks == 0).mean() == pytest.approx(0.2, abs=0.01) and masks.mean() == pytest.approx(1, abs=0.02)
    assert (training.dropout_masks(rng, 2, 8, 0.0) == 1).all()


def test_a_step_s_columns_depend_on_seed_and_step_alone(prior):
    first, again = (training.step_columns(prior, 5, 4, 8, 0.5, 7, Shard()) for _ in range(2))
    first(3)
    for one, other in zip(first(11), again(11)):
        np.testing.assert_array_equal(one, other)
    other_seed = training.step_columns(prior, 5, 4, 8, 0.5, 8, Shard())
    for columns in (first(12), other_seed(11)):
        assert not np.array_equal(columns[2], again(11)[2]) and not np.array_equal(columns[0], again(11)[0])


def test_two_workers_share_the_columns_of_one(prior):
    whole = training.step_columns(prior, 6, 4, 8, 0.5, 7, Shard())(5)
    halves = [training.step_columns(prior, 3, 2, 8, 0.5, 7, Shard(rank, 2))(5) for rank in range(2)]
    for number, axis in enumerate((0, 0, 2)):
        joined = np.stack([half[number] for half in halves], axis=axis + 1).reshape(whole[number].shape)
        np.testing.assert_array_equal(joined, whole[number])


def test_the_optimizer_decays_normalisation_and_biases_too():
    network = nn.SequentialCell(nn.BatchNorm2d(2))
    optimizer = training.make_optimizer(network, 0.1, 0.5, "optimizer.")
    optimizer(tuple(ops.zeros_like(parameter) for parameter in optimizer.parameters))
    assert (network_arrays(network)["0.gamma"] < 0.95).all()
