"""Every command of the README and of the documents is one that exists."""

import re
import shlex

import pytest

from model_utils import config


def commands(root):
    texts = [path.read_text(encoding="utf-8") for path in (root / "README.md", *sorted((root / "docs").glob("*.md")))]
    text = "\n".join(texts)
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.strip()]


def test_entry_scripts_take_the_options_that_the_readme_gives_them(root):
    seen = 0
    for words in commands(root):
        if words[0] == "python" and words[1].endswith(".py"):
            assert (root / words[1]).is_file()
            config.parse(words[2:], "")
            seen += 1
    assert seen >= 4


def test_scripts_and_modules_exist(root):
    seen = 0
    for words in commands(root):
        if words[0] == "bash":
            assert (root / words[1]).is_file(), words
            seen += 1
        elif words[:2] == ["python", "-m"]:
            assert (root / (words[2].replace(".", "/") + ".py")).is_file(), words
            seen += 1
    assert seen >= 8


@pytest.mark.parametrize("kind", ["links", "pictures"])
def test_files_that_the_readme_points_at_exist(root, kind):
    text = (root / "README.md").read_text(encoding="utf-8")
    pattern = r"!\[[^\]]*\]\(([^)]+)\)" if kind == "pictures" else r"(?<!!)\[[^\]]*\]\((?!https?:)([^)]+)\)"
    for target in re.findall(pattern, text):
        assert (root / target.split("#")[0]).exists(), target
    assert kind == "links" or re.search(pattern, text)
