"""What a cabinet does by itself: dry run, button, fall-back. By example, and every path of a small one to its end.

Promise P3 without a gateway: what the node opens by itself ends by its lease, its hard maximum and its budget.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from firmware.node import local, sampler
from firmware.node.lease import Leases, outputs_of
from firmware.node.local import Local
from wire import commands, fields
from wire.commands import Command

PUMP, VALVE = 0, 1
NONCE = b"12345678"
OUTPUTS = {
    "outputs": [
        {"index": PUMP, "kind": "pump", "hard_max_s": 1_800, "min_rest_s": 30},
        {"index": VALVE, "kind": "valve", "hard_max_s": 1_800},
    ]
}
FLOW = {"field": fields.FLOW, "driver": "pulse", "pin": 5}
SOIL = {"field": fields.SOIL_MOISTURE, "channel": 0, "raw": 2_300_000}
SALT: dict[str, int] = {"field": fields.CONDUCTIVITY_25, "channel": 0, "max": 1_500}
FALLBACK: dict[str, Any] = {
    "outputs": [VALVE, PUMP],
    "after_h": 6,
    "minutes_day": 20,
    "run_minutes": 8,
    "soil": SOIL,
    "salt": SALT,
}
CONFIG: dict[str, Any] = {
    "confirm": {"output": PUMP, "sensor": FLOW, "min": 2_000},
    "button": {"outputs": [VALVE, PUMP], "minutes": 5, "salt": SALT},
    "fallback": FALLBACK,
}
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
START_MS = 100_000


class Cabinet:
    """A node's leases and what it does by itself, in turns of 250 ms or as its due times say."""

    def __init__(self, **config: Any) -> None:
        self.leases = Leases(outputs_of(OUTPUTS), 0x10001, NONCE)
        self.flow: int | OSError | None = 9_000
        self.local = Local({**CONFIG, **config}, self.leases, self.read)
        self.now_ms, self.heard_ms, self.down = START_MS, START_MS, False
        self.counter = 0
        self.told: list[tuple[int, int, bool, int]] = []
        self.soil: int | None = 2_500_000
        self.salt: int | None = 400

    def read(self, sensor: dict[str, Any]) -> int | None:
        assert sensor is FLOW
        if isinstance(self.flow, OSError):
            raise self.flow
        return self.flow

    def turn(self, ms: int = 250) -> None:
        self.now_ms += ms
        self.leases.tick(self.now_ms)
        self.local.step(self.now_ms, self.heard_ms, self.down)
        for index, on in self.leases.take_changes():
            row = self.local.told(sampler.output_row(self.now_ms, index, on))
            assert row[:4] + row[5:] == (self.now_ms, fields.OUTPUT, index, fields.GOOD, int(on))
            self.told.append((self.now_ms, index, on, row[4]))

    def run(self, ms: int, turn_ms: int = 250, heard: bool = False, sampling: bool = True) -> None:
        until = self.now_ms + ms
        while self.now_ms < until:
            if heard:
                self.heard_ms = self.now_ms
            if sampling:
                for what, raw in ((SOIL, self.soil), (SALT, self.salt)):
                    quality = fields.MISSING if raw is None else fields.GOOD
                    self.local.seen([(self.now_ms, what["field"], 0, quality, 0, raw or 0)])
            self.turn(turn_ms)

    def order(self, output: int, minutes: int = 10) -> int:
        self.counter += 1
        sent = Command(self.counter, NONCE, commands.OPEN, output, minutes * MINUTE_MS, 2**40)
        return int(self.leases.command(sent, False, self.now_ms).status)

    def watering(self) -> Cabinet:
        assert [self.order(VALVE), self.order(PUMP)] == [commands.ACCEPTED] * 2
        self.turn(0)
        self.told.clear()
        return self


def test_a_pump_with_water_runs_its_time() -> None:
    cabinet = Cabinet().watering()
    cabinet.run(10 * MINUTE_MS + 1_000)
    assert [one[1:] for one in cabinet.told] == [(PUMP, False, 0), (VALVE, False, 0)]


