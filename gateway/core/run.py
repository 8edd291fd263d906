"""One watering, or one filling of a ditch, from the decision until both outputs are known to be off.

Rules
1. The order is: valve OPEN, its receipt, pump OPEN, its receipt, water; then pump CLOSE, its receipt, valve CLOSE, its
   receipt, over (S8). A garden without a pump leaves the pump out,
   as a filling does: there the valve is the sluice or the lift.
2. Every OPEN lasts at most a lease and never longer than what remains of the run (S1). Leases are renewed at a third.
3. A run that has a reason to stop only closes from then on; the first reason is the one that is kept.
4. A valve waits for its pump to close for as long as an answer may take, not longer: then both are UNKNOWN to us,
   and both end by their leases.
5. When an output gives trouble (no answer, refused, gone off, node restarted) the run is ended and told. Whether
   another one begins is for the ordinary rules to say, with rest and daily cap.
6. Water flows while both outputs are on, by what their node tells: also when the gateway did not see it begin.
7. Beginning, water on, stop, and over are told each time; while it waits for answers, that is told now and then.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.core import chain, outputs, reckon, zone
from gateway.core import need as needs
from gateway.core.guards import planned_end
from gateway.core.plans import want
from gateway.core.rules import FAULTS, FILLS, Rule, Verdict
from gateway.core.state import OutputState, Phase, Run
from gateway.core.turn import Finding, Turn
from gateway.core.types import DAY_MS, Fact, Job, OutputRef, RunEnded, RunStarted
from wire import commands

MINUTE_MS = 60_000


def begin(turn: Turn, job: Job, finding: Finding, planned_ms: int, user: str = "") -> None:
    """Start a run that its guards have allowed."""
    turn.last_run += 1
    run = Run(
        number=turn.last_run,
        why=finding.rule,
        user=user,
        valve=job.valve,
        pump=job.pump,
        asked_at_ms=turn.now_ms,
        ends_at_ms=turn.now_ms + planned_ms,
        flow_ml_min=job.flow_ml_min,
        dose_um=_dose_um(turn, job, finding, planned_ms),
    )
    before = turn.zone(job.id)
    recent = tuple(at_ms for at_ms in before.starts_at_ms if turn.now_ms - at_ms < DAY_MS)
    turn.zones[job.id] = replace(
        before,
        run=run,
        starts_at_ms=(*recent, turn.now_ms),
        held_until_at_ms=None if finding.rule is Rule.MANUAL_WATER else before.held_until_at_ms,
    )
    for ref in _refs(run):
        turn.user_of[ref.key] = job.id
        turn.outputs[ref.key] = replace(turn.output(ref), opened_at_ms=None, trouble=None, status=0)
    turn.decide(job.id, finding, always=True)
    advance(turn, job.id)


def _dose_um(turn: Turn, job: Job, finding: Finding, planned_ms: int) -> int | None:
    """The dose, if the planned time is enough for all of it."""
    dose_um = finding.inputs.get("dose_um")
    settings = turn.settings.zone_by_id.get(job.id)
    whole_ms = needs.planned_ms(settings, finding) if settings else None
    return dose_um if isinstance(dose_um, int) and whole_ms is not None and whole_ms <= planned_ms else None


def end(turn: Turn, zone_id: str, finding: Finding) -> None:
    """Give a run its reason to stop; from now on it only closes."""
    state = turn.zone(zone_id)
    if state.run is None or state.run.stop is not None:
        return
    turn.zones[zone_id] = replace(state, run=replace(state.run, stop=finding.rule))
    turn.decide(zone_id, finding, always=True)


def advance(turn: Turn, zone_id: str) -> None:
    """Do the next things of a run: end it, open, renew, close, or be done."""
    run = turn.zone(zone_id).run
    if run is None:
        return
    if run.stop is None:
        finding = _fault(turn, run) or _why_stop(turn, zone_id, run)
        if finding is None:
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


def _say_still(turn: Turn, zone_id: str, finding: Finding) -> None:
    """A run that waits for answers has nothing new to tell; after a while it tells that."""
    state = turn.zone(zone_id)
    if state.run and state.said and turn.now_ms - state.said.said_at_ms >= turn.limits.decide_every_ms:
        turn.decide(zone_id, finding)


def _refs(run: Run) -> tuple[OutputRef, ...]:
    return (run.valve,) if run.pump is None else (run.valve, run.pump)


def _fault(turn: Turn, run: Run) -> Finding | None:
    """The trouble of an output of the run, told as a decision."""
    for ref in _refs(run):
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
        return "sluice" if run.why is Rule.FILL_SLUICE else "pump"
    return "valve" if ref == run.valve else "pump"


# ---- opening


def _keep_open(turn: Turn, zone_id: str, run: Run) -> None:
    remaining_ms = run.ends_at_ms - turn.now_ms
    limits = turn.limits
    _open_or_renew(turn, run, run.valve, min(limits.lease_ms, remaining_ms))
    if turn.output(run.valve).phase is not Phase.OPEN:
        return
    if run.pump is not None:
        _open_or_renew(turn, run, run.pump, min(limits.pump_lease_ms, remaining_ms))
        if turn.output(run.pump).phase is not Phase.OPEN:
            return
    if run.started_at_ms is None:
        started_at_ms = _flowing_since(turn, run) or turn.now_ms
        state = turn.zone(zone_id)
        turn.zones[zone_id] = replace(state, run=replace(run, started_at_ms=started_at_ms))
        turn.effects.append(RunStarted(run.number, zone_id, started_at_ms, run.why))
    finding = Finding(Verdict.WATERING, Rule.WATER_ON, {"ends_at_ms": run.ends_at_ms}, until_at_ms=run.ends_at_ms)
    turn.decide(zone_id, finding, always=run.started_at_ms is None)


def _open_or_renew(turn: Turn, run: Run, ref: OutputRef, lease_ms: int) -> None:
    output = turn.output(ref)
    if output.phase is Phase.CLOSED or outputs.renewal_due(turn, output, run.ends_at_ms):
        outputs.open_for(turn, ref, lease_ms)


# ---- closing


def _close_down(turn: Turn, zone_id: str) -> None:
    run = turn.zone(zone_id).run
    if run is None:
        return
    if run.pump is not None and outputs.needs_close(turn.output(run.pump)):
        outputs.close(turn, run.pump)
    pump_settled = run.pump is None or turn.output(run.pump).phase in (*outputs.AT_REST, Phase.UNKNOWN)
    valve = turn.output(run.valve)
    if outputs.needs_close(valve) and (pump_settled or valve.phase is Phase.UNKNOWN):
        outputs.close(turn, run.valve)
    if all(turn.output(ref).phase in outputs.AT_REST for ref in _refs(run)):
        _finish(turn, zone_id, run)


def _finish(turn: Turn, zone_id: str, run: Run) -> None:
    for ref in _refs(run):
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
    turn.zones[zone_id] = replace(turn.zone(zone_id), run=None, ended_at_ms=turn.now_ms)
    if run.started_at_ms is not None and run.stop is not None:
        flowed_ms = ended_at_ms - run.started_at_ms
        millilitres = run.flow_ml_min * flowed_ms // MINUTE_MS
        turn.effects.append(
            RunEnded(run.number, zone_id, run.started_at_ms, ended_at_ms, millilitres, run.stop)
        )
        want.poured(turn, zone_id, millilitres)
        facts: dict[str, Fact] = {"run_ms": flowed_ms, "water_ml": millilitres, "why": run.stop.value}
        over = Rule.FILL_ENDED if run.why in FILLS else Rule.RUN_ENDED
        turn.decide(zone_id, Finding(Verdict.STOP, over, facts), always=True)
    for ref in _refs(run):
        if turn.output(ref).phase is Phase.QUARANTINED:
            rule = Rule.PUMP_QUARANTINED if _name(run, ref) == "pump" else Rule.VALVE_QUARANTINED
            turn.decide(zone_id, Finding(Verdict.FAULT, rule, {"node": ref.node}), always=True)


def _flowing_since(turn: Turn, run: Run) -> int | None:
    """When the last of its outputs went on; None when that is not known of all of them."""
    opened = [turn.output(ref).opened_at_ms for ref in _refs(run)]
    return max(at_ms for at_ms in opened if at_ms is not None) if None not in opened else None


def _stopped_at_ms(turn: Turn, run: Run) -> int:
    """When the water stopped: with the first of its outputs that went off, or else when its lease was over."""
    return min(_off_at_ms(turn, turn.output(ref)) for ref in _refs(run))


def _off_at_ms(turn: Turn, output: OutputState) -> int:
    if output.phase is Phase.CLOSED and output.closed_at_ms is not None:
        return output.closed_at_ms
    return min(turn.now_ms, output.until_at_ms)
