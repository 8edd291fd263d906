"""A season of the balance: weather and an irrigation program in, every day of every zone out.

Rules
1. Arrays of days have shape (days, zones) or (days, 1), and are stepped day by day.
2. A program is a list of events, a rule, or both: on a day with an event the rule is not asked.
3. A rule looks at the evening before: the depletion it left, the water it could hold, and the day's expected
   evapotranspiration (last actual coefficient × today's ET0), as pyfao56's automatic irrigation does.
4. A rule that is ``in_time`` looks a day ahead instead: it gives water on the last evening before the crop would be
   short of it, by tomorrow's air as it is told and without counting on rain. ``refill`` may leave room for that.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from gateway.core.fao56 import crop as crops
from gateway.core.fao56.atmosphere import Array, floats
from gateway.core.fao56.balance import Crop, Day, Field, Result, State, advance


@dataclass(frozen=True, slots=True)
class Weather:
    """Daily weather, (days, zones) or (days, 1): ET0 and rain in mm, wind at 2 m, least humidity in per cent."""

    et0_mm: Array
    rain_mm: Array
    u2_ms: Array
    rhmin_pct: Array


@dataclass(frozen=True, slots=True)
class Events:
    """Irrigation of each day, (days, zones) or (days, 1): mm at the valve, wetted part, part that reaches the soil."""

    depth_mm: Array
    fw: Array
    efficiency: Array


@dataclass(frozen=True, slots=True)
class Rule:
    """When to irrigate and how much.

    Water is given on an ``allowed`` day (days, 1) or (days, zones), once the depletion is more than ``mad`` of TAW and
    ``every_days`` have passed. ``refill`` is the part of the depletion to be filled by the evening, where
    ``depth_mm`` is NaN; else the depth is ``depth_mm``. The valve gives it divided by ``efficiency``. Shapes (zones,).
    """

    allowed: NDArray[np.bool_]
    mad: Array
    every_days: Array
    refill: Array
    depth_mm: Array
    fw: Array
    efficiency: Array
    in_time: bool = False  # rule 4 of the module, instead of ``mad``


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen in the field each day, (days, zones) or (days, 1); NaN where nothing was."""

    kcb: Array
    height_m: Array
    cover: Array


def run(
    field: Field,
    state: State,
    weather: Weather,
    *,
    events: Events | None = None,
    rule: Rule | None = None,
    observed: Observed | None = None,
    first_number: int = 0,
) -> tuple[State, Result]:
    """Run the season, whose first day is day ``first_number`` after planting. The result is (days, zones).

    Raises ValueError when the arrays do not have the same number of days.
    """
    days, zones = weather.et0_mm.shape[0], state.dr_mm.shape[0]
    events = events or Events(*(np.full((days, 1), value) for value in (0.0, 1.0, 1.0)))
    observed = observed or Observed(*(np.full((days, 1), np.nan) for _ in range(3)))
    inputs = [getattr(part, column.name) for part in (weather, events, observed) for column in fields(part)]
    inputs += [rule.allowed] if rule else []
    if any(values.shape[0] != days for values in inputs):
        raise ValueError(f"the season has {days} days; every array of days must have as many")
    kept = Result(*(np.empty((days, zones)) for _ in fields(Result)))
    columns = [getattr(kept, column.name) for column in fields(Result)]
    names = [column.name for column in fields(Result)]
    for n in range(days):
        gift = Events(events.depth_mm[n], events.fw[n], events.efficiency[n])
        day = Day(
            floats(first_number + n), weather.et0_mm[n], weather.rain_mm[n], weather.u2_ms[n], weather.rhmin_pct[n],
            gift.depth_mm, gift.fw, gift.efficiency, observed.kcb[n], observed.height_m[n], observed.cover[n],
        )  # fmt: skip
        if rule:
            looked = _ahead(field, state, day, weather, n) if rule.in_time else _behind(rule, state, day)
            gift = _given(rule, state, *looked, rule.allowed[n], gift)
            day = replace(day, irrigation_mm=gift.depth_mm, fw=gift.fw, efficiency=gift.efficiency)
        state, result = advance(field, state, day)
        for column, name in zip(columns, names, strict=True):
            column[n] = getattr(result, name)
    return state, kept


def _behind(rule: Rule, state: State, day: Day) -> tuple[NDArray[np.bool_], Array]:
    """Which zones want water by the evening before, and what they will lack this evening."""
    return state.dr_mm > rule.mad * state.taw_mm, floats(state.dr_mm + state.ka * day.et0_mm)


def _ahead(field: Field, state: State, day: Day, weather: Weather, n: int) -> tuple[NDArray[np.bool_], Array]:
    """The same by what tomorrow would be without water; the last day has no tomorrow and is taken twice."""
    nothing = np.zeros(state.dr_mm.shape)
    evening, _ = advance(field, state, replace(day, irrigation_mm=nothing))
    next_day, unseen = min(n + 1, len(weather.et0_mm) - 1), nothing * np.nan
    tomorrow = Day(
        day.number + 1.0, weather.et0_mm[next_day], nothing, weather.u2_ms[next_day], weather.rhmin_pct[next_day],
        nothing, day.fw, day.efficiency, unseen, unseen, unseen,
    )  # fmt: skip
    return advance(field, evening, tomorrow)[1].ks < 1.0, evening.dr_mm


def _given(
    rule: Rule, state: State, wants: NDArray[np.bool_], lack_mm: Array, allowed: NDArray[np.bool_], event: Events
) -> Events:
    """The day's irrigation of each zone by the rule, where no event gives any."""
    due = allowed & wants & (state.dry_days >= rule.every_days) & ~(event.depth_mm > 0.0)
    wanted = np.where(np.isnan(rule.depth_mm), rule.refill * lack_mm, rule.depth_mm)
    return Events(
        floats(np.where(due, np.maximum(wanted, 0.0) / rule.efficiency, event.depth_mm)),
        floats(np.where(due, rule.fw, event.fw)),
        floats(np.where(due, rule.efficiency, event.efficiency)),
    )


def adjusted_to_climate(crop: Crop, weather: Weather, first_number: int = 0) -> Crop:
    """The crop with mid-season and end coefficients adjusted to the weather of their stages.

    FAO-56 Eq. 62, 65 and 70 with means over the days of each stage that the weather holds; a stage that it does not
    hold, or whose wind or humidity is not known, keeps its coefficient.
    """
    starts = np.cumsum(crop.stages_days, axis=0)
    number = np.arange(weather.et0_mm.shape[0])[:, None] + first_number
    kc = [crop.kc[0]]
    for stage, value in ((1, crop.kc[1]), (2, crop.kc[2])):
        inside = (number >= starts[stage]) & (number < starts[stage + 1])
        u2, rhmin = (_mean(values, inside) for values in (weather.u2_ms, weather.rhmin_pct))
        kc.append(crops.for_climate(value, u2, rhmin, crop.height_m[1]))
    return Crop(crop.dual, crop.stages_days, np.stack(kc), crop.kc_min, crop.root_m, crop.height_m, crop.p)


def _mean(values: Array, inside: NDArray[np.bool_]) -> Array:
    """Mean over the days inside, NaN where there is none."""
    count = inside.sum(axis=0)
    total = np.where(inside, values, 0.0).sum(axis=0)
    return floats(np.where(count > 0, total / np.maximum(count, 1), np.nan))
