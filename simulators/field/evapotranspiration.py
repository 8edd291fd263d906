"""How much water the air takes: reference evapotranspiration of a day, and its course within the day.

Rules of this module:
- FAO Irrigation and Drainage Paper 56, Penman-Monteith (Eq. 6) with solar radiation from the temperature range
  (Eq. 50), because daily archives give no sunshine. Each line names its equation.
- The day's course is half a sine from 06:00 to 18:00; its parts add up to the day's figure exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulators.field.weather import Day

HARGREAVES_KRS = 0.17  # Eq. 50, between interior (0.16) and coastal (0.19)
MEAN_OF_LARGEST_WIND = 0.5  # a day's mean wind against its largest hour: a round figure, stated, not measured
SUNRISE, SUNSET = 0.25, 0.75


@dataclass(frozen=True)
class Place:
    latitude_deg: float
    elevation_m: float


def reference_et_mm(day: Day, place: Place) -> float:
    """ET0 of a day in mm (FAO-56 Eq. 6)."""
    tmean = (day.tmax_c + day.tmin_c) / 2.0  # Eq. 9
    pressure = 101.3 * math.pow((293.0 - 0.0065 * place.elevation_m) / 293.0, 5.26)  # Eq. 7, kPa
    gamma = 0.000665 * pressure  # Eq. 8, kPa/°C
    saturation = (_vapour_kpa(day.tmax_c) + _vapour_kpa(day.tmin_c)) / 2.0  # Eq. 12
    actual = day.rh_mean_pct / 100.0 * saturation  # Eq. 19
    slope = 4098.0 * _vapour_kpa(tmean) / (tmean + 237.3) ** 2  # Eq. 13
    wind_2m = day.wind10m_max_kmh / 3.6 * MEAN_OF_LARGEST_WIND * 4.87 / math.log(67.8 * 10.0 - 5.42)  # Eq. 47
    radiation = _net_radiation_mj(day, place, actual)
    dividend = 0.408 * slope * radiation + gamma * 900.0 / (tmean + 273.0) * wind_2m * (saturation - actual)
    return max(0.0, dividend / (slope + gamma * (1.0 + 0.34 * wind_2m)))


def day_share(from_fraction: float, to_fraction: float) -> float:
    """The share of a day's evapotranspiration between two fractions of the day."""
    return _course(to_fraction) - _course(from_fraction)


def _course(fraction: float) -> float:
    light = min(1.0, max(0.0, (fraction - SUNRISE) / (SUNSET - SUNRISE)))
    return (1.0 - math.cos(math.pi * light)) / 2.0


def _vapour_kpa(temperature_c: float) -> float:
    return 0.6108 * math.exp(17.27 * temperature_c / (temperature_c + 237.3))  # Eq. 11


def extraterrestrial_mj(day_of_year: int, latitude_deg: float) -> float:
    latitude = math.radians(latitude_deg)  # Eq. 22
    distance = 1.0 + 0.033 * math.cos(2.0 * math.pi * day_of_year / 365.0)  # Eq. 23
    declination = 0.409 * math.sin(2.0 * math.pi * day_of_year / 365.0 - 1.39)  # Eq. 24
    sunset = math.acos(-math.tan(latitude) * math.tan(declination))  # Eq. 25
    return (
        24.0 * 60.0 / math.pi * 0.0820 * distance  # Eq. 21
        * (
            sunset * math.sin(latitude) * math.sin(declination)
            + math.cos(latitude) * math.cos(declination) * math.sin(sunset)
        )
    )  # fmt: skip


def _net_radiation_mj(day: Day, place: Place, actual_kpa: float) -> float:
    top = extraterrestrial_mj(day.date.timetuple().tm_yday, place.latitude_deg)
    clear = (0.75 + 2e-5 * place.elevation_m) * top  # Eq. 37
    solar = min(clear, HARGREAVES_KRS * math.sqrt(max(0.0, day.tmax_c - day.tmin_c)) * top)  # Eq. 50
    shortwave = 0.77 * solar  # Eq. 38
    kelvin = ((day.tmax_c + 273.16) ** 4 + (day.tmin_c + 273.16) ** 4) / 2.0
    cloud = 1.35 * solar / clear - 0.35
    longwave = 4.903e-9 * kelvin * (0.34 - 0.14 * math.sqrt(actual_kpa)) * cloud  # Eq. 39
    return shortwave - longwave  # Eq. 40
