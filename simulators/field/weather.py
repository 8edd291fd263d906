"""Daily weather of one place, and how a day's rain falls within the day.

Rules of this module:
- A `Weather` has every day of its span exactly once; what made it (a file, an archive, a generator) is in its
  label.
- A bad file is refused whole, with one line that names the file, the line and what is wrong. Nothing is guessed
  or filled.
- Days are local days at a fixed +07:00. A day's rain is spread by a function that is the same for the same
  seed, and its parts add up to the day's figure exactly: no millimetre appears or vanishes by the length of a
  step.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

LOCAL_OFFSET_MS = 7 * 3_600_000
DAY_MS = 86_400_000
MAX_DAYS = 40_000  # about a century: a longer file is a mistake

# column of the file -> lowest and highest value that weather in the delta can have
COLUMNS: dict[str, tuple[float, float]] = {
    "tmax_c": (5.0, 50.0),
    "tmin_c": (0.0, 40.0),
    "tmean_c": (0.0, 45.0),
    "rain_mm": (0.0, 700.0),
    "wind10m_max_kmh": (0.0, 250.0),
    "rh_mean_pct": (5.0, 100.0),
}


class WeatherError(Exception):
    """The weather that was asked for cannot be had; the text is one line for the person who asked."""


@dataclass(frozen=True)
class Day:
    date: dt.date
    tmax_c: float
    tmin_c: float
    rain_mm: float
    wind10m_max_kmh: float
    rh_mean_pct: float


@dataclass(frozen=True)
class Weather:
    label: str
    days: tuple[Day, ...]

    @property
    def first(self) -> dt.date:
        return self.days[0].date

    @property
    def last(self) -> dt.date:
        return self.days[-1].date

    def day(self, date: dt.date) -> Day:
        index = (date - self.first).days
        if not 0 <= index < len(self.days):
            raise WeatherError(f"no weather for {date}: it runs from {self.first} to {self.last}")
        return self.days[index]

    def between(self, first: dt.date, last: dt.date) -> Weather:
        """The same weather, cut to the days from `first` to `last`; an error if it does not hold them all."""
        if last < first:
            raise WeatherError(f"the last day {last} is before the first day {first}")
        self.day(first)
        self.day(last)
        start = (first - self.first).days
        return Weather(self.label, self.days[start : start + (last - first).days + 1])


def local_date(wall_ms: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=(wall_ms + LOCAL_OFFSET_MS) // DAY_MS)


def local_midnight_ms(date: dt.date) -> int:
    return (date - dt.date(1970, 1, 1)).days * DAY_MS - LOCAL_OFFSET_MS


def day_fraction(wall_ms: int) -> float:
    """How much of its local day is over, 0 to 1."""
    return ((wall_ms + LOCAL_OFFSET_MS) % DAY_MS) / DAY_MS


def read_csv(path: Path) -> Weather:
    """Daily weather from a file with the column date and those of COLUMNS; WeatherError for anything else."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise WeatherError(f"cannot read the weather file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WeatherError(f"the weather file {path} is not UTF-8 text") from error
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in ("date", *COLUMNS) if name not in (reader.fieldnames or ())]
    if missing:
        raise WeatherError(f"the weather file {path} has no column {', '.join(missing)}")
    days: list[Day] = []
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        day = _day(row, where)
        if days:
            _check_order(days[-1].date, day.date, where)
        days.append(day)
        if len(days) > MAX_DAYS:
            raise WeatherError(f"{where}: more than {MAX_DAYS} days")
    if not days:
        raise WeatherError(f"the weather file {path} holds no day")
    return Weather(f"file {path.name}", tuple(days))


def write_csv(weather: Weather, path: Path) -> None:
    """The same days as a file that `read_csv` reads back to the same figures."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("date", *COLUMNS))
        for day in weather.days:
            mean = (day.tmax_c + day.tmin_c) / 2.0
            writer.writerow((day.date, day.tmax_c, day.tmin_c, mean, day.rain_mm, day.wind10m_max_kmh, day.rh_mean_pct))


def _day(row: dict[str, str | None], where: str) -> Day:
    try:
        date = dt.date.fromisoformat((row["date"] or "").strip())
    except ValueError as error:
        raise WeatherError(f"{where}: {row['date']!r} is not a date such as 2024-03-01") from error
    values = {name: _number(row[name], name, where) for name in COLUMNS}
    if not values["tmin_c"] <= values["tmean_c"] <= values["tmax_c"]:
        raise WeatherError(f"{where}: tmin_c, tmean_c and tmax_c of {date} are not in rising order")
    del values["tmean_c"]
    return Day(date, **values)


def _number(text: str | None, name: str, where: str) -> float:
    low, high = COLUMNS[name]
    try:
        value = float(text or "")
    except ValueError as error:
        raise WeatherError(f"{where}: {name} is {text!r}, not a number") from error
    if not low <= value <= high:  # also refuses nan
        raise WeatherError(f"{where}: {name} is {text}, outside {low:g} to {high:g}")
    return value


def _check_order(before: dt.date, date: dt.date, where: str) -> None:
    step = (date - before).days
    if step == 0:
        raise WeatherError(f"{where}: the date {date} is there twice")
    if step < 0:
        raise WeatherError(f"{where}: the date {date} comes after {before}; days must be in order")
    if step > 1:
        raise WeatherError(f"{where}: {step - 1} missing day(s) between {before} and {date}")


def rain_between_mm(day: Day, seed: int, from_fraction: float, to_fraction: float) -> float:
    """The part of a day's rain that falls between two fractions of the day: one shower, mostly in the afternoon."""
    if day.rain_mm <= 0.0:
        return 0.0
    start, length = _shower(day.date, day.rain_mm, seed)

    def fallen(fraction: float) -> float:
        return min(1.0, max(0.0, (fraction - start) / length))

    return day.rain_mm * (fallen(to_fraction) - fallen(from_fraction))


@lru_cache(maxsize=4096)
def _shower(date: dt.date, rain_mm: float, seed: int) -> tuple[float, float]:
    """When the shower of a day begins and how long it lasts, as parts of the day."""
    draw = random.Random(f"shower/{seed}/{date}")
    length = min(0.35, 0.02 + rain_mm / 250.0 + 0.06 * draw.random())  # heavier rain lasts longer
    return draw.triangular(0.0, 1.0 - length, 0.6 * (1.0 - length)), length
