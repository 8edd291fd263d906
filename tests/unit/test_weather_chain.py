"""Where a day's ET0 comes from, rain that is counted once, and a forecast that is never more than a forecast."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core import rain, weather
from gateway.core.air import WHOLE_HOURS, Air, take
from gateway.core.rain import Gauge
from gateway.core.state import State
from gateway.core.weather import DAY_MS, Origin, Outlook, OutlookDay, Place, day_begins_at_ms
from wire import fields

PLACE = Place(10.45, 105.63, 2.0)
DAY = 19_800  # 2024-03-18
NOON_MS = day_begins_at_ms(DAY) + DAY_MS // 2
HOUR_MS = 3_600_000
MINUTE_MS = 60_000
TOLD = OutlookDay(34.0, 24.5, 12.0, 0.4, 70.0, 16.0)


def outlook(age_days: float = 0.0, days: int = 10) -> Outlook:
    return Outlook(round(NOON_MS - age_days * DAY_MS), "test", {DAY + n: TOLD for n in range(days)})


def measured(day: int, hours: int = 24) -> Air:
    air = Air()
    for hour in range(hours):
        air = take(air, fields.AIR_TEMPERATURE, 2400 + 50 * min(hour, 24 - hour), day, hour)
        air = take(air, fields.AIR_HUMIDITY, 9000 - 150 * min(hour, 24 - hour), day, hour)
    return air


def origin(age_days: float | None, air: Air, day: int = DAY) -> Origin:
    told = None if age_days is None else outlook(age_days)
    return weather.et0(day, NOON_MS, PLACE, told, air).origin


def test_the_chain_of_a_day() -> None:  # D5
    assert origin(0.5, measured(DAY - 1)) is Origin.OUTLOOK
    assert origin(3.0, measured(DAY - 1)) is Origin.STATION
    assert origin(3.0, measured(DAY - 5)) is Origin.OLD_OUTLOOK
    assert origin(3.0, measured(DAY - 1, WHOLE_HOURS - 1)) is Origin.OLD_OUTLOOK
    assert origin(8.0, Air()) is Origin.MONTH
    assert origin(None, Air()) is Origin.MONTH
    assert origin(-1.0, Air()) is Origin.MONTH  # from the future
    assert origin(0.5, Air(), DAY + 20) is Origin.MONTH  # further than it reaches


def test_an_archive_of_a_day_that_is_over_stays_what_it_is() -> None:
    old = Outlook(day_begins_at_ms(DAY + 1) + HOUR_MS, "archive", {DAY: TOLD})
    assert weather.et0(DAY, NOON_MS + 60 * DAY_MS, PLACE, old, Air()).origin is Origin.OUTLOOK


def test_what_is_not_told_is_estimated_down_to_hargreaves() -> None:
    only = Outlook(NOON_MS, "test", {DAY: OutlookDay(34.0, 24.5, 0.0, 0.0)})
    assert weather.et0(DAY, NOON_MS, PLACE, only, Air()).method.startswith("Hargreaves Eq.52")
    whole = weather.et0(DAY, NOON_MS, PLACE, outlook(), Air())
    assert whole.method.startswith("Penman-Monteith Eq.6") and 3.5 < whole.mm < 6.0
    air = measured(DAY - 1)
    by_station = weather.et0(DAY, NOON_MS, PLACE, None, air).method
    assert by_station.startswith("Penman-Monteith Eq.6; measured=tmax_c+tmin_c+rhmax_pct+rhmin_pct")


def test_every_month_has_a_mean_that_could_be() -> None:
    of_year = [weather.et0(DAY + 30 * n, NOON_MS + 30 * n * DAY_MS, PLACE, None, Air()).mm for n in range(12)]
    assert all(2.5 < mm < 5.5 for mm in of_year) and max(of_year) > 1.4 * min(of_year)


def test_sun_and_wind_of_the_station_count_when_they_were_heard_all_day() -> None:
    air = measured(DAY - 1)
    for hour in range(24):
        air = take(air, fields.WIND, 200, DAY - 1, hour)
        air = take(air, fields.SOLAR, 230, DAY - 1, hour)
    method = weather.et0(DAY, NOON_MS, PLACE, None, air).method
    assert "wind_ms" in method and "srad_mj_m2" in method


def test_a_station_keeps_few_days_and_a_late_reading_goes_to_its_own() -> None:
    air = measured(DAY)
    for later in range(1, 8):
        air = take(air, fields.AIR_TEMPERATURE, 3000, DAY + later, 5)
    assert [kept.day for kept in air.days] == [DAY + 4, DAY + 5, DAY + 6, DAY + 7]
    air = take(air, fields.AIR_TEMPERATURE, 1000, DAY + 5, 6)
    assert air.days[1].courses["temperature"].low == 1000


def test_rain_ahead_is_weighed_by_its_chance_and_expires() -> None:  # D3
    day = outlook()
    whole = weather.rain_ahead_mm(day, day_begins_at_ms(DAY + 1), day_begins_at_ms(DAY + 2), NOON_MS)
    assert whole == pytest.approx(12.0 * 0.4)
    half = weather.rain_ahead_mm(day, NOON_MS, day_begins_at_ms(DAY + 1), NOON_MS)
    assert half == pytest.approx(6.0 * 0.4)
    assert weather.rain_ahead_mm(outlook(2.0), NOON_MS, NOON_MS + DAY_MS, NOON_MS) == 0.0
    assert weather.rain_ahead_mm(None, NOON_MS, NOON_MS + DAY_MS, NOON_MS) == 0.0


# ---- the gauge


def fallen(totals: list[tuple[int, int, int]], gauge: Gauge | None = None) -> int:
    """µm of what comes: (boot, total, measured), received as it is measured."""
    gauge, sum_um = gauge or Gauge(), 0
    for boot, total, at_ms in totals:
        gauge, um = rain.count(gauge, boot, total, at_ms, max(at_ms, NOON_MS))
        sum_um += um
    return sum_um


BEFORE = rain.count(Gauge(), 1, 500, NOON_MS - HOUR_MS, NOON_MS)[0]


def test_the_first_total_of_all_only_begins_the_count() -> None:
    assert fallen([(1, 5000, NOON_MS)]) == 0
    assert fallen([(1, 5000, NOON_MS), (1, 5020, NOON_MS + HOUR_MS)]) == 200


@pytest.mark.parametrize("order", list(permutations(((1, 520), (1, 560), (2, 40), (2, 90)))))
def test_each_millimetre_counts_once_in_whatever_order_it_comes(order: tuple[tuple[int, int], ...]) -> None:  # D2
    totals = [(boot, total, NOON_MS + n * HOUR_MS) for n, (boot, total) in enumerate(order)]
    assert fallen([*totals, *totals], BEFORE) == (60 + 90) * 10


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4000)), min_size=1, max_size=30))
def test_what_is_counted_is_the_highest_of_each_boot(heard: list[tuple[int, int]]) -> None:
    slow = [(boot, total, NOON_MS + n * DAY_MS) for n, (boot, total) in enumerate(heard)]
    begun = rain.count(Gauge(), 1, 0, NOON_MS - DAY_MS, NOON_MS)[0]
    highest = {boot: max(total for b, total in heard if b == boot) for boot, _ in heard}
    assert fallen(slow, begun) == sum(highest.values()) * 10


def test_a_total_of_an_unknown_boot_and_rain_that_comes_late_are_not_given() -> None:
    assert fallen([(rain.UNKNOWN_BOOT, 9000, NOON_MS)], BEFORE) == 0
    late_ms = NOON_MS - rain.LATE_MS - 1
    after, um = rain.count(BEFORE, 1, 900, late_ms, NOON_MS)
    assert um == 0
    assert rain.count(after, 1, 910, NOON_MS, NOON_MS)[1] == 100


def test_boots_that_come_after_the_newest_one_do_not_push_it_out() -> None:  # D2
    newest = (80_000_000, 300, NOON_MS)  # what a node sends first; 20 restarts before it are told of afterwards
    older = [(number * 65_536 + 7, 10, NOON_MS - HOUR_MS + number * MINUTE_MS) for number in range(1, 21)]
    once = 300 * 10 + 20 * 10 * 10
    assert fallen([newest, *older, (80_000_000, 310, NOON_MS + MINUTE_MS)], BEFORE) == once + 100


def test_a_restart_of_the_gateway_does_not_mix_up_which_boots_it_knows() -> None:  # D2
    boots = [65_536 * n + 7 for n in range(1, rain.KEPT_BOOTS + 1)]  # as texts: 131079 comes before 65543
    gauge = BEFORE
    for place, boot in enumerate(boots):
        gauge = rain.count(gauge, boot, 400, NOON_MS + place * MINUTE_MS, NOON_MS)[0]
    kept = State.from_json(State(gauges={"mua/8/0": gauge}).to_json()).gauges["mua/8/0"]
    later_ms = NOON_MS + HOUR_MS
    assert fallen([(9_000_000, 0, later_ms), (boots[-1], 400, NOON_MS), (boots[1], 400, NOON_MS)], kept) == 0


def test_it_cannot_rain_faster_than_it_can() -> None:
    assert fallen([(1, 500_000, NOON_MS)], BEFORE) == 180_000
