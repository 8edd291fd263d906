"""What happened, as the record has it: the material on which other settings and other controllers are tried.

Rules
1. A ``Tick`` is a minute of the record at least: what was heard in it, and what came to each garden beside irrigation:
   rain, and ``corrected``, what the probes added to or took from the reckoned soil water. Both are the same whoever
   waters, so they are given to every trial alike.
2. ``Soil`` is the soil water of a garden in a trial: the reckoning of ``estimate`` (FAO-56), begun at what was known
   at the begin, with every millimetre of rain, correction and irrigation. It is a model: how far it is from what was
   recorded is told by trying the settings that were in force.
3. A day is a day of stress when Ks < 1 at one of its looks (FAO-56 Eq. 84).
4. Pure: the record is read elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from gateway.core import estimate
from gateway.core.estimate import UM, Estimate
from gateway.core.fao56 import water
from gateway.core.ground import Ground, Plots
from gateway.core.state import State
from gateway.core.types import Intent, Limits, Reading, Settings
from gateway.core.weather import Et0, Outlook, local_day

TICK_MS = 60_000
HOLE_MS = 3_600_000  # longer without a step, and the gateway was not there
SOIL_MS = 600_000  # how often the soil is dried, as ``reckon`` does it
TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Came:
    """To one garden in one tick, in µm; ``depletion_um`` is what was reckoned then, ``sd_um`` how surely."""

    rain_um: int
    corrected_um: int
    depletion_um: int
    sd_um: int


@dataclass(frozen=True, slots=True)
class Tick:
    at_ms: int
    readings: tuple[Reading, ...]
    intents: tuple[Intent, ...]
    outlook: Outlook | None
    came: Mapping[str, Came]


@dataclass(frozen=True, slots=True)
class Watered:
    """A watering: as it was recorded, or as a trial had it."""

    zone: str
    on_ms: int
    off_ms: int
    millilitres: int


@dataclass(frozen=True)
class Record:
    """``et0`` is the best that is known of each local day."""

    from_ms: int
    to_ms: int
    settings: Settings
    limits: Limits
    state: State
    ticks: Sequence[Tick]
    watered: Sequence[Watered]
    et0: Mapping[int, Et0]
    unread: int = 0  # parts of the journal that could not be read

    @property
    def days(self) -> float:
        return (self.to_ms - self.from_ms) / 86_400_000

    @property
    def heard_days(self) -> float:
        """Without the holes, in which nothing was heard."""
        times = [self.from_ms, *(tick.at_ms for tick in self.ticks)]
        gaps = (after - before for before, after in pairwise(times))
        return sum(gap for gap in gaps if gap <= HOLE_MS) / 86_400_000

    def stressed(self, zone: str, soil: Soil) -> set[int]:
        """The days of stress by what was reckoned at the time."""
        return {
            day
            for tick in self.ticks
            if (came := tick.came.get(zone))
            and soil.is_stressed(came.depletion_um / UM, day := local_day(tick.at_ms), self.et0)
        }

    @property
    def begun(self) -> Mapping[str, Estimate]:
        """What was known of each garden at the begin."""
        return {zone: state.known for zone, state in self.state.zones.items() if state.known is not None}


@dataclass
class Soil:
    """The soil water of one garden in a trial."""

    ground: Ground
    known: Estimate
    stressed: set[int] = field(default_factory=set)
    drained_um: int = 0

    def __post_init__(self) -> None:
        self._plots = Plots([self.ground])

    @property
    def depletion_mm(self) -> float:
        return self.known.depletion_mm

    def dry(self, to_ms: int, et0: Mapping[int, Et0]) -> None:
        """Let the crop drink up to an instant."""
        (self.known,) = estimate.advance([self.known], self._plots, to_ms, lambda day: _of_day(et0, day))
        self.look(to_ms, et0)

    def look(self, at_ms: int, et0: Mapping[int, Et0]) -> None:
        day = local_day(at_ms)
        if self.is_stressed(self.depletion_mm, day, et0):
            self.stressed.add(day)

    def is_stressed(self, depletion_mm: float, day: int, et0: Mapping[int, Et0]) -> bool:
        """Whether Ks < 1."""
        today = self._plots.on(day, _of_day(et0, day).mm)
        return float(water.stress(depletion_mm, self.ground.taw_mm, today.p[0])) < 1.0 - TINY

    def rain(self, um: int, at_ms: int) -> None:
        if um:
            self._wet(estimate.rained(self.known, self.ground, um, at_ms))

    def irrigate(self, um: int, at_ms: int) -> None:
        if um:
            self._wet(estimate.poured(self.known, self.ground, um, at_ms))

    def correct(self, um: int) -> None:
        """What the probes said against the reckoning; the soil holds no more than it can."""
        most_um = round(self.ground.taw_mm * UM)
        self.known = replace(self.known, depletion_um=min(most_um, max(0, self.known.depletion_um + um)))

    def _wet(self, after: Estimate) -> None:
        self.drained_um += after.sums.percolated_um - self.known.sums.percolated_um
        self.known = after


def _of_day(et0: Mapping[int, Et0], day: int) -> Et0:
    """Of a day that the record does not have, the nearest one."""
    return et0[day] if day in et0 else et0[min(et0, key=lambda known: abs(known - day))]
