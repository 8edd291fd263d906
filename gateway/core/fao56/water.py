"""What the soil gives: roots, available water, stress, runoff and percolation (FAO-56 chapter 8).

Rules
1. Depths in m from the surface down, water in mm, water contents and fractions in m³/m³ and parts of 1.
2. A soil is made of layers: ``bottom_m``, the depth of each layer's lower edge, grows from layer to layer; what a
   column of soil holds is the sum over its layers. Arrays of layers have shape (layers, ...).
3. Arguments broadcast; NaN stays NaN; no function raises.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from gateway.core.fao56.atmosphere import Array, floats, within

P_RANGE = (0.1, 0.8)  # FAO-56 p. 162
AQUACROP_SHAPE = 1.5
FULL_COVER_RAIN_MM = 3.0  # a rain of this or more wets the whole surface, as pyfao56 has it


def column_mm(bottom_m: Array, content: Array, depth_m: ArrayLike) -> Array:
    """Water in the soil from the surface to a depth, of layers that hold ``content`` (m³/m³).

    With content FC - WP it is TAW of FAO-56 Eq. 82, with FC - θ the depletion of Eq. 87.
    """
    top_m = np.concatenate([np.zeros_like(bottom_m[:1]), bottom_m[:-1]])
    thickness_m = np.clip(floats(depth_m), top_m, bottom_m) - top_m
    return floats(1000.0 * np.sum(thickness_m * content, axis=0))


def roots_m(root_m: Array, grown: ArrayLike, before_m: ArrayLike) -> Array:
    """Rooting depth Zr between the two of ``root_m`` (2, ...), never shorter than before. FAO-56 p. 279."""
    return floats(np.maximum(root_m[0] + (root_m[1] - root_m[0]) * floats(grown), floats(before_m)))


def depletion_fraction(p: ArrayLike, etc_mm: ArrayLike) -> Array:
    """Fraction p of TAW that a crop takes without stress, from its table value at ETc = 5 mm. FAO-56 p. 162."""
    return within(floats(p) + 0.04 * (5.0 - floats(etc_mm)), *P_RANGE)


def stress(dr_mm: ArrayLike, taw_mm: ArrayLike, p: ArrayLike) -> Array:
    """Water stress coefficient Ks, 0 to 1, with RAW = p TAW. FAO-56 Eq. 83 and 84."""
    taw = floats(taw_mm)
    return within((taw - floats(dr_mm)) / ((1.0 - floats(p)) * taw), 0.0, 1.0)


def stress_aquacrop(dr_mm: ArrayLike, taw_mm: ArrayLike, p: ArrayLike) -> Array:
    """Water stress coefficient by the curve of AquaCrop with shape 1.5, 0 to 1, as pyfao56 has it."""
    relative = (floats(dr_mm) / floats(taw_mm) - floats(p)) / (1.0 - floats(p))
    fall = (np.exp(AQUACROP_SHAPE * relative) - 1.0) / (np.exp(AQUACROP_SHAPE) - 1.0)
    return floats(np.clip(1.0 - fall, 0.0, 1.0))


def runoff_mm(
    rain_mm: ArrayLike, curve_number: ArrayLike, de_mm: ArrayLike, tew_mm: ArrayLike, rew_mm: ArrayLike
) -> Array:
    """Rain that runs off, by the curve number for medium moisture, moved by how wet the surface layer is.

    NaN as curve number means that nothing runs off. ASCE Manual 70 (2016) Eq. 14-12 to 14-20.
    """
    rain, number = floats(rain_mm), floats(curve_number)
    dry = number / (2.281 - 0.01281 * number)
    wet = number / (0.427 + 0.00573 * number)
    wet_edge = 0.5 * floats(rew_mm)
    dry_edge = 0.7 * floats(rew_mm) + 0.3 * floats(tew_mm)
    dryness = np.clip((floats(de_mm) - wet_edge) / (dry_edge - wet_edge), 0.0, 1.0)
    storage_mm = 250.0 * (100.0 / (wet + (dry - wet) * dryness) - 1.0)
    over_mm = np.maximum(rain - 0.2 * storage_mm, 0.0)
    return floats(np.where(np.isnan(number), 0.0, over_mm**2 / np.maximum(rain + 0.8 * storage_mm, 1e-9)))


def wetted_part(before: ArrayLike, rain_mm: ArrayLike, irrigation_mm: ArrayLike, irrigation_fw: ArrayLike) -> Array:
    """Part of the surface wetted, fw, by the last that wetted it: irrigation its own part, rain all of it.

    FAO-56 Table 20 and p. 149; of a day with both, irrigation counts, as in pyfao56.
    """
    by_rain = np.where(floats(rain_mm) >= FULL_COVER_RAIN_MM, 1.0, floats(before))
    return floats(np.where(floats(irrigation_mm) > 0.0, floats(irrigation_fw), by_rain))
