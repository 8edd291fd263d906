"""Which days the village lives through, and on which weather: decided before anything starts.

Rules of this module:
- A file or a day that was asked for is used or refused, never replaced. Only when nobody asked for weather is
  the archive tried, and the generator stands in for it, with its label.
- The weather reaches past the last day, so that a run can drain its last readings; nothing is measured there.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from simulators.field import archive
from simulators.field.generator import generate
from simulators.field.weather import Weather, WeatherError, read_csv

RECENT_DAYS = 14
AHEAD_DAYS = 120  # of a village that runs until Ctrl-C
DRAIN_DAYS = 3

Fetch = Callable[[dt.date, dt.date], Weather]


@dataclass(frozen=True)
class Choice:
    """The first day, how many days (None: until somebody stops it; also a part of one), and the weather for them."""

    first: dt.date
    days: float | None
    weather: Weather


def choose(
    *, file: Path | None, first: dt.date | None, days: float | None, seed: int, today: dt.date, fetch: Fetch
) -> Choice:
    """Raises WeatherError when the days that were asked for cannot be had."""
    whole = None if days is None else math.ceil(days)
    if file is not None:
        weather = read_csv(file)
        begin = first or weather.first
        last = weather.last if whole is None else begin + dt.timedelta(days=whole - 1)
        return Choice(begin, days, _ahead(weather.between(begin, last), days, seed))
    begin = first or today - dt.timedelta(days=max(RECENT_DAYS, (whole or 0) + archive.LAG_DAYS))
    last_known = today - dt.timedelta(days=archive.LAG_DAYS)
    last = last_known if whole is None else begin + dt.timedelta(days=whole - 1)
    try:
        if not begin <= last <= last_known:
            raise WeatherError("the archive does not hold days of the future")
        weather = fetch(begin, last)
    except WeatherError as error:
        made = generate(seed, begin, whole or 1)
        weather = replace(made, label=f"{made.label} ({error})")
    return Choice(begin, days, _ahead(weather, days, seed))


def for_place(latitude: float, longitude: float) -> Fetch:
    """The archive at a place."""
    return lambda first, last: archive.fetch(latitude, longitude, first, last)


def _ahead(weather: Weather, days: float | None, seed: int) -> Weather:
    """The weather and what comes after it: dry copies of the last day to drain in, or generated days to go on in."""
    if days is not None:
        dry = replace(weather.days[-1], rain_mm=0.0)
        more = tuple(replace(dry, date=dry.date + dt.timedelta(days=n)) for n in range(1, DRAIN_DAYS + 1))
        return replace(weather, days=weather.days + more)
    after = generate(seed, weather.last + dt.timedelta(days=1), AHEAD_DAYS)
    label = weather.label if weather.label.startswith("generated") else f"{weather.label}, then {after.label}"
    return Weather(label, weather.days + after.days)
