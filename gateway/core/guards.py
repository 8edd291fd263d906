"""What holds for whatever is opened, a garden's valve and pump or a ditch's sluice and lift.

Rules
1. In this order: nothing is locked; valve, main valve and pump answer (S9); their node was heard lately; not too many
   runs in 24 hours; what is to be opened has rested (S7); the pump serves nobody else; pump or lift have rested, and
   may start once more in this hour. A guard names itself, and when it may change.
2. A run is never longer than the hard limits of its node. Where there is a lag or a main valve, a valve
   outlasts its pump, so that much is left off.
3. A garden that goes on with its dose need not rest itself; one that takes over a running pump starts no pump.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.core.rules import Rule, Verdict
from gateway.core.state import OutputState, Phase, Run
from gateway.core.turn import Finding, Turn
from gateway.core.types import DAY_MS, HOUR_MS, Fact, Job, OutputRef, ZoneSettings
from wire import commands

# These pass when others are done with the pump, or it has rested.
PUMP_WAITS = frozenset({Rule.PUMP_BUSY, Rule.PUMP_RESTING, Rule.PUMP_STARTS})


def ready(turn: Turn, job: Job, *, over: bool = False, goes_on: bool = False) -> Finding | None:
    """The first guard that says no, or None. ``over``: it takes over the running pump; ``goes_on``: with its dose."""
    return (
        _locked(turn, job)
        or _outputs(turn, job, over=over)
        or _cap(turn, job)
        or _rest(turn, job, goes_on=goes_on)
        or (None if over else _busy(turn, job) or _motor(turn, job.motor))
    )


def too_short(turn: Turn, zone: ZoneSettings, planned_ms: int) -> Finding | None:
    """S7: a pump is not started for less than its least run."""
    least_ms = turn.settings.pump_of(zone.pump).min_run_ms if zone.pump else 0
    if planned_ms >= least_ms:
        return None
    return Finding(Verdict.WAIT, Rule.RUN_TOO_SHORT, {"run_ms": planned_ms}, {"min_run_ms": least_ms})


def hard_max_ms(turn: Turn, job: Job) -> int:
    """The longest run that the node allows."""
    pump = turn.settings.pump_of(job.pump)
    shortest_ms = min(turn.settings.outputs[ref.key].hard_max_ms for ref in _all(turn, job))
    more_ms = longer_ms(turn, job.pump) + (turn.limits.apart_ms if pump.main else 0)
    return max(1, shortest_ms - more_ms - pump.lead_ms)


def longer_ms(turn: Turn, pump: OutputRef | None) -> int:
    """By how much a valve's lease outlasts its pump's, where the order of their closing is the gateway's to keep."""
    chosen = turn.settings.pump_of(pump)
    return chosen.lag_ms + turn.limits.answer_ms if chosen.lag_ms or chosen.main else 0


def shut_by_node_at_ms(turn: Turn, run: Run) -> int:
    """When the pump has to be off, so that no node shuts an output of an open run by itself."""
    more_ms = longer_ms(turn, run.line)
    latest = []
    for ref, shorter_ms in ((run.valve, more_ms), (run.main, more_ms + turn.limits.apart_ms), (run.pump, 0)):
        if ref is not None:
            latest.append((turn.output(ref).opened_at_ms or turn.now_ms) + allowed_ms(turn, ref) - shorter_ms)
    return min(latest)


def allowed_ms(turn: Turn, ref: OutputRef) -> int:
    """The hard maximum of an output; of one that was taken out of the registry in a run, what any output may have."""
    known = turn.settings.outputs.get(ref.key)
    return known.hard_max_ms if known else commands.MAX_DURATION_MS


def led(turn: Turn, pump: OutputRef | None, paths: Iterable[OutputRef]) -> bool:
    """Whether all of a pump's path has been open for its lead; if not, a step is asked for when it has."""
    lead_ms = turn.settings.pump_of(pump).lead_ms
    since_at_ms = max((turn.output(ref).opened_at_ms or turn.now_ms) for ref in paths)
    turn.wake(since_at_ms + lead_ms)
    return turn.now_ms >= since_at_ms + lead_ms


def hours(turn: Turn, zone: ZoneSettings) -> Finding | None:
    """Whether it is an hour in which the pump does not start by itself."""
    pump = turn.settings.pump_of(zone.pump)
    if not pump.open_hours and not pump.quiet_hours:
        return None
    windows = pump.windows(turn.now_ms, turn.now_ms + 2 * DAY_MS)
    least_ms = pump.lead_ms + pump.min_run_ms
    if windows and windows[0][0] == turn.now_ms and windows[0][1] - turn.now_ms >= least_ms:
        return None
    coming = [start_at_ms for start_at_ms, _ in windows if start_at_ms > turn.now_ms]
    if not coming:
        return Finding(Verdict.WAIT, Rule.OUT_OF_HOURS)
    turn.wake(coming[0])
    return until(Verdict.WAIT, Rule.OUT_OF_HOURS, coming[0])


