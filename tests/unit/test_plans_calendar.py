"""The plan by the calendar: its days, bounds, what is told when it is not given, and the sun."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.plans import calendar, sun
from gateway.core.plans.calendar import next_window_at_ms
from gateway.core.plans.kinds import Calendar, Sun
from gateway.core.plans.memory import PlanState, Slot
from gateway.core.rules import Rule
from gateway.core.state import State, ZoneState, shifted
from gateway.core.types import RunEnded, RunStarted
from gateway.core.weather import Place, day_begins_at_ms
from tests.support import irrigation, plans
from tests.support.irrigation import MINUTE_MS, START_MS
from tests.support.planned import rules, said, village

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
CAO_LANH = Place(10.45, 105.63, 2.0)


def test_days_of_a_calendar() -> None:
    weekly = plans.made("calendar", weekdays=(0, 4))
    third = plans.made("calendar", every_days=3, first_day="2024-03-01", season=("2024-03-04", "2024-03-10"))
    assert isinstance(weekly, Calendar) and isinstance(third, Calendar)
    march = [plans.day(f"2024-03-{n:02d}") for n in range(1, 15)]
    assert [n + 1 for n, day in enumerate(march) if weekly.is_on(day)] == [1, 4, 8, 11]
    assert [n + 1 for n, day in enumerate(march) if third.is_on(day)] == [4, 7, 10]


def test_a_month_and_a_season_bound_what_is_given() -> None:
    months = (100, 100, 50, *(100,) * 9)
    plan = plans.made("calendar", every_days=1, month_pct=months, cap_ml=2_500_000, season=("2024-03-01", "2024-04-30"))
    found = village(plan)
    found.run(START_MS + 5 * DAY_MS)
    given = [e.millilitres for e in found.effects if isinstance(e, RunEnded)]
    assert 2_400_000 <= sum(given) <= 2_500_000 and given[0] == pytest.approx(1_000_000, rel=0.02)
    assert Rule.SEASON_CAP in rules(found)


def test_water_before_its_season_is_none_of_the_season() -> None:
    plan = plans.made("calendar", every_days=1, cap_ml=2_500_000, season=("2024-03-04", "2024-03-06"))
    found = village(plan)
    found.run(START_MS + HOUR_MS)
    found.ask("water", "xoai", 20)
    found.run(START_MS + 2 * DAY_MS)
    assert [e.why for e in found.effects if isinstance(e, RunStarted)] == [Rule.MANUAL_WATER]
    assert found.state.zones["xoai"].plan.season_ml == 0
    found.run(START_MS + 8 * DAY_MS)
    given = [e.millilitres for e in found.effects if isinstance(e, RunEnded)][1:]
    assert sum(given) == pytest.approx(2_500_000, rel=0.02)


@pytest.mark.parametrize("days", [1, 6, 20])
def test_every_time_that_a_sleeping_gateway_has_missed_is_told(days: int) -> None:
    found = village(plans.made("calendar", every_days=1))
    found.run(START_MS + 3 * HOUR_MS)
    found.kill_gateway()
    found.run(START_MS + (days + 1) * DAY_MS - HOUR_MS)
    found.start_gateway()
    found.run(found.now_ms + HOUR_MS)
    told = [decision.inputs["over_at_ms"] for decision in said(found, Rule.CALENDAR_SHORT)]
    assert len(told) == len(set(told)) == days
    found.run(found.now_ms + DAY_MS)
    assert len([e for e in found.effects if isinstance(e, RunEnded)]) == 2


def test_rain_leaves_out_the_rest_of_a_time_that_has_begun() -> None:
    found = village(plans.made("calendar", every_days=1, rain_um=10_000, rain_wait_ms=DAY_MS, amount_ml=6_000_000))
    found.measure(irrigation.RAIN, 0)
    found.run(START_MS + HOUR_MS + 5 * MINUTE_MS)  # at seven it has begun, with 30 minutes at a time
    for total in range(300, 2_100, 300):
        found.measure(irrigation.RAIN, total)
        found.run(found.now_ms + 3 * MINUTE_MS)
    found.run(START_MS + 8 * HOUR_MS)
    assert len([e for e in found.effects if isinstance(e, RunStarted)]) == 1
    assert len(said(found, Rule.CALENDAR_RAINED)) == 1 and Rule.CALENDAR_SHORT not in rules(found)


def test_a_time_of_the_sun() -> None:
    found = village(plans.made("calendar", every_days=1, sun="sunset", minute=-30))
    found.run(START_MS + DAY_MS)
    (started,) = (e for e in found.effects if isinstance(e, RunStarted))
    expected_ms = sun.at_ms(plans.day("2024-03-01"), irrigation.PLACE, Sun.SUNSET) - 30 * MINUTE_MS
    assert abs(started.at_ms - expected_ms) <= 1000


def test_a_long_amount_is_given_in_several_runs_and_never_twice() -> None:
    found = village(plans.made("calendar", every_days=1, amount_ml=7_000_000), min_rest_ms=60_000)
    found.run(START_MS + 20 * HOUR_MS)
    given = [e.millilitres for e in found.effects if isinstance(e, RunEnded)]
    assert len(given) > 1 and sum(given) == pytest.approx(7_000_000, rel=0.03)


def test_what_a_finish_leaves_open_is_told_with_its_amount() -> None:
    plan = plans.made("calendar", every_days=1, amount_ml=7_000_000, minute=480, by_end=True, window_ms=HOUR_MS)
    found = village(plan, min_rest_ms=60_000)
    found.run(START_MS + 4 * HOUR_MS)
    (short,) = said(found, Rule.CALENDAR_SHORT)
    given = sum(e.millilitres for e in found.effects if isinstance(e, RunEnded))
    assert short.inputs["water_ml"] == 7_000_000 - given > 0


def test_a_slot_moves_with_the_clock() -> None:  # S4
    slot = Slot(START_MS, START_MS + HOUR_MS, 1, done=True)
    assert calendar.APART_MS == 12 * HOUR_MS
    state = State(zones={"xoai": ZoneState(plan=PlanState(slot=slot))})
    moved = shifted(state, -DAY_MS).zones["xoai"].plan.slot
    assert moved is not None and moved.from_at_ms == START_MS - DAY_MS


# Minutes of the local day by Meeus's low-accuracy algorithm (Astronomical Algorithms, chapters 15 and 25).
@pytest.mark.parametrize(
    ("day", "rise_min", "set_min"),
    [
        ("2024-01-15", 379.3, 1073.9), ("2024-03-20", 361.6, 1088.3), ("2024-06-21", 337.2, 1101.4),
        ("2024-09-22", 346.7, 1073.5), ("2024-11-03", 348.9, 1053.0), ("2024-12-21", 370.2, 1061.1),
    ],
)  # fmt: skip
def test_the_sun_within_a_minute(day: str, rise_min: float, set_min: float) -> None:
    for which, expected_min in ((Sun.SUNRISE, rise_min), (Sun.SUNSET, set_min)):
        found_min = (sun.at_ms(plans.day(day), CAO_LANH, which) + 7 * HOUR_MS) / MINUTE_MS - plans.day(day) * 1440
        assert abs(found_min - expected_min) <= 1.0


def test_when_it_is_time_next_also_of_a_season_that_is_to_come() -> None:
    """Of a month of 0 % the irrigation tells each time that it leaves out; people are told when there is water."""
    months = (100, 100, 0, 0, 0, 0, *(100,) * 6)
    plan = plans.made("calendar", weekdays=(0,), month_pct=months)
    assert isinstance(plan, Calendar)
    following, watered = (
        next_window_at_ms(plan, CAO_LANH, START_MS, dry_months=dry_months) for dry_months in (True, False)
    )
    assert following == day_begins_at_ms(plans.day("2024-03-04")) + 7 * HOUR_MS
    assert watered == day_begins_at_ms(plans.day("2024-07-01")) + 7 * HOUR_MS
    ahead = plans.made("calendar", every_days=1, season=("2024-12-01", "2025-04-30"))
    assert isinstance(ahead, Calendar)
    assert next_window_at_ms(ahead, CAO_LANH, START_MS) == day_begins_at_ms(plans.day("2024-12-01")) + 7 * HOUR_MS
    over = replace(ahead, season=(plans.day("2023-12-01"), plans.day("2024-02-29")))
    assert next_window_at_ms(over, CAO_LANH, START_MS) is None
    never = replace(plan, month_pct=(0,) * 12)
    assert next_window_at_ms(never, CAO_LANH, START_MS, dry_months=False) is None
