"""Air: pressure, humidity and wind, from whatever a station measures (FAO-56 chapter 3).

Rules
1. Temperatures in °C, vapour pressures in kPa, relative humidity in per cent, wind in m/s.
2. Arguments broadcast; NaN stays NaN; no function raises.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

ASPIRATED = 0.000662  # psychrometer coefficients of FAO-56 Eq. 16, 1/°C: Asmann type, 5 m/s
NATURAL = 0.000800  # natural ventilation, about 1 m/s
INDOOR = 0.001200  # not ventilated
WIND_UNKNOWN_MS = 2.0  # FAO-56 p. 63: the mean of 2,000 stations, where nothing is known


def floats(values: ArrayLike) -> Array:
    """Numbers, or nested lists of them, as an array of floats."""
    return np.asarray(values, dtype=np.float64)


def within(values: ArrayLike, low: ArrayLike, high: ArrayLike) -> Array:
    """Values held between two bounds, as ``np.clip`` does, in a third of its time for few values."""
    return floats(np.minimum(np.maximum(values, low), high))


def pressure_kpa(elevation_m: ArrayLike) -> Array:
    """Air pressure, kPa, at an elevation in m. FAO-56 Eq. 7."""
    return floats(101.3 * ((293.0 - 0.0065 * floats(elevation_m)) / 293.0) ** 5.26)


def psychrometric_kpa_c(pressure: ArrayLike) -> Array:
    """Psychrometric constant γ, kPa/°C, at a pressure in kPa. FAO-56 Eq. 8."""
    return floats(0.665e-3 * floats(pressure))


def saturation_kpa(temperature_c: ArrayLike) -> Array:
    """Saturation vapour pressure e°(T), kPa. FAO-56 Eq. 11."""
    t = floats(temperature_c)
    return floats(0.6108 * np.exp(17.27 * t / (t + 237.3)))


def mean_saturation_kpa(tmax_c: ArrayLike, tmin_c: ArrayLike) -> Array:
    """Mean saturation vapour pressure es of a day, kPa. FAO-56 Eq. 12."""
    return floats((saturation_kpa(tmax_c) + saturation_kpa(tmin_c)) / 2.0)


def slope_kpa_c(temperature_c: ArrayLike) -> Array:
    """Slope Δ of the saturation vapour pressure curve, kPa/°C. FAO-56 Eq. 13."""
    t = floats(temperature_c)
    return floats(4098.0 * saturation_kpa(t) / (t + 237.3) ** 2)


def vapour_from_dew_kpa(tdew_c: ArrayLike) -> Array:
    """Actual vapour pressure ea, kPa, from the dew point. FAO-56 Eq. 14."""
    return saturation_kpa(tdew_c)


def vapour_from_psychrometer_kpa(
    twet_c: ArrayLike, tdry_c: ArrayLike, pressure: ArrayLike, coefficient_per_c: float = ASPIRATED
) -> Array:
    """Actual vapour pressure ea, kPa, from wet and dry bulb at a pressure in kPa. FAO-56 Eq. 15 and 16."""
    wet = floats(twet_c)
    return floats(saturation_kpa(wet) - coefficient_per_c * floats(pressure) * (floats(tdry_c) - wet))


def vapour_from_rh_extremes_kpa(tmax_c: ArrayLike, tmin_c: ArrayLike, rhmax: ArrayLike, rhmin: ArrayLike) -> Array:
    """Actual vapour pressure ea, kPa, from the day's largest and least humidity, %. FAO-56 Eq. 17."""
    morning = saturation_kpa(tmin_c) * floats(rhmax) / 100.0
    afternoon = saturation_kpa(tmax_c) * floats(rhmin) / 100.0
    return floats((morning + afternoon) / 2.0)


def vapour_from_rhmax_kpa(tmin_c: ArrayLike, rhmax: ArrayLike) -> Array:
    """Actual vapour pressure ea, kPa, from the largest humidity, %, where RHmin is doubtful. FAO-56 Eq. 18."""
    return floats(saturation_kpa(tmin_c) * floats(rhmax) / 100.0)


def vapour_from_rhmin_kpa(tmax_c: ArrayLike, rhmin: ArrayLike) -> Array:
    """Actual vapour pressure ea, kPa, from the least humidity, %. ASCE-EWRI (2005) Eq. 13; FAO-56 has none."""
    return floats(saturation_kpa(tmax_c) * floats(rhmin) / 100.0)


def vapour_from_rhmean_kpa(tmax_c: ArrayLike, tmin_c: ArrayLike, rhmean: ArrayLike) -> Array:
    """Actual vapour pressure ea, kPa, from the mean humidity, %. FAO-56 Eq. 19."""
    return floats(mean_saturation_kpa(tmax_c, tmin_c) * floats(rhmean) / 100.0)


def vapour_from_tmin_kpa(tmin_c: ArrayLike, dew_below_tmin_c: float = 0.0) -> Array:
    """Actual vapour pressure ea, kPa, with the dew point at Tmin; in arid places 2 to 3 °C below. FAO-56 Eq. 48."""
    return saturation_kpa(floats(tmin_c) - dew_below_tmin_c)


def rhmin_pct(tmax_c: ArrayLike, vapour: ArrayLike) -> Array:
    """The day's least relative humidity, %, from Tmax and the vapour pressure ea in kPa. FAO-56 Eq. 64."""
    return floats(100.0 * floats(vapour) / saturation_kpa(tmax_c))


def wind_at_2m_ms(wind_ms: ArrayLike, height_m: ArrayLike) -> Array:
    """Wind at 2 m, m/s, from a measurement at a height of 0.5 m or more. FAO-56 Eq. 47."""
    return floats(floats(wind_ms) * 4.87 / np.log(67.8 * floats(height_m) - 5.42))
