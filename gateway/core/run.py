"""One watering, or one filling of a ditch, from the decision until both outputs are known to be off.

Rules
1. The order is: valve and main valve OPEN, their receipts, lead, pump OPEN, its receipt, water; then pump CLOSE, its
   receipt, lag, valve CLOSE, its receipt, main valve CLOSE, its receipt, over (S8). Two closings on one pipe are
   ``apart_ms`` from each other. A garden without a pump leaves the pump out, as a filling does: there the valve is the
   sluice or the lift. How a pump goes from one garden to the next is for ``handover`` to say.
2. Every OPEN lasts at most a lease and never longer than what remains of the run (S1). Leases are renewed at a third.
3. A run that has a reason to stop only closes from then on; the first reason is the one that is kept.
4. A valve waits for its pump to close for as long as an answer may take, not longer: then both are UNKNOWN to us,
   and both end by their leases.
5. When an output gives trouble (no answer, refused, gone off, node restarted) the run is ended and told. Whether
   another one begins is for the ordinary rules to say, with rest and daily cap.
6. Water flows while both outputs are on, by what their node tells: also when the gateway did not see it begin. While a
   pump is handed over it is one garden's (``handover``).
7. Beginning, water on, stop, and over are told each time; while it waits for answers, that is told now and then.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.core import chain, commission, flow, guards, handover, outputs, reckon, zone
from gateway.core import dose as doses
from gateway.core.guards import planned_end
from gateway.core.plans import want
from gateway.core.rules import FAULTS, FILLS, Rule, Verdict
from gateway.core.state import OutputState, Phase, PumpState, Run
from gateway.core.turn import Finding, Turn, refs_of_run
from gateway.core.types import HOUR_MS, Fact, OutputRef, RunEnded, RunStarted
from wire import commands

MINUTE_MS = 60_000
# Ends that wait for the least run of pump or lift: nothing is wrong, and a little more does no harm.
WAIT_FOR_LEAST_RUN = handover.AS_IT_SHOULD | {Rule.SLUICE_INSTEAD}
# Ends that are a length of water, not an instant.
LASTING = frozenset({Rule.DOSE_GIVEN, Rule.MANUAL_DONE, Rule.TRY_DONE, Rule.CYCLE_DONE, Rule.MAX_RUN})


def end(turn: Turn, zone_id: str, finding: Finding) -> None:
    """Give a run its reason to stop; from now on it only closes."""
    state = turn.zone(zone_id)
    if state.run is None or state.run.stop is not None:
        return
    turn.zones[zone_id] = replace(state, run=replace(state.run, stop=finding.rule))
    turn.decide(zone_id, finding, always=True)
    if finding.rule in flow.TRIPS:
        flow.tripped(turn, state.run, finding.rule)


def advance(turn: Turn, zone_id: str) -> None:
    """Do the next things of a run: end it, open, renew, close, or be done."""
    run = turn.zone(zone_id).run
    if run is None:
        return
    if run.stop is None:
        finding = _fault(turn, run) or _flow(turn, zone_id, run) or _why_stop(turn, zone_id, run)
        run = turn.zone(zone_id).run or run
        if finding is None or _waits(turn, zone_id, run, finding):
            _keep_open(turn, zone_id, run)
            _say_still(turn, zone_id, Finding(Verdict.START, Rule.STILL_OPENING))
            return
        end(turn, zone_id, finding)
    _close_down(turn, zone_id)
    _say_still(turn, zone_id, Finding(Verdict.STOP, Rule.STILL_CLOSING))


def _why_stop(turn: Turn, zone_id: str, run: Run) -> Finding | None:
    if run.why in FILLS:
        return chain.why_stop(turn, zone_id, run)
    return zone.why_stop(turn, turn.settings.zone_by_id.get(zone_id), run)


def _flow(turn: Turn, zone_id: str, run: Run) -> Finding | None:
    settings = turn.settings.zone_by_id.get(zone_id)
    return flow.watch(turn, settings, run) if settings and run.started_at_ms is not None and not run.after else None


def _waits(turn: Turn, zone_id: str, run: Run, finding: Finding) -> bool:
    """Whether a run that should end goes on a little: for its pump's least run, or for the garden that takes over."""
    motor = _motor_of(run)
    if finding.rule not in WAIT_FOR_LEAST_RUN or motor is None or turn.now_ms >= run.ends_at_ms:
        return False
    on_at_ms = turn.output(motor).opened_at_ms
    least_ms = turn.settings.pump_of(motor).min_run_ms
    if on_at_ms is not None and turn.now_ms < on_at_ms + least_ms:
        turn.wake(on_at_ms + least_ms)
        return True
    return run.pump is not None and (handover.is_on(turn, zone_id) or _offer(turn, zone_id, run))


