"""The simulated weather service and the gateway's reader of its file: one format, wrong now and then, never misread."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from gateway.core.weather import EPOCH
from gateway.outlook import MAX_BYTES, OutlookError, OutlookFile, parse
from simulators.field.generator import generate
from simulators.field.weather import DAY_MS, local_midnight_ms
from simulators.outlook import AHEAD_DAYS, ISSUE_H, Service, issue_ms, outlook_at

FIRST = dt.date(2024, 5, 1)
WEATHER = generate(3, FIRST, 60)
HOUR_MS = 3_600_000
NOON_MS = local_midnight_ms(dt.date(2024, 5, 10)) + 12 * HOUR_MS


def test_an_outlook_is_issued_in_the_morning_and_stays_what_it_is() -> None:
    issued_ms = local_midnight_ms(dt.date(2024, 5, 10)) + ISSUE_H * HOUR_MS
    assert issue_ms(NOON_MS) == issue_ms(issued_ms) == issue_ms(issued_ms + DAY_MS - 1) == issued_ms
    assert outlook_at(WEATHER, NOON_MS, 1) == outlook_at(WEATHER, issued_ms, 1) != outlook_at(WEATHER, NOON_MS, 2)
    number = (dt.date(2024, 5, 10) - EPOCH).days
    assert list(outlook_at(WEATHER, NOON_MS, 1).days) == [number + lead for lead in range(-1, AHEAD_DAYS)]


def test_rain_is_foreseen_more_often_than_not() -> None:
    wet: list[float] = []
    dry: list[float] = []
    warm: list[float] = []
    for day in range(10, 50):
        told = outlook_at(WEATHER, local_midnight_ms(FIRST) + day * DAY_MS + 12 * HOUR_MS, 1)
        truth = WEATHER.days[day + 1]
        foreseen = told.days[(truth.date - EPOCH).days]
        (wet if truth.rain_mm >= 1.0 else dry).append(foreseen.rain_chance * foreseen.rain_mm)
        warm.append(abs(foreseen.tmax_c - truth.tmax_c))
    assert fmean(wet) > 3.0 * fmean(dry) > 0.0 and 0.2 < fmean(warm) < 1.5


def test_the_gateway_reads_what_the_service_writes(tmp_path: Path) -> None:
    path = tmp_path / "weather.json"
    reader, service = OutlookFile(path), Service(WEATHER, 1, path)
    assert reader.read() is None
    service.deliver(NOON_MS)
    first = reader.read()
    assert first == outlook_at(WEATHER, NOON_MS, 1)
    service.deliver(NOON_MS + HOUR_MS)
    assert reader.read() is first
    service.deliver(NOON_MS + DAY_MS)
    assert reader.read() == outlook_at(WEATHER, NOON_MS + DAY_MS, 1)
    path.write_text("{}")
    assert reader.read() is None
    path.write_text(" " * (MAX_BYTES + 1))
    assert reader.read() is None
    path.unlink()
    assert reader.read() is None


GOOD: dict[str, Any] = {
    "version": 1, "source": "test", "issued_ms": NOON_MS,
    "days": [{"date": "2024-05-10", "tmax_c": 33, "tmin_c": 25.5, "rain_mm": 0, "rain_chance_pct": 10}],
}  # fmt: skip


def day(**changes: object) -> dict[str, Any]:
    return {**GOOD, "days": [{**GOOD["days"][0], **changes}]}


def test_humidity_and_wind_may_be_left_out() -> None:
    (told,) = parse(json.dumps(GOOD)).days.values()
    assert (told.rain_chance, told.rhmean_pct, told.wind10m_max_kmh) == (0.1, None, None)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "not an object"),
        ({**GOOD, "version": 2}, "version = 2: must be 1"),
        ({**GOOD, "source": ""}, "source = ''"),
        ({**GOOD, "issued_ms": 1.5}, "issued_ms = 1.5"),
        ({**GOOD, "days": []}, "days: must be a list"),
        ({**GOOD, "days": [3]}, "days[1]: must be an object"),
        ({**GOOD, "days": GOOD["days"] * 2}, "days[2].date = 2024-05-10: must be later"),
        (day(date="10.5.2024"), "days[1].date = '10.5.2024'"),
        (day(tmax_c="warm"), "days[1].tmax_c = 'warm': must be a number in -10..55"),
        (day(tmax_c=306.15), "days[1].tmax_c = 306.15: must be a number in -10..55"),
        (day(tmax_c=None), "days[1].tmax_c = None"),
        (day(tmin_c=34), "days[1].tmin_c = 34: must be at most tmax_c (33)"),
        (day(rain_mm=float("nan")), "days[1].rain_mm = nan"),
        (day(rain_chance_pct=True), "days[1].rain_chance_pct = True"),
        (day(rhmean_pct=-1), "days[1].rhmean_pct = -1: must be a number in 1..100"),
    ],
)
def test_what_is_wrong_is_no_outlook(found: object, said: str) -> None:
    with pytest.raises(OutlookError) as refused:
        parse(json.dumps(found))
    assert said in str(refused.value)


def test_what_is_no_json_is_no_outlook() -> None:
    for text in ("", "{", "[" * 100_000):
        with pytest.raises(OutlookError):
            parse(text)
