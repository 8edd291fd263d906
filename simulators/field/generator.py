"""Weather made from a seed, for a machine with no file and no Internet.

Rules of this module:
- Every figure comes from the table below: monthly figures of the grid point nearest Cần Thơ (10.02 N 105.76 E),
  computed from Open-Meteo's archive (ERA5; CC BY 4.0, Open-Meteo and Copernicus), January 2023 to January 2025.
- Wet and dry days follow a two-state Markov chain with the month's share of wet days and of wet days after a
  wet day; each calendar month of a run takes the figures of one of the observed years, so that dry and ordinary
  seasons both come up.
- The same seed, first day and length give the same weather, and its label says that it is generated.
"""

from __future__ import annotations

import calendar
import datetime as dt
import random
from dataclasses import dataclass

from simulators.field.weather import Day, Weather, WeatherError


@dataclass(frozen=True)
class Month:
    tmax_c: float
    tmin_c: float
    rh_pct: float
    wind_kmh: float
    rain_mm: float
    wet_days: int
    largest_mm: float
    wet_after_wet: float


OBSERVED: dict[int, tuple[Month, ...]] = {
    1: (
        Month(28.7, 22.1, 82, 13.4, 110, 15, 20, 0.60),
        Month(31.7, 23.4, 73, 15.5, 11, 4, 5, 0.0),
        Month(29.5, 22.1, 77, 11.7, 7, 3, 2, 0.0),
    ),
    2: (Month(31.3, 22.7, 75, 16.3, 16, 3, 6, 0.33), Month(33.1, 23.9, 71, 17.8, 4, 0, 1, 0.0)),
    3: (Month(32.8, 23.1, 70, 16.9, 2, 0, 1, 0.0), Month(34.8, 24.8, 68, 18.4, 4, 0, 0, 0.0)),
    4: (Month(34.3, 25.1, 75, 15.3, 55, 14, 11, 0.64), Month(36.6, 25.9, 66, 16.6, 3, 1, 1, 0.0)),
    5: (Month(32.8, 25.8, 80, 16.1, 244, 22, 40, 0.95), Month(33.5, 26.3, 81, 14.5, 250, 28, 26, 0.96)),
    6: (Month(31.1, 25.2, 86, 16.6, 273, 28, 28, 0.93), Month(31.3, 25.5, 84, 15.8, 236, 27, 32, 0.88)),
    7: (Month(29.9, 24.6, 88, 18.4, 396, 31, 31, 1.00), Month(29.9, 24.5, 89, 17.8, 373, 29, 31, 0.96)),
    8: (Month(30.8, 24.9, 85, 18.8, 218, 28, 25, 0.93), Month(31.0, 24.7, 86, 14.9, 296, 29, 24, 0.93)),
    9: (Month(30.2, 24.3, 89, 16.8, 441, 29, 31, 0.96), Month(30.2, 24.6, 88, 18.3, 324, 29, 41, 0.96)),
    10: (Month(31.2, 24.1, 88, 13.5, 402, 31, 57, 1.00), Month(30.6, 24.2, 88, 13.8, 431, 30, 34, 0.97)),
    11: (Month(30.6, 23.9, 85, 15.5, 191, 21, 15, 0.80), Month(31.0, 24.1, 83, 14.4, 168, 18, 30, 0.78)),
    12: (Month(31.3, 24.0, 77, 15.6, 26, 6, 11, 0.67), Month(29.0, 23.4, 84, 13.7, 148, 15, 25, 0.80)),
}


def generate(seed: int, first: dt.date, days: int) -> Weather:
    if days < 1:
        raise WeatherError("the generator was asked for less than one day")
    draw = random.Random(f"weather/{seed}/{first}")
    made: list[Day] = []
    wet = False
    for index in range(days):
        date = first + dt.timedelta(days=index)
        month = _month(seed, date)
        wet = draw.random() < _wet_chance(month, date, wet)
        made.append(_day(draw, date, month, wet))
    return Weather(f"generated from monthly figures of Cần Thơ 2023-2025, seed {seed}", tuple(made))


def _month(seed: int, date: dt.date) -> Month:
    return random.Random(f"month/{seed}/{date.year}/{date.month}").choice(OBSERVED[date.month])


def _wet_chance(month: Month, date: dt.date, wet_before: bool) -> float:
    """The chance of a wet day; after a dry day it is what keeps the share of wet days of the month."""
    share = month.wet_days / calendar.monthrange(date.year, date.month)[1]
    if wet_before or share >= 1.0:
        return month.wet_after_wet
    return min(1.0, share * (1.0 - month.wet_after_wet) / (1.0 - share))


def _day(draw: random.Random, date: dt.date, month: Month, wet: bool) -> Day:
    rain = 0.0
    if wet and month.wet_days:
        rain = min(1.2 * month.largest_mm, max(1.0, draw.expovariate(month.wet_days / month.rain_mm)))
    elif month.wet_days == 0:
        rain = draw.random() * 2.0 * month.rain_mm / 30.0  # a trace: the month's few millimetres, spread
    cooler = 0.7 if wet else 0.0
    tmax = draw.gauss(month.tmax_c - cooler, 1.0)
    tmin = min(draw.gauss(month.tmin_c, 0.8), tmax - 3.0)
    humidity = min(98.0, max(45.0, draw.gauss(month.rh_pct + 4.0 * cooler, 4.0)))
    wind = max(4.0, draw.gauss(month.wind_kmh, 3.0))
    return Day(date, round(tmax, 1), round(tmin, 1), round(rain, 1), round(wind, 1), round(humidity))
