"""The water of a rice field by alternate wetting and drying: a thermostat of the level in its tubes.

Rules
1. At the phase's lower mark or below, by a sure vote, the field is filled, and until the upper mark is reached filling
   goes on from run to run. In between nothing begins. An unsure or blind vote starts nothing (S12).
2. A phase that is locked (the field is drained for the harvest) starts nothing.
3. A field that was given ``MOST_RISES`` times what would stand between its level and the mark, and is still not full,
   leaks, or its tube is stuck. The same holds when so much flowed since its tubes were last heard that it would stand
   ``MOVED_MM`` above the mark. That ends its run, and nothing is begun until the level has moved by ``MOVED_MM``, or a
   person waters.
4. A run ends at the upper mark, and when no tube can be believed any more.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.core.plans.force import phase_of
from gateway.core.plans.kinds import Rice
from gateway.core.plans.levels import LevelVote, vote
from gateway.core.plans.memory import PlanState, Refill
from gateway.core.plans.phasing import facts
from gateway.core.probes import Trust
from gateway.core.rules import Rule, Verdict
from gateway.core.state import ZoneState
from gateway.core.turn import Finding, Turn
from gateway.core.types import Fact, ZoneSettings

MINUTE_MS = 60_000
MOST_RISES = 2.0
MOVED_MM = 20
FOR_NOTHING = (0, 1)  # the marks of a phase that has none: it is locked


def look(turn: Turn, zone: ZoneSettings, plan: Rice) -> None:
    """Take the vote, and remember whether the field is being filled."""
    seen = vote(plan, turn.latest, turn.now_ms)
    turn.levels[zone.id] = seen
    low_mm, high_mm, locked = _marks(turn, zone)
    turn.told[zone.id] = _told(turn, zone, seen, low_mm, high_mm)
    state = turn.zone(zone.id)
    memory = state.plan
    if seen.trust is not Trust.SURE or seen.level_mm is None:
        return
    after = _filling(memory, seen.level_mm, low_mm, high_mm, locked=locked)
    refill, per_mm_ml = after.refill, plan.area_m2 * 1000
    given_ml, unseen_ml = _given(turn, state, after, seen)
    too_much = refill is not None and given_ml >= MOST_RISES * (high_mm - refill.from_mm) * per_mm_ml
    too_high = refill is not None and unseen_ml >= (high_mm + MOVED_MM - seen.level_mm) * per_mm_ml
    if after.tried_mm is None and (too_much or too_high):
        after = replace(after, refill=None if too_much else refill, tried_mm=seen.level_mm)
        turn.zones[zone.id] = replace(state, plan=after)
        turn.decide(zone.id, Finding(Verdict.NO, Rule.FIELD_NO_RISE, {"water_ml": given_ml}), always=True)
    elif after != memory:
        turn.zones[zone.id] = replace(state, plan=after)


def need(turn: Turn, zone: ZoneSettings) -> Finding:
    """Whether the field asks for water now."""
    memory, seen = turn.zone(zone.id).plan, turn.levels[zone.id]
    _, _, locked = _marks(turn, zone)
    if locked:
        return Finding(Verdict.NO, Rule.FIELD_DRAINED, facts(turn, zone))
    if seen.trust is Trust.BLIND or seen.level_mm is None:
        return Finding(Verdict.NO, Rule.LEVEL_BLIND)
    if seen.trust is Trust.UNSURE:
        return Finding(Verdict.NO, Rule.LEVEL_UNSURE)
    if memory.tried_mm is not None:
        return Finding(Verdict.NO, Rule.FIELD_STUCK)
    if memory.refill is None:
        return Finding(Verdict.NO, Rule.FIELD_WET)
    begun = memory.refill.given_ml == 0
    return Finding(Verdict.START, Rule.FIELD_DRY if begun else Rule.FIELD_FILLING, facts(turn, zone))


def enough(turn: Turn, zone: ZoneSettings) -> Finding | None:
    """Why a run of the field has to end now, before its time is over."""
    seen = turn.levels[zone.id]
    _, high_mm, locked = _marks(turn, zone)
    if locked:
        return Finding(Verdict.STOP, Rule.FIELD_DRAINED, facts(turn, zone))
    if seen.trust is Trust.BLIND or seen.level_mm is None:
        return Finding(Verdict.STOP, Rule.LEVEL_BLIND)
    if turn.zone(zone.id).plan.tried_mm is not None:
        return Finding(Verdict.STOP, Rule.FIELD_STUCK)
    return Finding(Verdict.STOP, Rule.FIELD_FULL) if seen.level_mm >= high_mm else None


def _given(turn: Turn, state: ZoneState, memory: PlanState, seen: LevelVote) -> tuple[int, int]:
    """What the field was given since it is filled, with what flows now; and of that, since its tubes were heard."""
    run, given_ml = state.run, memory.refill.given_ml if memory.refill else 0
    if run is None or run.started_at_ms is None:
        return given_ml, 0
    heard_at_ms = max(run.started_at_ms, seen.newest_at_ms)
    unseen_ml = run.flow_ml_min * (turn.now_ms - heard_at_ms) // MINUTE_MS
    return given_ml + run.flow_ml_min * (turn.now_ms - run.started_at_ms) // MINUTE_MS, unseen_ml


def _filling(memory: PlanState, level_mm: int, low_mm: int, high_mm: int, *, locked: bool) -> PlanState:
    """The memory of the two marks, and of a field that did not rise."""
    tried_mm = memory.tried_mm
    if tried_mm is not None and abs(level_mm - tried_mm) >= MOVED_MM:
        tried_mm = None
    refill = memory.refill
    if locked or level_mm >= high_mm:
        refill = None
    elif refill is None and level_mm <= low_mm and tried_mm is None:
        refill = Refill(level_mm)
    return replace(memory, refill=refill, tried_mm=tried_mm)


def _marks(turn: Turn, zone: ZoneSettings) -> tuple[int, int, bool]:
    phase = phase_of(zone, turn.zone(zone.id).plan)
    assert phase is not None  # rice has phases
    low_mm, high_mm = phase.flood_mm or FOR_NOTHING
    return low_mm, high_mm, phase.water_pct == 0


def _told(
    turn: Turn, zone: ZoneSettings, seen: LevelVote, low_mm: int, high_mm: int
) -> tuple[dict[str, Fact], dict[str, Fact]]:
    inputs: dict[str, Fact] = {
        **facts(turn, zone),
        "field_level_mm": seen.level_mm,
        "tubes": seen.fit,
        "tubes_asked": seen.asked,
        "tubes_dropped": ", ".join(seen.dropped),
    }
    return inputs, {"fill_at_mm": low_mm, "fill_to_mm": high_mm}
