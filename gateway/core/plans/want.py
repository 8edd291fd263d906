"""The one door to the plans: what a garden wants of its water now, and when a run has given it enough.

Rules
1. ``look`` is called once in a step, after votes and estimates; ``need`` only asks, and changes nothing.
2. A pause comes before everything, and ends what the system has begun; then each plan has its own word. A garden
   without a plan is watered by its soil.
3. ``poured`` hears of every run that ends, whoever began it.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.core import need as soil
from gateway.core.plans import calendar, field, orchard, people, phasing
from gateway.core.plans.force import phase_of
from gateway.core.plans.kinds import Calendar, Manual, Orchard, Rice
from gateway.core.rules import Rule, Verdict
from gateway.core.state import Run
from gateway.core.turn import Finding, Turn
from gateway.core.types import FillSettings, SourceSettings, ZoneSettings
from gateway.core.weather import local_day


def look(turn: Turn) -> None:
    """Bring what every plan remembers up to now."""
    for zone in turn.settings.planned:
        phasing.look(turn, zone)
        if isinstance(zone.plan, Rice):
            field.look(turn, zone, zone.plan)
        elif isinstance(zone.plan, Calendar):
            calendar.look(turn, zone, zone.plan)
        elif turn.zone(zone.id).plan.phase is not None:
            turn.told[zone.id] = phasing.facts(turn, zone), {}


def need(turn: Turn, zone: ZoneSettings) -> Finding:
    """Whether the garden asks for water now: START, WAIT or NO, with its reason."""
    held = people.paused(turn, zone)
    if held:
        return held
    if zone.plan is None:  # the most of them, in every step
        return soil.by_soil(turn, zone)
    match zone.plan:
        case Orchard() as plan:
            return orchard.need(turn, zone, plan)
        case Rice():
            return field.need(turn, zone)
        case Calendar() as plan:
            return calendar.need(turn, zone, plan)
        case Manual():
            return Finding(Verdict.NO, Rule.PLAN_MANUAL)
        case _:
            return soil.by_soil(turn, zone)


def enough(turn: Turn, zone: ZoneSettings, run: Run) -> Finding | None:
    """Why a run that the system began has to end before its time is over, or None."""
    held = people.paused(turn, zone)
    if held:
        return replace(held, verdict=Verdict.STOP)
    if isinstance(zone.plan, Orchard) and orchard.is_shut(turn, zone, run):
        return Finding(Verdict.STOP, Rule.PHASE_LOCKED, phasing.facts(turn, zone))
    if isinstance(zone.plan, Rice):
        return field.enough(turn, zone)
    if run.why is Rule.CALENDAR_DUE:
        return None
    return soil.enough(turn, zone, run)


def ditch_start_mm(turn: Turn, ditch: SourceSettings, fill: FillSettings) -> int:
    """The level from which a ditch is filled: lower when all of its gardens are in phases that say so, the highest
    of them, but never so low that nothing could be watered from it."""
    if not turn.settings.planned:
        return fill.start_level_mm
    gardens = [zone for zone in turn.settings.zones if zone.source == ditch.id]
    phases = [phase_of(zone, turn.zone(zone.id).plan) for zone in gardens]
    wanted_mm = [phase.ditch_level_mm for phase in phases if phase and phase.ditch_level_mm is not None]
    if not gardens or len(wanted_mm) < len(gardens):
        return fill.start_level_mm
    return min(fill.start_level_mm, max(ditch.reopen_level_mm, *wanted_mm))


def poured(turn: Turn, zone_id: str, millilitres: int, why: Rule = Rule.CALENDAR_DUE) -> None:
    """A run has ended, with so much water. Where a person has watered, a field that did not rise is tried again."""
    zone, state = turn.settings.zone_by_id.get(zone_id), turn.zone(zone_id)
    if zone is None or zone.plan is None:
        return
    memory = state.plan
    if memory.phase:
        memory = replace(memory, phase=replace(memory.phase, given_ml=memory.phase.given_ml + millilitres))
    if memory.refill:
        memory = replace(memory, refill=replace(memory.refill, given_ml=memory.refill.given_ml + millilitres))
    if why is Rule.MANUAL_WATER:
        memory = replace(memory, tried_mm=None)
    if memory.slot and not memory.slot.done:
        memory = replace(memory, slot=replace(memory.slot, given_ml=memory.slot.given_ml + millilitres))
    season = zone.plan.season if isinstance(zone.plan, Calendar) else None
    if season and season[0] <= local_day(turn.now_ms) <= season[1]:
        memory = replace(memory, season_ml=memory.season_ml + millilitres)
    turn.zones[zone_id] = replace(state, plan=memory)
