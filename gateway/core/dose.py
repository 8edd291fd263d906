"""A dose over several runs: what of it has been given, what is left, when it goes on and when it is given up (D4).

Rules
1. Whatever begins is a dose. A run takes as much of it as zone, cycle, hours and window allow, and names beforehand
   why it will end. What it gave is taken off by what really flowed, so a restart gives nothing twice.
2. What is left waits: for the soil to soak, for the source that closed, for its hours, or for the rest that follows
   the longest run. It goes on by itself, a person's too, but not for ever: until ``until_at_ms``, and then it is told
   how much is missing. What a fault, a trip or a person ends is over, which is told; the soil is asked anew.
3. The rest of what the soil asked for is never more than what it still lacks, and is dropped when that is nothing:
   rain may have come. A thermostat goes on only while its probes agree that it is below the target (S12). What a plan
   says meanwhile (a pause, a phase, rain to come) goes before; a plan that keeps its own account is asked anew.
4. A person's dose knows neither cycles nor hours: the person has decided. Of a try no rest is kept.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.core import guards, schedule
from gateway.core import need as needs
from gateway.core.estimate import UM
from gateway.core.probes import Trust
from gateway.core.rules import PERSONS, Rule, Verdict
from gateway.core.state import Dose, Run
from gateway.core.turn import Finding, Turn
from gateway.core.types import Fact, ZoneSettings

LEAST_MS = 5_000  # less of a rest is not worth telling
LEAST_MM = 0.5
UNSURE_MS = 600_000
MINUTE_MS = 60_000

# What the soil asked for; the rest of it is wanted until the soil is at its target, though it is no longer dry.
OF_SOIL = frozenset(
    {
        Rule.SOIL_DRY,
        Rule.DEPLETED,
        Rule.MODEL_DRY,
        Rule.BALANCE_DRY,
        Rule.KEEP_WET,
        Rule.PART_DOSE,
        Rule.LOCK_OVER,
        Rule.WILTING,
    }
)
NOT_DRY = frozenset(
    {Rule.SOIL_OK, Rule.STILL_MOIST, Rule.PERHAPS_DRY, Rule.MODEL_WET, Rule.BALANCE_WET, Rule.PROBES_BLIND}
)
# After these the rest of a dose goes on as soon as it may.
AT_ONCE = frozenset(
    {
        Rule.CYCLE_DONE,
        Rule.HOURS_OVER,
        Rule.HAND_OVER_FAILED,
        Rule.SOURCE_SALT,
        Rule.SOURCE_SALT_EASING,
        Rule.SOURCE_SALT_UNKNOWN,
        Rule.SOURCE_LOW,
        Rule.SOURCE_REFILLING,
        Rule.SOURCE_LEVEL_UNKNOWN,
    }
)
UNSURE = (Rule.SOURCE_SALT_UNKNOWN, Rule.SOURCE_LEVEL_UNKNOWN)
# After these it waits at all; after a fault the soil is asked anew, because its estimate knows what was given.
KEPT = AT_ONCE | {Rule.MAX_RUN}
# How what a person asked for ends when all of it was given.
DONE = {Rule.MANUAL_WATER: Rule.MANUAL_DONE, Rule.TRY: Rule.TRY_DONE}


def of(turn: Turn, zone: ZoneSettings, finding: Finding, longest_ms: int) -> Dose:
    """The dose that a finding asks for; the one that is there already when it goes on with that."""
    left = turn.zone(zone.id).dose
    if finding.rule is Rule.GOES_ON and left is not None:
        return left
    if finding.rule in PERSONS:
        asked_ms, user = finding.inputs["run_ms"], finding.inputs["user"]
        assert isinstance(asked_ms, int) and isinstance(user, str)  # waiting.of_wish has no other
        run_ms = min(asked_ms, longest_ms)
        return Dose(finding.rule, user, run_ms, None, None, turn.now_ms + run_ms + turn.limits.resume_ms)
    whole_ms = needs.planned_ms(zone, finding)
    dose_um = finding.inputs.get("dose_um") if whole_ms is not None else None
    length_ms = longest_ms if whole_ms is None else whole_ms
    until_at_ms = turn.now_ms + length_ms + turn.limits.keep_rest_ms
    if finding.by_at_ms is not None:
        until_at_ms = min(until_at_ms, finding.by_at_ms)
    um = dose_um if isinstance(dose_um, int) else None
    return Dose(finding.rule, "", length_ms, um, um, until_at_ms)


def plan(turn: Turn, zone: ZoneSettings, dose: Dose, longest_ms: int) -> tuple[int, Rule]:
    """How long the next run of a dose may be, and why it will end then."""
    done = DONE.get(dose.why) or (Rule.DOSE_GIVEN if dose.asked_um is not None else Rule.MAX_RUN)
    ends = [(dose.left_ms, done), (longest_ms, Rule.MAX_RUN)]
    if dose.why not in PERSONS:
        cycle_ms = schedule.even_ms(dose.left_ms, zone.cycle_ms)
        if cycle_ms < dose.left_ms:
            ends.append((cycle_ms, Rule.CYCLE_DONE))
        shuts_at_ms = guards.shuts_at_ms(turn, zone)
        if shuts_at_ms is not None:
            ends.append((shuts_at_ms - turn.now_ms, Rule.HOURS_OVER))
        ends.append((dose.until_at_ms - turn.now_ms, Rule.WINDOW_OVER))
    return min(ends, key=lambda end: end[0])


def bounds(turn: Turn, zone_id: str, run: Run) -> list[tuple[int, Rule]]:
    """By when a run has to be over, however late its water came."""
    dose, zone = turn.zone(zone_id).dose, turn.settings.zone_by_id.get(zone_id)
    if dose is None or zone is None:
        return []
    ends = [(run.asked_at_ms + zone.max_run_ms, Rule.MAX_RUN)]
    if dose.why in PERSONS:
        return ends
    shuts_at_ms = guards.shuts_at_ms(turn, zone)
    if shuts_at_ms is not None:
        ends.append((shuts_at_ms, Rule.HOURS_OVER))
    return [*ends, (dose.until_at_ms, Rule.WINDOW_OVER)]


def go_on(turn: Turn, zone: ZoneSettings, wanted: Finding) -> Finding:
    """What is to be done now that soil and plan want this: the rest of a dose, if there is one, comes before it."""
    dose = turn.zone(zone.id).dose
    if dose is None:
        return wanted
    if turn.now_ms >= dose.until_at_ms:
        drop(turn, zone.id, Rule.SHORTFALL)
        return wanted
    if dose.why not in PERSONS:
        left = _wanted(turn, zone, dose, wanted)
        if isinstance(left, Finding):
            return left
        dose = left
    turn.wake(dose.until_at_ms)
    from_at_ms = wanted.from_at_ms
    if dose.paused_by in UNSURE:  # whether the source is open comes first
        from_at_ms = max(dose.next_at_ms, from_at_ms or 0)
    elif turn.now_ms < dose.next_at_ms:
        turn.wake(dose.next_at_ms)
        rule = Rule.SOAKING if dose.paused_by is Rule.CYCLE_DONE else Rule.RESTING
        facts = {**_facts(dose), "until_at_ms": dose.next_at_ms}
        return Finding(Verdict.WAIT, rule, facts, until_at_ms=dose.next_at_ms)
    return Finding(Verdict.START, Rule.GOES_ON, _facts(dose), from_at_ms=from_at_ms, by_at_ms=dose.until_at_ms)


def _wanted(turn: Turn, zone: ZoneSettings, dose: Dose, wanted: Finding) -> Dose | Finding:
    """Rule 3: the rest as it is wanted now and kept so; or what is said instead."""
    if wanted.verdict is Verdict.START:
        fresh = of(turn, zone, wanted, zone.max_run_ms)
        dose = replace(dose, left_ms=min(dose.left_ms, fresh.left_ms), left_um=_least(dose.left_um, fresh.left_um))
    elif wanted.rule in (Rule.PROBES_BLIND, Rule.PROBES_UNSURE) and zone.ground is None and dose.why in OF_SOIL:
        return Finding(Verdict.WAIT, Rule.REST_WAITS, _facts(dose))
    elif dose.why is Rule.WILTING and wanted.rule is Rule.PHASE_LOCKED:
        drop(turn, zone.id, Rule.REST_NOT_NEEDED)  # the guard itself asks for the rest as long as it is needed
        return wanted
    elif wanted.rule not in NOT_DRY or dose.why not in OF_SOIL:
        if dose.why not in OF_SOIL:  # a plan keeps its own account of what it wants
            turn.zones[zone.id] = replace(turn.zone(zone.id), dose=None)
        return wanted
    left = _bounded(turn, zone, dose)
    if left is None:
        drop(turn, zone.id, Rule.REST_NOT_NEEDED)
        return wanted
    turn.zones[zone.id] = replace(turn.zone(zone.id), dose=left)
    return left


def _least(one: int | None, other: int | None) -> int | None:
    return one if other is None else other if one is None else min(one, other)


def settle(turn: Turn, zone_id: str, run: Run, flowed_ms: int) -> dict[str, Fact]:
    """Take off what a run that is over has given. Returns what is left: it waits, or is dropped."""
    state = turn.zone(zone_id)
    dose, zone = state.dose, turn.settings.zone_by_id.get(zone_id)
    if dose is None or run.stop is None:
        return {}
    left = replace(dose, left_ms=max(0, dose.left_ms - flowed_ms), paused_by=run.stop)
    if zone and zone.ground and dose.left_um is not None and zone.flow_ml_min:
        left_um = max(0, dose.left_um - round(run.poured_ml / zone.ground.area_m2))
        left = replace(left, left_um=left_um, left_ms=_ms(zone, left_um))
    if zone is None or run.why is Rule.TRY or run.stop not in KEPT or left.left_ms < _least_ms(turn, zone):
        turn.zones[zone_id] = replace(state, dose=None)
        return _facts(left)
    next_at_ms = turn.now_ms + _rest_ms(zone, run.stop)
    turn.zones[zone_id] = replace(state, dose=replace(left, next_at_ms=next_at_ms))
    return _facts(left)


def _rest_ms(zone: ZoneSettings, stop: Rule) -> int:
    """How long the rest of a dose waits at least after a run that has ended so."""
    if stop is Rule.CYCLE_DONE:
        return zone.soak_ms
    if stop in UNSURE:
        return UNSURE_MS  # what is low or salt has a hysteresis, a probe that comes and goes has none
    return 0 if stop in AT_ONCE else zone.min_rest_ms


def drop(turn: Turn, zone_id: str, rule: Rule) -> None:
    """Give the rest of a dose up, and say how much of it is missing."""
    state = turn.zone(zone_id)
    if state.dose is not None:
        turn.zones[zone_id] = replace(state, dose=None)
        turn.decide(zone_id, Finding(Verdict.NO, rule, _facts(state.dose)), always=True)


def goes_on_at_once(dose: Dose | None) -> bool:
    """Whether a garden need not rest before the next run of its dose."""
    return dose is not None and dose.paused_by in AT_ONCE


def is_at_target(turn: Turn, zone: ZoneSettings) -> bool:
    """Whether the probes agree, are believed, and say that there is enough: what would end a run at once."""
    vote, judged = turn.votes[zone.id], turn.judged.get(zone.id)
    believed = judged is None or not judged.known.refused
    return believed and vote.trust is Trust.SURE and vote.soil_e4 is not None and vote.soil_e4 >= zone.target_e4


def _bounded(turn: Turn, zone: ZoneSettings, dose: Dose) -> Dose | None:
    """What of the rest the soil still lacks; None when that is nothing."""
    judged = turn.judged.get(zone.id)
    if is_at_target(turn, zone):
        return None
    if judged is None or dose.left_um is None:
        return dose
    missing_mm = judged.known.depletion_mm - judged.refill_mm
    if missing_mm < LEAST_MM:
        return None
    left_um = min(dose.left_um, round(missing_mm * UM))
    if left_um < dose.left_um:
        dose = replace(dose, left_um=left_um, left_ms=_ms(zone, left_um))
    return dose if dose.left_ms >= _least_ms(turn, zone) else None


def _least_ms(turn: Turn, zone: ZoneSettings) -> int:
    """A shorter rest is not kept: no pump is started for it, and it would stand in the way of new needs."""
    return max(LEAST_MS, turn.settings.pump_of(zone.pump).min_run_ms if zone.pump else 0)


def _ms(zone: ZoneSettings, um: int) -> int:
    assert zone.ground is not None
    return round(um * zone.ground.area_m2 / zone.flow_ml_min * MINUTE_MS)


def _facts(dose: Dose) -> dict[str, Fact]:
    facts: dict[str, Fact] = {"left_ms": dose.left_ms, "left_um": dose.left_um, "dose_um": dose.left_um}
    facts["paused_by"] = dose.paused_by.value if dose.paused_by else None
    return facts if dose.left_um is not None else {k: v for k, v in facts.items() if not k.endswith("_um")}
