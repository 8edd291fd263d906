"""What the air takes from a garden on a day, and the rain that may come: from what the gateway has, said where from.

Rules
1. ET0 of a day is the first of these that is there and not expired (``_CHAIN``): the outlook's figures of that day
   when issued within ``OUTLOOK_FRESH_DAYS``; the village's own station, its last whole day within ``STATION_DAYS``;
   the outlook when issued within ``OUTLOOK_OLD_DAYS``; and the month's mean, which never expires (D5).
2. Each of them goes through the chain of ``fao56.station`` for what it does not tell, down to Hargreaves (Eq. 52);
   where it came from and by which equation goes with it, and how far it may be wrong.
3. An outlook may be of the past too (an archive). Its age is counted from when it was issued, so it expires across any
   restart. One issued in the future is not looked at.
4. Rain of an outlook is weighed by its chance and only ever delays (D3); rain that is counted is the gauge's alone.
5. The month's means are those of the grid point nearest Cần Thơ, January 2023 to January 2025, computed from
   Open-Meteo's archive (ERA5; CC BY 4.0, Open-Meteo and Copernicus).
6. Days are local, counted from 1970-01-01.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

from gateway.core.air import Air, AirDay
from gateway.core.fao56.atmosphere import floats
from gateway.core.fao56.station import Observations, Station, daily
from gateway.core.refs import SensorRef

DAY_MS = 86_400_000
LOCAL_MS = 7 * 3_600_000
OUTLOOK_FRESH_DAYS = 2.0
OUTLOOK_OLD_DAYS = 7.0
RAIN_FRESH_DAYS = 1.5
STATION_DAYS = 2
WIND_HEIGHT_M = 10.0  # of an outlook
MEAN_OF_LARGEST_WIND = 0.5  # a day's mean wind against its largest hour: a round figure
KMH_PER_MS = 3.6
ET0_RANGE_MM = (0.1, 12.0)
EPOCH = date(1970, 1, 1)

# month -> mean Tmax and Tmin in °C, mean humidity in %, mean of the daily largest wind in km/h
MONTHS = (
    (30.0, 22.5, 77.3, 13.5), (32.2, 23.3, 73.0, 17.1), (33.8, 24.0, 69.0, 17.6), (35.5, 25.5, 70.5, 16.0),
    (33.1, 26.1, 80.5, 15.3), (31.2, 25.4, 85.0, 16.2), (29.9, 24.6, 88.5, 18.1), (30.9, 24.8, 85.5, 16.9),
    (30.2, 24.5, 88.5, 17.6), (30.9, 24.1, 88.0, 13.7), (30.8, 24.0, 84.0, 14.9), (30.1, 23.7, 80.5, 14.6),
)  # fmt: skip


class Origin(StrEnum):
    """Where a day's ET0 came from."""

    OUTLOOK = "outlook"
    STATION = "station"
    OLD_OUTLOOK = "old_outlook"
    MONTH = "month"


# How far a day's ET0 may be off, as a part of it: one standard deviation of days that follow each other.
DOUBT: Mapping[Origin, float] = {
    Origin.OUTLOOK: 0.20,
    Origin.STATION: 0.25,
    Origin.OLD_OUTLOOK: 0.30,
    Origin.MONTH: 0.35,
}


@dataclass(frozen=True, slots=True)
class Place:
    latitude: float
    longitude: float
    elevation_m: float


@dataclass(frozen=True, slots=True)
class StationSettings:
    """The village's own sensors of the sky, whatever it has of them."""

    rain: SensorRef | None = None
    air: tuple[SensorRef, ...] = ()

    @property
    def sensors(self) -> tuple[SensorRef, ...]:
        return (*((self.rain,) if self.rain else ()), *self.air)


@dataclass(frozen=True, slots=True)
class OutlookDay:
    """What is said of one day; None where nothing is said. ``rain_chance`` is a part of 1."""

    tmax_c: float
    tmin_c: float
    rain_mm: float
    rain_chance: float
    rhmean_pct: float | None = None
    wind10m_max_kmh: float | None = None


@dataclass(frozen=True)
class Outlook:
    """A forecast or an archive, as the gateway has cached it; days by their number."""

    issued_at_ms: int
    source: str
    days: Mapping[int, OutlookDay] = field(default_factory=dict)

    def is_issued_within(self, days: float, now_ms: int) -> bool:
        return 0 <= now_ms - self.issued_at_ms <= days * DAY_MS

    def is_of(self, day: int, now_ms: int) -> bool:
        """Whether it tells of a day as well as can be: freshly issued, or when that day was over."""
        was_over = local_day(self.issued_at_ms) > day and self.issued_at_ms <= now_ms
        return was_over or self.is_issued_within(OUTLOOK_FRESH_DAYS, now_ms)


