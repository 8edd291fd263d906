"""What people ask of a plan: to go to another phase, to pause, to go on.

Rules
1. A phase changes by a request of a person and by nothing else. It names the phase, so the same request twice changes
   once. Kept are who pressed and for whom, and since when.
2. A pause has an end, ``LONGEST_PAUSE_MS`` away at most. It holds back everything that would begin by itself, also the
   guard against wilting: somebody may stand in the pipes. A person may still water.
3. Before flowers are induced in the season of salt that is told; the person decides.
4. A request that is late, or names what there is not, changes nothing and is told.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.core.plans.force import phase_of
from gateway.core.plans.kinds import phases_of
from gateway.core.plans.memory import Pause
from gateway.core.plans.phasing import days_in, enter, is_saline
from gateway.core.rules import Rule, Verdict
from gateway.core.turn import Finding, Turn
from gateway.core.types import DAY_MS, Fact, Intent, ZoneSettings

KINDS = frozenset({"phase", "pause", "resume"})
LONGEST_PAUSE_MS = 30 * DAY_MS
MINUTE_MS = 60_000
INDUCTION = "induce"


def obey(turn: Turn, zone: ZoneSettings, intent: Intent, asked: Finding) -> None:
    """Do what a person asked of the plan, or say why not."""
    if turn.now_ms > intent.expires_at_ms:
        turn.decide(zone.id, replace(asked, rule=Rule.INTENT_EXPIRED), always=True)
    elif intent.kind == "phase":
        _change(turn, zone, intent, asked)
    elif intent.kind == "pause":
        _pause(turn, zone, intent, asked)
    else:
        _go_on(turn, zone, asked)


def paused(turn: Turn, zone: ZoneSettings) -> Finding | None:
    """What holds back everything of a garden that is paused."""
    pause = turn.zone(zone.id).plan.pause
    if pause is None or turn.now_ms >= pause.until_at_ms:
        return None
    facts: dict[str, Fact] = {"user": pause.user, "until_at_ms": pause.until_at_ms}
    return Finding(Verdict.NO, Rule.PLAN_PAUSED, facts, until_at_ms=pause.until_at_ms)


def _change(turn: Turn, zone: ZoneSettings, intent: Intent, asked: Finding) -> None:
    phases, memory = phases_of(zone.plan), turn.zone(zone.id).plan
    wanted, present = phases.of(intent.what) if phases else None, phase_of(zone, memory)
    if phases is None or wanted is None or present is None:
        turn.decide(zone.id, replace(asked, rule=Rule.PHASE_WRONG), always=True)
        return
    days = days_in(turn, memory.phase) if memory.phase else 0
    who = intent.told_by or intent.user
    facts: dict[str, Fact] = {
        **asked.inputs, "who": who, "told_by": intent.told_by, "phase": wanted.id, "before": present.id,
        "phase_days": days,
    }  # fmt: skip
    if wanted.id == present.id:
        turn.decide(zone.id, Finding(Verdict.NO, Rule.PHASE_SAME, facts), always=True)
        return
    enter(turn, zone, wanted, phases, turn.now_ms, intent.user, intent.told_by)
    salt = wanted.id == INDUCTION and is_saline(turn, zone)
    turn.decide(zone.id, Finding(Verdict.NO, Rule.PHASE_SET_SALT if salt else Rule.PHASE_SET, facts), always=True)


def _pause(turn: Turn, zone: ZoneSettings, intent: Intent, asked: Finding) -> None:
    length_ms = intent.minutes * MINUTE_MS
    if not 0 < length_ms <= LONGEST_PAUSE_MS:
        turn.decide(zone.id, asked, always=True)
        return
    until_at_ms = turn.now_ms + length_ms
    state = turn.zone(zone.id)
    turn.zones[zone.id] = replace(state, plan=replace(state.plan, pause=Pause(until_at_ms, intent.user)))
    facts: dict[str, Fact] = {**asked.inputs, "until_at_ms": until_at_ms}
    turn.decide(zone.id, Finding(Verdict.NO, Rule.PAUSE_SET, facts), always=True)


def _go_on(turn: Turn, zone: ZoneSettings, asked: Finding) -> None:
    state = turn.zone(zone.id)
    turn.zones[zone.id] = replace(state, plan=replace(state.plan, pause=None))
    turn.decide(zone.id, Finding(Verdict.NO, Rule.PAUSE_OVER, asked.inputs), always=True)
