"""Soil water of one zone: the surface and a root-zone bucket, in millimetres over the zone.

Rules of this module:
- Water is conserved: what came in (rain, irrigation) is what is stored, evaporated, drained or ran off, within
  rounding of floats.
- Water stands on the surface first and soaks in at a limited rate, so that a probe follows a watering with a
  delay; what the surface cannot hold runs off.
- Drainage takes what is above field capacity, exponentially; the crop's water use falls with the stress
  coefficient Ks when the root zone is dry (FAO-56 Eq. 81-84).
- A paddy is the same with a bund (``surface_mm``) and a plough pan below its roots. Through that goes
  ``percolation_mm_h`` when the water stands at the surface, and more or less as it stands higher or lower over the pan
  (Darcy). Its level is that of a tube: the water on the field, or how deep below the surface the ground is full of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple


@dataclass(frozen=True)
class Soil:
    """What does not change: the ground and the crop of a zone."""

    root_zone_mm: float
    wilting_point: float  # m3/m3
    field_capacity: float
    saturation: float
    depletion_fraction: float  # p of FAO-56 Table 22
    crop_coefficient: float
    infiltration_mm_h: float
    surface_mm: float
    drainage_h: float  # time constant of the water above field capacity
    percolation_mm_h: float | None = None  # of a paddy, through its plough pan

    @cached_property
    def capacity_mm(self) -> float:
        """Water in the root zone at field capacity."""
        return self.field_capacity * self.root_zone_mm

    @cached_property
    def wilting_mm(self) -> float:
        return self.wilting_point * self.root_zone_mm

    @cached_property
    def saturation_mm(self) -> float:
        return self.saturation * self.root_zone_mm

    @cached_property
    def available_mm(self) -> float:
        """Total available water, TAW. FAO-56 Eq. 82."""
        return (self.field_capacity - self.wilting_point) * self.root_zone_mm

    @cached_property
    def not_ready_mm(self) -> float:
        """What of it the crop takes under stress, (1 − p) TAW. FAO-56 Eq. 84."""
        return (1.0 - self.depletion_fraction) * self.available_mm


class SoilState(NamedTuple):
    root_mm: float
    surface_mm: float = 0.0
    rain_mm: float = 0.0  # sums since the start of the run
    irrigation_mm: float = 0.0
    evaporated_mm: float = 0.0
    drained_mm: float = 0.0
    runoff_mm: float = 0.0


def start(soil: Soil, vwc: float) -> SoilState:
    return SoilState(root_mm=vwc * soil.root_zone_mm)


def vwc(soil: Soil, state: SoilState) -> float:
    return state.root_mm / soil.root_zone_mm


def _ks(soil: Soil, root_mm: float) -> float:
    """1 for a crop that has enough water (FAO-56 Eq. 84)."""
    depletion = max(0.0, soil.capacity_mm - root_mm)
    return min(1.0, max(0.0, (soil.available_mm - depletion) / soil.not_ready_mm))


def step(soil: Soil, state: SoilState, rain_mm: float, irrigation_mm: float, et0_mm: float, hours: float) -> SoilState:
    """The state after `hours`, in which this much rain and irrigation came and the air asked for `et0_mm`."""
    surface = state.surface_mm + rain_mm + irrigation_mm
    room = max(0.0, soil.saturation_mm - state.root_mm)
    soaked = min(surface, soil.infiltration_mm_h * hours, room)
    surface -= soaked
    runoff = max(0.0, surface - soil.surface_mm)
    surface -= runoff
    wet = state.root_mm + soaked
    evaporated = _ks(soil, wet) * soil.crop_coefficient * et0_mm  # Eq. 81
    evaporated = min(evaporated, max(0.0, wet - soil.wilting_mm))
    root = wet - evaporated
    drained = _drained(soil, root, surface, hours) if root > soil.capacity_mm else 0.0
    return SoilState(
        root_mm=root - drained,
        surface_mm=surface,
        rain_mm=state.rain_mm + rain_mm,
        irrigation_mm=state.irrigation_mm + irrigation_mm,
        evaporated_mm=state.evaporated_mm + evaporated,
        drained_mm=state.drained_mm + drained,
        runoff_mm=state.runoff_mm + runoff,
    )


def _drained(soil: Soil, root_mm: float, surface_mm: float, hours: float) -> float:
    excess_mm = root_mm - soil.capacity_mm
    if soil.percolation_mm_h is not None:
        head_mm = max(0.0, soil.root_zone_mm + _level_mm(soil, root_mm + surface_mm))
        return min(excess_mm, soil.percolation_mm_h * head_mm / soil.root_zone_mm * hours)
    return excess_mm * (1.0 - math.exp(-hours / soil.drainage_h))


def level_mm(soil: Soil, state: SoilState) -> float:
    """What a tube in the field shows: mm above the soil's surface, negative below it."""
    return _level_mm(soil, state.root_mm + state.surface_mm)


def _level_mm(soil: Soil, water_mm: float) -> float:
    beyond_mm = water_mm - soil.saturation_mm
    return beyond_mm if beyond_mm >= 0.0 else beyond_mm / (soil.saturation - soil.field_capacity)


def imbalance_mm(begin: SoilState, end: SoilState) -> float:
    """What is missing from (or too much in) the balance between two states; 0 but for rounding."""
    into = (end.rain_mm - begin.rain_mm) + (end.irrigation_mm - begin.irrigation_mm)
    out = (
        (end.evaporated_mm - begin.evaporated_mm)
        + (end.drained_mm - begin.drained_mm)
        + (end.runoff_mm - begin.runoff_mm)
    )
    stored = (end.root_mm + end.surface_mm) - (begin.root_mm + begin.surface_mm)
    return into - out - stored
