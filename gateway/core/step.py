"""The irrigation's one public function.

Rules
1. ``step`` decides from its arguments alone; the same arguments give the same state and effects (D6).
2. Its order is fixed: clock, readings, boots, receipts, missing answers, waters, votes, soil water, requests of people,
   leaks, runs, what tries have shown, fillings, starts. So a stop or a source that closed acts before anything is
   opened or renewed in the same step.
3. The caller commits state and effects together before it sends a command.
4. Time never runs backwards here: when the wall clock does, all remembered instants move back with it (S4).
"""

from __future__ import annotations

from dataclasses import replace

from gateway.core import (
    chain,
    commission,
    flow,
    foresee,
    guards,
    outputs,
    probes,
    reckon,
    requests,
    run,
    source,
    waiting,
    zone,
)
from gateway.core import dose as doses
from gateway.core.begin import begin
from gateway.core.plans import want
from gateway.core.rules import PERSONS, Rule, Verdict
from gateway.core.state import Latest, OutputState, Phase, SourceState, State, ZoneState, shifted
from gateway.core.turn import Finding, Turn
from gateway.core.types import Effect, Inputs, Limits, Reading, ZoneSettings
from wire import fields

QUIET_WAKE_MS = 30_000


def step(state: State, now_ms: int, inputs: Inputs, limits: Limits) -> tuple[State, tuple[Effect, ...]]:
    """Decide what to do now."""
    state = shifted(state, inputs.clock_step_ms)
    if now_ms < state.at_ms:
        state = shifted(state, now_ms - state.at_ms)
    turn = Turn(state, now_ms, inputs, limits)
    _hear(turn, inputs)
    _look(turn)
    requests.obey(turn, inputs.intents)
    flow.look_for_leaks(turn)
    for zone_id in _zones_in_order(turn):
        run.advance(turn, zone_id)
    commission.look(turn)
    requests.look(turn)
    _fill_what_is_low(turn)
    _start_what_is_dry(turn)
    return _state_of(turn), tuple(turn.effects)


