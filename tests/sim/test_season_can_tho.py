"""What the irrigation is worth on the real weather of Cần Thơ: the El Niño season of 2023-24, and the whole of 2024.

The three claims, each by its name, for both: water saved without stress (B1), enough given in time (B2), little lost
(B3). The figures are printed; docs/season.md has them.
"""

from __future__ import annotations

import datetime as dt

import pytest

from gateway.core.rules import Rule
from simulators.season.figures import DRY, RAINY, WHOLE, saved_pct
from simulators.season.season import Season, run
from tests.support import seasons

FIRST, LAST = dt.date(2023, 12, 1), dt.date(2024, 7, 31)
SPANS = {"2023-24": (FIRST, LAST), "2024": (dt.date(2024, 1, 1), dt.date(2024, 12, 31))}


@pytest.fixture(scope="module", params=SPANS)
def upstream(request: pytest.FixtureRequest) -> Season:
    """A village so far up the river that no salt comes to it."""
    return run(seasons.can_tho(*SPANS[request.param], fresh=True))


def test_against_a_timer_water_is_saved_and_no_stress_is_added(upstream: Season) -> None:  # B1
    ours, timer = upstream.ours.village, upstream.outcomes["timer"].village
    assert upstream.climate.driest_month == "2024-04"
    dry, rainy = saved_pct(ours[DRY], timer[DRY]), saved_pct(ours[RAINY], timer[RAINY])
    assert dry is not None and rainy is not None
    print(f"{upstream.scenario.first}: {dry:.1f} % less water in the dry months, {rainy:.1f} % in the rainy ones, "
          f"{ours[WHOLE].stress_days} days of stress against {timer[WHOLE].stress_days}")  # fmt: skip
    assert dry >= 15
    assert rainy >= 40
    assert ours[WHOLE].stress_days <= timer[WHOLE].stress_days == 0


def test_enough_is_given_and_in_time(upstream: Season) -> None:  # B2, both at once
    for name, zone in upstream.ours.zones.items():
        whole = zone[WHOLE]
        assert whole.adequacy_pct is not None and whole.efficiency_pct is not None
        print(f"{name}: adequacy {whole.adequacy_pct:.1f} %, scheduling efficiency {whole.efficiency_pct:.1f} %")
        assert whole.adequacy_pct >= 80
        assert whole.efficiency_pct >= 95


def test_little_is_lost_below_the_roots(upstream: Season) -> None:  # B3
    for name, zone in upstream.ours.zones.items():
        lost = zone[WHOLE].lost_pct
        assert lost is not None
        print(f"{name}: {abs(lost):.2f} % of the irrigation lost")
        assert lost <= 5
    timer = upstream.outcomes["timer"].village[RAINY]
    assert timer.lost_pct is not None and timer.lost_pct > 40  # what rain falls on is full


def test_with_salt_in_the_canal_the_ditch_is_the_store() -> None:  # B1
    """It is filled between the tides of salt, and that is enough: no salt water, no stress, and less than the timer."""
    salty = run(seasons.can_tho(FIRST, dt.date(2024, 5, 15), fresh=False))
    ours, timer = salty.ours.village, salty.outcomes["timer"].village
    assert ours[WHOLE].salty_m3 == 0.0 and timer[WHOLE].salty_m3 > 500
    assert ours[WHOLE].stress_days <= timer[WHOLE].stress_days == 0
    saved = saved_pct(ours[DRY], timer[DRY])
    assert saved is not None and saved >= 15
    fillings = [ended for ended in salty.diary.runs if ended.zone == "muong-chinh"]
    assert any(ended.why is Rule.SOURCE_SALT for ended in fillings) and len(fillings) > 20
    assert max(sight.canal_us_cm for sight in salty.diary.sights) > 4_000
    assert max(sight.ditch_us_cm for sight in salty.diary.sights) < 1_500
    assert abs(salty.ours.trial.ditch_imbalance_l()) / 800.0 < 0.1  # mm