@pytest.mark.parametrize("flow", [0, 1_999, None, OSError(5), OSError(fields.FAULT_ERRNO + fields.FAULT_WARM_UP)])
@pytest.mark.parametrize("turn_ms", [50, 250, 500, 1_000])
def test_a_pump_that_runs_dry_is_off_within_15_seconds(flow: int | OSError | None, turn_ms: int) -> None:
    """S6. A meter that cannot be read says no water either."""
    cabinet = Cabinet()
    cabinet.flow = flow
    began = cabinet.watering().now_ms
    cabinet.run(20_000, turn_ms)
    assert [one[1:] for one in cabinet.told] == [
        (PUMP, False, fields.FAULT_DRY_RUN),
        (VALVE, False, fields.FAULT_DRY_RUN),
    ]
    assert 14_000 <= cabinet.told[0][0] - began <= 15_000
    assert cabinet.order(VALVE) == commands.ACCEPTED and cabinet.order(PUMP) == commands.RESTING


def test_water_that_stops_is_seen_as_well() -> None:
    cabinet = Cabinet().watering()
    cabinet.run(120_000)
    stopped, cabinet.flow = cabinet.now_ms, 0
    cabinet.run(20_000)
    assert cabinet.told[0][3] == fields.FAULT_DRY_RUN and cabinet.told[0][0] - stopped <= 15_000


def test_what_would_start_a_motor_for_a_moment_is_not_done() -> None:
    cabinet = Cabinet(min_run_s=120)
    short = Command(1, NONCE, commands.OPEN, PUMP, 119_000, 2**40)
    assert cabinet.local.too_short(short)
    short.duration_ms = 120_000
    assert not cabinet.local.too_short(short)
    cabinet.watering()
    short.duration_ms = 1_000
    assert not cabinet.local.too_short(short), "what runs may be renewed for any time"


def test_the_button_closes_and_opens_only_without_a_gateway() -> None:
    cabinet = Cabinet().watering()
    cabinet.down = True
    cabinet.run(1_000)
    assert {one[1:] for one in cabinet.told} == {(PUMP, False, 18), (VALVE, False, 18)}
    cabinet.told.clear()
    cabinet.down = False
    cabinet.run(60_000, heard=True)
    cabinet.down = True
    cabinet.run(1_000, heard=True)
    assert cabinet.told == [], "a gateway answers: it is asked on the page"
    cabinet.down = False
    cabinet.run(local.ALONE_MS)
    cabinet.down = True
    cabinet.run(10_000)
    assert [one[1:] for one in cabinet.told] == [(VALVE, True, 18), (PUMP, True, 18)], "held down is one press"
    cabinet.run(5 * MINUTE_MS)
    assert [one[1:3] for one in cabinet.told[2:]] == [(PUMP, False), (VALVE, False)]


def test_a_button_whose_config_names_no_salt_only_closes() -> None:
    cabinet = Cabinet(button={"outputs": [VALVE, PUMP], "minutes": 5})
    cabinet.run(local.ALONE_MS, 1_000)
    cabinet.down = True
    cabinet.run(1_000)
    assert cabinet.told == []


@pytest.mark.parametrize("salt", [None, 1_501])
def test_the_button_lets_in_no_water_that_is_salt_or_unknown(salt: int | None) -> None:
    cabinet = Cabinet()
    cabinet.salt = salt
    cabinet.run(local.ALONE_MS, 1_000)
    cabinet.down = True
    cabinet.run(10_000)
    assert cabinet.told == []
    cabinet.down, cabinet.salt = False, 400
    cabinet.run(1_000)
    cabinet.down = True
    cabinet.run(1_000)
    assert [one[1:3] for one in cabinet.told] == [(VALVE, True), (PUMP, True)]
    cabinet.salt = 1_501
    cabinet.run(1_000)
    assert [one[1:] for one in cabinet.told[2:]] == [(PUMP, False, 18), (VALVE, False, 18)], "salt came while it ran"


def test_a_button_that_opens_no_intake_needs_no_salt() -> None:
    cabinet = Cabinet(button={"outputs": [VALVE, PUMP], "minutes": 5, "intake": False})
    cabinet.run(local.ALONE_MS, 1_000, sampling=False)
    cabinet.down = True
    cabinet.run(1_000, sampling=False)
    assert [one[1:3] for one in cabinet.told] == [(VALVE, True), (PUMP, True)]


