"""Single steps of the irrigation: what is believed, and what is not."""

from __future__ import annotations

from dataclasses import replace

from gateway.core.rules import Rule
from gateway.core.state import Phase, State
from gateway.core.step import step
from gateway.core.types import Alarm, Decide, Effect, Inputs, Intent, Limits, Link, Reading, Receipt, RunStarted, Send
from tests.support.irrigation import LEVEL, SALT, START_MS, VALVES, probe, settings
from wire import commands

LIMITS = Limits()
VILLAGE = settings()
UPTIME_MS = 600_000
VALVE, PUMP = VALVES["xoai"].key, "van/0"


def inputs(*, at_ms: int = START_MS, soil_e4: int = 2400, boot: int = 1, **more: object) -> Inputs:
    """A dry garden on a good ditch, all just measured."""
    found = [Reading(probe("xoai", channel), at_ms, soil_e4) for channel in range(3)]
    found += [Reading(LEVEL, at_ms, 700), Reading(SALT, at_ms, 400)]
    link = Link("van", boot, bytes(8), START_MS - UPTIME_MS, at_ms)
    plain = Inputs(settings=VILLAGE, readings=tuple(found), links=(link,))
    return replace(plain, **more)  # type: ignore[arg-type]


def answer(send: Send, mask: int, at_ms: int = START_MS, **more: object) -> Receipt:
    uptime_ms = at_ms - START_MS + UPTIME_MS
    plain = Receipt("van", send.boot, send.counter, commands.ACCEPTED, send.output, mask, uptime_ms + send.duration_ms,
                    uptime_ms)
    return replace(plain, **more)  # type: ignore[arg-type]


def sends(effects: tuple[Effect, ...]) -> list[Send]:
    return [effect for effect in effects if isinstance(effect, Send)]


def rules(effects: tuple[Effect, ...]) -> list[Rule]:
    return [effect.rule for effect in effects if isinstance(effect, Decide)]


def running() -> tuple[State, Send, Send]:
    """A village in which water flows since START_MS + 200, and the commands that opened valve and pump."""
    state, effects = step(State(), START_MS, inputs(), LIMITS)
    (valve,) = sends(effects)
    state, effects = step(state, START_MS + 100, inputs(receipts=(answer(valve, 2),)), LIMITS)
    (pump,) = sends(effects)
    state, effects = step(state, START_MS + 200, inputs(receipts=(answer(pump, 3),)), LIMITS)
    assert any(isinstance(effect, RunStarted) for effect in effects)
    return state, valve, pump


def test_the_pump_is_opened_after_the_receipt_of_the_valve_and_for_less() -> None:  # S8
    _, valve, pump = running()
    assert (valve.output, valve.duration_ms) == (1, LIMITS.lease_ms)
    assert (pump.output, pump.duration_ms) == (0, LIMITS.pump_lease_ms) and pump.duration_ms < valve.duration_ms


def test_the_last_lease_ends_with_the_run() -> None:  # S1
    state, _, _ = running()
    run = state.zones["xoai"].run
    assert run is not None
    sent: list[tuple[int, Send]] = []
    now_ms = START_MS + 200
    while now_ms < run.ends_at_ms:
        now_ms += 1000
        answers = tuple(answer(send, 3, now_ms) for at_ms, send in sent if at_ms == now_ms - 1000)
        state, effects = step(state, now_ms, inputs(at_ms=now_ms, receipts=answers), LIMITS)
        sent += [(now_ms, send) for send in sends(effects)]
    opens = [(at_ms, send) for at_ms, send in sent if send.action == commands.OPEN]
    assert len(opens) > 60
    assert max(at_ms + send.duration_ms for at_ms, send in opens) <= run.ends_at_ms
    assert min(send.duration_ms for _, send in opens) > 0
    assert (now_ms, commands.CLOSE, 0) == (sent[-1][0], sent[-1][1].action, sent[-1][1].output)
    assert rules(effects)[-1] is Rule.MAX_RUN


def test_an_old_receipt_that_comes_late_says_nothing_of_now() -> None:
    state, valve, pump = running()
    newer, older = answer(pump, 3, START_MS + 300), answer(valve, 0, START_MS + 50, counter=1, output=2)
    state, _ = step(state, START_MS + 300, inputs(receipts=(newer,)), LIMITS)
    state, effects = step(state, START_MS + 400, inputs(receipts=(older,)), LIMITS)
    assert state.outputs[VALVE].phase is Phase.OPEN and rules(effects) == []