def shuts_at_ms(turn: Turn, zone: ZoneSettings) -> int | None:
    """When the hours of the pump end; None without hours."""
    pump = turn.settings.pump_of(zone.pump)
    if not pump.open_hours and not pump.quiet_hours:
        return None
    windows = pump.windows(turn.now_ms, turn.now_ms + 2 * DAY_MS)
    return windows[0][1] if windows and windows[0][0] == turn.now_ms else turn.now_ms


def refused(turn: Turn, water: str, closed_by: Rule) -> Finding:
    """A water that is closed; when its salt is easing it is known when it may open."""
    since_at_ms = turn.sources[water].fresh_since_at_ms if closed_by is Rule.SOURCE_SALT_EASING else None
    until_at_ms = None if since_at_ms is None else since_at_ms + turn.limits.salt_hold_ms
    return Finding(Verdict.REFUSED, closed_by, until_at_ms=until_at_ms)


def planned_end(run: Run) -> Finding:
    """The end that a run had from its beginning."""
    if run.dose_um is not None:
        return Finding(Verdict.STOP, Rule.DOSE_GIVEN, {"dose_um": run.dose_um})
    rule = run.end_rule or Rule.MAX_RUN
    return Finding(Verdict.STOP, rule, {"run_ms": run.ends_at_ms - (run.started_at_ms or run.asked_at_ms)})


def until(verdict: Verdict, rule: Rule, at_ms: int) -> Finding:
    return Finding(verdict, rule, {"until_at_ms": at_ms}, until_at_ms=at_ms)


def _all(turn: Turn, job: Job) -> tuple[OutputRef, ...]:
    return tuple(ref for ref in (job.valve, turn.settings.pump_of(job.pump).main, job.pump) if ref)


def _locked(turn: Turn, job: Job) -> Finding | None:
    for ref in _all(turn, job):
        lock = turn.locks.get(ref.key)
        if lock is not None:
            rule = Rule.VALVE_LOCKED if ref == job.valve else Rule.PUMP_LOCKED
            return Finding(Verdict.REFUSED, rule, {"node": ref.node, "because": lock.rule.value})
    return None


def _outputs(turn: Turn, job: Job, *, over: bool) -> Finding | None:
    if _unfit(turn.output(job.valve)):
        return Finding(Verdict.REFUSED, Rule.VALVE_QUARANTINED, {"node": job.valve.node})
    for ref in _all(turn, job)[1:]:
        if not over and _unfit(turn.output(ref)) and ref.key not in turn.user_of:
            rule = Rule.PUMP_QUARANTINED if ref == job.pump else Rule.VALVE_QUARANTINED
            return Finding(Verdict.REFUSED, rule, {"node": ref.node})
    for ref in _all(turn, job):
        if _silent(turn, ref):
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


def _rest(turn: Turn, job: Job, *, goes_on: bool) -> Finding | None:
    ended_at_ms = turn.zone(job.id).ended_at_ms
    own_rest = None if ended_at_ms is None or goes_on else ended_at_ms + job.min_rest_ms
    rested_at_ms = max(own_rest or 0, _rested_at_ms(turn, job.valve))
    if turn.now_ms >= rested_at_ms:
        return None
    return until(Verdict.WAIT, Rule.RESTING, rested_at_ms)


def _busy(turn: Turn, job: Job) -> Finding | None:
    user = turn.user_of.get(job.pump.key) if job.pump else None
    if user is None:
        return None
    other = turn.settings.zone_by_id.get(user)
    return Finding(Verdict.WAIT, Rule.PUMP_BUSY, {"other_garden": other.name if other else user})


def _motor(turn: Turn, motor: OutputRef | None) -> Finding | None:
    """S7: its rest, and its starts in an hour."""
    if motor is None:
        return None
    pump = turn.settings.pump_of(motor)
    closed_at_ms = turn.output(motor).closed_at_ms
    rested_at_ms = max(_rested_at_ms(turn, motor), 0 if closed_at_ms is None else closed_at_ms + pump.min_rest_ms)
    if pump.main is not None:
        rested_at_ms = max(rested_at_ms, _rested_at_ms(turn, pump.main))
    if turn.now_ms < rested_at_ms:
        return until(Verdict.WAIT, Rule.PUMP_RESTING, rested_at_ms)
    known = turn.pumps.get(motor.key)
    starts = [at_ms for at_ms in known.starts_at_ms if turn.now_ms - at_ms < HOUR_MS] if known else []
    if len(starts) < pump.starts_an_hour:
        return None
    free_at_ms = starts[len(starts) - pump.starts_an_hour] + HOUR_MS
    facts: dict[str, Fact] = {"starts": len(starts), "until_at_ms": free_at_ms}
    return Finding(
        Verdict.WAIT, Rule.PUMP_STARTS, facts, {"starts_an_hour": pump.starts_an_hour}, until_at_ms=free_at_ms
    )


def _rested_at_ms(turn: Turn, ref: OutputRef) -> int:
    closed_at_ms = turn.output(ref).closed_at_ms
    return 0 if closed_at_ms is None else closed_at_ms + turn.settings.outputs[ref.key].min_rest_ms
