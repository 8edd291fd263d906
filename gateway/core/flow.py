"""What the flow meters say: what is usual for a valve, and what is not (S6, S10).

Rules
1. A valve's usual flow is the middle of its last ``KEPT`` runs, once ``LEARN_RUNS`` and most of them are within
   ``AGREE_PCT`` of it; or that of a try that a person has looked at (``commission``).
   It never comes to more than ``CREEP_PCT`` of what it was at first, so that a leak that grows slowly is a burst in
   the end.
   A run counts by the mean of its settled readings: those after the pipe has filled, while it alone was on its pump.
2. Nothing is made of one reading: what is wrong has to show in two, ``CONFIRM_MS`` apart. So a node reads its meter
   every few seconds while water runs; how soon a guard acts follows from that.
3. A pump with a meter runs dry when less than its least flow passes after ``prime_ms``. Twice in an hour, and it is
   locked.
4. A garden with a meter of its own has no flow when less than ``LOW_PCT`` of its flow passes after ``fill_ms``; twice
   in a day, and its valve is locked. More than ``BURST_PCT`` of what is usual is a burst: its valve is locked at once.
5. Water that passes a meter when all behind it has been off for ``LEAK_AFTER_MS`` leaks: all of it is told to close
   again, and the pump, or the valve of a garden without one, is locked.
6. What is locked is used again only when a person has said so. Who unlocks a burst says that what flows now is as it
   should be: what is usual is learned anew. A meter that is silent guards nothing, and that is told.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import median

from gateway.core import outputs
from gateway.core.rules import Rule, Verdict
from gateway.core.state import Flow, Gaze, Latest, Lock, Meter, Phase, PumpState, Run
from gateway.core.turn import Finding, Turn
from gateway.core.types import DAY_MS, HOUR_MS, Fact, OutputRef, SensorRef, ZoneSettings
from wire import fields

KEPT = 7
LEARN_RUNS = 3
LEARN_READINGS = 5
AGREE_PCT = 10
LOW_PCT = 20
BURST_PCT = 130
CREEP_PCT = 115
CONFIRM_MS = 4_000
LEAK_AFTER_MS = 10_000
LEAK_ML_MIN = 1_000
SILENT_ANSWERS = 6  # a meter is silent for so many times as an answer may take: a minute
_FIT = (fields.GOOD, fields.NOT_EVALUATED)


def watch(turn: Turn, zone: ZoneSettings, run: Run) -> Finding | None:
    """Why a run has to end now by what its meters say, or None. Takes note of what they say."""
    if run.line is not None and turn.on_line[run.line.key] > 1:
        return None  # another garden's valve may be open too, because one takes the pump over from the other
    return _dry_run(turn, zone, run) or _own_flow(turn, zone, turn.zone(zone.id).run or run)


def is_silent(turn: Turn, zone: ZoneSettings, run: Run) -> bool:
    """Whether a meter that should guard a run does not."""
    if run.started_at_ms is None:
        return False
    meters = [ref for ref in (zone.watched, turn.settings.pump_of(run.pump).meter) if ref]
    silent_ms = SILENT_ANSWERS * turn.limits.answer_ms
    since_at_ms = max(run.started_at_ms, turn.now_ms - silent_ms)
    return turn.now_ms - run.started_at_ms > silent_ms and any(_seen(turn, ref, since_at_ms) is None for ref in meters)


def learned_ml_min(turn: Turn, valve: OutputRef) -> int | None:
    flow = turn.flows.get(valve.key)
    return flow.learned_ml_min if flow else None


def learn(turn: Turn, run: Run) -> None:
    """What a run that is over, and ended as it should, teaches about its valve."""
    if run.flow_readings < LEARN_READINGS or run.stop in TRIPS:
        return
    before = turn.flows.get(run.valve.key) or Flow()
    recent = (*before.recent_ml_min, run.flow_sum_ml_min // run.flow_readings)[-KEPT:]
    middle = round(median(recent))
    agree = sum(100 * abs(mean - middle) <= AGREE_PCT * middle for mean in recent)
    if agree < LEARN_RUNS or 2 * agree <= len(recent):
        turn.flows[run.valve.key] = Flow(recent, before.learned_ml_min, before.first_ml_min)
        return
    first = middle if before.first_ml_min is None else before.first_ml_min
    learned = min(middle, first * CREEP_PCT // 100)
    turn.flows[run.valve.key] = Flow(recent, learned, first)


TRIPS = frozenset({Rule.DRY_RUN, Rule.FLOW_NONE, Rule.FLOW_BURST})


def tripped(turn: Turn, run: Run, rule: Rule) -> None:
    """Lock what must not be used again before a person has looked at it."""
    if rule is Rule.FLOW_BURST:
        lock(turn, run.valve, Rule.FLOW_BURST)
    elif rule is Rule.FLOW_NONE:
        flow = turn.flows.get(run.valve.key) or Flow()
        if flow.none_at_ms is not None and turn.now_ms - flow.none_at_ms < DAY_MS:
            lock(turn, run.valve, Rule.FLOW_NONE)
        turn.flows[run.valve.key] = replace(flow, none_at_ms=turn.now_ms)
    elif rule is Rule.DRY_RUN and run.pump is not None:
        pump = turn.pumps.get(run.pump.key) or PumpState()
        trips = (*(at_ms for at_ms in pump.trips_at_ms if turn.now_ms - at_ms < HOUR_MS), turn.now_ms)
        turn.pumps[run.pump.key] = replace(pump, trips_at_ms=trips)
        if len(trips) >= 2:
            lock(turn, run.pump, Rule.DRY_RUN)


def lock(turn: Turn, ref: OutputRef, rule: Rule) -> None:
    if ref.key not in turn.locks:
        turn.locks[ref.key] = Lock(rule, turn.now_ms)
        turn.alarm(ref, rule, on=True)


def unlock(turn: Turn, zone: ZoneSettings, at_ms: int) -> bool:
    """A person has looked: valve, main valve and pump of a garden may be used again, if they were locked by ``at_ms``.
    Whether anything was."""
    main = turn.settings.pump_of(zone.pump).main if zone.pump else None
    locked = (ref for ref in (zone.valve, main, zone.pump) if ref and ref.key in turn.locks)
    found = [ref for ref in locked if turn.locks[ref.key].locked_at_ms <= at_ms]
    for ref in found:
        rule = turn.locks.pop(ref.key).rule
        turn.alarm(ref, rule, on=False)
        if rule is Rule.FLOW_BURST:
            turn.flows.pop(ref.key, None)
    if zone.pump and zone.pump.key in turn.pumps:
        turn.pumps[zone.pump.key] = replace(turn.pumps[zone.pump.key], trips_at_ms=())
    flow = turn.flows.get(zone.valve.key)
    if flow:
        turn.flows[zone.valve.key] = replace(flow, none_at_ms=None)
    return bool(found)


def look_for_leaks(turn: Turn) -> None:
    """Rule 5, for every meter that guards."""
    for meter, refs in turn.settings.behind.items():
        latest = turn.latest.get(meter.key)
        if latest is None or latest.value is None or latest.quality not in _FIT:
            continue
        before = turn.meters.get(meter.key) or Meter()
        if latest.measured_at_ms <= (before.heard_at_ms or 0):
            continue
        wet_at_ms = latest.measured_at_ms if _leaks(turn, refs, latest) else None
        if wet_at_ms is not None and before.wet_at_ms is not None:
            wet_at_ms = before.wet_at_ms
            if latest.measured_at_ms - wet_at_ms >= CONFIRM_MS:
                _leak(turn, refs, latest)
        turn.meters[meter.key] = Meter(latest.measured_at_ms, wet_at_ms)


def _leaks(turn: Turn, refs: tuple[OutputRef, ...], latest: Latest) -> bool:
    states = [turn.output(ref) for ref in refs]
    if latest.value is None or latest.value < LEAK_ML_MIN or any(state.phase is not Phase.CLOSED for state in states):
        return False
    return all(latest.measured_at_ms >= (state.closed_at_ms or 0) + LEAK_AFTER_MS for state in states)


def _leak(turn: Turn, refs: tuple[OutputRef, ...], latest: Latest) -> None:
    first = refs[0]
    if first.key in turn.locks:
        return
    lock(turn, first, Rule.LEAK)
    for ref in refs:
        outputs.close(turn, ref)
    facts: dict[str, Fact] = {"flow_ml_min": latest.value, "node": first.node}
    for zone in turn.settings.zones:
        if first in (zone.pump, zone.valve):
            turn.decide(zone.id, Finding(Verdict.FAULT, Rule.LEAK, facts), always=True)


# ---- one run


def _dry_run(turn: Turn, zone: ZoneSettings, run: Run) -> Finding | None:
    pump = turn.settings.pump_of(run.pump)
    if run.pump is None or pump.meter is None or run.started_at_ms is None:
        return None
    since_at_ms = max(run.started_at_ms, turn.output(run.pump).opened_at_ms or 0)
    seen = _news(turn, pump.meter, run.by_pump, since_at_ms + pump.prime_ms)
    if seen is None:
        return None
    learned = learned_ml_min(turn, zone.valve)
    least = pump.min_flow_ml_min or (learned or zone.flow_ml_min) * LOW_PCT // 100
    alone = zone.watched in (None, pump.meter)
    gaze, finding = _judge(run.by_pump, seen, least, learned if alone else None, Rule.DRY_RUN)
    _keep(turn, zone, replace(run, by_pump=gaze), gaze, seen if alone else None)
    return finding


def _own_flow(turn: Turn, zone: ZoneSettings, run: Run) -> Finding | None:
    if run.started_at_ms is None or zone.watched is None:
        return None
    if run.pump is not None and turn.settings.pump_of(run.pump).meter == zone.watched:
        return None
    seen = _news(turn, zone.watched, run.by_garden, run.started_at_ms + zone.fill_ms)
    if seen is None:
        return None
    learned = learned_ml_min(turn, zone.valve)
    least = (learned or zone.flow_ml_min) * LOW_PCT // 100
    gaze, finding = _judge(run.by_garden, seen, least, learned, Rule.FLOW_NONE)
    _keep(turn, zone, replace(turn.zone(zone.id).run or run, by_garden=gaze), gaze, seen)
    return finding


def _judge(before: Gaze, seen: Latest, least: int, learned: int | None, low: Rule) -> tuple[Gaze, Finding | None]:
    """Hold one new reading against the least and against what is usual."""
    value, at_ms = seen.value, seen.measured_at_ms
    assert value is not None  # _news has no other
    is_low, is_high = value < least, learned is not None and 100 * value > BURST_PCT * learned
    low_at_ms = (before.low_at_ms or at_ms) if is_low else None
    high_at_ms = (before.high_at_ms or at_ms) if is_high else None
    gaze = Gaze(at_ms, low_at_ms, high_at_ms)
    facts: dict[str, Fact] = {"flow_ml_min": value}
    if low_at_ms is not None and at_ms - low_at_ms >= CONFIRM_MS:
        return gaze, Finding(Verdict.FAULT, low, facts, {"least_ml_min": least})
    if high_at_ms is not None and at_ms - high_at_ms >= CONFIRM_MS:
        return gaze, Finding(Verdict.FAULT, Rule.FLOW_BURST, facts, {"usual_ml_min": learned})
    return gaze, None


def _keep(turn: Turn, zone: ZoneSettings, run: Run, gaze: Gaze, seen: Latest | None) -> None:
    """Remember what a reading said; one that is neither low nor high teaches what is usual."""
    if seen is not None and seen.value is not None:
        least, most = run.flow_least_ml_min, run.flow_most_ml_min
        run = replace(
            run,
            flow_least_ml_min=seen.value if least is None else min(least, seen.value),
            flow_most_ml_min=seen.value if most is None else max(most, seen.value),
        )
    if seen is not None and seen.value is not None and gaze.low_at_ms is None and gaze.high_at_ms is None:
        run = replace(run, flow_readings=run.flow_readings + 1, flow_sum_ml_min=run.flow_sum_ml_min + seen.value)
    turn.zones[zone.id] = replace(turn.zone(zone.id), run=run)


def _news(turn: Turn, meter: SensorRef, gaze: Gaze, from_at_ms: int) -> Latest | None:
    """A reading from then on that this run has not judged yet."""
    seen = _seen(turn, meter, from_at_ms)
    return seen if seen and seen.measured_at_ms > (gaze.heard_at_ms or 0) else None


def _seen(turn: Turn, meter: SensorRef, from_at_ms: int) -> Latest | None:
    latest = turn.latest.get(meter.key)
    if latest is None or latest.value is None or latest.quality not in _FIT or latest.measured_at_ms < from_at_ms:
        return None
    return latest