def _motor_of(run: Run) -> OutputRef | None:
    """What of a run is not started too often, nor for too short: its pump, or the lift of a ditch."""
    return run.valve if run.why is Rule.FILL_LIFT else run.pump


def _say_still(turn: Turn, zone_id: str, finding: Finding) -> None:
    """A run that waits for answers has nothing new to tell; after a while it tells that."""
    state = turn.zone(zone_id)
    if state.run and state.said and turn.now_ms - state.said.said_at_ms >= turn.limits.decide_every_ms:
        turn.decide(zone_id, finding)


def _fault(turn: Turn, run: Run) -> Finding | None:
    """The trouble of an output of the run, told as a decision."""
    for ref in refs_of_run(run):
        output = turn.output(ref)
        if output.trouble is None:
            continue
        if output.trouble is Rule.LEASE_ENDED and run.ends_at_ms - turn.now_ms <= turn.limits.answer_ms:
            return planned_end(run)  # the node was a moment faster than we
        inputs: dict[str, Fact] = {"output": _name(run, ref), "node": ref.node}
        if output.status:
            inputs["status"] = commands.status_name(output.status)
        verdict = Verdict.FAULT if output.trouble in FAULTS else Verdict.STOP
        return Finding(verdict, output.trouble, inputs, {"answer_ms": turn.limits.answer_ms})
    return None


def _name(run: Run, ref: OutputRef) -> str:
    """What an output is to a run."""
    if run.why in FILLS:
        return "pump" if run.why is Rule.FILL_LIFT else "sluice"
    return "valve" if ref == run.valve else "main" if ref == run.main else "pump"


# ---- opening


def _keep_open(turn: Turn, zone_id: str, run: Run) -> None:
    remaining_ms = run.ends_at_ms - turn.now_ms
    limits = turn.limits
    longer_ms = guards.longer_ms(turn, run.line)
    late_ms = limits.answer_ms if run.pump and run.started_at_ms is None else 0  # for what the pump is waited for
    path = (run.valve,) if run.main is None or run.after else (run.valve, run.main)
    for ref in path:
        more_ms = longer_ms + limits.apart_ms if ref == run.main else longer_ms
        longest_ms = min(limits.lease_ms, guards.allowed_ms(turn, ref))
        _open_or_renew(turn, run, ref, min(longest_ms, remaining_ms + more_ms + late_ms), run.ends_at_ms + more_ms)
    if any(turn.output(ref).phase is not Phase.OPEN for ref in path):
        return
    if run.after:
        _take_over(turn, zone_id, run)
        return
    if run.pump is not None:
        if turn.output(run.pump).phase is Phase.CLOSED and not guards.led(turn, run.pump, path):
            return
        lasts_ms = remaining_ms if run.started_at_ms else max(remaining_ms, _planned_ms(turn, run))
        _open_or_renew(turn, run, run.pump, min(limits.pump_lease_ms, lasts_ms), run.ends_at_ms)
        if turn.output(run.pump).phase is not Phase.OPEN:
            return
    is_new = run.started_at_ms is None
    if is_new:
        run = _water_is_on(turn, zone_id, run)
    if run.pump is not None:
        _look_ahead(turn, zone_id, run)
    settings = turn.settings.zone_by_id.get(zone_id)
    unseen = settings is not None and flow.is_silent(turn, settings, run)
    rule = Rule.METER_SILENT if unseen else Rule.WATER_ON
    finding = Finding(Verdict.WATERING, rule, {"ends_at_ms": run.ends_at_ms}, until_at_ms=run.ends_at_ms)
    turn.decide(zone_id, finding, always=is_new)


def _water_is_on(turn: Turn, zone_id: str, run: Run) -> Run:
    """From now on the time of the run counts: what lead and answers have taken is put behind it, as far as its bounds
    allow; what they do not is left of the dose."""
    started_at_ms = _flowing_since(turn, run) or turn.now_ms
    run = replace(run, started_at_ms=started_at_ms)
    if run.end_rule in LASTING:
        whole_at_ms = started_at_ms + _planned_ms(turn, run)
        node = (guards.shut_by_node_at_ms(turn, run), Rule.MAX_RUN)
        bound_at_ms, bound = min([node, *doses.bounds(turn, zone_id, run)], key=lambda end: end[0])
        if whole_at_ms - bound_at_ms >= doses.LEAST_MS:
            run = replace(run, end_rule=bound, dose_um=None)
        run = replace(run, ends_at_ms=min(whole_at_ms, bound_at_ms))
    turn.zones[zone_id] = replace(turn.zone(zone_id), run=run)
    turn.effects.append(RunStarted(run.number, zone_id, started_at_ms, run.why))
    return run


