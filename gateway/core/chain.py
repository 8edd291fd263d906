"""The water chain: when a ditch is filled from its canal, and when that ends. Watering from it is for ``zone`` to say.

Rules
1. Water is wanted when the ditch is at ``start_level_mm`` or below, and no longer from ``target_level_mm`` on; both lie
   lower when all gardens of the ditch are in phases that want it so. A level that is not known counts as full:
   nothing overflows because a probe is dead (S12).
2. Only fresh water is taken. The canal is judged like any source (``source``): from its limit on, or when its salt is
   not known, filling ends in the very step; and it must have been fresh for a while before filling begins again.
3. The sluice costs nothing, so it comes before the lift. It opens when the canal is ``min_head_mm`` higher than the
   ditch, and closes while half of that is left: before the water runs back.
4. The lift pumps when the canal is deep enough for it. Beside a sluice it helps out only when the ditch is too low to
   water from (below ``reopen_level_mm``); and only with the sluice known to be shut, because water runs out by it.
   It gives way as soon as the sluice may be opened.
5. A filling is a run as a watering is: the same leases, answers, rests and daily cap (``run``, ``guards``). A lift has
   rest, starts in an hour and least run as a pump has (S7); only a ditch that is full does not wait for the least run.
   A sluice has no motor that runs while it is open: the rest that its node asks for, the gap between opening and
   closing level, and the daily cap are enough for it.
6. A ditch that rain has filled to ``drain_level_mm`` is let out by its sluice, down to the target, while the canal is
   ``min_head_mm`` lower; it shuts while half of that is left, before the canal runs in. Salt does not matter for that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.core import guards
from gateway.core.plans import want
from gateway.core.rules import Rule, Verdict
from gateway.core.state import Phase, Run
from gateway.core.turn import Finding, Turn
from gateway.core.types import FillSettings, OutputRef, SourceSettings

SHALLOW = (Rule.SOURCE_LOW, Rule.SOURCE_REFILLING)  # too little in the canal for a pump; a sluice looks at the head


@dataclass(frozen=True, slots=True)
class Gate:
    """The sluice or the lift of a ditch, as something to be run. What passes is not reckoned."""

    id: str  # of the ditch
    valve: OutputRef
    pump: OutputRef | None = None
    motor: OutputRef | None = None
    min_rest_ms: int = 0
    flow_ml_min: int = 0


def judge(turn: Turn, ditch: SourceSettings) -> tuple[Finding, Gate | None]:
    """What is to be done about an idle ditch, and by which gate."""
    fill = ditch.fill
    assert fill is not None  # Settings.fills has no other
    level_mm, head_mm = turn.level_mm(ditch.id), turn.head_mm(ditch)
    if level_mm is None:
        return Finding(Verdict.NO, Rule.DITCH_UNKNOWN), None
    start_mm = want.ditch_start_mm(turn, ditch, fill)
    lower_mm = fill.start_level_mm - start_mm
    if fill.drain_level_mm is not None and level_mm >= fill.drain_level_mm - lower_mm:
        return _drained(turn, ditch, fill, head_mm)
    if level_mm > start_mm:
        return Finding(Verdict.NO, Rule.DITCH_OK, limits={"start_level_mm": start_mm}), None
    closed_by = turn.views[fill.canal.id].closed_by
    if head_mm is None or (closed_by and closed_by not in SHALLOW):
        return guards.refused(turn, fill.canal.id, closed_by or Rule.SOURCE_LEVEL_UNKNOWN), None
    blocked = None
    if fill.sluice:
        gate = Gate(ditch.id, fill.sluice)
        high = head_mm >= fill.min_head_mm
        blocked = guards.ready(turn, gate) if high else Finding(Verdict.WAIT, Rule.HEAD_SMALL)
        if blocked is None:
            return Finding(Verdict.START, Rule.FILL_SLUICE), gate
    if blocked and (fill.lift is None or level_mm >= ditch.reopen_level_mm):
        return blocked, None
    return _lifted(turn, ditch, fill, closed_by)


def why_stop(turn: Turn, ditch_id: str, filling: Run) -> Finding | None:
    """Why a filling that goes on has to end now, or None."""
    ditch = turn.settings.fills.get(ditch_id)
    fill = ditch.fill if ditch else None
    if ditch is None or fill is None or filling.valve not in (fill.sluice, fill.lift):
        return Finding(Verdict.STOP, Rule.FILL_REMOVED)
    if filling.why is Rule.DRAIN:
        return _why_not_drain(turn, ditch, fill, filling)
    by_sluice = filling.valve == fill.sluice
    closed_by = turn.views[fill.canal.id].closed_by
    if closed_by and not (by_sluice and closed_by in SHALLOW):
        return Finding(Verdict.STOP, closed_by)
    level_mm, head_mm = turn.level_mm(ditch.id), turn.head_mm(ditch)
    if level_mm is None or head_mm is None:
        return Finding(Verdict.STOP, Rule.DITCH_UNKNOWN)
    lower_mm = fill.start_level_mm - want.ditch_start_mm(turn, ditch, fill)
    if level_mm >= fill.target_level_mm - lower_mm:
        return Finding(Verdict.STOP, Rule.DITCH_FULL)
    if by_sluice and 2 * head_mm <= fill.min_head_mm:
        return Finding(Verdict.STOP, Rule.HEAD_GONE)
    if not by_sluice and head_mm >= fill.min_head_mm and _sluice_ready(turn, ditch, fill):
        return Finding(Verdict.STOP, Rule.SLUICE_INSTEAD)
    return guards.planned_end(filling) if turn.now_ms >= filling.ends_at_ms else None


def _drained(turn: Turn, ditch: SourceSettings, fill: FillSettings, head_mm: int | None) -> tuple[Finding, Gate | None]:
    """What is to be done about a ditch that is too full."""
    if fill.sluice is None or head_mm is None or head_mm > -fill.min_head_mm:
        return Finding(Verdict.WAIT, Rule.DITCH_OVERFULL), None
    gate = Gate(ditch.id, fill.sluice)
    blocked = guards.ready(turn, gate)
    return (blocked, None) if blocked else (Finding(Verdict.START, Rule.DRAIN), gate)


def _why_not_drain(turn: Turn, ditch: SourceSettings, fill: FillSettings, draining: Run) -> Finding | None:
    """Why the letting out has to end now, or None."""
    level_mm, head_mm = turn.level_mm(ditch.id), turn.head_mm(ditch)
    if level_mm is None or head_mm is None:
        return Finding(Verdict.STOP, Rule.DITCH_UNKNOWN)
    lower_mm = fill.start_level_mm - want.ditch_start_mm(turn, ditch, fill)
    if level_mm <= fill.target_level_mm - lower_mm or fill.drain_level_mm is None:
        return Finding(Verdict.STOP, Rule.DITCH_DRAINED)
    if 2 * head_mm > -fill.min_head_mm:
        return Finding(Verdict.STOP, Rule.DRAIN_HEAD_GONE)
    return guards.planned_end(draining) if turn.now_ms >= draining.ends_at_ms else None


def _lifted(
    turn: Turn, ditch: SourceSettings, fill: FillSettings, closed_by: Rule | None
) -> tuple[Finding, Gate | None]:
    """The same when only the lift is left."""
    assert fill.lift is not None
    if closed_by:
        return guards.refused(turn, fill.canal.id, closed_by), None
    if fill.sluice and turn.output(fill.sluice).phase is not Phase.CLOSED:
        return Finding(Verdict.REFUSED, Rule.VALVE_QUARANTINED, {"node": fill.sluice.node}), None
    gate = Gate(ditch.id, fill.lift, motor=fill.lift)
    blocked = guards.ready(turn, gate)
    if blocked is None:
        return Finding(Verdict.START, Rule.FILL_LIFT), gate
    if blocked.rule is Rule.VALVE_QUARANTINED:
        blocked = replace(blocked, rule=Rule.PUMP_QUARANTINED)
    return blocked, None


def _sluice_ready(turn: Turn, ditch: SourceSettings, fill: FillSettings) -> bool:
    return fill.sluice is not None and guards.ready(turn, Gate(ditch.id, fill.sluice)) is None
