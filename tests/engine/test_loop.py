import json
import os
import signal

import numpy as np
import pytest

from src.engine.checkpoint import network_arrays, read_weights
from src.errors import InputError

STEPS_PER_EPOCH = 5


def stop_at(loop, step, stage=0, number=signal.SIGTERM):
    """Sends the process a signal just before the given step of the run; the step itself is still done."""
    data = loop.stages[stage].data
    original = data.batches

    def batches(first, last):
        for position, batch in enumerate(original(first, last), first):
            if position + 1 == step:
                os.kill(os.getpid(), number)
            yield batch

    data.batches = batches


def rows(loop):
    lines = loop.log.path.read_text(encoding="utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "ms_per_step"} for line in lines]


def assert_same_state(first, second, stages=None):
    for number in stages or range(len(first.stages)):
        one, two = network_arrays(first.stages[number].step), network_arrays(second.stages[number].step)
        assert one.keys() == two.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], two[name], err_msg=name)


def test_training_lowers_the_loss(make_loop):
    loop = make_loop(epochs=6, learning_rate=0.2)
    assert loop.run() == 0
    losses = [row["loss"] for row in rows(loop)]
    assert np.mean(losses[-3:]) < 0.5 * np.mean(losses[:3])


@pytest.mark.parametrize("step", [3, 5, 12])
def test_a_resumed_run_equals_an_uninterrupted_one_to_the_last_bit(make_loop, step):
    whole = make_loop("whole")
    whole.run()
    broken = make_loop("broken")
    stop_at(broken, step)
    assert broken.run() == 128 + signal.SIGTERM
    assert broken.progress.step == step
    resumed = make_loop("broken", workers=2)
    resumed.resume()
    assert resumed.run() == 0
    assert_same_state(whole, resumed)
    assert rows(whole) == rows(resumed)


def test_a_run_that_is_killed_in_its_first_epoch_goes_on_from_the_start(make_loop):
    def interrupted(first, last):
        raise KeyboardInterrupt

    whole = make_loop("whole")
    whole.run()
    broken = make_loop("broken")
    broken.stages[0].data.batches = interrupted
    with pytest.raises(KeyboardInterrupt):
        broken.run()
    resumed = make_loop("broken")
    resumed.resume()
    assert resumed.progress.step == 0 and resumed.run() == 0
    assert_same_state(whole, resumed)
    assert rows(whole) == rows(resumed)


def test_a_new_run_in_the_folder_of_another_keeps_the_other_s_state_aside(make_loop):
    former = make_loop(epochs=2)
    former.run()
    make_loop(epochs=1).run()
    assert read_weights(former.folder.latest)[1]["progress"]["step"] == STEPS_PER_EPOCH
    assert read_weights(former.folder.folder / "previous.ckpt")[1]["progress"]["step"] == 2 * STEPS_PER_EPOCH


def test_gradient_accumulation_and_clipping_resume_exactly(make_loop):
    options = {"accumulate_steps": 2, "clip_norm": 0.5}
    whole = make_loop("whole", **options)
    whole.run()
    broken = make_loop("broken", **options)
    stop_at(broken, 7)
    broken.run()
    resumed = make_loop("broken", **options)
    resumed.resume()
    resumed.run()
    assert_same_state(whole, resumed)


def test_resuming_in_the_second_stage_keeps_what_the_first_one_trained(make_loop):
    whole = make_loop("whole", epochs=2, stages=2)
    whole.run()
    broken = make_loop("broken", epochs=2, stages=2)
    stop_at(broken, 4, stage=1)
    assert broken.run() == 128 + signal.SIGTERM
    resumed = make_loop("broken", epochs=2, stages=2)
    resumed.resume()
    assert resumed.progress.stage == 1 and resumed.progress.step == 4
    assert resumed.run() == 0
    np.testing.assert_array_equal(network_arrays(whole.network)["first.weight"],
                                  network_arrays(resumed.network)["first.weight"])


@pytest.mark.parametrize(("stage", "step"), [(0, 10), (1, 1), (1, 10)])
def test_a_run_that_stops_around_the_border_of_two_stages_goes_on_to_the_same_bits(make_loop, stage, step):
    whole = make_loop("whole", epochs=2, stages=2)
    whole.run()
    broken = make_loop("broken", epochs=2, stages=2)
    stop_at(broken, step, stage)
    assert broken.run() == 128 + signal.SIGTERM
    resumed = make_loop("broken", epochs=2, stages=2)
    resumed.resume()
    assert resumed.run() == 0
    assert_same_state(whole, resumed, [1])
    assert rows(whole) == rows(resumed)
    steps = [(row["stage"], row["step"]) for row in rows(resumed)]
    assert len(steps) == len(set(steps)) and set(steps) >= {("stage0", 10), ("stage1", 10)}


