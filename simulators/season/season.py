"""A whole season: the gateway and its shadows, each on its copy of the field, and what came of it.

Rules of this module:
- The order is fixed and nothing is shared between the copies, so the same scenario gives the same summary, to the
  last digit. Real time is no part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gateway.core.shadow import SHADOWS, Shadow
from simulators.field.weather import local_date
from simulators.season.climate import Climate, climate
from simulators.season.figures import PARTS, Balanced, Figures, balanced, figures, saved_pct
from simulators.season.gateway import Diary, Gateway
from simulators.season.scenario import Scenario
from simulators.season.shadow_run import ShadowRun
from simulators.season.trial import Trial

OURS = "hoiquan"
DECIMALS = 3


@dataclass(frozen=True)
class Outcome:
    """One controller: its field at the end, its books, and its figures by part of the year."""

    name: str
    trial: Trial
    rows: dict[str, list[Balanced]]
    village: dict[str, Figures]
    zones: dict[str, dict[str, Figures]]


@dataclass(frozen=True)
class Season:
    scenario: Scenario
    climate: Climate
    diary: Diary
    outcomes: dict[str, Outcome]  # ours first, then the shadows

    @property
    def ours(self) -> Outcome:
        return self.outcomes[OURS]


def run(scenario: Scenario, shadows: Sequence[Shadow] = SHADOWS) -> Season:
    """Run the season. The same scenario and shadows give the same result."""
    known = climate(scenario.weather, scenario.village.latitude, scenario.village.elevation_m)
    gateway = Gateway(scenario, Trial(scenario))
    gateway.run(scenario.end_ms)
    outcomes = {OURS: _outcome(OURS, gateway.trial)}
    for shadow in shadows:
        outcomes[shadow.name] = _outcome(shadow.name, _shadowed(scenario, shadow, known))
    return Season(scenario, known, gateway.diary, outcomes)


def _shadowed(scenario: Scenario, shadow: Shadow, known: Climate) -> Trial:
    run = ShadowRun(scenario, shadow, Trial(scenario), known)
    run.run(scenario.end_ms)
    return run.trial


def _outcome(name: str, trial: Trial) -> Outcome:
    rows = {zone.id: balanced(zone.soil, zone.start_vwc, trial.days[zone.id]) for zone in trial.zones.values()}
    area_m2 = {zone.id: zone.area_m2 for zone in trial.zones.values()}
    return Outcome(
        name,
        trial,
        rows,
        {which: figures(rows, area_m2, which) for which in PARTS},
        {zone: {which: figures({zone: rows[zone]}, area_m2, which) for which in PARTS} for zone in rows},
    )


def summary(season: Season) -> dict[str, Any]:
    """The figures of a season as plain data; see docs/season.md."""
    scenario, ours = season.scenario, season.ours
    zones = scenario.village.zones
    hours = season.diary.hours
    return {
        "village": scenario.village.id,
        "from": scenario.first.isoformat(),
        "to": scenario.last.isoformat(),
        "seed": scenario.seed,
        "weather": scenario.weather.label,
        "zone_days": scenario.days * len(zones),
        "driest_month": season.climate.driest_month,
        "faults": {"probes": len(scenario.faults.probes), "links": len(scenario.faults.links)},
        "controllers": {
            name: {
                "village": {which: _plain(found) for which, found in outcome.village.items()},
                "zones": {
                    zone: {which: _plain(found) for which, found in parts.items()}
                    for zone, parts in outcome.zones.items()
                },
                "imbalance_mm": round(outcome.trial.imbalance_mm(), 6),
                "ditch_imbalance_l": round(outcome.trial.ditch_imbalance_l(), 3),
            }
            for name, outcome in season.outcomes.items()
        },
        "saved_pct": {
            name: {which: _rounded(saved_pct(ours.village[which], outcome.village[which])) for which in PARTS}
            for name, outcome in season.outcomes.items()
            if outcome is not ours
        },
        "hours_by_rule": {zone: _sums(days.values()) for zone, days in hours.items()},
        "runs": {zone: sum(1 for ended in season.diary.runs if ended.zone == zone) for zone in zones},
        "phases": {
            zone: [[local_date(at_ms).isoformat(), phase] for at_ms, phase in kept]
            for zone, kept in season.diary.phases.items()
        },
        "alarms": sum(1 for alarm in season.diary.alarms if alarm.on),
    }


def _plain(found: Figures) -> dict[str, Any]:
    return {name: _rounded(value) for name, value in asdict(found).items()}


def _rounded(value: float | None) -> float | None:
    return round(value, DECIMALS) + 0.0 if isinstance(value, float) else value  # + 0.0: never -0.0


def _sums(days: Any) -> dict[str, float]:
    totals: dict[str, float] = {}
    for day in days:
        for rule, hours in day.items():
            totals[rule] = totals.get(rule, 0.0) + hours
    return {rule: round(hours, 1) for rule, hours in sorted(totals.items())}