def _planned_ms(turn: Turn, run: Run) -> int:
    """How long water should flow; of a run that ends at an instant that is not known before it flows."""
    lead_ms = turn.settings.pump_of(run.pump).lead_ms
    return max(0, run.ends_at_ms - run.asked_at_ms - lead_ms) if run.end_rule in LASTING else 0


def _open_or_renew(turn: Turn, run: Run, ref: OutputRef, lease_ms: int, ends_at_ms: int) -> None:
    output = turn.output(ref)
    if output.phase is Phase.CLOSED and ref == _motor_of(run):
        _count_start(turn, ref)
    if output.phase is Phase.CLOSED or outputs.renewal_due(turn, output, ends_at_ms):
        outputs.open_for(turn, ref, lease_ms)


def _count_start(turn: Turn, motor: OutputRef) -> None:
    """S7: a pump or lift is started so many times in an hour."""
    before = turn.pumps.get(motor.key) or PumpState()
    starts = tuple(at_ms for at_ms in before.starts_at_ms if turn.now_ms - at_ms < HOUR_MS)
    turn.pumps[motor.key] = replace(before, starts_at_ms=(*starts, turn.now_ms))


def _look_ahead(turn: Turn, zone_id: str, run: Run) -> None:
    """Shortly before the end the next garden may open its valve, while this one's leases last."""
    offer_at_ms = run.ends_at_ms - turn.limits.answer_ms // 2 - turn.settings.pump_of(run.pump).lead_ms
    turn.wake(offer_at_ms)
    if run.end_rule in handover.AS_IT_SHOULD and turn.now_ms >= offer_at_ms and not handover.is_on(turn, zone_id):
        _offer(turn, zone_id, run)


def _offer(turn: Turn, zone_id: str, run: Run) -> bool:
    """Let the next garden open its valve in this very step, wherever it stands in the order of the gardens."""
    taker_id = handover.offer(turn, zone_id, run)
    if taker_id is not None:
        advance(turn, taker_id)
    return taker_id is not None


def _take_over(turn: Turn, zone_id: str, run: Run) -> None:
    giver_id, giver = run.after, handover.giver_of(turn, run)
    if giver is None:
        end(turn, zone_id, Finding(Verdict.STOP, Rule.HAND_OVER_FAILED))
        _close_down(turn, zone_id)
    elif handover.is_time(turn, run, giver):
        handover.take(turn, zone_id, run, _why_stop(turn, giver_id, giver) or planned_end(giver))
        advance(turn, giver_id)
        advance(turn, zone_id)


# ---- closing


def _close_down(turn: Turn, zone_id: str) -> None:
    run = turn.zone(zone_id).run
    if run is None:
        return
    refs = refs_of_run(run)
    pump = run.pump if run.pump in refs else None
    if pump is not None and outputs.needs_close(turn.output(pump)):
        outputs.close(turn, pump)
    settled = pump is None or _is_over(turn, pump, turn.settings.pump_of(pump).lag_ms)
    for ref in (ref for ref in refs if ref != pump):  # the garden's valve, then the main one
        output = turn.output(ref)
        if outputs.needs_close(output) and (settled or output.phase is Phase.UNKNOWN) and _is_apart(turn, run):
            outputs.close(turn, ref)
            _shut(turn, run)
        settled = settled and _is_over(turn, ref, 0)
    if all(turn.output(ref).phase in outputs.AT_REST for ref in refs):
        _finish(turn, zone_id, run)


def _is_over(turn: Turn, ref: OutputRef, lag_ms: int) -> bool:
    """Whether an output is off, and has been for its lag; or nobody knows, and it is not waited for any more."""
    output = turn.output(ref)
    if output.phase is Phase.CLOSED and output.opened_at_ms is not None and output.closed_at_ms is not None:
        turn.wake(output.closed_at_ms + lag_ms)
        return turn.now_ms >= output.closed_at_ms + lag_ms
    return output.phase in (*outputs.AT_REST, Phase.UNKNOWN)


def _is_apart(turn: Turn, run: Run) -> bool:
    """S8: two valves of one pipe are not closed right after each other."""
    known = turn.pumps.get(run.line.key) if run.line else None
    if known is None or known.shut_at_ms is None:
        return True
    turn.wake(known.shut_at_ms + turn.limits.apart_ms)
    return turn.now_ms >= known.shut_at_ms + turn.limits.apart_ms


