"""Sun and heat: radiation at the top of the air, at the ground, and what of it is left (FAO-56 chapter 3).

Rules
1. Radiation in MJ/m² for the period: a day, or one hour where the name says so. Latitude in degrees, north positive;
   longitude in degrees, east positive (FAO-56 counts west positive).
2. Beyond the polar circles the sunset angle is limited to 0 and π: polar night has Ra = 0, polar day 24 h of sun.
3. Arguments broadcast; NaN stays NaN; no function raises.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from gateway.core.fao56.atmosphere import Array, floats

SOLAR_MJ_M2_MIN = 0.0820  # the solar constant of FAO-56 Eq. 21
ALBEDO = 0.23  # of the grass reference, FAO-56 p. 51
KRS_INLAND, KRS_COAST = 0.16, 0.19  # FAO-56 p. 60
STEFAN_DAY, STEFAN_HOUR = 4.903e-9, 2.043e-10  # MJ/m² per K⁴, FAO-56 Eq. 39 and p. 75
CLOUD_RATIO = (0.3, 1.0)  # limits of Rs/Rso: the sky is neither darker nor clearer than this


def sun_distance(day_of_year: ArrayLike) -> Array:
    """Inverse relative distance of Earth and sun, dr. FAO-56 Eq. 23."""
    return floats(1.0 + 0.033 * np.cos(2.0 * np.pi / 365.0 * floats(day_of_year)))


def declination_rad(day_of_year: ArrayLike) -> Array:
    """Solar declination δ. FAO-56 Eq. 24."""
    return floats(0.409 * np.sin(2.0 * np.pi / 365.0 * floats(day_of_year) - 1.39))


def sunset_rad(latitude: ArrayLike, day_of_year: ArrayLike) -> Array:
    """Sunset hour angle ωs, 0 to π. FAO-56 Eq. 25."""
    cosine = -np.tan(np.radians(floats(latitude))) * np.tan(declination_rad(day_of_year))
    return floats(np.arccos(np.clip(cosine, -1.0, 1.0)))


def extraterrestrial_mj(latitude: ArrayLike, day_of_year: ArrayLike) -> Array:
    """Radiation at the top of the air, Ra, of a day. FAO-56 Eq. 21."""
    phi, delta = np.radians(floats(latitude)), declination_rad(day_of_year)
    ws = sunset_rad(latitude, day_of_year)
    angles = ws * np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.sin(ws)
    return floats(24.0 * 60.0 / np.pi * SOLAR_MJ_M2_MIN * sun_distance(day_of_year) * angles)


def daylight_h(latitude: ArrayLike, day_of_year: ArrayLike) -> Array:
    """Longest possible sunshine N, hours. FAO-56 Eq. 34."""
    return floats(24.0 / np.pi * sunset_rad(latitude, day_of_year))


def solar_time_rad(
    day_of_year: ArrayLike, middle_h: ArrayLike, longitude: ArrayLike, zone_longitude: ArrayLike
) -> Array:
    """Solar time angle ω at the middle of a period, given in clock hours. FAO-56 Eq. 31, 32 and 33."""
    b = 2.0 * np.pi * (floats(day_of_year) - 81.0) / 364.0
    seasonal_h = 0.1645 * np.sin(2.0 * b) - 0.1255 * np.cos(b) - 0.025 * np.sin(b)
    clock_h = floats(middle_h) + 0.06667 * (floats(longitude) - floats(zone_longitude)) + seasonal_h
    return floats(np.pi / 12.0 * (clock_h - 12.0))


def extraterrestrial_hour_mj(latitude: ArrayLike, day_of_year: ArrayLike, solar_time: ArrayLike) -> Array:
    """Radiation at the top of the air, Ra, of the hour around a solar time angle. FAO-56 Eq. 28, 29 and 30.

    The hour is cut at sunrise and sunset, so that twilight hours get their part and nights 0.
    """
    phi, delta = np.radians(floats(latitude)), declination_rad(day_of_year)
    ws = sunset_rad(latitude, day_of_year)
    middle = (floats(solar_time) + np.pi) % (2.0 * np.pi) - np.pi
    begin, end = np.clip(middle - np.pi / 24.0, -ws, ws), np.clip(middle + np.pi / 24.0, -ws, ws)
    angles = (end - begin) * np.sin(phi) * np.sin(delta)
    angles = angles + np.cos(phi) * np.cos(delta) * (np.sin(end) - np.sin(begin))
    return floats(np.maximum(12.0 * 60.0 / np.pi * SOLAR_MJ_M2_MIN * sun_distance(day_of_year) * angles, 0.0))


def sun_height_rad(latitude: ArrayLike, day_of_year: ArrayLike, solar_time: ArrayLike) -> Array:
    """Height of the sun above the horizon. ASCE-EWRI (2005) Eq. 62."""
    phi, delta = np.radians(floats(latitude)), declination_rad(day_of_year)
    sine = np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.cos(floats(solar_time))
    return floats(np.arcsin(np.clip(sine, -1.0, 1.0)))


def clear_sky_mj(elevation_m: ArrayLike, ra_mj: ArrayLike) -> Array:
    """Radiation under a clear sky, Rso. FAO-56 Eq. 37."""
    return floats((0.75 + 2e-5 * floats(elevation_m)) * floats(ra_mj))


def from_sunshine_mj(sunshine_h: ArrayLike, possible_h: ArrayLike, ra_mj: ArrayLike) -> Array:
    """Solar radiation Rs from hours of sunshine, with as = 0.25 and bs = 0.50. FAO-56 Eq. 35.

    Sunshine beyond the possible counts as the possible; with no daylight at all Rs is 0.
    """
    possible = floats(possible_h)
    share = np.clip(floats(sunshine_h) / np.where(possible > 0.0, possible, 1.0), 0.0, 1.0)
    return floats((0.25 + 0.50 * share) * floats(ra_mj))


def from_temperature_mj(
    tmax_c: ArrayLike, tmin_c: ArrayLike, ra_mj: ArrayLike, rso_mj: ArrayLike, krs: float = KRS_INLAND
) -> Array:
    """Solar radiation Rs from the day's range of temperature, at most that of a clear sky. FAO-56 Eq. 50."""
    span_c = np.maximum(floats(tmax_c) - floats(tmin_c), 0.0)
    return floats(np.minimum(krs * np.sqrt(span_c) * floats(ra_mj), floats(rso_mj)))


