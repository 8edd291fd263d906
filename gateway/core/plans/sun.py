"""When the sun rises and sets, well enough to water by: NOAA's formula, less than a minute off in the delta.

Rules
1. From the day and the place alone; no tables, no libraries.
2. The equation of time and the declination are NOAA's Fourier series (Spencer 1971); the rise is told when the sun's
   middle is 0.833° below the horizon, as almanacs do.
"""

from __future__ import annotations

import math
from datetime import date, timedelta

from gateway.core.plans.kinds import Sun
from gateway.core.weather import EPOCH, Place

MINUTE_MS = 60_000
DAY_MS = 86_400_000
ZENITH = math.radians(90.833)


def at_ms(day: int, place: Place, which: Sun) -> int:
    """The instant of a local day's sunrise or sunset, UTC; where the sun does neither, of its noon."""
    date_of_day: date = EPOCH + timedelta(days=day)
    days = 366 if date_of_day.year % 4 == 0 else 365
    noon_offset_h = 6 if which is Sun.SUNSET else -6
    angle = 2.0 * math.pi / days * (date_of_day.timetuple().tm_yday - 1 + noon_offset_h / 24.0)
    equation_min = 229.18 * (
        0.000075
        + 0.001868 * math.cos(angle)
        - 0.032077 * math.sin(angle)
        - 0.014615 * math.cos(2 * angle)
        - 0.040849 * math.sin(2 * angle)
    )
    tilt = (
        0.006918
        - 0.399912 * math.cos(angle)
        + 0.070257 * math.sin(angle)
        - 0.006758 * math.cos(2 * angle)
        + 0.000907 * math.sin(2 * angle)
        - 0.002697 * math.cos(3 * angle)
        + 0.00148 * math.sin(3 * angle)
    )
    latitude = math.radians(place.latitude)
    cosine = math.cos(ZENITH) / (math.cos(latitude) * math.cos(tilt)) - math.tan(latitude) * math.tan(tilt)
    half_day_min = 4.0 * math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
    sign = 1.0 if which is Sun.SUNSET else -1.0
    utc_min = 720.0 - 4.0 * place.longitude - equation_min + sign * half_day_min
    return day * DAY_MS + round(utc_min * MINUTE_MS)
