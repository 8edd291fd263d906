"""What is made of a garden's estimate: how dry it is, how surely, and the marks that it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.core.estimate import UM, Estimate
from gateway.core.types import Fact
from gateway.core.weather import Et0


class Moist(StrEnum):
    SURE_DRY = "sure_dry"
    PERHAPS = "perhaps"
    WET = "wet"
    BLIND = "blind"


@dataclass(frozen=True, slots=True)
class Judged:
    """What is made of an estimate now; depletions in mm."""

    moist: Moist
    known: Estimate
    chance: float
    dry_mm: float
    refill_mm: float
    raw_mm: float
    etc_mm: float  # of today, without stress
    et0: Et0

    def inputs(self) -> dict[str, Fact]:
        known = self.known
        return {
            "moist": self.moist.value,
            "depletion_um": known.depletion_um,
            "sd_um": round(known.sd_mm * UM),
            "dry_chance_pct": round(100.0 * self.chance),
            "asked_um": known.asked_um,
            "refused": known.refused,
            "lost_um": known.lost_um,
            "gap_um": known.doubt.gap_um if known.doubt else None,
            "et0_um": round(self.et0.mm * UM),
            "weather": self.et0.origin.value,
            "et0_method": self.et0.method,
        }

    def limits(self) -> dict[str, Fact]:
        marks = {"dry_at_um": self.dry_mm, "refill_um": self.refill_mm, "raw_um": self.raw_mm}
        return {name: round(mm * UM) for name, mm in marks.items()}
