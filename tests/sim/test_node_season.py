"""Thirty days of a node that sleeps, in virtual time and real MicroPython: drift, outages, rain, weak batteries.

Promise P1: what was stored arrives. The figures of docs/node.md on wear and on times come from here.
"""

from __future__ import annotations

import re
from pathlib import Path

from cli.firmware_build import build
from tests.support.mp import run_micropython

SEASON = Path(__file__).with_name("node_season.py")
DAYS = 30
DRIFT_PPM = 11_000  # too fast: a clock that leads is the one that harms


def test_a_season_loses_nothing_but_what_a_pulled_battery_takes(tmp_path: Path) -> None:
    bundle = build(tmp_path / "node", also=SEASON)
    done = run_micropython(SEASON, heap="16m", path=(bundle,), timeout=240, arguments=(str(DAYS), str(DRIFT_PPM)))
    found = {name: int(number) for name, number in re.findall(r"(\w+)=(-?\d+)", done.stdout)}
    print(found)
    assert found["boots"] == 2 and found["lost"] <= 95, "only what was in RTC memory, once"
    assert found["stored"] - found["arrived"] - found["lost"] <= 12, "all but what was read since the last talk"
    assert found["wakes"] > 4_000 and found["talks"] > 1_000
    assert found["offline"] > 1_000 and found["erased"] <= 0.1 * found["offline"], "flash wears by a tenth of an erase"
    assert found["begin_ms"] <= 60_000 and found["soon_ms"] <= 12_000 and found["late_ms"] <= 15 * 60_000
    assert found["five"] >= 10, "twice as often while it rains"
    assert found["twenty"] >= 60, "half as often with a weak battery"
