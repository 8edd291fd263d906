"""A command whose reader leaves early ends quietly; nothing else that breaks does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.pipe import READER_GONE_EXIT_CODE, until_reader_leaves
from tests.support.agronomy import DAYS, LIMITS, READINGS, SCENARIO, WHERE

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = [
    ["cli", "--help"], ["cli", "et0", "--help"], ["cli", "et0", "weather.csv", *WHERE],
    ["cli", "balance", "field.toml"],
    ["cli", "quality", "readings.csv", "--limits", "limits.toml"], ["cli", "hardware", "--help"],
    ["gateway", "--help"], ["gateway", "status", "--help"], ["cloud", "--help"],
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_reader_that_left_ends_it_without_a_word(words: list[str], tmp_path: Path) -> None:
    for name, text in (("weather.csv", DAYS), ("field.toml", SCENARIO), ("limits.toml", LIMITS),
                       ("readings.csv", READINGS)):  # fmt: skip
        (tmp_path / name).write_text(text, encoding="utf-8")
    reader, writer = os.pipe()
    os.close(reader)  # before it begins, so that every write breaks
    with os.fdopen(writer, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-m", *words], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, stdout=gone,
            stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == READER_GONE_EXIT_CODE
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_a_socket_that_breaks_is_told() -> None:
    def work() -> int:
        raise BrokenPipeError("of a socket")

    with pytest.raises(BrokenPipeError, match="of a socket"):
        until_reader_leaves(work)


def test_exit_codes_come_through() -> None:
    assert until_reader_leaves(lambda: 69) == 69
    with pytest.raises(SystemExit, match="2"):
        until_reader_leaves(lambda: sys.exit(2))