def test_each_stage_keeps_its_last_weights_and_only_scored_ones_are_validated(make_loop, tmp_path):
    loop = make_loop(epochs=2, stages=2, keep=1, validate=lambda should_stop: {"error": 0.5})
    loop.stages[0].is_scored = False
    assert loop.run() == 0
    assert sorted(path.name for path in (tmp_path / "run").glob("toy*.ckpt")) == ["toy_stage0-2_5.ckpt",
                                                                                  "toy_stage1-2_5.ckpt"]
    assert [(row["stage"], row["epoch"]) for row in rows(loop) if "error" in row] == [("stage1", 1), ("stage1", 2)]


def test_interrupt_during_a_validation_repeats_the_validation(make_loop):
    calls = []

    def interrupted(should_stop):
        calls.append(1)
        should_stop()
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return None if should_stop() else {"error": float(len(calls))}

    broken = make_loop(validate=interrupted)
    assert broken.run() == 128 + signal.SIGINT
    assert broken.progress.step == 2 * STEPS_PER_EPOCH and broken.progress.scored_epoch == 1
    seen = []
    resumed = make_loop(validate=lambda should_stop: seen.append(1) or {"error": 0.5})
    resumed.resume()
    resumed.run()
    assert len(seen) == 3, "epochs 2, 3 and 4"


def test_the_best_checkpoint_is_of_the_epoch_with_the_best_metric(make_loop):
    values = iter([3.0, 1.0, 2.0, 1.5])
    weights = {}

    def validate(should_stop):
        value = next(values)
        weights[value] = network_arrays(loop.network)["last.weight"]
        return {"error": value}

    loop = make_loop(validate=validate)
    loop.run()
    arrays, info = read_weights(loop.folder.best)
    assert info["epoch"] == 2 and info["best"]["value"] == 1.0
    np.testing.assert_array_equal(arrays["last.weight"], weights[1.0])
    assert "stage0.moment1.last.weight" not in arrays


def test_a_larger_metric_is_better_where_the_options_say_so(make_loop):
    values = iter([0.1, 0.4, 0.3, 0.2])
    loop = make_loop(validate=lambda should_stop: {"error": next(values)}, is_lower=False)
    loop.run()
    assert read_weights(loop.folder.best)[1]["epoch"] == 2


def test_only_the_newest_epoch_files_are_kept(make_loop):
    loop = make_loop(keep=2)
    loop.run()
    names = sorted(path.name for path in loop.folder.folder.glob("toy-*.ckpt"))
    assert names == ["toy-3_5.ckpt", "toy-4_5.ckpt"]


def test_rows_behind_the_resumed_step_are_dropped(make_loop):
    loop = make_loop(save_steps=3)
    stop_at(loop, 3)
    loop.run()
    with open(loop.log.path, "a", encoding="utf-8") as stream:
        stream.write(json.dumps({"stage": "stage0", "epoch": 1, "step": 4, "loss": 99.0}) + "\n")
        stream.write('{"stage": "st')
    resumed = make_loop(save_steps=3)
    resumed.resume()
    resumed.run()
    assert all(row.get("loss") != 99.0 for row in rows(resumed))
    assert [row["step"] for row in rows(resumed)] == [2, 4, 5, 7, 9, 10, 12, 14, 15, 17, 19, 20]


def test_a_run_with_another_seed_cannot_be_resumed(make_loop):
    make_loop(epochs=1).run()
    with pytest.raises(InputError, match="seed 7, this run has 8"):
        make_loop(seed=8).resume()


def test_a_run_with_another_batch_cannot_be_resumed(make_loop):
    make_loop(epochs=1).run()
    with pytest.raises(InputError, match="samples per global batch 4, this run has 2"):
        make_loop(batch=2).resume()


def test_a_file_of_weights_alone_cannot_be_resumed(make_loop):
    loop = make_loop(epochs=1)
    loop.run()
    with pytest.raises(InputError, match="weights only"):
        make_loop().resume(loop.folder.folder / "toy-1_5.ckpt")


def test_a_loss_that_is_not_finite_ends_training_with_the_reason(make_loop):
    with pytest.raises(InputError, match="learning_rate"):
        make_loop(learning_rate=float("inf")).run()


def test_an_unknown_best_metric_names_the_ones_there_are(make_loop):
    with pytest.raises(InputError, match="best_metric ap: the evaluation gives error"):
        make_loop(metric="ap", validate=lambda should_stop: {"error": 1.0}).run()


def test_only_rank_zero_writes(make_loop, tmp_path):
    loop = make_loop("quiet", epochs=1)
    loop.log.is_writer = loop.folder.is_writer = False
    loop.run()
    assert not (tmp_path / "quiet").exists()