def test_a_receipt_of_an_earlier_boot_is_not_believed() -> None:  # S3
    state, effects = step(State(), START_MS, inputs(boot=2), LIMITS)
    (valve,) = sends(effects)
    old = answer(valve, 2, boot=1)
    state, effects = step(state, START_MS + 100, inputs(boot=2, receipts=(old,)), LIMITS)
    assert state.outputs[VALVE].phase is Phase.OPENING and sends(effects) == []


def test_a_request_is_obeyed_once() -> None:  # P4
    wish = Intent(7, START_MS, START_MS + 60_000, "water", "xoai", 5, "chú Sáu")
    state, effects = step(State(), START_MS, inputs(soil_e4=3000, intents=(wish, wish)), LIMITS)
    assert rules(effects) == [Rule.MANUAL_WATER]
    _, effects = step(state, START_MS + 100, inputs(soil_e4=3000, intents=(wish,)), LIMITS)
    assert rules(effects) == []


def test_a_reading_from_the_future_is_no_news() -> None:  # S12
    future = Reading(LEVEL, START_MS + LIMITS.ahead_ms + 1, 900)
    state, _ = step(State(), START_MS, inputs(readings=(*inputs().readings, future)), LIMITS)
    assert state.latest[LEVEL.key].value == 700
    undated = Reading(LEVEL, START_MS, 900, timed=False)
    state, _ = step(state, START_MS, inputs(readings=(undated,)), LIMITS)
    assert state.latest[LEVEL.key].value == 700


def test_an_end_while_a_renewal_is_on_its_way_closes_behind_it() -> None:  # S3, S8
    state, valve, _ = running()
    now_ms = START_MS + 40_200
    state, effects = step(state, now_ms, inputs(at_ms=now_ms), LIMITS)
    renewal = next(send for send in sends(effects) if send.output == 1)
    ended = answer(valve, 0, now_ms, status=commands.ENDED_HARD_MAX)
    state, effects = step(state, now_ms + 100, inputs(at_ms=now_ms, receipts=(ended,)), LIMITS)
    closes = [send for send in sends(effects) if send.action == commands.CLOSE and send.output == 1]
    assert len(closes) == 1 and closes[0].counter > renewal.counter
    assert Rule.LEASE_ENDED in rules(effects)


def test_an_output_that_is_on_without_being_asked_is_closed() -> None:
    state, _ = step(State(), START_MS, inputs(soil_e4=3000), LIMITS)
    strange = Receipt("van", 1, 5, commands.REPLAYED, 2, 0b10, 0, UPTIME_MS)
    state, effects = step(state, START_MS + 100, inputs(soil_e4=3000, receipts=(strange,)), LIMITS)
    (close,) = sends(effects)
    assert (close.action, close.output) == (commands.CLOSE, 1)
    assert any(isinstance(effect, Alarm) and effect.rule is Rule.OUTPUT_STRANGE for effect in effects)
    assert state.outputs[VALVE].phase is Phase.CLOSING


def test_the_clock_of_the_gateway_does_not_reach_a_command() -> None:  # S4
    state, _, _ = running()
    back_ms = -86_400_000
    now_ms = START_MS + 40_200 + back_ms
    # a node's start is told by the steady clock and the wall clock of now, so it moves with the wall clock
    link = Link("van", 1, bytes(8), START_MS - UPTIME_MS + back_ms, now_ms)
    moved = inputs(at_ms=now_ms, clock_step_ms=back_ms, links=(link,))
    _, effects = step(state, now_ms, moved, LIMITS)
    assert [send.expires_uptime_ms for send in sends(effects)] == [UPTIME_MS + 40_200 + LIMITS.answer_ms] * 2


def test_a_garden_that_is_taken_from_the_registry_is_closed() -> None:
    state, _, _ = running()
    gone = replace(inputs(), settings=settings(()))
    state, effects = step(state, START_MS + 1000, gone, LIMITS)
    assert [(send.action, send.output) for send in sends(effects)] == [(commands.CLOSE, 0)]
    assert rules(effects) == [Rule.ZONE_REMOVED] and state.zones["xoai"].run is not None


def test_counters_rise_even_when_the_memory_was_lost() -> None:  # S3
    _, _, pump = running()
    _, effects = step(State(), START_MS + 10_000, inputs(at_ms=START_MS + 10_000), LIMITS)
    assert sends(effects)[0].counter > pump.counter
