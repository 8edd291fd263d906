"""A weather service beside the field: what it would say of the days to come, with the errors that such services have.

Rules of this module:
- It is issued every morning at ISSUE_H, for yesterday and AHEAD_DAYS from today on; what it says depends on the
  weather, the seed and the day of issue only.
- Temperatures are off by a little more each day ahead. Rain that will come is mostly foreseen, its amount is not; and
  some days are foreseen wet that stay dry. The sizes of the errors are round figures, stated here, not measured.
- The file is the gateway's own format (``gateway.outlook``), replaced as a whole.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from pathlib import Path

from gateway.core.weather import EPOCH, Outlook, OutlookDay
from kit.files import write_atomic
from simulators.field.weather import DAY_MS, Day, Weather, local_date, local_midnight_ms

ISSUE_H = 5
AHEAD_DAYS = 6
HOUR_MS = 3_600_000
TEMPERATURE_SD_C, TEMPERATURE_SD_A_DAY_C = 0.5, 0.2
WET_MM = 1.0
CHANCE_WET, CHANCE_DRY, CHANCE_SD = 0.75, 0.15, 0.15
CHANCE_LOST_A_DAY = 0.06
AMOUNT_SD = 0.4
FALSE_RAIN_MM = 5.0


def issue_ms(now_ms: int) -> int:
    """When the newest outlook was issued."""
    today_ms = local_midnight_ms(local_date(now_ms)) + ISSUE_H * HOUR_MS
    return today_ms if now_ms >= today_ms else today_ms - DAY_MS


def outlook_at(weather: Weather, now_ms: int, seed: int) -> Outlook:
    """The newest outlook of an instant."""
    issued_ms = issue_ms(now_ms)
    today = local_date(issued_ms)
    dates = [today + dt.timedelta(days=lead) for lead in range(-1, AHEAD_DAYS)]
    held = [date for date in dates if weather.first <= date <= weather.last]
    days = {(date - EPOCH).days: _foreseen(weather.day(date), (date - today).days, seed, today) for date in held}
    return Outlook(issued_ms, f"simulated outlook of {weather.label}"[:120], days)


def _foreseen(day: Day, lead: int, seed: int, issued: dt.date) -> OutlookDay:
    draw = random.Random(f"outlook/{seed}/{issued}/{day.date}")
    ahead = max(0, lead)
    sd_c = TEMPERATURE_SD_C + TEMPERATURE_SD_A_DAY_C * ahead if lead >= 0 else 0.0
    tmax, tmin = draw.gauss(day.tmax_c, sd_c), draw.gauss(day.tmin_c, sd_c)
    if lead < 0:
        rain, chance = day.rain_mm, 1.0
    elif day.rain_mm >= WET_MM:
        rain = day.rain_mm * draw.lognormvariate(0.0, AMOUNT_SD)
        chance = draw.gauss(CHANCE_WET - CHANCE_LOST_A_DAY * ahead, CHANCE_SD)
    else:
        rain = draw.expovariate(1.0 / FALSE_RAIN_MM)
        chance = draw.gauss(CHANCE_DRY, CHANCE_SD)
    return OutlookDay(
        round(max(tmax, tmin), 1),
        round(min(tmax, tmin), 1),
        round(min(rain, 400.0), 1),
        round(min(1.0, max(0.0, chance)), 2),
        day.rh_mean_pct,
        day.wind10m_max_kmh,
    )


class Service:
    """Puts each new outlook into a file, when its time has come."""

    def __init__(self, weather: Weather, seed: int, path: Path) -> None:
        self._weather = weather
        self._seed = seed
        self._path = path
        self._issued_ms: int | None = None

    def deliver(self, now_ms: int) -> None:
        if self._issued_ms != issue_ms(now_ms):
            outlook = outlook_at(self._weather, now_ms, self._seed)
            if outlook.days:
                write(outlook, self._path)
            self._issued_ms = outlook.issued_at_ms


def write(outlook: Outlook, path: Path) -> None:
    """Put it where the gateway looks."""
    days = [
        {
            "date": (EPOCH + dt.timedelta(days=number)).isoformat(),
            "tmax_c": day.tmax_c,
            "tmin_c": day.tmin_c,
            "rain_mm": day.rain_mm,
            "rain_chance_pct": round(100.0 * day.rain_chance, 1),
            "rhmean_pct": day.rhmean_pct,
            "wind10m_max_kmh": day.wind10m_max_kmh,
        }
        for number, day in sorted(outlook.days.items())
    ]
    plain = {"version": 1, "source": outlook.source, "issued_ms": outlook.issued_at_ms, "days": days}
    write_atomic(path, json.dumps(plain, ensure_ascii=False))
