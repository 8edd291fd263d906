"""Trying a garden's pipe: its whole path is opened for some minutes, and what was seen is told as one decision.

Rules
1. A try is a run like any other: the same order, leases, guards and bounds, also those of the source, and what it gave
   is counted. It lasts as long as the pipe takes to fill and its meter to be read ``LEARN_READINGS`` times, at least
   the pump's least run and at most ``TRY_MS``. It never shares the pump with another garden, and no rest of it is kept.
2. When it is over, a reading is awaited that shows whether anything flows though all is off; of a meter that stays
   silent for ``UNHEARD_MS`` that is not known.
3. Then one decision says what is wrong first: the run did not come to its end (no answer, no flow, a leak, a stop); the
   meter was not read often enough; the flow came and went; it is another one than is usual, or than the registry says.
4. What is good is learned at once as the usual flow of the valve, because a person looks on. What is known already
   is only changed by ordinary runs (``flow``). Without a meter only answers can be tried, and that is told.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.core import flow
from gateway.core.rules import Rule, Verdict
from gateway.core.state import Flow, Run, Tried
from gateway.core.turn import Finding, Turn
from gateway.core.types import Fact, OutputRef, SensorRef, ZoneSettings

TRY_MS = 300_000
READ_MS = 60_000  # a meter is read every 10 s at least
UNHEARD_MS = 60_000
QUIET_MS = flow.LEAK_AFTER_MS + flow.CONFIRM_MS + 1_000  # after this a leak has shown in two readings
OTHER_PCT = 20


def run_ms(turn: Turn, zone: ZoneSettings) -> int:
    """How long the pipe of a garden is tried."""
    pump = turn.settings.pump_of(zone.pump)
    settled_ms = max(zone.fill_ms, pump.prime_ms if pump.meter else 0) if _meter(turn, zone) else 0
    least_ms = pump.min_run_ms if zone.pump else 0
    return min(TRY_MS, max(settled_ms + READ_MS, least_ms))


def over(turn: Turn, zone_id: str, run: Run) -> None:
    """Keep what a try has shown, until it can be told."""
    if run.stop is not None:
        mean_ml_min = run.flow_sum_ml_min // run.flow_readings if run.flow_readings else 0
        tried = Tried(
            intent=run.intent, user=run.user, stop=run.stop, off_at_ms=turn.now_ms, readings=run.flow_readings,
            mean_ml_min=mean_ml_min, least_ml_min=run.flow_least_ml_min or 0, most_ml_min=run.flow_most_ml_min or 0,
        )  # fmt: skip
        turn.zones[zone_id] = replace(turn.zone(zone_id), tried=tried)


def look(turn: Turn) -> None:
    """Tell what can be told by now."""
    for zone in turn.settings.zones:
        state = turn.zone(zone.id)
        if state.tried is None or state.run is not None:
            continue
        told = _judge(turn, zone, state.tried)
        if told is not None:
            turn.zones[zone.id] = replace(turn.zone(zone.id), tried=None)
            facts: dict[str, Fact] = {"intent": state.tried.intent, "user": state.tried.user, **told.inputs}
            turn.decide(zone.id, replace(told, inputs=facts), always=True)


def _judge(turn: Turn, zone: ZoneSettings, tried: Tried) -> Finding | None:
    if tried.stop not in (Rule.TRY_DONE, Rule.MAX_RUN):
        verdict = Verdict.STOP if tried.stop is Rule.MANUAL_STOP else Verdict.FAULT
        return Finding(verdict, Rule.TRY_FAILED, {"failed": tried.stop.value})
    if any(turn.locks[ref.key].rule is Rule.LEAK for ref in _path(turn, zone) if ref.key in turn.locks):
        return Finding(Verdict.FAULT, Rule.TRY_FAILED, {"failed": Rule.LEAK.value})
    meter = _meter(turn, zone)
    if meter is None:
        return Finding(Verdict.STOP, Rule.TRY_ANSWERS)
    if not _is_quiet(turn, meter, tried.off_at_ms) and turn.now_ms < tried.off_at_ms + UNHEARD_MS:
        turn.wake(tried.off_at_ms + UNHEARD_MS)
        return None
    return _of_flow(turn, zone, tried)


def _of_flow(turn: Turn, zone: ZoneSettings, tried: Tried) -> Finding:
    """What the readings say of a try that came to its end."""
    mean, least, most = tried.mean_ml_min, tried.least_ml_min, tried.most_ml_min
    usual = flow.learned_ml_min(turn, zone.valve) or zone.flow_ml_min
    facts: dict[str, Fact] = {"flow_ml_min": mean, "readings": tried.readings}
    if tried.readings < flow.LEARN_READINGS:
        return Finding(Verdict.FAULT, Rule.TRY_BLIND, facts)
    if 100 * max(most - mean, mean - least) > flow.AGREE_PCT * mean:
        return Finding(Verdict.FAULT, Rule.TRY_UNEVEN, {**facts, "least_ml_min": least, "most_ml_min": most})
    if usual and 100 * abs(mean - usual) > OTHER_PCT * usual:
        return Finding(Verdict.FAULT, Rule.TRY_OTHER_FLOW, {**facts, "usual_ml_min": usual})
    if flow.learned_ml_min(turn, zone.valve) is None:
        turn.flows[zone.valve.key] = Flow((mean,), mean, mean)
    return Finding(Verdict.STOP, Rule.TRY_GOOD, facts)


def _is_quiet(turn: Turn, meter: SensorRef, off_at_ms: int) -> bool:
    """Whether the meter has shown that nothing flows any more."""
    latest = turn.latest.get(meter.key)
    return (
        latest is not None
        and latest.value is not None
        and latest.measured_at_ms >= off_at_ms + QUIET_MS
        and latest.value < flow.LEAK_ML_MIN
    )


def _meter(turn: Turn, zone: ZoneSettings) -> SensorRef | None:
    """By which the garden's flow is guarded."""
    return zone.watched or turn.settings.pump_of(zone.pump).meter


def _path(turn: Turn, zone: ZoneSettings) -> tuple[OutputRef, ...]:
    return tuple(ref for ref in (zone.valve, turn.settings.pump_of(zone.pump).main, zone.pump) if ref)