@dataclass(frozen=True, slots=True)
class Et0:
    """``method`` is the record of ``fao56.station``."""

    mm: float
    origin: Origin
    method: str


def local_day(at_ms: int) -> int:
    """The number of the local day of an instant."""
    return (at_ms + LOCAL_MS) // DAY_MS


def day_begins_at_ms(day: int) -> int:
    return day * DAY_MS - LOCAL_MS


def et0(day: int, now_ms: int, place: Place, outlook: Outlook | None, air: Air) -> Et0:
    """The best that is known of a day now."""
    told = outlook.days.get(day) if outlook is not None else None
    if outlook is not None and told is not None and outlook.is_of(day, now_ms):
        return _told(day, told, place, Origin.OUTLOOK)
    whole = air.whole_day(day - STATION_DAYS, day)
    if whole is not None:
        return _measured(whole, place)
    if outlook is not None and told is not None and outlook.is_issued_within(OUTLOOK_OLD_DAYS, now_ms):
        return _told(day, told, place, Origin.OLD_OUTLOOK)
    return _month(_date(day).month, place)


def driest_et0_mm(place: Place) -> float:
    """ET0 of a day in the month of the most, as long as nothing but the months is known."""
    return max(_month(month, place).mm for month in range(1, 13))


def rain_ahead_mm(outlook: Outlook | None, from_ms: int, to_ms: int, now_ms: int) -> float:
    """Rain that is to be expected between two instants, each day's amount times its chance; 0 when nothing is known."""
    if outlook is None or not outlook.is_issued_within(RAIN_FRESH_DAYS, now_ms):
        return 0.0
    total = 0.0
    for day in range(local_day(from_ms), local_day(to_ms) + 1):
        told = outlook.days.get(day)
        if told is not None:
            begin_ms = day_begins_at_ms(day)
            part = (min(to_ms, begin_ms + DAY_MS) - max(from_ms, begin_ms)) / DAY_MS
            total += max(0.0, part) * told.rain_mm * told.rain_chance
    return total


# ---- by what is told, measured, or usual


@lru_cache(maxsize=256)
def _told(day: int, told: OutlookDay, place: Place, origin: Origin) -> Et0:
    humidity = float("nan") if told.rhmean_pct is None else told.rhmean_pct
    wind = float("nan")
    if told.wind10m_max_kmh is not None:
        wind = told.wind10m_max_kmh / KMH_PER_MS * MEAN_OF_LARGEST_WIND
    seen = Observations(
        floats([_day_of_year(day)]),
        tmax_c=floats([told.tmax_c]),
        tmin_c=floats([told.tmin_c]),
        rhmean_pct=floats([humidity]),
        wind_ms=floats([wind]),
        wind_height_m=floats([WIND_HEIGHT_M]),
    )
    return _reckoned(seen, place, origin)


@lru_cache(maxsize=64)
def _measured_at(day: int, columns: tuple[tuple[str, float], ...], place: Place) -> Et0:
    seen = Observations(floats([_day_of_year(day)]), **{name: floats([value]) for name, value in columns})
    return _reckoned(seen, place, Origin.STATION)


def _measured(whole: AirDay, place: Place) -> Et0:
    return _measured_at(whole.day, whole.columns(), place)


@lru_cache(maxsize=24)
def _month(month: int, place: Place) -> Et0:
    tmax, tmin, humidity, wind = MONTHS[month - 1]
    told = OutlookDay(tmax, tmin, 0.0, 0.0, humidity, wind)
    return _told((date(2023, month, 15) - EPOCH).days, told, place, Origin.MONTH)


def _reckoned(seen: Observations, place: Place, origin: Origin) -> Et0:
    station = Station(place.latitude, place.elevation_m, place.longitude)
    found = daily(seen, station)
    low, high = ET0_RANGE_MM
    return Et0(min(high, max(low, float(found.et0_mm[0]))), origin, found.method[0])


def _date(day: int) -> date:
    return EPOCH + timedelta(days=day)


def _day_of_year(day: int) -> int:
    return _date(day).timetuple().tm_yday
