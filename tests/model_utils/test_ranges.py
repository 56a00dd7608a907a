import re

import pytest

from model_utils import config
from model_utils.ranges import LEAST, check_ranges
from src.errors import InputError


@pytest.mark.parametrize("key", LEAST)
def test_the_smallest_value_is_taken_and_the_one_below_is_refused_by_name(key):
    check_ranges({key: LEAST[key]})
    with pytest.raises(InputError, match=f"^{key} {LEAST[key] - 1}: expected at least {LEAST[key]}$"):
        check_ranges({key: LEAST[key] - 1})


def test_a_loss_scale_must_be_positive():
    with pytest.raises(InputError, match="loss_scale 0.0: expected a number above 0"):
        check_ranges({"loss_scale": 0.0})


@pytest.mark.parametrize("words", [["--save_steps", "-1"], ["--limit", "-1"], ["--clip_norm", "-0.5"]])
def test_an_option_out_of_its_range_is_refused_when_the_command_line_is_read(words):
    with pytest.raises(InputError, match=re.escape(f"{words[0][2:]} {words[1]}: expected at least 0")):
        config.parse(["--model", "simple_pose", *words], "")


def test_every_key_is_one_of_the_configuration():
    cfg = config.parse(["--model", "simple_pose"], "")
    assert not set(LEAST) - set(cfg)
