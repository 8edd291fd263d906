"""Letting water out whatever comes: a pump with main valve, meter, lead and lag, and two gardens that soak.

P3, S5, S7, S8, D4: a pump is on only behind open valves, rests, and is not started too often; two valves of a pipe are
not closed at once; no dose is given twice, also over restarts; and what is not given is kept or told.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

from hypothesis import HealthCheck, given
from hypothesis import settings as run_with
from hypothesis import strategies as st

from gateway.core import dose as doses
from gateway.core.rules import Rule
from gateway.core.schedule import Pace, Want, even_ms, pack
from gateway.core.state import Dose, Phase, State
from gateway.core.step import step
from gateway.core.types import Decide, Effect, Inputs, Limits, OutputRef, Send
from tests.golden import timeline
from tests.support.irrigation import (
    GROUND,
    LEVEL,
    MAIN,
    PUMP,
    SALT,
    START_MS,
    VALVES,
    Village,
    probe,
    pump_settings,
    settings,
    zone_settings,
)
from wire import commands

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
PUMP_SETTINGS = pump_settings(main=True, meter=True, lead_ms=3_000, lag_ms=4_000, starts_an_hour=4)
ZONES = (
    zone_settings("xoai", ground=GROUND, cycle_ms=480_000, soak_ms=600_000, min_rest_ms=600_000),
    zone_settings("rau", cycle_ms=300_000, soak_ms=420_000, min_rest_ms=600_000),
)
SETTINGS = settings(ZONES, pump=PUMP_SETTINGS)
LIMITS = Limits()
PIPE = {MAIN, VALVES["xoai"], VALVES["rau"]}
# What may be said in the step in which a dose is gone.
TOLD = {
    Rule.RUN_ENDED,
    Rule.SHORTFALL,
    Rule.REST_NOT_NEEDED,
    Rule.MANUAL_STOP,
    Rule.MANUAL_WATER,
}
EVENTS = st.one_of(
    st.sampled_from(["soil xoai 24 24 24", "soil rau 24 24 24", "soil xoai 35 35 35", "soil rau 33 33 33"] * 2),
    st.sampled_from(["level 700", "level 500", "salt 400", "salt 1600", "flow 0", "flow 1", "flow 1", "leak 0"]),
    st.sampled_from(["link van deaf", "link van cut", "link van up", "link van up", "slow van 6000", "slow van 100"]),
    st.sampled_from(["water xoai 10", "water rau 3", "stop xoai", "stop rau", "unlock xoai", "reboot van"]),
    st.sampled_from(["try xoai", "try rau", "water xoai 4", "water rau 8"]),
    st.sampled_from(["gateway kill", "gateway start", "gateway start", "gateway start"]),
)
SCRIPTS = st.lists(st.tuples(st.integers(0, 4_800), EVENTS), max_size=20)


class Watched(Village):
    """Judges every step."""

    handed_over = 0

    def on_step(self, before: State, inputs: Inputs, effects: tuple[Effect, ...]) -> None:
        if self.steps % 50 == 0:
            assert (self.state, effects) == step(before, self.wall_ms, inputs, self.limits)  # D6
            assert State.from_json(self.state.to_json()) == self.state  # D4
        self._judge_closings(before, effects)
        told: dict[str, set[Rule]] = {}
        for effect in effects:
            if isinstance(effect, Decide):
                told.setdefault(effect.zone, set()).add(effect.rule)
        for zone in ZONES:
            was = before.zones[zone.id].dose if zone.id in before.zones else None
            now = self.state.zones[zone.id].dose
            ended = before.zones[zone.id].run if was else None
            if ended and ended.stop is not None and ended.started_at_ms is None:
                was = None  # no water came, why not was told, and all of it is wanted still: the soil is asked anew
            if was and was.left_ms >= doses.LEAST_MS and (now is None or is_new(was, now)):
                assert told.get(zone.id, set()) & TOLD, (zone.id, was, now)
            if was and now and not is_new(was, now):
                assert now.left_ms <= was.left_ms  # nothing is given twice
            run = self.state.zones[zone.id].run
            self.handed_over += bool(run and run.after)

    def _judge_closings(self, before: State, effects: tuple[Effect, ...]) -> None:
        """S8. A valve that does not answer is told again without waiting."""
        closed = {
            effect.output
            for effect in effects
            if isinstance(effect, Send)
            and effect.action == commands.CLOSE
            and OutputRef(effect.node, effect.output) in PIPE
        }
        open_before = {
            ref.output for ref in PIPE if ref.key in before.outputs and before.outputs[ref.key].phase is Phase.OPEN
        }
        if len(closed & open_before) > 1:
            raise AssertionError(f"{closed} were closed in one step")


def is_new(was: Dose, now: Dose) -> bool:
    return (was.why, was.until_at_ms) != (now.why, now.until_at_ms)


def play(script: list[tuple[int, str]]) -> Watched:
    village = Watched(SETTINGS, LIMITS)
    for zone in ZONES:
        for channel in range(3):
            village.measure(probe(zone.id, channel), 2400)
    village.measure(LEVEL, 700)
    village.measure(SALT, 400)
    for at_s, event in script:
        village.at(START_MS + at_s * 1000, partial(timeline.happen, village, event.split()))
    village.run(START_MS + 100 * MINUTE_MS)
    return village


def judge(village: Watched) -> None:
    on: dict[OutputRef, int] = {}
    off: dict[OutputRef, int] = {}
    starts: list[int] = []
    for switched in village.switched:
        ref, at_ms = switched.output, switched.at_ms
        if switched.on:
            on[ref] = at_ms
        if ref == PUMP and switched.on:
            assert MAIN in on and any(VALVES[zone.id] in on for zone in ZONES), "no open path"  # S5, S8
            assert at_ms - on[MAIN] >= PUMP_SETTINGS.lead_ms
            assert at_ms - off.get(PUMP, 0) >= PUMP_SETTINGS.min_rest_ms  # S7
            starts = [start for start in starts if at_ms - start < HOUR_MS] + [at_ms]
            assert len(starts) <= PUMP_SETTINGS.starts_an_hour + 1  # the node counts from when it hears of it
        elif not switched.on:
            del on[ref]
            off[ref] = at_ms
            assert PUMP not in on or any(VALVES[zone.id] in on for zone in ZONES), "the last valve before the pump"
            assert PUMP not in on or ref != MAIN, "the main valve before the pump"


@run_with(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(SCRIPTS)
def test_whatever_comes_the_water_is_let_out_in_order(script: list[tuple[int, str]]) -> None:
    judge(play(script))


def test_the_plan_is_not_too_tame() -> None:
    """A plain dry village under the same judge hands over, soaks, and is broken off by salt and goes on."""
    village = play([(1_500, "salt 1600"), (1_800, "salt 900")])
    judge(village)
    rules = {decision.rule for decision in village.decisions}
    assert village.handed_over and {Rule.SOAKING, Rule.GOES_ON, Rule.SOURCE_SALT, Rule.CYCLE_DONE} <= rules


PACES = st.builds(
    Pace, st.just(60_000), st.sampled_from([0, 5_000, 120_000]), st.sampled_from([0, 60_000]), st.booleans()
)
WANTS = st.lists(
    st.tuples(
        st.integers(1, 7_200),  # s of water
        st.one_of(st.none(), st.integers(120, 1_800)),  # cycle
        st.integers(0, 3_600),  # soak
        st.integers(0, 30_000),  # by
    ),
    min_size=1,
    max_size=5,
)


@run_with(max_examples=200, deadline=None, derandomize=True)
@given(WANTS, st.lists(st.integers(60, 20_000), min_size=2, max_size=6, unique=True), PACES)
def test_every_second_is_in_the_plan_or_missing(
    wants: list[tuple[int, int | None, int, int]], marks: list[int], pace: Pace
) -> None:
    edges = sorted(mark * 1000 for mark in marks)
    hours = list(zip(edges[::2], edges[1::2], strict=False))
    asked = [
        Want(str(n), left * 1000, by * 1000, None if cycle is None else cycle * 1000, soak * 1000)
        for n, (left, cycle, soak, by) in enumerate(wants)
    ]
    plan, missing = pack(asked, hours, pace)
    last_ms = hours[0][0] if pace.is_on else -HOUR_MS
    for slot in plan:
        goes_on = slot.from_at_ms == last_ms
        starts_ms = max(last_ms + pace.rest_ms, min(start for start, end in hours if end > slot.from_at_ms))
        assert goes_on or slot.from_at_ms >= starts_ms + pace.lead_ms
        assert last_ms <= slot.from_at_ms and slot.to_at_ms - slot.from_at_ms >= 60_000
        assert any(start <= slot.from_at_ms and slot.to_at_ms <= end for start, end in hours)
        last_ms = slot.to_at_ms
    for want in asked:
        own = [slot for slot in plan if slot.zone == want.zone]
        given_ms = sum(slot.to_at_ms - slot.from_at_ms for slot in own)
        assert given_ms + missing.get(want.zone, 0) == want.left_ms
        assert all(slot.to_at_ms <= want.by_at_ms for slot in own)
        for one, other in pairwise(own):
            assert other.from_at_ms - one.to_at_ms >= want.soak_ms
        if want.cycle_ms is not None:
            assert all(slot.to_at_ms - slot.from_at_ms <= want.cycle_ms * 51 // 50 for slot in own)


def test_cycles_are_even() -> None:
    assert even_ms(1_800_000, 600_000) == 600_000
    assert even_ms(1_203_000, 600_000) == 601_500  # not a third one of three seconds
    assert even_ms(1_000_000, 600_000) == 500_000