def test_the_fall_back_waits_runs_rests_and_keeps_its_budget() -> None:
    cabinet = Cabinet()
    cabinet.run(6 * HOUR_MS - MINUTE_MS, 30_000)
    assert cabinet.told == []
    cabinet.run(17 * HOUR_MS, 30_000)
    on = [one for one in cabinet.told if one[1] == PUMP and one[2]]
    off = [one for one in cabinet.told if one[1] == PUMP and not one[2]]
    assert [one[3] for one in on] == 3 * [fields.FAULT_FALLBACK] and len(off) == 3
    spent = [after[0] - before[0] for before, after in zip(on, off, strict=True)]
    assert spent == [8 * MINUTE_MS, 8 * MINUTE_MS, 4 * MINUTE_MS]
    assert on[1][0] - off[0][0] >= local.PAUSE_MS
    cabinet.run(2 * HOUR_MS, 30_000)
    assert len([one for one in cabinet.told if one[1] == PUMP and one[2]]) > 3, "another day"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"fallback": {**FALLBACK, "minutes_day": 0}}, {}),
        ({}, {"soil": 2_300_000}),
        ({}, {"soil": None}),
        ({}, {"salt": None}),
        ({}, {"salt": 1_501}),
        ({"fallback": {**FALLBACK, "level": {"field": fields.WATER_LEVEL, "min": 300}}}, {}),
    ],
)
def test_the_fall_back_never_opens_without_all_its_conditions(changes: dict[str, Any], state: dict[str, Any]) -> None:
    cabinet = Cabinet(**changes)
    vars(cabinet).update(state)
    cabinet.run(30 * HOUR_MS, 60_000)
    assert cabinet.told == []


def test_the_fall_back_is_off_by_default_and_ends_when_the_gateway_is_heard_or_salt_comes() -> None:
    without = Cabinet()
    without.local = Local({"confirm": CONFIG["confirm"]}, without.leases, without.read)
    without.run(30 * HOUR_MS, 60_000)
    assert without.told == []
    for change in ({"heard_ms": 7 * HOUR_MS + START_MS}, {"salt": 9_000}, {"salt": None}):
        cabinet = Cabinet()
        cabinet.run(6 * HOUR_MS + 2 * MINUTE_MS, 30_000)
        assert [one[1:3] for one in cabinet.told] == [(VALVE, True), (PUMP, True)]
        vars(cabinet).update(change)
        if change.get("salt", 0) is None:
            cabinet.run(2 * MINUTE_MS, 1_000)
            assert len(cabinet.told) == 2, "the last good reading still counts"
            continue
        cabinet.run(2_000, 1_000)
        assert [one[1:] for one in cabinet.told[2:]] == [(PUMP, False, 19), (VALVE, False, 19)]


def test_what_the_fall_back_still_has_open_goes_off_though_its_last_output_was_closed() -> None:
    cabinet = Cabinet()
    cabinet.run(6 * HOUR_MS + 2 * MINUTE_MS, 30_000)
    cabinet.leases.command(Command(9, NONCE, commands.CLOSE, PUMP, 0, 2**40), False, cabinet.now_ms)
    cabinet.heard_ms = cabinet.now_ms
    cabinet.run(2_000, 1_000)
    assert [one[1:3] for one in cabinet.told[2:]] == [(PUMP, False), (VALVE, False)]


def test_an_output_that_needs_no_sweet_water_needs_no_salt() -> None:
    how = {key: value for key, value in FALLBACK.items() if key != "salt"}
    cabinet = Cabinet(fallback={**how, "intake": False})
    cabinet.run(7 * HOUR_MS, 60_000)
    assert cabinet.told


