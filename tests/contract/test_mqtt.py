"""The MQTT core does the same in CPython and in real MicroPython, byte for byte, and keeps its memory there."""

import subprocess
import sys
from pathlib import Path

from tests.support.mp import REPOSITORY, run_micropython

RUNNER = Path(__file__).with_name("mqtt_runner.py")
TRANSCRIPT = Path(__file__).with_name("mqtt_transcript.txt")


def test_cpython_lives_the_kept_life() -> None:
    done = subprocess.run(
        [sys.executable, RUNNER], env={"PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == TRANSCRIPT.read_text()


def test_micropython_lives_the_kept_life() -> None:
    assert run_micropython(RUNNER, path=[REPOSITORY]).stdout == TRANSCRIPT.read_text()


def test_publishing_leaves_nothing_on_the_heap() -> None:
    done = run_micropython(RUNNER, path=[REPOSITORY], arguments=["memory"])
    figures = dict(line.split() for line in done.stdout.splitlines())
    assert int(figures["churn"]) <= 1024  # bytes for one publish of 1,040 B and its answer, before the collector
    assert int(figures["growth"]) <= 128  # bytes after 10,000 of them: an object or two, not one for each
