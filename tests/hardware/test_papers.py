"""What the papers and pages for technicians say can be typed: every command, and the example of a registry."""

from __future__ import annotations

import html
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from cli import firmware
from cli.__main__ import COMMANDS
from gateway import __main__ as gateway
from gateway import registry

ROOT = Path(__file__).resolve().parents[2]
PAPERS = [*sorted((ROOT / "docs/hardware/vi").glob("*.html")), ROOT / "docs/provisioning.md", ROOT / "docs/ota.md"]
HANDBOOK = ROOT / "docs/hardware/vi/ky-thuat-vien.html"
PARSERS = {"firmware": firmware._parser, "gateway": gateway._parser}


def commands(path: Path) -> list[str]:
    """The lines of code that begin with ./hoiquan, without their remarks, whole."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        text = html.unescape(re.sub(r"<(?!/?(pre|code)\b)[^>]+>", "", re.sub(r"<i>.*?</i>", "", text)))
        text = re.sub(r"</?(pre|code)>", "\n", text)
    text = text.replace("\\\n", " ").replace("`", "\n")
    return [line.partition(" #")[0].strip() for line in text.splitlines() if line.startswith("./hoiquan ")]


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.stem)
def test_every_command_on_a_paper_can_be_typed(path: Path) -> None:
    for line in commands(path):
        _, name, *words = shlex.split(line)
        assert name in {command.name for command in COMMANDS}, line
        if name in PARSERS and words and "|" not in line:
            try:
                PARSERS[name]().parse_args(words)
            except SystemExit:
                pytest.fail(f"{path.name}: {line}")


def test_the_papers_have_commands() -> None:
    assert {path.stem for path in PAPERS if commands(path)} >= {
        "hieu-chinh-dat",
        "hieu-chinh-do-man",
        "hieu-chinh-muc-nuoc",
        "ky-thuat-vien",
        "provisioning",
        "ota",
    }


def test_the_node_of_the_handbook_is_one_that_the_registry_takes(tmp_path: Path) -> None:
    text = HANDBOOK.read_text(encoding="utf-8")
    example = text[text.index("[[node]]") :]
    node = html.unescape(re.sub(r"</?i>", "", example[: example.index("</pre>")]))
    village = (ROOT / "simulators/village.toml").read_text(encoding="utf-8")
    assert tomllib.loads(node)["node"][0]["model"] == "soil"
    path = tmp_path / "village.toml"
    path.write_text(village + "\n" + node.replace("id = 1 ", "id = 99 "), encoding="utf-8")
    assert registry.load(path).nodes["dat-3"].board == "s3"
