"""The phase of a garden: begun as its file says, changed by a person alone, and told when the next one is due.

Rules
1. Every garden with phases remembers the one it is in and since when. A file that was edited (another ``since``) is
   what a person says too, and begins anew.
2. When a phase has lasted its usual days that is told once. Nothing else follows from it.
3. The days of a phase are local days: the day on which it began is day 0.
4. Who goes back within ``TAKE_BACK_MS`` to the phase that was left takes that step back: the phase goes on as if it had
   not been left, with its days and with what it was given meanwhile. Later it begins anew.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.core.plans.force import phase_of
from gateway.core.plans.kinds import Orchard, Phase, Phases, phases_of
from gateway.core.plans.memory import InPhase
from gateway.core.rules import Rule, Verdict
from gateway.core.turn import Finding, Turn
from gateway.core.types import DAY_MS, Fact, ZoneSettings
from gateway.core.weather import EPOCH, day_begins_at_ms, local_day

TAKE_BACK_MS = 3 * DAY_MS


def look(turn: Turn, zone: ZoneSettings) -> None:
    """Begin the phase of the file if there is none, and tell when the next is due."""
    phases = phases_of(zone.plan)
    if phases is None:
        return
    phase = phase_of(zone, turn.zone(zone.id).plan)
    assert phase is not None  # phases.first is one of them
    known = turn.zone(zone.id).plan.phase
    if known is None or known.file_day != phases.since_day or known.id != phase.id:
        enter(turn, zone, phase, phases, day_begins_at_ms(phases.since_day))
        turn.decide(zone.id, Finding(Verdict.NO, Rule.PHASE_BEGUN, facts(turn, zone)), always=True)
        return
    following = phases.after(known.id)
    if following is None or known.due_told or days_in(turn, known) < phase.days:
        return
    _keep(turn, zone, replace(known, due_told=True))
    turn.decide(
        zone.id,
        Finding(Verdict.NO, Rule.PHASE_DUE, facts(turn, zone) | {"next_phase": following.id}),
        always=True,
    )


def enter(
    turn: Turn, zone: ZoneSettings, phase: Phase, phases: Phases, since_at_ms: int, user: str = "", told_by: str = ""
) -> None:
    """The garden is in this phase from now on; what was counted for the one before is over (but see rule 4)."""
    state = turn.zone(zone.id)
    known, left = state.plan.phase, state.plan.left
    begun = InPhase(phase.id, since_at_ms, phases.since_day, user, told_by, used_um(turn, zone))
    if known is not None and known.file_day != phases.since_day:
        known = left = None
    is_left = known and left and (left.id, left.file_day) == (phase.id, phases.since_day)
    if known and left and is_left and since_at_ms - known.since_at_ms <= TAKE_BACK_MS:
        begun = replace(left, user=user, told_by=told_by, given_ml=left.given_ml + known.given_ml)
        known = None
    memory = replace(state.plan, phase=begun, left=known, refill=None, tried_mm=None)
    turn.zones[zone.id] = replace(state, plan=memory)


def days_in(turn: Turn, known: InPhase) -> int:
    return local_day(turn.now_ms) - local_day(known.since_at_ms)


def used_um(turn: Turn, zone: ZoneSettings) -> int:
    """What the crop has used since its estimate began."""
    known = turn.zone(zone.id).known
    return known.sums.used_um if known else 0


def facts(turn: Turn, zone: ZoneSettings) -> dict[str, Fact]:
    """What a decision keeps of the phase."""
    known = turn.zone(zone.id).plan.phase
    if known is None:
        return {}
    return {"phase": known.id, "phase_days": days_in(turn, known)}


def is_saline(turn: Turn, zone: ZoneSettings) -> bool:
    """Whether it is the season of salt, or the garden's water is salt now."""
    plan = zone.plan
    if not isinstance(plan, Orchard):
        return False
    if month_of(turn.now_ms) in plan.saline_months:
        return True
    water = turn.sources.get(turn.settings.water_of(zone))
    return water is not None and water.salt


def month_of(at_ms: int) -> int:
    """The local month, 1 to 12."""
    return (EPOCH + timedelta(days=local_day(at_ms))).month


def _keep(turn: Turn, zone: ZoneSettings, phase: InPhase) -> None:
    state = turn.zone(zone.id)
    turn.zones[zone.id] = replace(state, plan=replace(state.plan, phase=phase))
