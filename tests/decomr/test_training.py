"""Whole training steps of both stages against recorded losses, gradients and updates of the published code."""

import json

import numpy as np
import pytest
from mindspore import Tensor

from src.decomr.loss import LossOptions
from src.decomr.training import make_correspondence_step, make_mesh_step, make_optimizer
from src.decomr.weights import rename_weight
from src.engine.checkpoint import network_arrays

FLAGS = {"has_dp": [1, 1, 0, 1], "has_smpl": [1, 1, 0, 1], "has_pose_3d": [1, 0, 0, 1],
         "has_pose_3d_smpl": [0, 1, 0, 0], "fit_joint_error": [0, 0.03, 0.01, 0.2]}
# biases in front of a batch normalisation: their gradient is zero but for rounding
WITHOUT_GRADIENT = ("LNet.camera.0.bias", "LNet.camera.3.bias", "LNet.fc_head.0.bias")
FIRST_LOSS, GRADIENT, SECOND_LOSS = 2e-5, 2e-3, 2e-2  # what the published code keeps against itself
ALL_OPTIONS = {"adaptive_weight": True, "gtkey3d_from_mesh": True, "use_smpl_joints": True, "lam_mesh": 1.0}


@pytest.fixture(scope="module")
def batch(read_golden, images):
    """The columns of a batch of four samples."""
    golden = read_golden("step_inputs")
    flags = {name: np.array(values, np.float32) for name, values in FLAGS.items()}
    keypoints, joints = golden["keypoints"], golden["pose_3d"]
    columns = (images, golden["gt_iuv"], flags["has_dp"], flags["fit_joint_error"], golden["gt_vertices"],
               flags["has_smpl"], keypoints, joints, flags["has_pose_3d"],
               np.ascontiguousarray(keypoints[:, ::-1]), np.ascontiguousarray(joints[:, ::-1]),
               flags["has_pose_3d_smpl"])
    return [Tensor(column) for column in columns]


def our_name(name):
    """Our name of a recorded tensor; CNet's may lack the part's name."""
    return rename_weight(name if name.startswith(("CNet.", "LNet.")) else f"CNet.{name}")


def compare(record, step, batch):
    """Runs two steps and compares losses, gradients, the first update and running statistics."""
    before = network_arrays(step.loss_network)
    terms = step.loss_network.terms
    first = dict(zip(terms, map(float, step(*batch))))
    after = network_arrays(step)
    second = dict(zip(terms, map(float, step(*batch))))
    # Adam's first moment, which starts at zero, is a tenth of the first gradient
    norms = {name: 10 * np.linalg.norm(after[f"stage.moment1.{name}"].astype(np.float64)) for name in before
             if f"stage.moment1.{name}" in after}

    for values, expected, tolerance in ((first, record["losses_step1"], FIRST_LOSS),
                                        (second, record["losses_step2"], SECOND_LOSS)):
        assert {"total" if name == "loss" else name for name in values} == set(expected)
        for name, value in values.items():
            assert value == pytest.approx(expected["total" if name == "loss" else name], rel=tolerance, abs=1e-9), name
    for name, expected in record["grad_norms"].items():
        ours = our_name(name)
        if ours is None or ours in WITHOUT_GRADIENT:
            continue
        assert norms[ours] == pytest.approx(expected, rel=GRADIENT), name
        update = np.abs(after[ours] - before[ours]).max()
        assert update == pytest.approx(record["max_abs_update"][name], rel=GRADIENT), name
    for name, expected in record["running_stats"].items():
        ours = our_name(name)
        if ours in after:  # the record of stage dp names the other network too
            np.testing.assert_allclose(after[ours].ravel()[:8], expected, rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.fixture
def network(make_network, read_golden):
    """Both networks with the recorded weights, in training."""
    return make_network("GN", read_golden("step_inputs")["mask_bias"])


def adam(cell):
    return make_optimizer(cell, 2.5e-4, 0.9, 0.0, "stage.")


def test_a_step_of_stage_dp_is_the_published_one(network, folder, batch):
    record = json.loads((folder / "step_dp.json").read_text())
    step = make_correspondence_step(network, LossOptions(), adam(network.CNet)).set_train(True)
    compare(record, step, batch[:4])


@pytest.mark.parametrize(("name", "options"), [("step_end", {}), ("step_end_all", ALL_OPTIONS)])
def test_a_step_of_stage_end_is_the_published_one(network, folder, read_golden, make_tables, batch, name, options):
    record, golden = json.loads((folder / f"{name}.json").read_text()), read_golden("step_inputs")
    step = make_mesh_step(network, *make_tables(128), golden["train_regressor"], golden["smpl_regressor"],
                          LossOptions(**options), adam(network)).set_train(True)
    compare(record, step, batch)
