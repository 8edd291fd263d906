"""The El Niño season of 2023-24 on the real weather of Cần Thơ, as the irrigation of today waters it.

The figures are what they are; the goals of the benefit (docs/promises.md) are for the whole irrigation, of which the
core of today is the first part. Where they hold already, they are held here.
"""

from __future__ import annotations

import datetime as dt

import pytest

from simulators.season.figures import DRY, RAINY, WHOLE, saved_pct
from simulators.season.season import Season, run
from tests.support import seasons

FIRST, LAST = dt.date(2023, 12, 1), dt.date(2024, 7, 31)


@pytest.fixture(scope="module")
def upstream() -> Season:
    """A village so far up the river that no salt comes to it."""
    return run(seasons.can_tho(FIRST, LAST, fresh=True))


def test_against_a_timer_water_is_saved_and_no_stress_is_added(upstream: Season) -> None:  # B1
    ours, timer = upstream.ours.village, upstream.outcomes["timer"].village
    assert upstream.climate.driest_month == "2024-04"
    dry, rainy = saved_pct(ours[DRY], timer[DRY]), saved_pct(ours[RAINY], timer[RAINY])
    assert dry is not None and dry >= 15
    assert rainy is not None and rainy >= 40
    assert ours[WHOLE].stress_days <= timer[WHOLE].stress_days == 0


def test_little_is_lost_and_enough_is_given_in_time(upstream: Season) -> None:  # B2, B3
    for zone in upstream.ours.zones.values():
        whole = zone[WHOLE]
        assert whole.lost_pct is not None and whole.lost_pct <= 5
        assert whole.adequacy_pct is not None and whole.adequacy_pct >= 80
        assert whole.efficiency_pct is not None and whole.efficiency_pct >= 95
    timer = upstream.outcomes["timer"].village[RAINY]
    assert timer.lost_pct is not None and timer.lost_pct > 40  # what rain falls on is full


def test_with_salt_in_the_canal_ours_gives_none_and_the_crop_waits() -> None:
    """The core of today knows only to wait; what it costs is in the figures, not hidden."""
    salty = run(seasons.can_tho(dt.date(2024, 2, 1), dt.date(2024, 5, 15), fresh=False))
    ours, timer = salty.ours.village[WHOLE], salty.outcomes["timer"].village[WHOLE]
    assert ours.salty_m3 == 0.0 and timer.salty_m3 > 100
    waited = sum(day.get("source_salt", 0.0) for day in salty.diary.hours["vuon-xoai"].values())
    assert waited > 500 and ours.stress_days > timer.stress_days
