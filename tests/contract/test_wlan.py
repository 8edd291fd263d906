"""The board's wireless link in real MicroPython, over a driver that flaps, hangs, lies and is slow."""

from __future__ import annotations

from pathlib import Path

from tests.support.mp import REPOSITORY, run_micropython

CASES = 31


def test_it_comes_back_from_all_that_drivers_do(tmp_path: Path) -> None:
    path = (REPOSITORY / "tests/support/shims", REPOSITORY / "firmware/hal")
    runner = REPOSITORY / "tests/contract/wlan_runner.py"
    done = run_micropython(runner, path=path, arguments=[str(tmp_path / "gone")], timeout=120)
    assert "FAILED" not in done.stdout, done.stdout
    assert done.stdout.split()[-2:] == ["good", str(CASES)], done.stdout
    assert (tmp_path / "gone").read_text() == "010203040506", "an access point that was replaced is noted once"
