"""The ground of a garden and what grows in it: what its water balance is reckoned with.

Rules
1. Plain numbers in the units of their names, m³/m³ where there is none; made by the registry, which holds the ranges.
2. Depletion is counted from field capacity in mm over the root zone (FAO-56 Eq. 87): 0 is full, TAW is wilting.
3. A crop without a day of planting stands in mid-season: trees and whatever is always there.
4. ``Plots`` is the same for all zones at once, as the columns that ``gateway.core.fao56`` works on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from gateway.core.fao56 import crop, water
from gateway.core.fao56.atmosphere import Array, floats

E4 = 10_000
KEPT_DAYS = 4


@dataclass(frozen=True, slots=True)
class Ground:
    """``kc`` at the initial, middle and end of the season; ``planted_day`` counts days since 1970, local."""

    fc: float
    wp: float
    root_m: float
    area_m2: float
    p: float
    kc: tuple[float, float, float]
    stages_days: tuple[int, int, int, int]
    planted_day: int | None = None

    def __post_init__(self) -> None:
        if not (0.0 < self.wp < self.fc < 1.0 and self.root_m > 0.0 and self.area_m2 > 0.0 and 0.0 < self.p < 1.0):
            raise ValueError("ground: 0 < wp < fc < 1, root_m > 0, area_m2 > 0, 0 < p < 1")

    @property
    def taw_mm(self) -> float:
        """Total available water. FAO-56 Eq. 82."""
        return 1000.0 * (self.fc - self.wp) * self.root_m

    def depletion_mm(self, soil_e4: float) -> float:
        """Depletion that a moisture means; wetter than field capacity is 0, drier than wilting is TAW."""
        return min(self.taw_mm, max(0.0, 1000.0 * (self.fc - soil_e4 / E4) * self.root_m))

    def soil_e4(self, depletion_mm: float) -> int:
        """Moisture that a depletion means."""
        return round(E4 * (self.fc - depletion_mm / (1000.0 * self.root_m)))


@dataclass(frozen=True, slots=True)
class PlotDay:
    """One day of several grounds: ETc without stress and p on it, and for each ETc and RAW, with the table's p at the
    most."""

    etc_mm: Array
    p: Array
    etc_each_mm: list[float]
    raw_each_mm: list[float]


@dataclass(frozen=True)
class Plots:
    """Several grounds, side by side."""

    grounds: Sequence[Ground]
    _kc_of_day: dict[int, Array] = field(default_factory=dict, init=False, repr=False, compare=False)
    _days: dict[tuple[int, float], PlotDay] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def taw_mm(self) -> Array:
        return floats([ground.taw_mm for ground in self.grounds])

    @cached_property
    def p(self) -> Array:
        return floats([ground.p for ground in self.grounds])

    def kc(self, day: int) -> Array:
        """Crop coefficients of a day. FAO-56 Eq. 66."""
        if day not in self._kc_of_day:
            self._kc_of_day.clear()
            self._kc_of_day[day] = floats(crop.curve(day - self._planted, self._stages, self._kc))
        return self._kc_of_day[day]

    def on(self, day: int, et0_mm: float) -> PlotDay:
        """What a day asks of them; made once for all its steps."""
        if (day, et0_mm) not in self._days:
            if len(self._days) >= KEPT_DAYS:
                self._days.clear()
            etc = self.kc(day) * et0_mm
            p = water.depletion_fraction(self.p, etc)
            raw = np.minimum(p, self.p) * self.taw_mm
            self._days[day, et0_mm] = PlotDay(etc, p, etc.tolist(), raw.tolist())
        return self._days[day, et0_mm]

    @cached_property
    def _planted(self) -> Array:
        return floats([0 if g.planted_day is None else g.planted_day for g in self.grounds])

    @cached_property
    def _stages(self) -> Array:
        return floats([g.stages_days for g in self.grounds]).reshape(-1, 4).T

    @cached_property
    def _kc(self) -> Array:
        columns = [(g.kc[1],) * 3 if g.planted_day is None else g.kc for g in self.grounds]
        return floats(columns).reshape(-1, 3).T
