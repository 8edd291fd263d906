"""Promise P1: a flash that does not answer for a moment costs no stored reading; real LittleFS, built bytecode."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.firmware_build import build
from tests.support.mp import run_micropython

RUNNER = Path(__file__).with_name("volume_faults.py")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("node"), also=RUNNER)


@pytest.mark.parametrize(
    "scene",
    [
        "one_read_error_at_mount_costs_nothing",
        "a_flash_that_does_not_answer_is_left_as_it_is",
        "doubt_is_enough_not_to_format",
        "a_volume_of_another_size_is_left_as_it_is",
        "what_is_no_volume_is_made_new",
        "one_read_error_in_the_journal_costs_nothing",
    ],
)
def test_scene(scene: str, bundle: Path) -> None:
    done = run_micropython(RUNNER, heap="8m", path=(bundle,), timeout=60, arguments=(scene,))
    assert done.stdout.strip() == "held"