def _shut(turn: Turn, run: Run) -> None:
    if run.line is not None:
        before = turn.pumps.get(run.line.key) or PumpState()
        turn.pumps[run.line.key] = replace(before, shut_at_ms=turn.now_ms)


def _finish(turn: Turn, zone_id: str, run: Run) -> None:
    for ref in refs_of_run(run):
        turn.user_of.pop(ref.key, None)
    ended_at_ms = _stopped_at_ms(turn, run)
    unseen_at_ms = _flowing_since(turn, run) if run.started_at_ms is None else None
    if unseen_at_ms is not None and ended_at_ms > unseen_at_ms:
        # It was on, and off again, before we heard of it: the gateway was away.
        turn.effects.append(RunStarted(run.number, zone_id, unseen_at_ms, run.why))
        run = replace(run, started_at_ms=unseen_at_ms)
    if run.started_at_ms is not None:
        ended_at_ms = max(run.started_at_ms, ended_at_ms)
        reckon.finish(turn, zone_id, run, ended_at_ms)
        run = replace(turn.zone(zone_id).run or run, started_at_ms=run.started_at_ms)
    left = _leave(turn, zone_id, run, 0 if run.started_at_ms is None else ended_at_ms - run.started_at_ms)
    if run.started_at_ms is not None and run.stop is not None:
        flowed_ms = ended_at_ms - run.started_at_ms
        turn.effects.append(RunEnded(run.number, zone_id, run.started_at_ms, ended_at_ms, run.poured_ml, run.stop))
        want.poured(turn, zone_id, run.poured_ml, run.why)
        facts: dict[str, Fact] = {"run_ms": flowed_ms, "water_ml": run.poured_ml, "why": run.stop.value, **left}
        over = Rule.DRAIN_ENDED if run.why is Rule.DRAIN else Rule.FILL_ENDED if run.why in FILLS else Rule.RUN_ENDED
        turn.decide(zone_id, Finding(Verdict.STOP, over, facts), always=True)
        if run.stop is Rule.WINDOW_OVER and left and run.why in doses.OF_SOIL:
            turn.decide(zone_id, Finding(Verdict.NO, Rule.SHORTFALL, left), always=True)
    for ref in refs_of_run(run):
        if turn.output(ref).phase is Phase.QUARANTINED:
            rule = Rule.PUMP_QUARANTINED if _name(run, ref) == "pump" else Rule.VALVE_QUARANTINED
            turn.decide(zone_id, Finding(Verdict.FAULT, rule, {"node": ref.node}), always=True)


def _leave(turn: Turn, zone_id: str, run: Run, flowed_ms: int) -> dict[str, Fact]:
    """What remains of a run in the memory of its garden; returns what is left of its dose."""
    if run.line is not None:
        turn.on_line[run.line.key] -= 1
    state = turn.zone(zone_id)
    if run.stop is Rule.HAND_OVER_FAILED:
        starts = (at_ms for at_ms in state.starts_at_ms if at_ms != run.asked_at_ms)
        dose = None if state.wish else state.dose  # a request that waits makes it anew
        turn.zones[zone_id] = replace(state, run=None, dose=dose, starts_at_ms=tuple(starts))
    else:
        turn.zones[zone_id] = replace(state, run=None, ended_at_ms=turn.now_ms)
        if run.why is Rule.TRY:
            commission.over(turn, zone_id, run)
        else:
            flow.learn(turn, run)
    return doses.settle(turn, zone_id, run, flowed_ms)


def _flowing_since(turn: Turn, run: Run) -> int | None:
    """When the last of its outputs went on, or the pump became its own; None when that is not known of all of them."""
    opened = [turn.output(ref).opened_at_ms for ref in refs_of_run(run)]
    known = [at_ms for at_ms in (*opened, run.taken_at_ms) if at_ms is not None]
    return max(known) if None not in opened and not run.after else None


def _stopped_at_ms(turn: Turn, run: Run) -> int:
    """When the water stopped: with the first of its outputs that went off, or else when its lease was over; or when
    the pump went to another garden."""
    ends = [_off_at_ms(turn, turn.output(ref)) for ref in refs_of_run(run)]
    return min(ends if run.handed_at_ms is None else [*ends, run.handed_at_ms])


def _off_at_ms(turn: Turn, output: OutputState) -> int:
    if output.phase is Phase.CLOSED and output.closed_at_ms is not None:
        return output.closed_at_ms
    return min(turn.now_ms, output.until_at_ms)
