"""What a controller's books amount to: water, stress, losses, and the two SWAT scores, by part of the year.

Rules of this module:
- The dry part of the delta's year is December to April, the rainy part May to November.
- Lost below the roots is the irrigation's part of what drained (see trial), against the irrigation.
- Adequacy and scheduling efficiency follow the Smart Water Application Technologies test: a daily balance of the
  readily available water (0 to RAW) takes irrigation first, then rain, then ETc. What irrigation puts above RAW is
  lost by scheduling; what is missing below 0 is the deficit. Adequacy = 1 − deficit / ETc, efficiency = 1 − lost /
  irrigation. The balance runs through the whole season and is only reported by part.
- A village's mm are those of its gardens by area; its stress days are days of gardens.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from simulators.field.soil import Soil
from simulators.season.trial import Day

WHOLE, DRY, RAINY = PARTS = ("whole", "dry", "rainy")
DRY_MONTHS = frozenset({12, 1, 2, 3, 4})
HOUR_S = 3600.0
M3_L = 1000.0


@dataclass(frozen=True)
class Balanced:
    """A day of one garden with what the SWAT balance says of it."""

    day: Day
    deficit_mm: float
    surplus_mm: float  # irrigation beyond what the root zone had room for


@dataclass(frozen=True)
class Figures:
    """Sums of one part of the year. A share is None where there is nothing to take it of."""

    days: int
    rain_mm: float
    etc_mm: float
    irrigation_mm: float
    water_m3: float
    salty_m3: float
    pump_h: float
    stress_days: int
    ks: float | None  # what the crop used of what it asked for
    drained_mm: float
    lost_pct: float | None
    runoff_mm: float
    adequacy_pct: float | None
    efficiency_pct: float | None


def part(date: dt.date) -> str:
    return DRY if date.month in DRY_MONTHS else RAINY


def balanced(soil: Soil, start_vwc: float, days: Sequence[Day]) -> list[Balanced]:
    """The SWAT balance of a garden's days."""
    raw_mm = soil.depletion_fraction * (soil.field_capacity - soil.wilting_point) * soil.root_zone_mm
    depletion_mm = (soil.field_capacity - start_vwc) * soil.root_zone_mm
    held_mm = min(raw_mm, max(0.0, raw_mm - depletion_mm))
    rows = []
    for day in days:
        held_mm += day.irrigation_mm
        surplus_mm = max(0.0, held_mm - raw_mm)
        held_mm = min(raw_mm, held_mm - surplus_mm + day.rain_mm) - day.etc_mm
        deficit_mm = max(0.0, -held_mm)
        held_mm += deficit_mm
        rows.append(Balanced(day, deficit_mm, surplus_mm))
    return rows


def figures(rows: Mapping[str, Iterable[Balanced]], area_m2: Mapping[str, float], which: str) -> Figures:
    """The sums of one or several gardens, weighted by area."""
    total = sum(area_m2[zone] for zone in rows)
    chosen = [
        (area_m2[zone] / total, row)
        for zone, garden in rows.items()
        for row in garden
        if which in (WHOLE, part(row.day.date))
    ]

    def mm(value: str) -> float:
        return sum(weight * float(getattr(row.day, value)) for weight, row in chosen)

    irrigation, etc = mm("irrigation_mm"), mm("etc_mm")
    deficit = sum(weight * row.deficit_mm for weight, row in chosen)
    surplus = sum(weight * row.surplus_mm for weight, row in chosen)
    return Figures(
        days=len({row.day.date for _, row in chosen}),
        rain_mm=mm("rain_mm"),
        etc_mm=etc,
        irrigation_mm=irrigation,
        water_m3=sum(row.day.litres for _, row in chosen) / M3_L,
        salty_m3=sum(row.day.salty_litres for _, row in chosen) / M3_L,
        pump_h=sum(row.day.pump_s for _, row in chosen) / HOUR_S,
        stress_days=sum(row.day.stressed for _, row in chosen),
        ks=mm("eta_mm") / etc if etc else None,
        drained_mm=mm("drained_mm"),
        lost_pct=100.0 * mm("lost_mm") / irrigation if irrigation else None,
        runoff_mm=mm("runoff_mm"),
        adequacy_pct=100.0 * (1.0 - deficit / etc) if etc else None,
        efficiency_pct=100.0 * (1.0 - surplus / irrigation) if irrigation else None,
    )


def saved_pct(ours: Figures, theirs: Figures) -> float | None:
    """How much less water than another controller."""
    return 100.0 * (1.0 - ours.irrigation_mm / theirs.irrigation_mm) if theirs.irrigation_mm else None
