"""Training loops on a small regression problem."""

import mindspore as ms
import pytest

from src.engine.loop import LoopOptions, TrainingLoop
from tests.engine.problem import Net, make_stage


@pytest.fixture
def make_loop(tmp_path):
    """Builds loops that start from the same weights, each with a folder of its own unless told."""
    ms.set_context(mode=ms.GRAPH_MODE)

    def build(folder="run", epochs=4, stages=1, validate=None, save_steps=0, keep=2, metric="error", seed=7,
              is_lower=True, **stage_options):
        ms.set_seed(seed)
        net = Net()
        made = [make_stage(net, epochs, f"stage{number}", **stage_options) for number in range(stages)]
        options = LoopOptions(ckpt_dir=str(tmp_path / folder), model="toy", seed=seed, log_steps=2,
                              save_steps=save_steps, save_epochs=1, keep_checkpoint_max=keep,
                              validate_epochs=1, best_metric=metric, best_is_lower=is_lower)
        return TrainingLoop(made, net, options, validate=validate)

    return build
