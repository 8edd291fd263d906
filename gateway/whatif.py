"""``what-if``: what other settings would have changed, tried on the record of the village.

Rules
1. Two trials on the same record: with the settings that were in force, and with those of the question. What is told is
   the difference between the two, because both have the faults of the model.
2. Water that the changed settings have not given but taken out of the soil is not saved: it is told, and taken off.
3. How far the first is from what was really watered and reckoned is told with it, always.
4. Only what the settings of a garden say can be asked; what is wired to what was as it was. A wrong key or value is
   refused as in village.toml, with the allowed range.
5. Gardens without a known soil are named and not tried.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from statistics import mean
from typing import Any, NamedTuple

from gateway import record as records
from gateway import registry
from gateway.core import trial
from gateway.core.record import Record
from gateway.core.trial import Garden
from gateway.core.types import ZoneSettings
from gateway.home import Home
from gateway.settings import settings_of
from gateway.strict import RegistryError
from kit.clock import SpedClock

WIRED = ("id", "name", "probes", "valve", "pump", "source", "area_m2")
HOUR_MS = 3_600_000


class Change(NamedTuple):
    """One ``zone.ID.KEY=VALUE``; ``keys`` is the way to the value inside of the zone."""

    text: str
    zone: str
    keys: tuple[str, ...]
    value: Any


@dataclass(frozen=True)
class Figures:
    """Of a garden or of all, over the whole time."""

    m3: float
    mm: float
    runs: int
    pump_h: float
    stress_days: int | None
    end_mm: float  # what the soil lacks at the end

    def less_mm(self, than: Figures) -> float:
        """Rule 2: how much less water was used up."""
        return than.mm - self.mm - (self.end_mm - than.end_mm)


@dataclass(frozen=True)
class Answer:
    """For one garden: measured, and both trials."""

    zone: ZoneSettings
    measured: Figures
    base: Figures
    changed: Figures
    apart_mm: float
    curves: tuple[Garden, Garden]


@dataclass(frozen=True)
class Outcome:
    changes: tuple[Change, ...]
    record: Record
    answers: tuple[Answer, ...]
    untried: tuple[str, ...]


def change(text: str) -> Change:
    """A change as a person wrote it. Raises RegistryError."""
    place, equals, told = text.partition("=")
    head, *way = place.strip().split(".")
    if not equals or head != "zone" or len(way) < 2 or not all(way):
        raise RegistryError("must be zone.ID.KEY=VALUE, such as zone.xoai.dry_vwc=0.25", "--set", text)
    if way[1] in WIRED:
        raise RegistryError("must be a setting of the garden, not what it consists of", place.strip(), told.strip())
    try:
        value = tomllib.loads(f"value = {told}", parse_float=Decimal)["value"]
    except (ValueError, ArithmeticError, RecursionError, KeyError):
        raise RegistryError("must be written as in village.toml", place.strip(), told.strip()) from None
    return Change(text, way[0], tuple(way[1:]), value)


def ask(home: Home, from_ms: int, to_ms: int, changes: Sequence[Change]) -> Outcome:
    """The answer. Raises NoRecord, RegistryError or StoreError."""
    found = records.load(home, from_ms, to_ms)
    village = registry.parse(changed(found.registry, changes))
    settings = records.without_meters(settings_of(village, SpedClock(0, 0, found.speed)))
    record = found.record
    base = trial.run(record, record.settings, record.limits)
    other = trial.run(record, settings, record.limits)
    answers = [_answer(record, settings.zone_by_id[zone], base[zone], other[zone]) for zone in base if zone in other]
    tried = {answer.zone.id for answer in answers}
    untried = [zone.name for zone in record.settings.zones if zone.id not in tried]
    return Outcome(tuple(changes), record, tuple(answers), tuple(untried))


def changed(text: str, changes: Sequence[Change]) -> str:
    """The registry with the changes, as TOML. Raises RegistryError."""
    tables: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
    zones = {zone["id"]: zone for zone in tables.get("zone", [])}
    for one in changes:
        if one.zone not in zones:
            raise RegistryError(f"must be one of {', '.join(zones)}", "zone", one.zone)
        table = zones[one.zone]
        for key in one.keys[:-1]:
            inner = table.setdefault(key, {})
            if not isinstance(inner, dict) and key == "crop":  # one that was only named
                inner = table[key] = {"name": inner}
            if not isinstance(inner, dict):
                place = f"zone.{one.zone}.{'.'.join(one.keys)}"
                raise RegistryError("must be written as in village.toml", place, str(one.value))
            table = inner
        table[one.keys[-1]] = one.value
    return "".join(f"{key} = {_toml(value)}\n" for key, value in tables.items())


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else _plain(value)


def _plain(value: int | Decimal | date) -> str:
    return value.isoformat() if isinstance(value, date) else f"{value}"


# ---- figures


def _answer(record: Record, zone: ZoneSettings, base: Garden, other: Garden) -> Answer:
    area_m2 = base.soil.ground.area_m2
    real = [run for run in record.watered if run.zone == zone.id]
    ml = sum(run.millilitres for run in real)
    hours = sum(run.off_ms - run.on_ms for run in real) / HOUR_MS
    stress = len(_stressed(record, zone.id, base))
    end_um = next((tick.came[zone.id].depletion_um for tick in reversed(record.ticks) if zone.id in tick.came), 0)
    measured = Figures(ml / 1e6, ml / 1e3 / area_m2, len(real), hours, stress, end_um / 1000.0)
    apart_mm = mean(base.apart_mm) if base.apart_mm else 0.0
    return Answer(zone, measured, _figures(base), _figures(other), apart_mm, (base, other))


def _figures(garden: Garden) -> Figures:
    stress = len(garden.soil.stressed)
    hours, end_mm = garden.pump_ms / HOUR_MS, garden.soil.depletion_mm
    return Figures(garden.poured_ml / 1e6, garden.mm, garden.runs, hours, stress, end_mm)


def _stressed(record: Record, zone: str, garden: Garden) -> set[int]:
    """The days of stress by what was reckoned then."""
    return set(record.stressed(zone, garden.soil))


def total(figures: Sequence[tuple[Figures, float]]) -> Figures:
    """Of all gardens; their mm are weighted by area."""
    area_m2 = sum(area for _, area in figures)
    stress = [one.stress_days for one, _ in figures if one.stress_days is not None]
    return Figures(
        sum(one.m3 for one, _ in figures),
        sum(one.mm * area for one, area in figures) / area_m2 if area_m2 else 0.0,
        sum(one.runs for one, _ in figures),
        sum(one.pump_h for one, _ in figures),
        sum(stress),
        sum(one.end_mm * area for one, area in figures) / area_m2 if area_m2 else 0.0,
    )
