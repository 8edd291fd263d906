"""The bench of a step measures a village that lives, and a step of 1,000 gardens keeps its budget on any processor."""

from __future__ import annotations

import time

import pytest

from gateway.core.rules import Rule
from simulators import bench_step
from simulators.bench_step import GOAL_MS, Village
from simulators.ratio import Ratio, all_met
from tests.support import pace


def test_the_village_of_the_bench_lives() -> None:
    village = Village(40)
    took = village.run()
    assert [readings for _, readings in took.ms].count(2 + 3 * 40) == bench_step.STEPS // bench_step.HEARD_EVERY
    assert len(village.watered) == 5, "one garden of each pump"
    assert village.told >= {Rule.WATER_ON, Rule.PUMP_BUSY}


@pytest.mark.alone
def test_a_step_of_a_thousand_gardens_keeps_its_budget() -> None:
    """All their readings at once, in milliseconds of the reference processor (see pace)."""
    spent_ms = 1000.0 * pace.scaled_s(lambda: Village(1_000).run(20, time.process_time).loaded_ms / 1000.0)
    assert spent_ms <= GOAL_MS


@pytest.mark.alone
def test_ten_times_the_gardens_take_ten_times_as_long_and_not_a_hundred_times() -> None:
    few, many = (
        min(Village(gardens).run(20, time.process_time).loaded_ms for _ in range(3)) for gardens in (100, 1_000)
    )
    assert many <= 30.0 * few


def test_a_time_is_told_but_decides_no_exit_code() -> None:
    slow = Ratio("a step", 90.0, 50.0, "ms", 1.8, 1.0, at_least=False, absolute=True)
    assert slow.met is False and all_met([slow])
    assert not all_met([Ratio("a ratio", 1.0, 2.0, "x", 0.5, 1.0)])
