"""The weather of a station as people bring it: columns of any subset, checked for units that are mixed up.

Rules
1. Every column has its unit in the name and its range here; a value out of range names the unit that it looks like.
2. What no single value shows is seen in the whole column: humidity that never passes 1 is a fraction, wind whose
   median is above ``FAST_WIND_MS`` is in km/h.
3. Values must agree with each other and with the sky: Tmin ≤ Tmean ≤ Tmax, dew point and vapour pressure not above
   what the warmest air holds, RHmin ≤ RHmax, radiation and sunshine not above what the sun gives at this latitude.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from cli.tables import Hint, Limits, Table
from gateway.core.fao56 import radiation
from gateway.core.fao56.atmosphere import Array, floats, saturation_kpa
from gateway.core.fao56.station import Observations

FAST_WIND_MS = 10.0  # no place where crops grow has a median wind above it
HOUR = timedelta(hours=1)
WHOLE_DAY_H = 24.0

KELVIN = Hint(200, 350, "có vẻ là độ Kelvin: trừ 273.15", "this looks like Kelvin: subtract 273.15")
FAHRENHEIT = Hint(60, 150, "có vẻ là độ F: đổi ra °C", "this looks like Fahrenheit: convert to °C")
FRACTION = Hint(0, 1, "có vẻ là tỉ lệ 0–1: nhân với 100", "this looks like a fraction: multiply by 100")
HECTOPASCAL = Hint(10.0001, 1100, "có vẻ là hPa: chia cho 10", "this looks like hPa: divide by 10")
KM_H = Hint(25, 200, "có vẻ là km/h: chia cho 3.6", "this looks like km/h: divide by 3.6")
MINUTES = Hint(1, 1440, "có vẻ là phút: chia cho 60", "this looks like minutes: divide by 60")
WATT = Hint(45, 1500, "có vẻ là W/m² trung bình ngày: nhân với 0.0864",
            "this looks like W/m², mean of the day: multiply by 0.0864")  # fmt: skip
WATT_HOUR = Hint(5, 1500, "có vẻ là W/m²: nhân với 0.0036", "this looks like W/m²: multiply by 0.0036")

TEMPERATURE = Limits(-60, 60, "°C", (KELVIN, FAHRENHEIT))
HUMIDITY = Limits(1, 100, "%", (FRACTION,))
DAILY = {
    "tmax_c": TEMPERATURE, "tmin_c": TEMPERATURE, "tmean_c": TEMPERATURE, "tdew_c": TEMPERATURE,
    "rhmax_pct": HUMIDITY, "rhmin_pct": HUMIDITY, "rhmean_pct": HUMIDITY,
    "vapour_kpa": Limits(0.001, 10, "kPa", (HECTOPASCAL,)),
    "wind_ms": Limits(0, 25, "m/s", (KM_H,)),
    "wind_height_m": Limits(0.5, 100, "m"),
    "srad_mj_m2": Limits(0, 45, "MJ/m²", (WATT,)),
    "sunshine_h": Limits(0, 24, "h", (MINUTES,)),
    "pressure_kpa": Limits(40, 110, "kPa", (Hint(400, 1100, HECTOPASCAL.vi, HECTOPASCAL.en),)),
}  # fmt: skip
HOURLY = DAILY | {
    "wind_ms": Limits(0, 40, "m/s", (KM_H,)),
    "srad_mj_m2": Limits(0, 5, "MJ/m²", (WATT_HOUR,)),
    "sunshine_h": Limits(0, 1, "h", (MINUTES,)),
}
RAIN = Limits(0, 1000, "mm")
ET0 = Limits(0, 25, "mm")


@dataclass(frozen=True)
class Hours:
    """The hours of a table: the clock time of their middles (counted on over midnight) and how far it leads UTC."""

    middle_h: Array
    zone_h: Array
    day_of_year: Array


def observations(table: Table, day_of_year: Array, limits: dict[str, Limits], latitude: float) -> Observations:
    """The columns of a table as observations. Raises Refused."""
    columns = {name: table.numbers(name, allowed) for name, allowed in limits.items()}
    _check_units(table, columns)
    daily = limits["sunshine_h"].high == WHOLE_DAY_H
    for bad, column, vi, en in _contradictions(columns, day_of_year, latitude, daily=daily):
        rows = np.flatnonzero(bad)
        if rows.size:
            raise table.refused(int(rows[0]), column, vi, en)
    return Observations(day_of_year, **columns)


def _check_units(table: Table, columns: dict[str, Array]) -> None:
    """Rule 2."""
    for name in ("rhmax_pct", "rhmin_pct", "rhmean_pct"):
        known = np.flatnonzero(np.isfinite(columns[name]))
        if known.size and columns[name][known].max() <= 1.0:
            raise table.refused(
                int(known[0]), name, f"phải trong 1..100 %; {FRACTION.vi}", f"must be in 1..100 %; {FRACTION.en}"
            )
    wind = columns["wind_ms"]
    known = np.flatnonzero(np.isfinite(wind))
    if known.size and np.median(wind[known]) > FAST_WIND_MS:
        middle = float(np.median(wind[known]))
        raise table.refused(
            int(known[np.argmax(wind[known])]), "wind_ms",
            f"trung vị của cột là {middle:.1f}, phải trong 0..{FAST_WIND_MS:g} m/s; {KM_H.vi}",
            f"the column's median is {middle:.1f}, must be in 0..{FAST_WIND_MS:g} m/s; {KM_H.en}",
        )  # fmt: skip


def _contradictions(
    columns: dict[str, Array], day_of_year: Array, latitude: float, *, daily: bool
) -> Iterator[tuple[NDArray[np.bool_], str, str, str]]:
    """Rule 3: rows, the column to name, and what it contradicts. A comparison with NaN is never true."""
    tmax, tmin, tmean = columns["tmax_c"], columns["tmin_c"], columns["tmean_c"]
    warmest = np.where(np.isnan(tmax), np.where(np.isnan(tmin), tmean, np.nan), tmax)
    yield tmin > tmax, "tmin_c", "không được lớn hơn tmax_c", "must not be above tmax_c"
    yield tmean > tmax + 0.05, "tmean_c", "không được lớn hơn tmax_c", "must not be above tmax_c"
    yield tmean < tmin - 0.05, "tmean_c", "không được nhỏ hơn tmin_c", "must not be below tmin_c"
    yield (columns["tdew_c"] > warmest + 0.5, "tdew_c", "điểm sương không được trên nhiệt độ cao nhất",
           "the dew point must not be above the warmest air")  # fmt: skip
    yield (columns["vapour_kpa"] > saturation_kpa(warmest + 0.5), "vapour_kpa",
           "nhiều hơi nước hơn không khí chứa được; có phải hPa không?",
           "is more vapour than the warmest air holds; is it hPa?")  # fmt: skip
    yield (columns["rhmin_pct"] > columns["rhmax_pct"], "rhmin_pct", "không được lớn hơn rhmax_pct",
           "must not be above rhmax_pct")  # fmt: skip
    if daily:
        ra = radiation.extraterrestrial_mj(latitude, day_of_year)
        yield (columns["srad_mj_m2"] > 1.05 * ra + 0.5, "srad_mj_m2",
               "nhiều hơn mặt trời cho ở vĩ độ này (Ra); xem lại đơn vị và vĩ độ",
               "is more than the sun gives at this latitude (Ra); check unit and latitude")  # fmt: skip
        longest = radiation.daylight_h(latitude, day_of_year)
        yield (columns["sunshine_h"] > longest + 1.0, "sunshine_h",
               "dài hơn ngày ở vĩ độ này; xem lại đơn vị và vĩ độ",
               "is longer than the day at this latitude; check unit and latitude")  # fmt: skip


def days_of_year(days: tuple[date, ...]) -> Array:
    return floats([day.timetuple().tm_yday for day in days])


def hours(table: Table, stamp: str) -> Hours:
    """The hours of a table; ``stamp`` tells whether a row's time is the start, middle or end of its hour.

    Raises Refused for a time without offset, out of order, or less than an hour after the one before.
    """
    to_middle = {"start": HOUR / 2, "middle": timedelta(0), "end": -HOUR / 2}[stamp]
    found: list[datetime] = []
    for row, cell in enumerate(table.cells("time")):
        moment = _moment(table, row, cell)
        if row and moment - found[-1] < HOUR:
            if moment > found[-1]:
                raise table.refused(row, "time", "mỗi giờ chỉ một dòng: hãy tính trung bình theo giờ",
                                    "one row an hour: average the rows of each hour")  # fmt: skip
            raise table.out_of_order(row, "time", moment == found[-1])
        found.append(moment)
    middles = [moment + to_middle for moment in found]
    zone_h = floats([(moment.utcoffset() or timedelta(0)) / HOUR for moment in middles])
    utc_h = floats([moment.timestamp() / 3600.0 for moment in middles])
    return Hours(utc_h + zone_h, zone_h, floats([moment.timetuple().tm_yday for moment in middles]))


def _moment(table: Table, row: int, cell: str) -> datetime:
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise table.refused(
            row,
            "time",
            "không phải là giờ có múi giờ, ghi như 2024-03-01T14:00+07:00",
            "is not a time with its offset, write it like 2024-03-01T14:00+07:00",
        )
    return moment


def hour_gaps(middle_h: Array) -> int:
    """How many hours are missing between the first and the last."""
    return int(np.sum(np.maximum(np.round(np.diff(middle_h)) - 1, 0)))
