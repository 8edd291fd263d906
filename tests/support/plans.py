"""Plans for tests of the irrigation: made from what differs, with figures that are easy to reckon with."""

from __future__ import annotations

from datetime import date
from typing import Any

from gateway.core.plans.kinds import Calendar, Manual, Orchard, Phase, Phases, Plan, Rice, Sun, Vegetable
from gateway.core.refs import SensorRef
from gateway.core.weather import EPOCH
from wire import fields

SINCE = "2024-02-20"  # ten days before tests.support.irrigation.START_MS
ORCHARD = (
    Phase("rest", 20, 0),
    Phase("induce", 42, 0, wet_days=7),
    Phase("flower", 30, 25),
    Phase("fruit", 90, 100),
    Phase("harvest", 30, 50),
)
RICE = (
    Phase("establish", 14, flood_mm=(10, 50)),
    Phase("tiller", 40, flood_mm=(-150, 50)),
    Phase("heading", 21, flood_mm=(10, 50)),
    Phase("grain", 15, flood_mm=(-150, 50)),
    Phase("drain", 14, 0),
)
VEGETABLE = (
    Phase("seedling", 20, marks_e4=(3000, 3400)),
    Phase("growth", 30),
)


def tube(channel: int) -> SensorRef:
    return SensorRef("ong", fields.WATER_LEVEL, channel)


def day(text: str) -> int:
    return (date.fromisoformat(text) - EPOCH).days


def made(kind: str, **changes: Any) -> Plan:
    """The plan of a kind; ``first`` and ``since`` are those of its phases."""
    since_day = day(changes.pop("since", SINCE))
    if kind == "orchard":
        plain: dict[str, Any] = {"guard_e4": 2160, "most_dry_days": 90, "saline_months": (1, 2, 3, 4, 5)}
        first = changes.pop("first", "rest")
        return Orchard(Phases(changes.pop("steps", ORCHARD), first, since_day, again=True), **(plain | changes))
    if kind == "vegetable":
        return Vegetable(Phases(changes.pop("steps", VEGETABLE), changes.pop("first", "seedling"), since_day))
    if kind == "rice":
        tubes = tuple(tube(channel) for channel in range(changes.pop("tubes", 1)))
        plain = {"tubes": tubes, "area_m2": 100.0, "max_age_ms": 2_700_000, "spread_mm": 80, "range_mm": 350}
        return Rice(Phases(changes.pop("steps", RICE), changes.pop("first", "tiller"), since_day), **(plain | changes))
    if kind == "calendar":
        if "sun" in changes:
            changes["sun"] = Sun(changes["sun"])
        if "first_day" in changes:
            changes["first_day"] = day(changes["first_day"])
        if "season" in changes:
            first, last = changes["season"]
            changes["season"] = (day(first), day(last))
        for key in ("weekdays", "month_pct"):
            if key in changes:
                changes[key] = tuple(changes[key])
        plain = {"amount_ml": 2_000_000, "minute": 420, "window_ms": 14_400_000}
        return Calendar(**(plain | changes))
    assert kind == "manual" and not changes
    return Manual()
