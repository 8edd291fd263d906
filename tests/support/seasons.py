"""Seasons for tests: the demonstration's village on generated weather, or on the archive's of Cần Thơ."""

from __future__ import annotations

import datetime as dt
import functools
import tomllib
from pathlib import Path
from typing import Any

import simulators
from gateway.core.village import Village
from gateway.registry import load
from simulators.field.generator import generate
from simulators.field.weather import Weather, local_midnight_ms, read_csv
from simulators.season.faults import Faults
from simulators.season.scenario import QUICK, Pace, Scenario
from tests.support import shared_data

HERE = Path(simulators.__file__).parent
VILLAGE_FILE = HERE / "village.toml"
CAN_THO = "can_tho_daily_2023_2025.csv"
FIRST = dt.date(2024, 2, 5)  # February and March are dry in every year of the generator


@functools.cache
def village() -> Village:
    return load(VILLAGE_FILE)


def truth(*, fresh: bool = True) -> dict[str, Any]:
    """The demonstration's ground; ``fresh``: a village so far up the river that no salt comes to it."""
    found = tomllib.loads((HERE / "field.toml").read_text(encoding="utf-8"))
    found["ditch"]["start_level_mm"] = 1_300
    if fresh:
        found["canal"]["sea_share"] = 0
    return found


@functools.cache
def weather(seed: int = 1, first: dt.date = dt.date(2024, 1, 1), days: int = 200) -> Weather:
    return generate(seed, first, days)


def can_tho_file() -> Path:
    return shared_data.folder("weather") / CAN_THO


def scenario(
    days: int = 30,
    *,
    first: dt.date = FIRST,
    seed: int = 1,
    faults: Faults | None = None,
    fresh: bool = True,
    pace: Pace = QUICK,
) -> Scenario:
    last = first + dt.timedelta(days=days - 1)
    return Scenario(village(), truth(fresh=fresh), weather(seed), first, last, seed, faults or Faults(), pace)


def can_tho(first: dt.date, last: dt.date, *, fresh: bool) -> Scenario:
    """The real weather of Cần Thơ; skips the test where it is not on this machine."""
    return Scenario(village(), truth(fresh=fresh), read_csv(can_tho_file()), first, last)


def day_ms(number: int, hour: float = 0.0, first: dt.date = FIRST) -> int:
    """An hour of a day of the season, counted from 0."""
    return local_midnight_ms(first + dt.timedelta(days=number)) + round(hour * 3_600_000)
