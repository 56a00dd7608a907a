"""What training validates on."""

from types import SimpleNamespace

from src import models


def test_the_best_checkpoint_is_chosen_on_data_held_out_where_there_are_some():
    package = SimpleNamespace(eval_data=lambda cfg: "test set", build_evaluator=lambda cfg: "evaluator")
    assert models.validation(package, None) == ("test set", "evaluator")
    package.validation = lambda cfg: (f"held out of {cfg}", "another")
    assert models.validation(package, "training") == ("held out of training", "another")
