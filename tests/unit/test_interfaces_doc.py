"""Every example of docs/interfaces.md, run as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOC = (ROOT / "docs/interfaces.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(csv|toml|sh|out)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTIONS = re.split(r"^## ", DOC, flags=re.MULTILINE)[1:]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.split()[1])
def test_the_example_gives_what_is_shown(section: str, tmp_path: Path) -> None:
    blocks = BLOCK.findall(section)
    for kind, name, text in blocks:
        if kind in ("csv", "toml"):
            (tmp_path / name).write_text(text, encoding="utf-8")
    (command,) = [text for kind, _, text in blocks if kind == "sh"]
    (expected,) = [text for kind, _, text in blocks if kind == "out"]
    words = command.split()
    assert words[0] == "hoiquan"
    done = subprocess.run(
        [sys.executable, "-m", "cli", *words[1:]], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected
