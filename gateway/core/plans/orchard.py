"""The water of an orchard: how much of what the soil asks for a phase lets through, and the guard against wilting.

Rules
1. The guard comes first. Soil that is surely below ``guard_e4``, or is reckoned to be, gets water whatever the phase
   says, up to the ordinary dry mark and no further, in as many runs as that takes. Without probes it gives no more
   than what the crop has used since the last watering (S12); where nothing is reckoned and no vote is sure it gives
   nothing.
2. In the first ``wet_days`` of a phase the soil is kept wet: refilled from half way between target and dry mark on.
3. After ``most_dry_days`` a phase with less than all its water holds nothing back any more: somebody has forgotten it.
4. ``water_pct`` 100 is all that the soil asks for, 0 is nothing. In between a watering is given when the soil asks for
   it and ``water_pct`` of what the crop has used since the phase began is more than what it was given.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.core import need as soil
from gateway.core.estimate import UM
from gateway.core.moist import Judged, Moist
from gateway.core.need import LEAST_DOSE_MM
from gateway.core.plans.force import phase_of
from gateway.core.plans.kinds import Orchard, Phase
from gateway.core.plans.memory import InPhase
from gateway.core.plans.phasing import days_in, facts, used_um
from gateway.core.probes import Trust
from gateway.core.rules import Rule, Verdict
from gateway.core.state import Run
from gateway.core.turn import Finding, Turn
from gateway.core.types import Fact, ZoneSettings

LEAST_REST_MM = 0.5
_IN_SPITE = (Rule.WILTING, Rule.LOCK_OVER)  # what is given though the phase has no water


def need(turn: Turn, zone: ZoneSettings, plan: Orchard) -> Finding:
    """Whether an orchard asks for water now."""
    saved = guard(turn, zone, plan)
    if saved:
        return saved
    known = turn.zone(zone.id).plan.phase
    phase = phase_of(zone, turn.zone(zone.id).plan)
    if known is None or phase is None or phase.water_pct == 100:
        return soil.by_soil(turn, zone)
    days = days_in(turn, known)
    if 0 <= days < phase.wet_days:
        return _kept_wet(turn, zone, phase.wet_days)
    if days > plan.most_dry_days:
        found = soil.by_soil(turn, zone)
        inputs = {**found.inputs, **facts(turn, zone)}
        if found.verdict is not Verdict.START:
            return found
        return replace(found, rule=Rule.LOCK_OVER, inputs=inputs, limits={"most_dry_days": plan.most_dry_days})
    if phase.water_pct == 0:
        bounds: dict[str, Fact] = {"guard_e4": plan.guard_e4, "usual_days": phase.days}
        return Finding(Verdict.NO, Rule.PHASE_LOCKED, facts(turn, zone), bounds)
    return _part(turn, zone, phase, known)


def is_shut(turn: Turn, zone: ZoneSettings, run: Run) -> bool:
    """Whether the garden has come to a phase without water since a run began."""
    known, phase = turn.zone(zone.id).plan.phase, phase_of(zone, turn.zone(zone.id).plan)
    if known is None or phase is None or phase.water_pct > 0 or run.why in _IN_SPITE:
        return False
    return days_in(turn, known) >= phase.wet_days


def guard(turn: Turn, zone: ZoneSettings, plan: Orchard) -> Finding | None:
    """Rule 1: START when it is too dry for the trees, or None."""
    bounds: dict[str, Fact] = {"guard_e4": plan.guard_e4}
    judged = turn.judged.get(zone.id)
    if judged is None or zone.ground is None:
        vote = turn.votes[zone.id]
        dry = vote.trust is Trust.SURE and vote.soil_e4 is not None and vote.soil_e4 <= plan.guard_e4
        return Finding(Verdict.START, Rule.WILTING, facts(turn, zone), bounds) if dry else None
    missing_mm = judged.known.depletion_mm - judged.dry_mm
    rest_mm = _rest_mm(turn, zone)
    if rest_mm > 0.0:
        dose_mm, least_mm = min(missing_mm, rest_mm), LEAST_REST_MM
    else:
        dose_mm, least_mm = _allowed_mm(judged, missing_mm), LEAST_DOSE_MM
    if dose_mm < least_mm:
        return None
    if rest_mm <= 0.0 and judged.known.depletion_mm < zone.ground.depletion_mm(plan.guard_e4):
        return None
    inputs: dict[str, Fact] = {**facts(turn, zone), "dose_um": round(dose_mm * UM)}
    return Finding(Verdict.START, Rule.WILTING, inputs, bounds)


def _kept_wet(turn: Turn, zone: ZoneSettings, wet_days: int) -> Finding:
    judged = turn.judged.get(zone.id)
    if judged is None or judged.moist is Moist.BLIND or turn.votes[zone.id].trust is not Trust.SURE:
        return soil.by_soil(turn, zone)
    wet_mm = (judged.refill_mm + judged.dry_mm) / 2.0
    dose_mm = judged.known.depletion_mm - judged.refill_mm
    bounds: dict[str, Fact] = {"dry_at_um": round(wet_mm * UM), "wet_days": wet_days}
    if judged.known.depletion_mm < wet_mm or dose_mm < LEAST_DOSE_MM:
        return Finding(Verdict.NO, Rule.STILL_MOIST, facts(turn, zone), bounds)
    inputs: dict[str, Fact] = {**facts(turn, zone), "dose_um": round(dose_mm * UM)}
    return Finding(Verdict.START, Rule.KEEP_WET, inputs, bounds)


def _part(turn: Turn, zone: ZoneSettings, phase: Phase, known: InPhase) -> Finding:
    """Rule 4. The registry gives a part only to gardens whose water is reckoned."""
    found = soil.by_soil(turn, zone)
    dose_um = found.inputs.get("dose_um")
    if found.verdict is not Verdict.START or not isinstance(dose_um, int) or zone.ground is None:
        return found
    used = max(0, used_um(turn, zone) - known.used_um)
    left_um = used * phase.water_pct // 100 - round(known.given_ml / zone.ground.area_m2)
    inputs: dict[str, Fact] = {**facts(turn, zone), "water_pct": phase.water_pct, "left_um": max(0, left_um)}
    if left_um < LEAST_DOSE_MM * UM:
        return Finding(Verdict.NO, Rule.PHASE_PART, inputs)
    return replace(found, rule=Rule.PART_DOSE, inputs={**inputs, "dose_um": min(dose_um, left_um)})


def _rest_mm(turn: Turn, zone: ZoneSettings) -> float:
    """What is still to be given of what has saved the trees: a cycle, or the longest run, was not all of it."""
    dose = turn.zone(zone.id).dose
    return dose.left_um / UM if dose and dose.why is Rule.WILTING and dose.left_um is not None else 0.0


def _allowed_mm(judged: Judged, missing_mm: float) -> float:
    return min(missing_mm, judged.known.asked_um / UM) if judged.moist is Moist.BLIND else missing_mm
