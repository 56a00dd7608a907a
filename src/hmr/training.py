"""HMR's training: optimisers, the adversarial step, and what a step needs beside its samples."""

from __future__ import annotations

from collections.abc import Callable

import mindspore as ms
import numpy as np
from mindspore import amp, nn, ops

from src.body.layer import rotation_matrices
from src.data.order import Shard
from src.engine.step import own_optimizer_parameters, set_precision
from src.engine.update import MeanOverWorkers, ParameterUpdate
from src.hmr.loss import score_loss
from src.hmr.network import ITERATIONS, LAYERS_WITH_DROPOUT

STEP_STREAM = 1  # distinguishes the draws of a step from those of its samples


def make_optimizer(cell: nn.Cell, learning_rate, weight_decay: float, prefix: str) -> nn.Optimizer:
    """Adam with an L2 term on every parameter, as PyTorch's Adam has it.

    Args: learning_rate: a number, or a schedule.
    """
    # a group of its own: an ungrouped list would leave normalisation and biases without decay
    groups = [{"params": cell.trainable_params(), "weight_decay": weight_decay}]
    optimizer = nn.Adam(groups, learning_rate=learning_rate)
    own_optimizer_parameters(optimizer, prefix)
    return optimizer


def lower_encoder(network: nn.Cell, amp_level: str, device_target: str) -> None:
    """Turns on mixed precision in the encoder; regressor, bodies and losses stay in float32."""
    names = [(parameter, parameter.name) for parameter in network.get_parameters()]
    network.encoder = set_precision(network.encoder, amp_level, device_target)
    for parameter, name in names:  # a wrapped cell renames them, which checkpoints must not see
        parameter.name = name


class NetworkLoss(nn.Cell):
    """The loss of states and labels: the objective's terms and the discriminator's opinion of the bodies.

    Cells and not methods of the step: some versions of the compiler give the gradient of a method the
    step's own arguments.
    """

    def __init__(self, objective: nn.Cell, discriminator: nn.Cell, adversarial_weight: float, is_summed: bool):
        super().__init__(auto_prefix=False)
        self.objective, self.discriminator = objective, discriminator
        self.adversarial_weight, self.is_summed = adversarial_weight, is_summed

    def construct(self, states, labels, scale):
        """Gives the loss times ``scale``; beside it the loss and its terms."""
        terms = self.objective(states, *labels)
        scores = self.discriminator(*self.objective.candidates(states))
        terms = terms + (self.adversarial_weight * score_loss(scores, 1.0, self.is_summed),)
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total * scale, total, terms


class DiscriminatorLoss(nn.Cell):
    """The discriminator's loss on (rotations, shapes) of real bodies and of estimates."""

    def __init__(self, discriminator: nn.Cell, weight: float, is_summed: bool):
        super().__init__(auto_prefix=False)
        self.discriminator, self.weight, self.is_summed = discriminator, weight, is_summed

    def construct(self, real_rotations, real_shape, rotations, shape):
        real = score_loss(self.discriminator(real_rotations, real_shape), 1.0, self.is_summed)
        return self.weight * (real + score_loss(self.discriminator(rotations, shape), 0.0, self.is_summed))


