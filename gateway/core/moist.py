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
        known, et0 = self.known, self.et0
        return {
            "moist": self.moist.value,
            "depletion_um": known.depletion_um,
            "sd_um": round(known.sd_mm * UM),
            "dry_chance_pct": round(100.0 * self.chance),
            "asked_um": known.asked_um,
            "refused": known.refused,
            "lost_um": known.lost_um,
            "gap_um": known.doubt.gap_um if known.doubt else None,
            "et0_um": round(et0.mm * UM),
            "weather": et0.origin.value,
            "et0_method": et0.method,
        }

    def limits(self) -> dict[str, Fact]:
        return {
            "dry_at_um": round(self.dry_mm * UM),
            "refill_um": round(self.refill_mm * UM),
            "raw_um": round(self.raw_mm * UM),
        }
