"""Reference evapotranspiration ET0 of the grass surface, by equations whose every input is given (FAO-56 chapter 4).

Rules
1. ET0 in mm for the period: a day, or one hour. It can be slightly negative in a cold damp night; that is the
   equation's own answer and is kept.
2. Arguments broadcast; NaN stays NaN; no function raises.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from gateway.core.fao56.atmosphere import Array, floats, psychrometric_kpa_c, saturation_kpa, slope_kpa_c

MM_PER_MJ = 0.408  # 1 / latent heat of vaporisation, FAO-56 Eq. 20


def penman_monteith_day_mm(
    tmean_c: ArrayLike,
    saturation: ArrayLike,
    vapour: ArrayLike,
    net_mj: ArrayLike,
    u2_ms: ArrayLike,
    pressure: ArrayLike,
    soil_heat_mj: ArrayLike = 0.0,
) -> Array:
    """ET0 of a day, mm, from es and ea in kPa, Rn and G in MJ/m², wind at 2 m and pressure in kPa. FAO-56 Eq. 6."""
    t, u2 = floats(tmean_c), floats(u2_ms)
    delta, gamma = slope_kpa_c(t), psychrometric_kpa_c(pressure)
    heat = MM_PER_MJ * delta * (floats(net_mj) - floats(soil_heat_mj))
    air = gamma * 900.0 / (t + 273.0) * u2 * (floats(saturation) - floats(vapour))
    return floats((heat + air) / (delta + gamma * (1.0 + 0.34 * u2)))


def penman_monteith_hour_mm(
    temperature_c: ArrayLike,
    vapour: ArrayLike,
    net_mj: ArrayLike,
    soil_heat_mj: ArrayLike,
    u2_ms: ArrayLike,
    pressure: ArrayLike,
) -> Array:
    """ET0 of an hour, mm, from ea in kPa, Rn and G in MJ/m², wind at 2 m and pressure in kPa. FAO-56 Eq. 53."""
    t, u2 = floats(temperature_c), floats(u2_ms)
    delta, gamma = slope_kpa_c(t), psychrometric_kpa_c(pressure)
    heat = MM_PER_MJ * delta * (floats(net_mj) - floats(soil_heat_mj))
    air = gamma * 37.0 / (t + 273.0) * u2 * (saturation_kpa(t) - floats(vapour))
    return floats((heat + air) / (delta + gamma * (1.0 + 0.34 * u2)))


def hargreaves_day_mm(tmax_c: ArrayLike, tmin_c: ArrayLike, ra_mj: ArrayLike) -> Array:
    """ET0 of a day, mm, from temperatures alone and Ra in MJ/m². FAO-56 Eq. 52."""
    tmax, tmin = floats(tmax_c), floats(tmin_c)
    span_c = np.maximum(tmax - tmin, 0.0)
    return floats(0.0023 * ((tmax + tmin) / 2.0 + 17.8) * np.sqrt(span_c) * MM_PER_MJ * floats(ra_mj))
