"""Facts as decisions about plans keep them, for tests of the sentences."""

from gateway.core.types import Fact

_AT_MS = 1_709_247_600_000  # 2024-03-01 06:00 in Vietnam

PLAN_FACTS: dict[str, Fact] = {
    "phase": "induce",
    "next_phase": "flower",
    "before": "fruit",
    "phase_days": 43,
    "who": "chị Hai",
    "told_by": "chị Hai",
    "water_pct": 25,
    "left_um": 8_000,
    "field_level_mm": -152,
    "next_at_ms": _AT_MS + 86_400_000,
    "over_at_ms": _AT_MS,
    "asked_ml": 5_000_000,
    "rain_um": 12_000,
    "month": 9,
}
PLAN_BOUNDS: dict[str, Fact] = {
    "fill_at_mm": -150,
    "fill_to_mm": 50,
    "cap_ml": 400_000_000,
    "guard_e4": 2160,
    "usual_days": 42,
    "most_dry_days": 90,
}
