"""Controllers as others build them, to be run beside the real one: what would they have watered?

Rules
- They run in season runs (``simulators.season``) on a simulated field, and on the record of a village (``savings``).
- A shadow is a pure table of its settings. It is asked once in the morning for each garden what it gives today, in
  mm; what it remembers of a garden is a number that it gets back the next morning. No clock, no field, no I/O.
- It is at its best here: the crop coefficient and the soil that it is set for are those of the field. What it
  knows of the weather is yesterday's, reckoned by ``gateway.core.fao56``.
- None of them looks at the source: neither timers nor moisture switches know of salt or an empty ditch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Plot:
    """What an installer would set for a garden."""

    crop_coefficient: float
    raw_mm: float  # readily available water, p times TAW
    root_mm: float
    dry_e4: int
    target_e4: int
    driest_mm: float  # ETc of a day in the driest month
    depletion_mm: float  # at the begin


@dataclass(frozen=True, slots=True)
class Morning:
    """What can be known in the morning: yesterday's weather, and what the garden's first probe says."""

    et0_mm: float
    rain_mm: float
    probe_e4: int | None


class Shadow(Protocol):
    @property
    def name(self) -> str: ...

    def begin(self, plot: Plot) -> float:
        """What it remembers of a garden before the first morning."""

    def water(self, plot: Plot, memory: float, morning: Morning) -> tuple[float, float]:
        """(memory, mm to give today)."""


@dataclass(frozen=True, slots=True)
class FixedTimer:
    """The same every day: in a week what the crop needs in a week of the driest month. Rain changes nothing."""

    name: str = "timer"

    def begin(self, plot: Plot) -> float:  # noqa: ARG002
        return 0.0

    def water(self, plot: Plot, memory: float, morning: Morning) -> tuple[float, float]:  # noqa: ARG002
        return memory, plot.driest_mm


@dataclass(frozen=True, slots=True)
class EtOnly:
    """A bucket: ETc out, rain in, refilled when a share of the readily available water is gone. It never looks."""

    trigger: float = 0.5
    name: str = "et"

    def begin(self, plot: Plot) -> float:
        return plot.depletion_mm

    def water(self, plot: Plot, memory: float, morning: Morning) -> tuple[float, float]:
        deficit = max(0.0, memory + plot.crop_coefficient * morning.et0_mm - morning.rain_mm)
        if deficit < self.trigger * plot.raw_mm:
            return deficit, 0.0
        return 0.0, deficit


@dataclass(frozen=True, slots=True)
class ProbeOnly:
    """A moisture switch: when the one probe is at the dry mark, what is missing to the target. It believes all."""

    name: str = "probe"

    def begin(self, plot: Plot) -> float:  # noqa: ARG002
        return 0.0

    def water(self, plot: Plot, memory: float, morning: Morning) -> tuple[float, float]:
        if morning.probe_e4 is None or morning.probe_e4 > plot.dry_e4:
            return memory, 0.0
        return memory, (plot.target_e4 - morning.probe_e4) / 10_000.0 * plot.root_mm


SHADOWS: tuple[Shadow, ...] = (FixedTimer(), EtOnly(), ProbeOnly())
