"""Optimiser, schedule, precision and train step of the mixture density network."""

from __future__ import annotations

import mindspore as ms
from mindspore import nn

from src.engine.step import TrainStep, own_optimizer_parameters
from src.errors import InputError
from src.gmh_mdn.loss import FallingDeviation, MixtureLoss, NetworkWithLoss

# Ascend's words for precision, and the floating types of trunk and heads elsewhere. The loss is always float32: its
# constants do not fit into float16.
PRECISION_MODES = {"must_keep_origin_dtype": (ms.float32, ms.float32), "allow_mix_precision": (ms.float16, ms.float32),
                   "allow_fp32_to_fp16": None, "force_fp16": (ms.float16, ms.float16)}
MODE_OF_LEVEL = {"O0": "must_keep_origin_dtype", "O1": "allow_mix_precision", "O2": "allow_mix_precision",
                 "O3": "force_fp16"}


def choose_precision(precision_mode: str, amp_level: str) -> str:
    """The precision mode that two options ask for; raises InputError where they contradict each other."""
    if precision_mode not in PRECISION_MODES:
        raise InputError(f"precision_mode {precision_mode}: expected one of {', '.join(PRECISION_MODES)}")
    if amp_level not in MODE_OF_LEVEL:
        raise InputError(f"amp_level {amp_level}: expected one of {', '.join(MODE_OF_LEVEL)}")
    default = MODE_OF_LEVEL["O0"]
    if amp_level != "O0" and precision_mode not in (default, MODE_OF_LEVEL[amp_level]):
        raise InputError(f"amp_level {amp_level} means precision_mode {MODE_OF_LEVEL[amp_level]}, not {precision_mode}")
    return precision_mode if amp_level == "O0" else MODE_OF_LEVEL[amp_level]


def set_precision_mode(mode: str, device_target: str) -> tuple:
    """Floating types of trunk and heads; on Ascend the compiler is told instead, and the network stays float32.

    Raises: InputError for a mode that only Ascend has.
    """
    if device_target == "Ascend":
        ms.device_context.ascend.op_precision.precision_mode(mode)
        return PRECISION_MODES["must_keep_origin_dtype"]
    if PRECISION_MODES[mode] is None:
        raise InputError(f"precision_mode {mode}: only Ascend chooses operators by itself; {device_target} takes "
                         + ", ".join(name for name, types in PRECISION_MODES.items() if types))
    if device_target == "CPU" and mode != "must_keep_origin_dtype":
        print(f"precision_mode {mode}: float16 on CPU computes what a card would, it is not faster than float32")
    return PRECISION_MODES[mode]


def make_optimizer(network: nn.Cell, learning_rate: float, decay: float = 0.96, decay_steps: int = 100_000
                   ) -> nn.Optimizer:
    """Adam with the rate learning_rate * decay ** (updates / decay_steps), not in stairs.

    MindSpore's Adam adds its 1e-8 to the root that is not corrected for its bias, as TensorFlow's does.
    """
    schedule = nn.ExponentialDecayLR(learning_rate, decay, decay_steps, is_stair=False)
    optimizer = nn.Adam(network.trainable_params(), learning_rate=schedule)
    own_optimizer_parameters(optimizer, "optimizer.")
    return optimizer


def make_step(network: nn.Cell, optimizer: nn.Optimizer, concentration: list[float], least_deviation: float = 1e-15,
              first_deviation: float = 0.0, deviation_steps: int = 1, **options) -> TrainStep:
    """The step on (input, target) or (input, target, dropout's factors).

    Args:
        least_deviation, first_deviation, deviation_steps: the deviations' lower limit falls from the second to the
            first within so many updates; ``first_deviation`` 0 keeps it.
        options: those of ``TrainStep``.
    """
    limit = (FallingDeviation(optimizer.global_step, first_deviation, least_deviation, deviation_steps)
             if first_deviation else least_deviation)
    return TrainStep(NetworkWithLoss(network, MixtureLoss(concentration, limit)), optimizer, has_terms=True, **options)
