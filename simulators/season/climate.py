"""The weather as a controller reckons it: reference evapotranspiration by ``gateway.core.fao56``, and the month that a
timer is set for.

Rules of this module:
- The field has its own evapotranspiration (simulators.field); a controller reckons from what a station tells. The two
  differ a little, as they do anywhere.
- The driest month is the calendar month of the file with the largest shortfall of rain against ET0, among those with
  at least WHOLE_DAYS days; in a shorter file, the whole of it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

from gateway.core.fao56.atmosphere import floats
from gateway.core.fao56.station import Observations, Station, daily
from simulators.field.evapotranspiration import MEAN_OF_LARGEST_WIND
from simulators.field.weather import Weather

WHOLE_DAYS = 20
WIND_HEIGHT_M = 10.0


@dataclass(frozen=True)
class Climate:
    et0_mm: dict[dt.date, float]
    driest_month: str
    driest_et0_mm: float  # of a day


def climate(weather: Weather, latitude: float, elevation_m: float) -> Climate:
    days = weather.days
    seen = Observations(
        floats([day.date.timetuple().tm_yday for day in days]),
        tmax_c=floats([day.tmax_c for day in days]),
        tmin_c=floats([day.tmin_c for day in days]),
        rhmean_pct=floats([day.rh_mean_pct for day in days]),
        wind_ms=floats([day.wind10m_max_kmh / 3.6 * MEAN_OF_LARGEST_WIND for day in days]),
        wind_height_m=floats([WIND_HEIGHT_M] * len(days)),
    )
    reckoned = daily(seen, Station(latitude, elevation_m)).et0_mm
    et0_mm = {day.date: float(value) for day, value in zip(days, reckoned, strict=True)}
    months: dict[str, list[dt.date]] = defaultdict(list)
    for day in days:
        months[f"{day.date:%Y-%m}"].append(day.date)
    whole = {month: dates for month, dates in months.items() if len(dates) >= WHOLE_DAYS}
    if not whole:
        whole = {f"{weather.first} – {weather.last}": [day.date for day in days]}

    def shortfall(month: str) -> float:
        dates = whole[month]
        return sum(et0_mm[date] - weather.day(date).rain_mm for date in dates) / len(dates)

    driest = max(whole, key=shortfall)
    return Climate(et0_mm, driest, sum(et0_mm[date] for date in whole[driest]) / len(whole[driest]))
