"""The daily soil water balance of many zones at once, with a single or a dual crop coefficient.

Rules
1. Zones are the last axis of every array; ``advance`` takes all of them through one day and returns the new state and
   what happened. Nothing here loops over zones.
2. Every mm is counted once: rain + irrigation = runoff + evapotranspiration + percolation + what the depletion fell by,
   exactly, on every day. So no more evaporates than is there: where FAO-56 would take Dr beyond TAW, the rest comes
   from below the roots where that is tracked, and what is not there either is cut in proportion. The surface dries by
   Eq. 77 all the same: what it gives below wilting point is no water of the root zone.
3. 0 ≤ Dr ≤ TAW and 0 ≤ De ≤ TEW: what is more than field capacity percolates on the same day.
4. Where FAO-56 leaves a choice, ``Choices`` names it; the defaults are those of pyfao56.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gateway.core.fao56 import crop as crops
from gateway.core.fao56 import water
from gateway.core.fao56.atmosphere import Array, floats, within

Moment = Literal["start_of_day", "end_of_day"]


@dataclass(frozen=True, slots=True)
class Choices:
    """What FAO-56 leaves open.

    ``roots``: they deepen with Kcb, or with time from planting to mid-season. ``rain`` and ``irrigation``: whether
    that water is there when the day's evaporation and stress are judged (FAO-56 Example 35), or comes after.
    ``p``: the depletion fraction follows ETc, or is the table value. ``stress``: the line of Eq. 84, or AquaCrop's
    curve. ``below_roots``: roots grow into soil at field capacity (FAO-56), or into soil whose water is tracked down
    to the deepest root. ``beyond_taw``: what is not there is cut (rule 2), or reported as the equations have it, as
    pyfao56 does, and the books do not close on such a day. ``reference``: which surface ET0 is for.
    ``first_day``: the number of planting day in Eq. 66.
    """

    roots: Literal["kcb", "time"] = "kcb"
    rain: Moment = "end_of_day"
    irrigation: Moment = "end_of_day"
    p: Literal["etc", "fixed"] = "etc"
    stress: Literal["linear", "aquacrop"] = "linear"
    below_roots: Literal["field_capacity", "tracked"] = "field_capacity"
    beyond_taw: Literal["cut", "as_computed"] = "cut"
    reference: Literal["short", "tall"] = "short"
    first_day: int = 0


@dataclass(frozen=True, slots=True)
class Crop:
    """Shapes: ``stages_days`` (4, zones), ``kc`` (3, zones) Kcb or Kc, ``root_m`` and ``height_m`` (2, zones)."""

    dual: bool
    stages_days: Array
    kc: Array
    kc_min: Array
    root_m: Array
    height_m: Array
    p: Array


@dataclass(frozen=True, slots=True)
class Soil:
    """Shapes: ``bottom_m``, ``fc``, ``wp`` (layers, zones), the rest (zones,); ``curve_number`` NaN for no runoff."""

    bottom_m: Array
    fc: Array
    wp: Array
    tew_mm: Array
    rew_mm: Array
    curve_number: Array

    def taw_mm(self, root_m: Array) -> Array:
        """Total available water to a depth. FAO-56 Eq. 82."""
        return water.column_mm(self.bottom_m, self.fc - self.wp, root_m)


@dataclass(frozen=True, slots=True)
class Field:
    """What does not change in a season."""

    crop: Crop
    soil: Soil
    choices: Choices = Choices()


@dataclass(frozen=True, slots=True)
class State:
    """What one day leaves to the next; each of shape (zones,).

    ``below_mm`` is the depletion between the roots and their greatest depth (0 unless tracked), ``ka`` the last
    actual crop coefficient, ``dry_days`` the days since the last irrigation, 1 before the first.
    """

    dr_mm: Array
    de_mm: Array
    below_mm: Array
    taw_mm: Array
    root_m: Array
    height_m: Array
    fw: Array
    curve: Array
    kcb: Array
    ka: Array
    dry_days: Array


@dataclass(frozen=True, slots=True)
class Day:
    """One day's input; each broadcasts to (zones,).

    ``number`` counts from 0 at planting. ``irrigation_mm`` is what the valve gave, ``efficiency`` the part of it that
    reaches the soil, ``fw`` the part of the surface it wets. ``kcb``, ``height`` and ``cover`` observed in the field
    take the place of the computed ones; NaN where nothing was observed.
    """

    number: Array
    et0_mm: Array
    rain_mm: Array
    u2_ms: Array
    rhmin_pct: Array
    irrigation_mm: Array
    fw: Array
    efficiency: Array
    kcb: Array
    height_m: Array
    cover: Array


@dataclass(frozen=True, slots=True)
class Result:
    """What happened on one day; each of shape (zones,), or (days, zones) of a season. NaN: not of this method."""

    et0_mm: Array
    kcb: Array
    ke: Array
    kc: Array
    ks: Array
    etc_mm: Array
    eta_mm: Array
    evaporation_mm: Array
    transpiration_mm: Array
    percolation_mm: Array
    runoff_mm: Array
    de_mm: Array
    dr_mm: Array
    taw_mm: Array
    raw_mm: Array
    irrigation_mm: Array
    rain_mm: Array
    loss_mm: Array
    below_mm: Array
    root_m: Array
    height_m: Array
    cover: Array
    kr: Array


def begin(field: Field, theta_initial: Array, de_mm: Array | None = None) -> State:
    """The state before the first day: soil at ``theta_initial`` (layers, zones), surface dry unless ``de_mm`` says.

    FAO-56 Eq. 87 for Dr, p. 153 for De. Depletions are cut to what rule 3 allows.
    """
    crop, soil = field.crop, field.soil
    zones = crop.p.shape
    root, deepest = crop.root_m
    taw = soil.taw_mm(root)
    dr = np.clip(water.column_mm(soil.bottom_m, soil.fc - theta_initial, root), 0.0, taw)
    below = np.zeros(zones)
    if field.choices.below_roots == "tracked":
        whole = water.column_mm(soil.bottom_m, soil.fc - theta_initial, deepest)
        below = np.clip(whole - dr, 0.0, soil.taw_mm(deepest) - taw)
    de = soil.tew_mm if de_mm is None else np.clip(de_mm, 0.0, soil.tew_mm)
    ones, kc = np.ones(zones), crop.kc[0]
    return State(dr, de * ones, floats(below), taw, root, crop.height_m[0], ones, kc, kc, kc, ones)


def advance(field: Field, state: State, day: Day) -> tuple[State, Result]:
    """Take every zone through one day. Raises nothing; NaN in ET0 or rain gives NaN from that day on."""
    soil, choices = field.soil, field.choices
    growing = _grow(field, state, day)
    irrigated = np.broadcast_to(day.irrigation_mm, state.dr_mm.shape)
    loss = irrigated * (1.0 - day.efficiency)
    gift = irrigated - loss
    runoff = water.runoff_mm(day.rain_mm, soil.curve_number, state.de_mm, soil.tew_mm, soil.rew_mm)
    rain = day.rain_mm - runoff
    fw = water.wetted_part(state.fw, day.rain_mm, irrigated, day.fw)
    early_rain = rain if choices.rain == "start_of_day" else 0.0
    early_gift = gift if choices.irrigation == "start_of_day" else 0.0

    surface = _surface(field, state, day, growing, fw, early_rain + early_gift / fw)
    kc = growing.kc + surface.ke
    etc = kc * day.et0_mm
    taw = soil.taw_mm(growing.root_m)
    p = field.crop.p if choices.p == "fixed" else water.depletion_fraction(field.crop.p, etc)
    law = water.stress if choices.stress == "linear" else water.stress_aquacrop
    ks = law(np.maximum(state.dr_mm - early_rain - early_gift, 0.0), taw, p)

    inherited = _inherited_mm(field, state, taw)
    room = _room_below_mm(field, taw)
    there = np.maximum(taw + room - state.dr_mm - state.below_mm + rain + gift, 0.0)
    transpiration, evaporation = floats(ks * growing.kc * day.et0_mm), floats(surface.ke * day.et0_mm)
    de = crops.surface_depletion_mm(state.de_mm, rain + gift / fw, evaporation, surface.few, soil.tew_mm)
    if choices.beyond_taw == "cut":
        transpiration, evaporation = _within(there, transpiration, evaporation)
    eta = transpiration + evaporation
    left = state.dr_mm + inherited - rain - gift + eta  # FAO-56 Eq. 85, before what percolates
    dr = np.clip(left, 0.0, taw)
    below, percolation = _below(state.below_mm - inherited - (dr - left), room)

    ka = ks * growing.kc + surface.ke
    dry_days = np.where(irrigated > 0.0, 1.0, state.dry_days + 1.0)
    after = State(
        dr, de, below, taw, growing.root_m, growing.height_m, fw, growing.curve, growing.kc, ka, floats(dry_days)
    )
    single = np.full(dr.shape, 1.0 if field.crop.dual else np.nan)  # what a single coefficient does not tell apart
    everywhere = np.ones(dr.shape)
    return after, Result(
        day.et0_mm * everywhere, growing.kc * single, surface.ke * single, kc, ks, etc, eta, evaporation * single,
        transpiration * single, percolation, runoff * everywhere, de * single, dr, taw, p * taw, irrigated,
        day.rain_mm * everywhere, floats(loss), below, growing.root_m, growing.height_m, surface.cover * single,
        surface.kr * single,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Growing:
    """The crop on a day: ``curve`` as planned, ``kc`` with what was observed."""

    curve: Array
    kc: Array
    height_m: Array
    root_m: Array


@dataclass(frozen=True, slots=True)
class _Surface:
    ke: Array
    kr: Array
    few: Array
    cover: Array


def _grow(field: Field, state: State, day: Day) -> _Growing:
    """Coefficient, height and roots. Height and roots never shrink (FAO-56 p. 279)."""
    crop = field.crop
    number = day.number + field.choices.first_day
    (grown, aged), before = crops.progress(number, crop.stages_days), crops.progress(number - 1, crop.stages_days)
    planned = crops.curve(number, crop.stages_days, crop.kc)
    # from the last observed value Kcb moves on in step with the curve; on its flats it is back on the curve
    moving = (grown > before[0]) | (aged > before[1])
    followed = np.where(moving, state.kcb + planned - state.curve, planned)
    kc = np.where(np.isnan(day.kcb), followed, day.kcb)
    low, high = crop.height_m
    tall = low + (high - low) * crops.growth(kc, crop.kc[0], crop.kc[1], grown)
    height = np.where(np.isnan(day.height_m), np.maximum(tall, state.height_m), day.height_m)
    if field.choices.roots == "kcb":
        deep = crops.growth(planned, crop.kc[0], crop.kc[1], grown)
    else:
        deep = floats(np.clip(number / (crop.stages_days[0] + crop.stages_days[1]), 0.0, 1.0))
    return _Growing(planned, floats(kc), floats(height), water.roots_m(crop.root_m, deep, state.root_m))


def _surface(field: Field, state: State, day: Day, growing: _Growing, fw: Array, early_mm: Array | float) -> _Surface:
    """Evaporation from the soil between the plants; a single coefficient holds it already."""
    if not field.crop.dual:
        nothing = np.zeros(state.dr_mm.shape)
        return _Surface(nothing, nothing, nothing + 1.0, nothing)
    if field.choices.reference == "tall":
        most = crops.kc_max_tall(growing.kc)
    else:
        most = crops.kc_max(growing.kc, day.u2_ms, day.rhmin_pct, growing.height_m)
    computed = crops.cover(growing.kc, field.crop.kc_min, most, growing.height_m)
    covered = floats(np.where(np.isnan(day.cover), computed, day.cover))
    few = crops.exposed_and_wetted(covered, fw)
    seen_mm = np.maximum(state.de_mm - early_mm, 0.0)
    kr = crops.evaporation_reduction(seen_mm, field.soil.tew_mm, field.soil.rew_mm)
    return _Surface(crops.evaporation_coefficient(kr, growing.kc, most, few), kr, few, covered)


def _inherited_mm(field: Field, state: State, taw_mm: Array) -> Array:
    """Depletion of the soil that the roots grow into today; none where that is at field capacity."""
    if field.choices.below_roots == "field_capacity":
        return np.zeros(taw_mm.shape)
    beneath = field.soil.taw_mm(field.crop.root_m[1]) - state.taw_mm
    taken = np.clip((taw_mm - state.taw_mm) / np.where(beneath > 0.0, beneath, 1.0), 0.0, 1.0)
    return floats(state.below_mm * taken)


def _within(there_mm: Array, transpiration_mm: Array, evaporation_mm: Array) -> tuple[Array, Array]:
    """Cut both in proportion to what is there (rule 2)."""
    wanted = transpiration_mm + evaporation_mm
    part = np.where(wanted > there_mm, there_mm / np.where(wanted > 0.0, wanted, 1.0), 1.0)
    return floats(transpiration_mm * part), floats(evaporation_mm * part)


def _room_below_mm(field: Field, taw_mm: Array) -> Array:
    """What the soil between the roots and their greatest depth can hold; nothing where it is not tracked."""
    if field.choices.below_roots == "field_capacity":
        return np.zeros(taw_mm.shape)
    return floats(np.maximum(field.soil.taw_mm(field.crop.root_m[1]) - taw_mm, 0.0))


def _below(left_mm: Array, room_mm: Array) -> tuple[Array, Array]:
    """What the roots cannot hold fills the soil below them first, and percolates when that is full. FAO-56 Eq. 88.

    ``left_mm`` is the depletion below before what percolates.
    """
    return within(left_mm, 0.0, room_mm), floats(np.maximum(-left_mm, 0.0))
