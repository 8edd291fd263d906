"""What the crop asks for: coefficients by stage, cover, and evaporation from the soil between (FAO-56 chapters 6, 7).

Rules
1. Coefficients have no unit; heights and depths in m, water in mm, cover and wetted parts as fractions of 1.
2. Stages are the lengths in days of initial, development, mid-season and late season; before the first and after the
   last the coefficient stays where it is.
3. The climate terms keep to the limits that the book gives: u2 1 to 6 m/s, RHmin 20 to 80 %, height 0.1 to 10 m for
   Eq. 62, 65 and 70.
4. Arguments broadcast; NaN stays NaN; no function raises.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from gateway.core.fao56.atmosphere import Array, floats

CLIMATE_KC_AT_LEAST = 0.45  # Kc,end below it is not adjusted, FAO-56 p. 127
FEW_RANGE = (0.01, 1.0)  # FAO-56 p. 147
COVER_MAX = 0.99


def curve(day: ArrayLike, stages_days: Array, values: Array) -> Array:
    """Kc or Kcb on a day, counted from 0 at planting, along initial, mid-season and end value. FAO-56 Eq. 66.

    ``stages_days`` has shape (4, ...) and ``values`` (3, ...), with what follows broadcasting against ``day``.
    """
    initial, middle, end = values
    grown, aged = progress(day, stages_days)
    return floats(initial + (middle - initial) * grown + (end - middle) * aged)


def progress(day: ArrayLike, stages_days: Array) -> tuple[Array, Array]:
    """How much of the development and of the late season has passed, 0 to 1 each."""
    passed = floats(day) - stages_days[0]
    grown = np.clip(passed / stages_days[1], 0.0, 1.0)
    aged = np.clip((passed - stages_days[1] - stages_days[2]) / stages_days[3], 0.0, 1.0)
    return floats(grown), floats(aged)


def for_climate(kc: ArrayLike, u2_ms: ArrayLike, rhmin: ArrayLike, height_m: ArrayLike) -> Array:
    """Kc,mid, Kc,end or Kcb adjusted to mean wind, RHmin and height of its stage. FAO-56 Eq. 62, 65 and 70.

    Values below 0.45 are left as they are, and so are those of a stage of which the climate is not known (NaN).
    """
    value = floats(kc)
    adjusted = value + climate_term(u2_ms, rhmin, np.clip(floats(height_m), 0.1, 10.0))
    return floats(np.where((value < CLIMATE_KC_AT_LEAST) | np.isnan(adjusted), value, adjusted))


def climate_term(u2_ms: ArrayLike, rhmin: ArrayLike, height_m: ArrayLike) -> Array:
    """The term of wind, humidity and height that Eq. 62, 65, 70 and 72 of FAO-56 share."""
    wind = 0.04 * (np.clip(floats(u2_ms), 1.0, 6.0) - 2.0)
    damp = 0.004 * (np.clip(floats(rhmin), 20.0, 80.0) - 45.0)
    return floats((wind - damp) * (floats(height_m) / 3.0) ** 0.3)


def kc_max(kcb: ArrayLike, u2_ms: ArrayLike, rhmin: ArrayLike, height_m: ArrayLike) -> Array:
    """The most that any cropped surface evaporates under grass ET0, Kc,max. FAO-56 Eq. 72."""
    return floats(np.maximum(1.2 + climate_term(u2_ms, rhmin, height_m), floats(kcb) + 0.05))


def kc_max_tall(kcb: ArrayLike) -> Array:
    """Kc,max where ET0 is that of the tall reference (alfalfa), as pyfao56 has it."""
    return floats(np.maximum(1.0, floats(kcb) + 0.05))


def growth(kcb: ArrayLike, initial: ArrayLike, middle: ArrayLike, otherwise: ArrayLike) -> Array:
    """How far the crop has grown, 0 to 1, in proportion to Kcb; ``otherwise`` where Kcb does not change."""
    span = floats(middle) - floats(initial)
    part = (floats(kcb) - floats(initial)) / np.where(span == 0.0, 1.0, span)
    return floats(np.clip(np.where(span == 0.0, floats(otherwise), part), 0.0, 1.0))


def cover(kcb: ArrayLike, kc_min: ArrayLike, most: ArrayLike, height_m: ArrayLike) -> Array:
    """Part of the ground that the leaves cover, fc, from Kcb, Kc,min and Kc,max. FAO-56 Eq. 76."""
    lowest = floats(kc_min)
    part = np.maximum(floats(kcb) - lowest, 0.0) / np.maximum(floats(most) - lowest, 0.01)
    return floats(np.clip(part ** (1.0 + 0.5 * floats(height_m)), 0.0, COVER_MAX))


def exposed_and_wetted(covered: ArrayLike, wetted: ArrayLike) -> Array:
    """Part of the ground that is both in the sun and wetted, few. FAO-56 Eq. 75."""
    return floats(np.clip(np.minimum(1.0 - floats(covered), floats(wetted)), *FEW_RANGE))


def total_evaporable_mm(fc: ArrayLike, wp: ArrayLike, ze_m: ArrayLike) -> Array:
    """Water that can evaporate from the surface layer, TEW. FAO-56 Eq. 73."""
    return floats(1000.0 * (floats(fc) - 0.5 * floats(wp)) * floats(ze_m))


def evaporation_reduction(de_mm: ArrayLike, tew_mm: ArrayLike, rew_mm: ArrayLike) -> Array:
    """How much the dry surface holds back evaporation, Kr, 0 to 1. FAO-56 Eq. 74."""
    tew = floats(tew_mm)
    return floats(np.clip((tew - floats(de_mm)) / (tew - floats(rew_mm)), 0.0, 1.0))


def evaporation_coefficient(kr: ArrayLike, kcb: ArrayLike, most: ArrayLike, few: ArrayLike) -> Array:
    """Evaporation coefficient Ke. FAO-56 Eq. 71."""
    return floats(np.minimum(floats(kr) * (floats(most) - floats(kcb)), floats(few) * floats(most)))


def surface_depletion_mm(
    de_mm: ArrayLike, wetting_mm: ArrayLike, evaporation_mm: ArrayLike, few: ArrayLike, tew_mm: ArrayLike
) -> Array:
    """Depletion De of the surface layer at the end of the day, 0 to TEW. FAO-56 Eq. 77, 78 and 79.

    ``wetting_mm`` is rain less runoff plus irrigation over the wetted part (I / fw); what is more than De percolates.
    """
    left = np.maximum(floats(de_mm) - floats(wetting_mm), 0.0)
    return floats(np.clip(left + floats(evaporation_mm) / floats(few), 0.0, floats(tew_mm)))
