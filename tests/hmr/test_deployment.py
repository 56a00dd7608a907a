"""HMR's deployed network and its contract, and the configuration's borders."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from model_utils import config
from src import hmr
from src.body.assets import default_body
from src.body.joint_regressor import make_regressor
from src.body.joints import COCOPLUS19, J24
from src.body.smpl import body_vertices
from src.data.order import Shard
from src.errors import InputError
from src.hmr.deployment import DeployedNet
from src.hmr.network import BodyNet
from src.people.writer import Request


@pytest.fixture(scope="module")
def bodies(tmp_path_factory):
    """A folder of 12 pictures with their bodies."""
    from src.people.body_sets import write_body_sets

    folder = tmp_path_factory.mktemp("bodies")
    write_body_sets(folder / "data", Request(12, 3, 64, 1, 0.25, "small"), 1)
    return folder / "data"


def make_cfg(*arguments):
    """The configuration of a command line with small settings."""
    return config.parse(["--model", "hmr", "--num_layers", "18", "--hidden_size", "16", "--image_size", "32",
                         "--batch_size", "2", "--batch_3d_size", "2", "--adv_batch_size", "2", "--eval_batch_size", "2",
                         *map(str, arguments)], "")


@pytest.mark.parametrize(("profile", "joint_set"), [("hmr", COCOPLUS19), ("mmpose", J24)])
@pytest.mark.parametrize("rotate_base", [False, True])
def test_the_joints_belong_to_the_rotations_and_shape_that_come_out(profile, joint_set, rotate_base, rng):
    body = default_body("small")
    regressor = make_regressor(body, joint_set)
    network = DeployedNet(BodyNet(profile, 18, 16), body, regressor, rotate_base).set_train(False)
    outputs = [output.asnumpy() for output in network(Tensor(rng.normal(size=(2, 3, 32, 32)).astype(np.float32)))]
    joints, camera, rotations, shape = outputs
    assert [output.shape for output in outputs] == [(2, joint_set.size, 3), (2, 3), (2, 24, 3, 3), (2, 10)]
    expected = regressor @ body_vertices(body, rotations, shape).vertices
    np.testing.assert_allclose(joints, expected, atol=1e-5)
    # fresh networks stand upright in a frame whose y points down, unless their root is turned
    assert (rotations[:, 0, 1, 1] > 0.5).all() if rotate_base else (rotations[:, 0, 1, 1] < -0.5).all()
    np.testing.assert_allclose(camera[:, 0], 0.9, atol=0.1)


@pytest.mark.parametrize("profile", ["hmr", "mmpose"])
def test_the_contract_is_what_the_network_takes_and_gives(profile, bodies):
    cfg = make_cfg("--profile", profile, "--data_path", bodies)
    contract = hmr.deployment(cfg)
    network = hmr.deploy_network(cfg, hmr.build_network(cfg)).set_train(False)
    (record,) = contract.inputs
    outputs = network(Tensor(np.zeros((contract.batch, *record.shape), np.float32)))
    assert [output.shape[1:] for output in outputs] == [record.shape for record in contract.outputs]
    assert len(contract.notes["joint_names"]) == contract.outputs[0].shape[0]


def test_joints_of_human36m_come_out_when_their_regressor_is_given(bodies):
    cfg = make_cfg("--data_path", bodies, "--joint_regressor_file", "models/smpl/J_regressor_h36m.npy")
    assert hmr.deployment(cfg).outputs[0].shape == (17, 3)
    network = hmr.deploy_network(cfg, hmr.build_network(cfg)).set_train(False)
    assert network(Tensor(np.zeros((2, 3, 32, 32), np.float32)))[0].shape == (2, 17, 3)


def test_a_regressor_with_other_rows_is_refused(bodies):
    cfg = make_cfg("--data_path", bodies, "--joint_regressor_file", "models/smpl/joints_regressor_cmr.npy")
    with pytest.raises(InputError, match="expected the 17 rows of h36m17, got 24"):
        hmr.deploy_network(cfg, hmr.build_network(cfg))


@pytest.mark.parametrize("profile", ["hmr", "mmpose"])
def test_training_starts_from_the_mean_file_and_its_batches_fit_the_step(profile, bodies):
    cfg = make_cfg("--profile", profile, "--data_path", bodies)
    network = hmr.build_network(cfg)
    (stage,) = hmr.build_stages(cfg, network, Shard())
    mean = hmr.read_mean_parameters(hmr._asset(cfg, 2))
    start = network.regressor.mean_theta if profile == "hmr" else network.regressor.init_pose
    expected = np.concatenate([mean.camera, mean.pose, mean.shape]) if profile == "hmr" else mean.pose_6d
    np.testing.assert_array_equal(start.asnumpy()[0], expected)
    (batch,) = stage.data.batches(0, 1)
    rows = 4 if profile == "hmr" else 2
    joints = 14 if profile == "hmr" else 24
    assert [column.shape for column in batch] == [
        (rows, 3, 32, 32), (rows, joints, 3), (rows, joints, 4), (rows, 24, 3), (rows, 10), (rows,),
        (2, 24, 3), (2, 10), (3, 2, rows, 16)]
    if profile == "hmr":
        assert batch[5].asnumpy()[:2].tolist() == [0, 0]  # the 2D stream has no bodies
    assert len(stage.terms) == len(stage.step.terms)


@pytest.mark.parametrize(("arguments", "message"), [
    (["--profile", "smplify"], "profile smplify: expected hmr or mmpose"), (["--image_size", "16"], "at least 32"),
    (["--dropout", "1"], "dropout 1.0: expected"),
    (["--adv_batch_size", "0"], "adv_batch_size 0: expected at least 1"), (["--epoch_steps", "-1"], "epoch_steps -1"),
    (["--discriminator_steps", "0"], "discriminator_steps 0: expected at least 1"),
    (["--discriminator_steps", "2", "--accumulate_steps", "2"], "discriminator_steps 2: expected 1 with accumulate")])
def test_values_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        hmr.build_network(make_cfg(*arguments))


def test_training_operator_by_operator_is_refused(bodies):
    cfg = make_cfg("--data_path", bodies, "--pynative", "true")
    with pytest.raises(InputError, match="pynative: the training step of hmr exists as a compiled graph only"):
        hmr.build_stages(cfg, hmr.build_network(cfg), Shard())


def test_an_unknown_data_set_is_refused(bodies):
    with pytest.raises(InputError, match="dataset 3dpw: expected human3.6m or mpi-inf-3dhp"):
        hmr.eval_data(make_cfg("--data_path", bodies, "--dataset", "3dpw"))


def test_a_data_set_with_one_protocol_needs_no_test_set(bodies):
    assert len(hmr.eval_data(make_cfg("--data_path", bodies, "--dataset", "MPI-INF-3DHP"))) > 0


@pytest.mark.slow
def test_half_precision_of_the_encoder_gives_nearly_the_same_loss(bodies):
    losses, names = [], []
    for level in ("O0", "O2"):
        cfg = make_cfg("--data_path", bodies, "--amp_level", level)
        ms.set_seed(5)
        network = hmr.build_network(cfg)
        (stage,) = hmr.build_stages(cfg, network, Shard())
        (batch,) = stage.data.batches(0, 1)
        losses.append(float(stage.step.set_train(True)(*batch)[0]))
        names.append([parameter.name for parameter in network.get_parameters()])
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    assert names[0] == names[1]