@pytest.mark.parametrize(
    "config",
    [
        {"confirm": {**CONFIG["confirm"], "output": 5}},
        {"confirm": {**CONFIG["confirm"], "dry_s": 600}},
        {"confirm": {**CONFIG["confirm"], "min": 0}},
        {"button": {"outputs": [VALVE], "minutes": 61, "salt": SALT}},
        {"fallback": {**FALLBACK, "minutes_day": 121}},
        {"fallback": {**FALLBACK, "after_h": 5}},
        {"fallback": {**FALLBACK, "run_minutes": 0}},
        {"fallback": {**FALLBACK, "outputs": []}},
        {"fallback": {**FALLBACK, "salt": {"field": 4}}},
        {"lamp": {}},
    ],
)
def test_a_config_without_limits_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="local"):
        Cabinet(**config)


class CabinetMachine(RuleBasedStateMachine):
    """Commands, button, gateway, soil, salt and flow as they come, for days.

    Invariants: nothing is on beyond its lease or hard maximum; a pump never without a valve, and never without water
    for more than 15 s; the fall-back spends at most its budget in a day; neither it nor the button opens while salt
    is high.
    """

    @initialize()
    def start(self) -> None:
        self.cabinet = Cabinet()
        self.on_since: dict[int, int] = {}
        self.spent: dict[int, int] = {}
        self.dry_since: int | None = None
        self.fallback = False

    def follow(self) -> None:
        for at, index, on, why in self.cabinet.told:
            if on:
                self.on_since[index] = at
                self.fallback = why == fields.FAULT_FALLBACK
                by_itself = why in (fields.FAULT_FALLBACK, fields.FAULT_BY_BUTTON)
                assert not (by_itself and (self.cabinet.salt or 0) > SALT["max"]), "salt never opens an intake"
            else:
                self.on_since.pop(index, None)
        self.cabinet.told.clear()

    @rule(ms=st.sampled_from([1_000, 14_000, 8 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS]), heard=st.booleans())
    def time_passes(self, ms: int, heard: bool) -> None:
        cabinet, until = self.cabinet, self.cabinet.now_ms + ms
        while cabinet.now_ms < until:
            before, pumping = cabinet.now_ms, PUMP in self.on_since
            end = cabinet.leases.due_ms()
            turn_ms = 60_000 if end is None else min(1_000 if pumping else 30_000, max(1, end - before))
            cabinet.run(turn_ms, turn_ms, heard=heard)
            if pumping and self.fallback:
                day = before // local.DAY_MS
                self.spent[day] = self.spent.get(day, 0) + cabinet.now_ms - before
            dry = not isinstance(cabinet.flow, int) or cabinet.flow < 2_000
            self.follow()
            if PUMP in self.on_since and dry:
                if self.dry_since is None:
                    self.dry_since = max(before, self.on_since[PUMP])
                assert cabinet.now_ms - self.dry_since <= 15_000
            else:
                self.dry_since = None

    @rule(output=st.sampled_from([PUMP, VALVE, VALVE]), minutes=st.sampled_from([1, 10, 30]))
    def a_command(self, output: int, minutes: int) -> None:
        self.cabinet.heard_ms = self.cabinet.now_ms
        self.cabinet.order(output, minutes)
        self.cabinet.turn(0)
        self.follow()

    @rule(down=st.booleans())
    def button(self, down: bool) -> None:
        self.cabinet.down = down
        self.cabinet.turn(1)
        self.follow()

    @rule(soil=st.sampled_from([None, 1_000_000, 2_500_000, 2_500_000]), salt=st.sampled_from([None, 400, 400, 9_000]))
    def weather(self, soil: int | None, salt: int | None) -> None:
        self.cabinet.soil, self.cabinet.salt = soil, salt

    @rule(flow=st.sampled_from([0, 9_000, 9_000, None]))
    def water(self, flow: int | None) -> None:
        self.cabinet.flow = flow

    @invariant()
    def limits_hold(self) -> None:
        if not hasattr(self, "cabinet"):
            return
        due = self.cabinet.leases.due_ms()
        assert due is None or due > self.cabinet.now_ms
        assert all(self.cabinet.now_ms - at < 1_800_000 for at in self.on_since.values())
        assert PUMP not in self.on_since or VALVE in self.on_since
        assert all(ms <= FALLBACK["minutes_day"] * MINUTE_MS for ms in self.spent.values())


TestCabinet = CabinetMachine.TestCase
TestCabinet.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
