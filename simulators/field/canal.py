"""The tidal canal: its level, and how salt its water is.

Rules of this module:
- Pure functions of time: four tidal constituents (M2, S2, K1, O1: a mixed tide with spring and neap), a yearly
  course of the mean level, and salt that comes up the river in the dry season with high water.
- Periods are those of the constituents; amplitudes and phases are made up for a canal of the middle delta, and
  the salt is that of a dry year further down the river than Cao Lãnh. It is a setting for a demonstration and a
  test, not a forecast for any place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HOUR_MS = 3_600_000.0
DAY_MS = 24.0 * HOUR_MS
YEAR_DAYS = 365.2425

M2_H, S2_H, K1_H, O1_H = 12.4206, 12.0, 23.9345, 25.8193  # periods in hours


@dataclass(frozen=True)
class Canal:
    mean_mm: float = 1150.0
    flood_season_mm: float = 450.0  # higher at the end of September, lower at the end of March
    m2_mm: float = 330.0
    s2_mm: float = 120.0
    k1_mm: float = 200.0
    o1_mm: float = 140.0
    river_us_cm: float = 260.0  # conductivity of the river's own water
    sea_share: float = 5200.0  # µS/cm that a spring high water adds at the height of the dry season
    salt_lag_h: float = 0.8  # the saltiest water comes a little after high water


def level_mm(canal: Canal, wall_ms: float) -> float:
    season = canal.flood_season_mm * math.cos(2.0 * math.pi * (_year_fraction(wall_ms) - 0.74))
    return canal.mean_mm + season + tide_mm(canal, wall_ms)


def tide_mm(canal: Canal, wall_ms: float) -> float:
    """The tide about the mean level. All constituents are in phase at the new moon of 2024-02-09 23:00 UTC."""
    turns = 2.0 * math.pi * ((wall_ms - 1_707_519_600_000) / HOUR_MS)
    return (
        canal.m2_mm * math.cos(turns / M2_H)
        + canal.s2_mm * math.cos(turns / S2_H)
        + canal.k1_mm * math.cos(turns / K1_H)
        + canal.o1_mm * math.cos(turns / O1_H)
    )


def conductivity_us_cm(canal: Canal, wall_ms: float) -> float:
    """Conductivity at 25 °C: the river's, and sea water in the dry season that rises with the tide."""
    sea_us_cm = canal.sea_share * dry_season(wall_ms)
    if sea_us_cm == 0.0:
        return canal.river_us_cm
    highest = canal.m2_mm + canal.s2_mm + canal.k1_mm + canal.o1_mm
    high_water = max(0.0, tide_mm(canal, wall_ms - canal.salt_lag_h * HOUR_MS)) / highest
    return canal.river_us_cm + sea_us_cm * high_water


def dry_season(wall_ms: float) -> float:
    """0 from June to December, rising to 1 in the middle of March."""
    distance_days = abs((_year_fraction(wall_ms) - 0.205 + 0.5) % 1.0 - 0.5) * YEAR_DAYS
    return max(0.0, math.cos(math.pi / 2.0 * distance_days / 75.0)) if distance_days < 75.0 else 0.0


def _year_fraction(wall_ms: float) -> float:
    return (wall_ms / DAY_MS / YEAR_DAYS) % 1.0  # 1970 began with a year