class AdversarialStep(nn.Cell):
    """One forward pass of the network, one update of it and one of the discriminator.

    The network's gradient is pulled back from that of its states, so that the discriminator may be
    updated between the two without a second forward pass.

    Args of the constructor:
        network, discriminator: what is trained.
        objective: maps states and labels to weighted terms and states to the discriminator's input.
        optimizers: of network and discriminator.
        adversarial_weight, discriminator_weight: of the scores in the two losses.
        is_discriminator_first: the network's loss sees the updated discriminator (profile mmpose) or the
            one before the update (profile hmr).
        discriminator_steps: updates of the discriminator per step, on the same bodies.
        is_summed: see ``score_loss``.
        loss_scale: first dynamic loss scale of the network's gradient, 0 = no scaling.
        worker_count: data-parallel workers whose gradients are averaged.
        options: those of ``ParameterUpdate``.
    """

    def __init__(self, network: nn.Cell, discriminator: nn.Cell, objective: nn.Cell,
                 optimizers: tuple[nn.Optimizer, nn.Optimizer], adversarial_weight: float = 1.0,
                 discriminator_weight: float = 1.0, is_discriminator_first: bool = False, is_summed: bool = True,
                 loss_scale: float = 0.0, worker_count: int = 1, discriminator_steps: int = 1, **options):
        super().__init__(auto_prefix=False)
        self.network, self.discriminator, self.objective = network, discriminator, objective
        self.is_discriminator_first, self.discriminator_steps = is_discriminator_first, discriminator_steps
        self.scaler = amp.DynamicLossScaler(loss_scale, 2, 2000) if loss_scale else None
        self.update_network = ParameterUpdate(optimizers[0], **options)
        self.update_discriminator = ParameterUpdate(optimizers[1], prefix="discriminator_", **options)
        self.network_mean = MeanOverWorkers(optimizers[0].parameters, worker_count)
        self.discriminator_mean = MeanOverWorkers(optimizers[1].parameters, worker_count)
        self.network_parameters = optimizers[0].parameters
        self.state_gradient = ms.value_and_grad(NetworkLoss(objective, discriminator, adversarial_weight, is_summed),
                                                0, None, has_aux=True)
        self.discriminator_gradient = ms.value_and_grad(
            DiscriminatorLoss(discriminator, discriminator_weight, is_summed), None, optimizers[1].parameters)

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the scalars that a step returns."""
        return ("loss", *self.objective.terms, "adversarial", "discriminator")

    def construct(self, image, keypoints_2d, joints_3d, pose, shape, has_smpl, real_pose, real_shape, masks):
        """One batch; returns the scalars that ``terms`` names."""
        labels = (keypoints_2d, joints_3d, pose, shape, has_smpl)
        states, pull_back = ms.vjp(self.network, image, masks, weights=self.network_parameters)
        rotations, shapes = self.objective.candidates(states)
        judged = (rotation_matrices(real_pose), real_shape, ops.stop_gradient(rotations), ops.stop_gradient(shapes))
        scale = ops.ones((), ms.float32) if self.scaler is None else self.scaler.scale(ops.ones((), ms.float32))
        if self.is_discriminator_first:
            judgement = self.train_discriminator(judged)
            (_, loss, terms), gradient = self.state_gradient(ops.depend(states, judgement), labels, scale)
        else:
            (_, loss, terms), gradient = self.state_gradient(states, labels, scale)
            judgement = self.train_discriminator(ops.depend(judged, loss))
        loss = ops.depend(loss, self.train_network(pull_back(gradient)[1]))
        return (loss,) + terms + (judgement,)

    def train_discriminator(self, judged):
        """Updates the discriminator on real and estimated bodies; returns its loss before the last update."""
        loss, gradients = self.discriminator_gradient(*judged)
        loss = ops.depend(loss, self.update_discriminator(self.discriminator_mean(gradients)))
        for _ in range(1, self.discriminator_steps):
            loss, gradients = self.discriminator_gradient(*ops.depend(judged, loss))
            loss = ops.depend(loss, self.update_discriminator(self.discriminator_mean(gradients)))
        return loss

    def train_network(self, gradients):
        """Updates the network, or lowers the loss scale when a gradient is not finite."""
        gradients = self.network_mean(gradients)
        if self.scaler is None:
            return self.update_network(gradients)
        gradients = self.scaler.unscale(gradients)
        is_finite = amp.all_finite(gradients)
        done = is_finite
        if is_finite:
            done = ops.depend(done, self.update_network(gradients))
        return ops.depend(done, self.scaler.adjust(is_finite))


def dropout_masks(rng: np.random.Generator, batch: int, hidden: int, rate: float = 0.5) -> np.ndarray:
    """Factors of dropout, (3, 2, batch, hidden) float32: 0 with probability ``rate``, else 1 / (1 - rate).

    Convention: masks are drawn on the host, because the framework's own dropout can be repeated neither
    after a resume nor, on a CPU, at all.
    """
    shape = (ITERATIONS, LAYERS_WITH_DROPOUT, batch, hidden)
    return (rng.random(shape, np.float32) >= rate) * np.float32(1 / (1 - rate))


def step_columns(prior, prior_rows: int, batch: int, hidden: int, dropout: float, seed: int, shard: Shard,
                 ) -> Callable[[int], tuple[np.ndarray, ...]]:
    """Makes the function that gives a step its real bodies and dropout masks.

    They depend on seed and step alone; the workers share one draw, each takes its rows.

    Args:
        prior: has ``draw(rng, count)``, which gives poses (count, 24, 3) and shapes (count, 10).
        prior_rows, batch: real bodies and samples of one worker's step.
        dropout: rate, see ``dropout_masks``.
    Returns: function of the step to real_pose, real_shape, masks.
    """
    mine = slice(shard.rank, None, shard.size)

    def columns(step: int) -> tuple[np.ndarray, ...]:
        rng = np.random.default_rng([seed, STEP_STREAM, step])
        pose, shape = prior.draw(rng, prior_rows * shard.size)
        masks = dropout_masks(rng, batch * shard.size, hidden, dropout)
        return pose[mine], shape[mine], np.ascontiguousarray(masks[:, :, mine])

    return columns
