"""The plans that a garden can have, as data.

Rules
1. Everything is frozen; ids of phases are stable codes of ``PHASES``, named in ``gateway.core.reasons_plans``.
2. The registry has checked every range; here is only what would make the irrigation itself wrong.
3. Days are local (UTC+7, no daylight saving), counted from 1970-01-01; amounts of water in millilitres.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.core.refs import SensorRef, require


class Sun(StrEnum):
    SUNRISE = "sunrise"
    SUNSET = "sunset"


# Of each kind of plan, in their order.
PHASES: Mapping[str, tuple[str, ...]] = {
    "orchard": ("rest", "induce", "flower", "fruit", "harvest"),
    "rice": ("establish", "tiller", "heading", "grain", "drain"),
    "vegetable": ("seedling", "growth", "yield", "last"),
}


@dataclass(frozen=True, slots=True)
class Phase:
    """``water_pct`` of what the crop uses is given: 0 is locked, 100 is all that the soil asks for. In the first
    ``wet_days`` the soil is kept wet all the same. ``marks_e4`` (dry, target), ``kc`` and ``flood_mm`` (refilled at,
    up to) are of this phase, None where it changes nothing; so is the level up to which a shared ditch is wanted."""

    id: str
    days: int
    water_pct: int = 100
    wet_days: int = 0
    marks_e4: tuple[int, int] | None = None
    kc: float | None = None
    flood_mm: tuple[int, int] | None = None
    ditch_level_mm: int | None = None

    def __post_init__(self) -> None:
        require(self.days > 0 and self.wet_days >= 0 and 0 <= self.water_pct <= 100, f"phase {self.id}: lengths")
        for low, high in (self.marks_e4 or (0, 1), self.flood_mm or (0, 1)):
            require(low < high, f"phase {self.id}: marks")


@dataclass(frozen=True, slots=True)
class Phases:
    """The phases in their order. ``first`` is the one in which the garden was on ``since_day``, when that was written.
    ``again``: after the last comes the first one."""

    steps: tuple[Phase, ...]
    first: str
    since_day: int
    again: bool = False

    def __post_init__(self) -> None:
        ids = [step.id for step in self.steps]
        require(self.first in ids and len(set(ids)) == len(ids), "phases: every id once, and the first among them")

    def of(self, id: str) -> Phase | None:
        return next((step for step in self.steps if step.id == id), None)

    def after(self, id: str) -> Phase | None:
        return self._beside(id, 1)

    def before(self, id: str) -> Phase | None:
        return self._beside(id, -1)

    def _beside(self, id: str, by: int) -> Phase | None:
        place = next((n for n, step in enumerate(self.steps) if step.id == id), None)
        if place is None or len(self.steps) < 2:
            return None
        place += by
        if self.again:
            return self.steps[place % len(self.steps)]
        return self.steps[place] if 0 <= place < len(self.steps) else None


@dataclass(frozen=True, slots=True)
class Orchard:
    """``guard_e4`` is the moisture below which water is given whatever the phase says; after ``most_dry_days`` of a
    phase with less than all its water the phase holds nothing back any more. In ``saline_months`` (1 to 12) people
    are warned before flowers are induced."""

    phases: Phases
    guard_e4: int
    most_dry_days: int
    saline_months: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        require(self.guard_e4 > 0 and self.most_dry_days > 0, "orchard: guard")


@dataclass(frozen=True, slots=True)
class Vegetable:
    phases: Phases


@dataclass(frozen=True, slots=True)
class Rice:
    """Levels are in mm above the soil's surface, negative below it, in tubes that let the water in."""

    phases: Phases
    tubes: tuple[SensorRef, ...]
    area_m2: float
    max_age_ms: int
    spread_mm: int
    range_mm: int

    def __post_init__(self) -> None:
        require(bool(self.tubes) and self.area_m2 > 0 and self.max_age_ms > 0, "rice: tubes, area, age")
        require(all(step.flood_mm or step.water_pct == 0 for step in self.phases.steps), "rice: marks of every phase")


@dataclass(frozen=True, slots=True)
class Calendar:
    """A person's standing order: on ``weekdays`` (0 Monday) or every so many days from ``first_day`` on, at a minute of
    the day or so many minutes from the sun's rise or set. ``by_end``: that is when it is to be over, at the earliest
    begun ``window_ms`` before. Percent by month; at most ``cap_ml`` from ``season[0]`` to ``season[1]``, and no water
    outside of it. After ``rain_um`` on one day it leaves out what would begin within ``rain_wait_ms``."""

    amount_ml: int
    minute: int
    weekdays: tuple[int, ...] = ()
    every_days: int = 0
    first_day: int = 0
    sun: Sun | None = None
    by_end: bool = False
    window_ms: int = 0
    month_pct: tuple[int, ...] = (100,) * 12
    cap_ml: int | None = None
    season: tuple[int, int] | None = None
    rain_um: int | None = None
    rain_wait_ms: int = 0

    def __post_init__(self) -> None:
        require(self.amount_ml > 0 and self.window_ms > 0 and len(self.month_pct) == 12, "calendar: amounts")
        require(bool(self.weekdays) != (self.every_days > 0), "calendar: weekdays, or every so many days")
        require(self.cap_ml is None or self.season is not None, "calendar: a cap needs its season")

    def is_on(self, day: int) -> bool:
        """Whether a local day is one of the calendar's."""
        if self.season and not self.season[0] <= day <= self.season[1]:
            return False
        if self.weekdays:
            return (day + 3) % 7 in self.weekdays  # 1970-01-01 was a Thursday
        return day >= self.first_day and (day - self.first_day) % self.every_days == 0


@dataclass(frozen=True, slots=True)
class Manual:
    """Only people water, each time with an end."""


Plan = Orchard | Vegetable | Rice | Calendar | Manual


def phases_of(plan: Plan | None) -> Phases | None:
    return plan.phases if isinstance(plan, Orchard | Vegetable | Rice) else None


def last_day_of(plan: Plan | None) -> int | None:
    """The last day of a plan's season, as it was usual when the plan was written; None where it has no end."""
    if isinstance(plan, Calendar):
        return plan.season[1] if plan.season else None
    phases = phases_of(plan)
    if phases is None or phases.again:
        return None
    place = [step.id for step in phases.steps].index(phases.first)
    return phases.since_day + sum(step.days for step in phases.steps[place:]) - 1