def net_shortwave_mj(rs_mj: ArrayLike) -> Array:
    """Net shortwave radiation Rns of the grass reference. FAO-56 Eq. 38."""
    return floats((1.0 - ALBEDO) * floats(rs_mj))


def cloud_ratio(rs_mj: ArrayLike, rso_mj: ArrayLike, unknown: ArrayLike) -> Array:
    """Rs/Rso within its limits; ``unknown`` where there is no sun to judge the sky by. FAO-56 p. 52."""
    rso = floats(rso_mj)
    ratio = floats(rs_mj) / np.where(rso > 0.0, rso, 1.0)
    return floats(np.where(rso > 0.0, np.clip(ratio, *CLOUD_RATIO), floats(unknown)))


def net_longwave_mj(tmax_c: ArrayLike, tmin_c: ArrayLike, vapour_kpa: ArrayLike, ratio: ArrayLike) -> Array:
    """Net outgoing longwave radiation Rnl of a day, with the cloud ratio Rs/Rso. FAO-56 Eq. 39."""
    fourth = ((floats(tmax_c) + 273.16) ** 4 + (floats(tmin_c) + 273.16) ** 4) / 2.0
    return floats(STEFAN_DAY * fourth * _emissivity(vapour_kpa) * (1.35 * floats(ratio) - 0.35))


def net_longwave_hour_mj(temperature_c: ArrayLike, vapour_kpa: ArrayLike, ratio: ArrayLike) -> Array:
    """Net outgoing longwave radiation Rnl of an hour. FAO-56 Eq. 39 with the hourly constant of p. 75."""
    fourth = (floats(temperature_c) + 273.16) ** 4
    return floats(STEFAN_HOUR * fourth * _emissivity(vapour_kpa) * (1.35 * floats(ratio) - 0.35))


def _emissivity(vapour_kpa: ArrayLike) -> Array:
    return floats(0.34 - 0.14 * np.sqrt(floats(vapour_kpa)))


def soil_heat_month_mj(tmean_before_c: ArrayLike, tmean_c: ArrayLike, *, next_known: bool) -> Array:
    """Soil heat flux G of a month, MJ/m² a day. FAO-56 Eq. 43 and 44.

    With ``next_known`` the second temperature is that of the next month (Eq. 43), else of this one (Eq. 44).
    """
    return floats((0.07 if next_known else 0.14) * (floats(tmean_c) - floats(tmean_before_c)))


def soil_heat_hour_mj(net_mj: ArrayLike) -> Array:
    """Soil heat flux G of an hour from net radiation Rn: by day Eq. 45, by night (Rn below 0) Eq. 46 of FAO-56."""
    net = floats(net_mj)
    return floats(np.where(net >= 0.0, 0.1, 0.5) * net)