def next_wake_ms(state: State, limits: Limits) -> int:
    """The latest time of the next step if nothing happens: the first deadline, or a quiet interval."""
    wakes = [state.at_ms + QUIET_WAKE_MS]
    for output in state.outputs.values():
        if output.asked_at_ms is not None:
            wakes.append(output.asked_at_ms + limits.answer_ms)
        elif output.phase is Phase.OPEN and output.granted_at_ms + output.lease_ms // 3 > state.at_ms:
            wakes.append(output.granted_at_ms + output.lease_ms // 3)  # later the last lease reaches to the end
    for zone_state in state.zones.values():
        if zone_state.run:
            # S5: while water runs the age of its source is looked at this often, whatever arrives.
            wakes.append(state.at_ms + limits.answer_ms // 2)
            if zone_state.run.ends_at_ms > state.at_ms:  # one that is over waits for answers, which have their times
                wakes.append(zone_state.run.ends_at_ms)
        if zone_state.said and zone_state.said.next_check_at_ms > state.at_ms:
            wakes.append(zone_state.said.next_check_at_ms)
    if state.wake_at_ms is not None:
        wakes.append(state.wake_at_ms)
    return max(min(wakes), state.at_ms)


# ---- what happened


def _hear(turn: Turn, inputs: Inputs) -> None:
    for reading in inputs.readings:
        if reading.sensor.field == fields.OUTPUT:
            outputs.witness(turn, reading)
        else:
            _admit(turn, reading)
    for link in sorted(inputs.links, key=lambda known: known.node):
        outputs.meet(turn, link)
    for receipt in inputs.receipts:
        outputs.hear(turn, receipt)
    for refs in turn.refs_of.values():
        for ref in refs:
            outputs.watch(turn, ref)
    if inputs.restarted:
        outputs.ask_all(turn)
        for zone_id in _zones_in_order(turn):
            going = turn.zone(zone_id).run
            if going and going.stop is None:
                turn.decide(zone_id, Finding(Verdict.WATERING, Rule.GATEWAY_RESTARTED), always=True)


def _admit(turn: Turn, reading: Reading) -> None:
    """Keep the newest reading of a sensor. One without a time, or from the future, is no news (S12)."""
    key = reading.sensor.key
    if key not in turn.settings.sensor_keys or not reading.timed:
        return
    if reading.measured_at_ms > turn.now_ms + turn.limits.ahead_ms:
        return
    if reading.sensor.field in reckon.SKY:
        reckon.hear(turn, reading)
    before, at_ms, value = turn.latest.get(key), reading.measured_at_ms, reading.value
    if before is None:
        turn.latest[key] = Latest(at_ms, value, reading.quality, at_ms)
    elif at_ms >= before.measured_at_ms:
        changed_at_ms = before.changed_at_ms if value == before.value else at_ms
        turn.latest[key] = Latest(at_ms, value, reading.quality, changed_at_ms)


def _look(turn: Turn) -> None:
    """Judge the waters and take the votes."""
    for water_id, settings in turn.settings.waters.items():
        before = turn.sources.get(water_id) or SourceState()
        after, view = source.look(settings, before, turn.latest, turn.now_ms, turn.limits)
        turn.sources[water_id] = after
        turn.views[water_id] = view
    for settings_of_zone in turn.settings.zones:
        vote = probes.vote(settings_of_zone, turn.latest, turn.now_ms, turn.limits)
        turn.votes[settings_of_zone.id] = vote
    reckon.look(turn)
    want.look(turn)
    for settings_of_zone in turn.settings.zones:
        is_dry = zone.is_dry(turn, settings_of_zone)
        state = turn.zone(settings_of_zone.id)
        if is_dry is None:
            continue
        since = (turn.now_ms if state.dry_since_at_ms is None else state.dry_since_at_ms) if is_dry else None
        if since != state.dry_since_at_ms:
            turn.zones[settings_of_zone.id] = replace(state, dry_since_at_ms=since)


# ---- what ditches and soil ask for


def _fill_what_is_low(turn: Turn) -> None:
    for ditch in turn.settings.fills.values():
        if turn.zone(ditch.id).run is not None:
            continue
        finding, gate = chain.judge(turn, ditch)
        held_until_at_ms = turn.zone(ditch.id).held_until_at_ms
        if gate is not None and held_until_at_ms is not None and turn.now_ms < held_until_at_ms:
            finding, gate = guards.until(Verdict.REFUSED, Rule.HELD_BY_STOP, held_until_at_ms), None
        if gate is None:
            turn.decide(ditch.id, finding)
        else:
            begin(turn, gate, finding, guards.hard_max_ms(turn, gate))
            run.advance(turn, gate.id)


def _start_what_is_dry(turn: Turn) -> None:
    """Judge every idle zone; of those that may start, the one dry longest goes first (``waiting``)."""
    wanting: list[waiting.Waiting] = []
    ready: set[str] = set()
    for place, settings in enumerate(turn.settings.zones):
        if turn.zone(settings.id).run is not None:
            continue
        finding = waiting.judge(turn, settings)
        manual = waiting.is_persons(turn, settings)
        wanted = finding.verdict is Verdict.START
        blocked = zone.guard(turn, settings, finding, manual=manual) if wanted else finding
        if blocked:
            turn.decide(settings.id, waiting.until_turn(turn, settings, blocked))
        else:
            ready.add(settings.id)
        if wanted and (blocked is None or blocked.rule in guards.PUMP_WAITS):
            wanting.append(waiting.entry(turn, place, settings, finding))
        elif turn.zone(settings.id).foreseen:
            turn.zones[settings.id] = replace(turn.zone(settings.id), foreseen=False)
    in_order = [(settings, finding) for _, _, settings, finding in sorted(wanting, key=lambda entry: entry[:2])]
    foresee.look(turn, in_order)
    for settings, finding in in_order:
        if settings.id in ready:
            _start(turn, settings, finding)


def _start(turn: Turn, settings: ZoneSettings, finding: Finding) -> None:
    """Begin what a zone wants, or the next part of it, unless another one of this step was faster."""
    longest_ms = zone.longest_run_ms(turn, settings)
    dose = doses.of(turn, settings, finding, longest_ms)
    planned_ms, end_rule = doses.plan(turn, settings, dose, longest_ms)
    manual = dose.why in PERSONS
    blocked = zone.guard(turn, settings, finding, manual=manual) or guards.too_short(turn, settings, planned_ms)
    if blocked:
        turn.decide(settings.id, waiting.until_turn(turn, settings, blocked))
        return
    turn.zones[settings.id] = replace(turn.zone(settings.id), dose=dose)
    begin(turn, settings, finding, planned_ms, end_rule=end_rule)
    run.advance(turn, settings.id)


# ---- the new state


def _zones_in_order(turn: Turn) -> list[str]:
    """Zones and filled ditches in the order of the settings; behind them those that were removed while they ran."""
    known = [z.id for z in turn.settings.zones] + list(turn.settings.fills)
    return known + sorted(set(turn.zones) - set(known))


def _state_of(turn: Turn) -> State:
    """What is worth remembering. Counters of nodes are never forgotten (S3)."""
    settings = turn.settings
    used = settings.ref_keys

    def keep_zone(zone_id: str, state: ZoneState) -> bool:
        return zone_id in settings.zone_by_id or zone_id in settings.fills or state.run is not None

    def keep_output(key: str, state: OutputState) -> bool:
        return key in used or key in turn.user_of or state.phase is not Phase.CLOSED

    return State(
        at_ms=turn.now_ms,
        latest={k: v for k, v in turn.latest.items() if k in settings.sensor_keys},
        nodes=turn.nodes,
        outputs={k: v for k, v in turn.outputs.items() if keep_output(k, v)},
        sources={k: v for k, v in turn.sources.items() if k in settings.waters},
        zones={k: v for k, v in turn.zones.items() if keep_zone(k, v)},
        gauges={k: v for k, v in turn.gauges.items() if k in settings.sensor_keys},
        air=turn.air,
        last_intent=turn.last_intent,
        last_run=turn.last_run,
        pumps={k: v for k, v in turn.pumps.items() if k in used},
        flows={k: v for k, v in turn.flows.items() if k in used},
        meters={k: v for k, v in turn.meters.items() if k in settings.sensor_keys},
        locks={k: v for k, v in turn.locks.items() if k in used},
        wake_at_ms=turn.wake_at_ms,
    )
