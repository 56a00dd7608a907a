import pytest
import yaml

from model_utils import config
from src.errors import InputError

TEXT = """\
common:
  # ---- files ----
  # folder of the data set
  data_path: ./data
  # go on
  resume: false

  # ---- training ----
  # seed of everything
  seed: 1
  # steps below zero are allowed
  offset: -1

alpha:
  # ---- network (paper, section 2) ----
  # rate, in two
  # lines
  learning_rate: 0.001
  # width, height
  image_size: [192, 256]
  # shares
  shares: [1, 0.5]
  # names
  sets: [left, right]
  # epochs
  drops: []
  # mirror
  flip: true

beta:
  # rate
  learning_rate: 0.5
  # depth
  depth: 3
  # its own seed
  seed: 7
"""


@pytest.fixture(autouse=True)
def made_up_configuration(tmp_path, monkeypatch):
    path = tmp_path / "config.yaml"
    path.write_text(TEXT, encoding="utf-8")
    monkeypatch.setattr(config, "CONFIG_FILE", path)


@pytest.fixture
def layer(tmp_path):
    """Writes a configuration file and returns its name."""

    def write(text, name="layer.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def parse(*arguments, model="alpha", extra=None):
    return config.parse(["--model", model, *arguments], "Does something.", extra)


def message(*arguments, **options):
    with pytest.raises(InputError) as caught:
        parse(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_models_are_the_sections_but_common():
    assert config.model_names() == ["alpha", "beta"]


def test_defaults_are_those_of_common_and_of_the_model():
    assert dict(parse()) == {
        "model": "alpha", "data_path": "./data", "resume": False, "seed": 1, "offset": -1, "learning_rate": 0.001,
        "image_size": [192, 256], "shares": [1, 0.5], "sets": ["left", "right"], "drops": [], "flip": True}


def test_a_key_of_the_model_goes_before_the_same_key_of_common():
    assert parse(model="beta").seed == 7


@pytest.mark.parametrize(("words", "expected"), [
    (["128", "96"], [128, 96]), (["128,96"], [128, 96]), (["128,", "96"], [128, 96]), (["[128, 96]"], [128, 96]),
    (["[128,", "96]"], [128, 96]), (["[128,96]"], [128, 96]), (["-1,2"], [-1, 2]), (["-1", "-2"], [-1, -2]),
    (["[]"], []), (["7"], [7])])
def test_a_list_is_written_in_several_ways(words, expected):
    assert parse("--image_size", *words).image_size == expected


@pytest.mark.parametrize("words", [["1,,2"], ["[1,2"], ["1,2]"], ["1,"], ["[[1],2]"], []])
def test_a_list_that_is_not_whole_is_refused(words):
    assert "--image_size" in message("--image_size", *words)


def test_items_of_a_list_have_the_type_of_the_default():
    assert message("--image_size", "1", "x") == "--image_size: expected an integer, got 'x'"
    assert message("--image_size", "1.5", "2") == "--image_size: expected an integer, got '1.5'"
    assert parse("--shares", "2", "1e-4").shares == [2.0, 1e-4]
    assert parse("--sets", "3", "true").sets == ["3", "true"]


def test_items_of_a_list_without_default_are_typed_by_their_form():
    assert parse("--drops", "90", "0.5", "x").drops == [90, 0.5, "x"]


@pytest.mark.parametrize(("words", "expected"), [
    ([], True), (["true"], True), (["True"], True), (["yes"], True), (["1"], True), (["false"], False),
    (["FALSE"], False), (["no"], False), (["0"], False)])
def test_a_boolean_stands_alone_or_with_its_value(words, expected):
    assert parse("--resume", *words, "--seed", "3").resume is expected
    assert parse("--seed", "3", "--flip", *words).flip is expected


@pytest.mark.parametrize(("text", "expected"), [
    ("1e-4", 1e-4), ("-1e-4", -1e-4), ("-.5", -0.5), ("3", 3.0), ("+2.5E3", 2500.0)])
def test_numbers_may_have_exponents_and_signs(text, expected):
    assert parse("--learning_rate", text).learning_rate == expected
    assert parse(f"--learning_rate={text}").learning_rate == expected


def test_an_integer_may_be_negative():
    assert parse("--offset", "-5").offset == -5


@pytest.mark.parametrize("text", ["123", "1e5", "007", "true", "null", "", "-x", "a b", "ä:#'\"", "[1, 2]", "--a b"])
def test_a_text_is_taken_as_it_is(text):
    assert parse("--data_path", text).data_path == text


def test_an_equals_sign_joins_key_and_value():
    assert parse("--data_path=--x=y").data_path == "--x=y"
    assert parse("--resume=false").resume is False


def test_the_last_of_two_values_counts():
    assert parse("--seed", "3", "--seed", "4").seed == 4


@pytest.mark.parametrize(("arguments", "expected"), [
    (["--learning_rat", "1"], "unknown option --learning_rat (did you mean --learning_rate?)"),
    (["--image-size", "1", "2"], "unknown option --image-size (did you mean --image_size?)"),
    (["--depth", "1"], "unknown option --depth"),
    (["-seed", "3"], "unexpected argument '-seed' (did you mean --seed?)"),
    (["--seed", "3", "4"], "unexpected argument '4'"),
    (["--seed"], "--seed: a value is missing, expected an integer"),
    (["--seed", "x"], "--seed: expected an integer, got 'x'"),
    (["--seed", "1.0"], "--seed: expected an integer, got '1.0'"),
    (["--seed", ""], "--seed: expected an integer, got ''"),
    (["--learning_rate", "fast"], "--learning_rate: expected a number, got 'fast'"),
    (["--learning_rate", "nan"], "--learning_rate: expected a number, got 'nan'"),
    (["--resume", "maybe"], "--resume: expected true or false, got 'maybe'"),
    (["--resume", "true", "false"], "unexpected argument 'false'")])
def test_a_mistake_on_the_command_line_is_named(arguments, expected):
    assert message(*arguments).startswith(expected)


def test_the_model_is_required_and_checked():
    for arguments, expected in (([], "--model is missing: expected one of alpha, beta"),
                                (["--model"], "--model: a value is missing, expected a text"),
                                (["--model", "alpa"], "--model alpa: expected one of alpha, beta (did you mean alph"),
                                (["train", "--model", "alpha"], "unexpected argument 'train'"),
                                (["--model", "alpha", "beta"], "unexpected argument 'beta'")):
        with pytest.raises(InputError) as caught:
            config.parse(arguments, "")
        assert str(caught.value).startswith(expected)


def test_files_are_layered_in_their_order_and_below_the_command_line(layer):
    first = layer("common: {seed: 2, offset: 2, data_path: a}\nalpha: {flip: false}\n", "first.yaml")
    second = layer("common: {seed: 3, offset: 3}\n", "second.yaml")
    for arguments in (["--config", first, second], ["--config", first, "--config", second]):
        cfg = parse("--offset", "9", *arguments)
        assert (cfg.data_path, cfg.flip, cfg.seed, cfg.offset) == ("a", False, 3, 9)


def test_values_of_a_file_are_read_as_those_of_the_command_line(layer):
    path = layer("common: {data_path: 007, resume: yes}\n"
                 "alpha:\n  learning_rate: 1e-4\n  image_size:\n  - 64\n  - 32\n  sets: [1, '2']\n")
    cfg = parse("--config", path)
    assert (cfg.data_path, cfg.resume, cfg.learning_rate) == ("007", True, 1e-4)
    assert cfg.image_size == [64, 32] and cfg.sets == ["1", "2"]


def test_a_section_of_a_file_may_set_keys_of_common(layer):
    assert parse("--config", layer("alpha: {seed: 5}\nbeta: {seed: 6}\n")).seed == 5


@pytest.mark.parametrize(("text", "expected"), [
    ("alpha: {flipp: true}", "unknown key 'flipp' in section alpha (did you mean flip?)"),
    ("common: {learning_rate: 1}", "unknown key 'learning_rate' in section common (it belongs to section alpha)"),
    ("beta: {flip: true}", "unknown key 'flip' in section beta (it belongs to section alpha)"),
    ("alpa: {flip: true}", "unknown section 'alpa' (did you mean alpha?)"),
    ("beta: {depth: deep}", "beta.depth: expected an integer, got 'deep'"),
    ("common: {seed: 3.5}", "common.seed: expected an integer, got '3.5'"),
    ("common: {seed: [3]}", "common.seed: expected an integer, got ['3']"),
    ("common: {data_path: {a: b}}", "common.data_path: expected a text, got {'a': 'b'}"),
    ("alpha: {image_size: 3}", "alpha.image_size: expected a list, got '3'"),
    ("alpha: {image_size: [1, [2]]}", "alpha.image_size: expected an integer, got ['2']"),
    ("alpha: {learning_rate: .inf}", "alpha.learning_rate: expected a number, got '.inf'"),
    ("common: {seed: 1, seed: 2}", "not a yaml file (key 'seed' is there twice)"),
    ("alpha: [1]", "expected sections"), ("seed: 3", "expected sections"), ("", "expected sections"),
    ("- 1", "expected sections"), ("alpha:", "expected sections"), ("a: [", "not a yaml file"),
    ("a: \x00", "not a yaml file"), ("a: *b", "not a yaml file"), ("[" * 1000, "not a yaml file")])
def test_a_mistake_in_a_file_names_file_and_field(layer, text, expected):
    path = layer(text)
    assert message("--config", path).startswith(f"{path}: {expected}")


def test_a_file_cannot_make_objects(layer, tmp_path):
    path = layer(f"common:\n  seed: !!python/object/apply:os.mkdir ['{tmp_path}/made']\n")
    assert "common.seed: expected an integer" in message("--config", path)
    assert not (tmp_path / "made").exists()


def test_a_message_stays_short_whatever_a_file_holds(layer):
    doubling = "\n".join(f"  - &x{k} [{', '.join([f'*x{k - 1}'] * 9)}]" for k in range(1, 12))
    path = layer(f"alpha:\n  image_size:\n  - &x0 [1]\n{doubling}\n")
    assert len(message("--config", path)) < len(path) + 300


def test_a_missing_file_is_named(tmp_path):
    assert message("--config", str(tmp_path / "none.yaml")).startswith(f"{tmp_path / 'none.yaml'}: cannot read")
    assert message("--config", str(tmp_path)).startswith(f"{tmp_path}: cannot read")


def test_a_saved_configuration_gives_the_same_again(tmp_path):
    cfg = parse("--data_path", "0x1: #ä 'q'\n b" + " long" * 40, "--resume", "--learning_rate", "1e-7", "--sets",
                "true", "007", "--drops", "[]", "--image_size", "3,4")
    config.save(cfg, tmp_path / "new" / "saved.yaml")
    assert parse("--config", str(tmp_path / "new" / "saved.yaml")) == cfg
    again = parse("--config", str(tmp_path / "new" / "saved.yaml"), "--seed", "9")
    assert again.seed == 9 and again.resume is True


def test_a_saved_configuration_has_each_key_in_its_section():
    content = yaml.safe_load(config.dump(parse(model="beta", extra={"source": ("", "a file")})))
    assert content == {"common": {"data_path": "./data", "resume": False, "offset": -1},
                       "beta": {"learning_rate": 0.5, "depth": 3, "seed": 7}}


def test_options_of_a_command_are_typed_by_their_default():
    extra = {"source": ("", "a file"), "count": (3, "how many")}
    cfg = parse("--source", "x.pth", "--count", "4", extra=extra)
    assert (cfg.source, cfg.count) == ("x.pth", 4)
    assert parse(extra=extra).count == 3
    assert message("--count", "x", extra=extra) == "--count: expected an integer, got 'x'"
    assert message("--sorce", "x", extra=extra) == "unknown option --sorce (did you mean --source?)"


def help_of(capsys, *arguments, extra=None):
    with pytest.raises(SystemExit) as caught:
        config.parse(list(arguments), "Does something.", extra)
    assert caught.value.code == 0
    return capsys.readouterr().out


def test_help_shows_every_key_in_its_group_with_comment_type_and_default(capsys):
    for arguments in (["--model", "alpha", "--help"], ["-h", "--model", "alpha"], ["--model", "alpha", "-h"]):
        lines = help_of(capsys, *arguments).splitlines()
        assert "Does something." in lines
        position = lines.index("alpha: network (paper, section 2)")
        assert lines.index("common: training") < position
        assert lines[position + 1:position + 5] == [
            "  --learning_rate NUMBER", "      rate, in two lines (default 0.001)",
            "  --image_size INTEGER ...", "      width, height (default 192 256)"]
        assert "  --resume [true|false]" in lines and "      go on (default false)" in lines
        assert not any("depth" in line for line in lines)


def test_help_without_a_model_shows_the_keys_of_common(capsys):
    text = help_of(capsys, "--help", extra={"source": ("", "a file")})
    assert "--data_path TEXT" in text and "alpha, beta" in text and "--learning_rate" not in text
    assert "  --source TEXT\n      a file (default empty)" in text


def test_the_group_of_every_key_in_the_real_file_is_known(root, monkeypatch, capsys):
    monkeypatch.setattr(config, "CONFIG_FILE", root / "config.yaml")
    for name in config.model_names():
        text = help_of(capsys, "--model", name, "--help")
        assert "----" not in text and f"{name}: keys" not in text and "common: keys" not in text


@pytest.mark.parametrize(("old", "new", "samples", "expected"), [
    (2, 1, 96, {"batch_size": 96, "batch_3d_size": 32, "adv_batch_size": 64}),
    (1, 4, 48, {"batch_size": 12, "batch_3d_size": 4, "adv_batch_size": 8}),
    (2, 2, 96, {"batch_size": 48, "batch_3d_size": 16, "adv_batch_size": 32}),
    (2, 1, 48, {"batch_size": 48, "batch_3d_size": 16, "adv_batch_size": 32})])
def test_another_number_of_workers_shares_the_same_batches(old, new, samples, expected):
    values = {"batch_size": 48, "batch_3d_size": 16, "adv_batch_size": 32, "eval_batch_size": 7, "image_size": [1, 2]}
    config.share_batches(values, old, new, samples)
    assert values == {**values, **expected, "eval_batch_size": 7, "image_size": [1, 2]}


def test_a_batch_that_cannot_be_shared_is_named():
    with pytest.raises(InputError, match="batch_size 4 on 2 workers: 8 samples cannot be shared equally by 3"):
        config.share_batches({"batch_size": 4}, 2, 3, 8)
