"""What holds for whatever is opened, a garden's valve and pump or a ditch's sluice and lift.

Rules
1. In this order: valve and pump answer (S9); their node was heard lately; not too many runs in 24 hours; what is
   to be opened has rested (S7); the pump serves nobody else. A guard names itself, and when it may change.
2. A run is never longer than the hard limits of its node.
"""

from __future__ import annotations

from gateway.core.rules import Rule, Verdict
from gateway.core.state import OutputState, Phase, Run
from gateway.core.turn import Finding, Turn
from gateway.core.types import DAY_MS, Job, OutputRef


def ready(turn: Turn, job: Job) -> Finding | None:
    """The first guard that says no, or None."""
    return _outputs(turn, job) or _cap(turn, job) or _rest(turn, job) or _pump(turn, job)


def hard_max_ms(turn: Turn, job: Job) -> int:
    """The longest run that the node allows."""
    return min(turn.settings.outputs[ref.key].hard_max_ms for ref in (job.valve, job.pump) if ref)


def refused(turn: Turn, water: str, closed_by: Rule) -> Finding:
    """A water that is closed; when its salt is easing it is known when it may open."""
    since_at_ms = turn.sources[water].fresh_since_at_ms if closed_by is Rule.SOURCE_SALT_EASING else None
    until_at_ms = None if since_at_ms is None else since_at_ms + turn.limits.salt_hold_ms
    return Finding(Verdict.REFUSED, closed_by, until_at_ms=until_at_ms)


def planned_end(run: Run) -> Finding:
    """The end that a run had from its beginning."""
    if run.dose_um is not None:
        return Finding(Verdict.STOP, Rule.DOSE_GIVEN, {"dose_um": run.dose_um})
    rule = Rule.MANUAL_DONE if run.why is Rule.MANUAL_WATER else Rule.MAX_RUN
    return Finding(Verdict.STOP, rule, {"run_ms": run.ends_at_ms - run.asked_at_ms})


def until(verdict: Verdict, rule: Rule, at_ms: int) -> Finding:
    return Finding(verdict, rule, {"until_at_ms": at_ms}, until_at_ms=at_ms)


def _outputs(turn: Turn, job: Job) -> Finding | None:
    if _unfit(turn.output(job.valve)):
        return Finding(Verdict.REFUSED, Rule.VALVE_QUARANTINED, {"node": job.valve.node})
    if job.pump and _unfit(turn.output(job.pump)) and job.pump.key not in turn.user_of:
        return Finding(Verdict.REFUSED, Rule.PUMP_QUARANTINED, {"node": job.pump.node})
    for ref in (job.valve, job.pump):
        if ref and _silent(turn, ref):
            return Finding(Verdict.REFUSED, Rule.NODE_SILENT, {"node": ref.node})
    return None


def _unfit(output: OutputState) -> bool:
    """Not known to be off, so not to be counted on."""
    return output.phase is not Phase.CLOSED


def _silent(turn: Turn, ref: OutputRef) -> bool:
    link = turn.links.get(ref.node)
    return link is None or turn.now_ms - link.heard_at_ms > turn.settings.outputs[ref.key].silent_ms


def _cap(turn: Turn, job: Job) -> Finding | None:
    starts = [at_ms for at_ms in turn.zone(job.id).starts_at_ms if turn.now_ms - at_ms < DAY_MS]
    cap = turn.limits.starts_a_day
    if len(starts) < cap:
        return None
    free_at_ms = starts[len(starts) - cap] + DAY_MS
    return Finding(
        Verdict.REFUSED,
        Rule.DAILY_CAP,
        {"starts": len(starts), "until_at_ms": free_at_ms},
        {"starts_a_day": cap},
        until_at_ms=free_at_ms,
    )


def _rest(turn: Turn, job: Job) -> Finding | None:
    ended_at_ms = turn.zone(job.id).ended_at_ms
    own_rest = None if ended_at_ms is None else ended_at_ms + job.min_rest_ms
    rested_at_ms = max(own_rest or 0, _rested_at_ms(turn, job.valve))
    if turn.now_ms >= rested_at_ms:
        return None
    return until(Verdict.WAIT, Rule.RESTING, rested_at_ms)


def _pump(turn: Turn, job: Job) -> Finding | None:
    if job.pump is None:
        return None
    user = turn.user_of.get(job.pump.key)
    if user is not None:
        other = turn.settings.zone_by_id.get(user)
        return Finding(Verdict.WAIT, Rule.PUMP_BUSY, {"other_garden": other.name if other else user})
    rested_at_ms = _rested_at_ms(turn, job.pump)
    if turn.now_ms >= rested_at_ms:
        return None
    return until(Verdict.WAIT, Rule.PUMP_RESTING, rested_at_ms)


def _rested_at_ms(turn: Turn, ref: OutputRef) -> int:
    closed_at_ms = turn.output(ref).closed_at_ms
    return 0 if closed_at_ms is None else closed_at_ms + turn.settings.outputs[ref.key].min_rest_ms
