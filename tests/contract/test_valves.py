"""Latching valves: the shipped code of hal and bank in real MicroPython, against a bank of capacitors and two valves.

Promise P3 where an output stays where it is without power: what closes it needs energy, and time.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from firmware.drivers import latch
from tests.support.boards import run_board

RUNNER = Path(__file__).parent / "valve_runner.py"
OPEN_1, CLOSE_1, OPEN_2, CLOSE_2 = (1, True), (1, False), (2, True), (2, False)
SHUT = {1: False, 2: False}
WANTED = {
    "valves_close_at_boot": (SHUT, [CLOSE_1, CLOSE_2], True, 0),
    "a_lease_that_ends_while_another_valve_opens": ([OPEN_1, CLOSE_1, OPEN_2], True),
    "capacitors_that_do_not_fill": (SHUT, [], True, None),
    "capacitors_that_fill_by_half_close_all_the_same": (SHUT, [CLOSE_1, CLOSE_2]),
    "a_cell_that_is_almost_empty_closes": (True, False, [OPEN_2, CLOSE_2, OPEN_2]),
    "a_fault_of_the_program_closes": SHUT,
    "the_radio_and_a_pulse_never_meet": (True, True, True, [], SHUT),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    config = tmp_path_factory.mktemp("valves") / "node.json"
    lines = (line.split(": ", 1) for line in run_board(RUNNER, str(config)).splitlines())
    return {name: ast.literal_eval(said) for name, said in lines}


@pytest.mark.parametrize("name", WANTED)
def test_what_a_valve_does(told: dict[str, object], name: str) -> None:
    assert told[name] == WANTED[name]


def test_the_energy_to_close_is_kept_while_a_valve_is_open(told: dict[str, object]) -> None:
    moved, kept, took_ms, charging, valves = ast.literal_eval(repr(told["opens_and_closes"]))
    assert (moved, kept, charging, valves) == ([OPEN_1, CLOSE_1], True, 0, SHUT) and took_ms <= 150


def test_the_guard_closes_what_stays_open_without_power(told: dict[str, object]) -> None:
    moved, in_time, valves, late_ms = ast.literal_eval(repr(told["the_guard_closes_beside_a_program_that_hangs"]))
    assert (sorted(moved), in_time, valves, late_ms) == ([CLOSE_1, CLOSE_2], True, SHUT, 500)


class BankMachine(RuleBasedStateMachine):
    """Any wishes, any voltages: what the bank asks for keeps its rules."""

    def __init__(self) -> None:
        super().__init__()
        self.bank, self.now_ms = latch.Bank(2), 0
        self.wish = [False, False]
        self.last: list[bool | None] = [None, None]

    @rule(valve=st.sampled_from([0, 1]), on=st.booleans())
    def want(self, valve: int, on: bool) -> None:
        self.bank.want(valve, on)
        self.wish[valve] = on

    @rule(millivolt=st.sampled_from([2_500, 2_949, 2_950, 3_050, 3_100, 3_400]))
    def cell(self, millivolt: int) -> None:
        self.bank.cell(millivolt)
        if millivolt < latch.CLOSE_BELOW_MV:
            self.wish = [False, False]

    @rule(ms=st.sampled_from([1, 50, 1_000, 3_000, 60_000]), millivolt=st.sampled_from([0, 6_999, 7_000, 8_999, 9_000]))
    def turn(self, ms: int, millivolt: int) -> None:
        self.now_ms += ms
        found = self.bank.next(self.now_ms, millivolt)
        if found is None or found == latch.WAIT:
            return
        opened = self.bank.wants(found)
        assert not opened or (self.wish[found] and millivolt >= latch.READY_MV), "opens only what is wished, with force"
        assert millivolt >= latch.LEAST_MV
        self.bank.done(found, opened)
        self.last[found] = opened

    @invariant()
    def closes_within_a_retry(self) -> None:
        """Whatever came before: with the wishes gone and capacitors full, all valves are closed two pulses later."""
        if any(self.wish):
            return
        later = latch.Bank(2)
        later.__dict__.update({key: value[:] if isinstance(value, list) else value
                               for key, value in self.bank.__dict__.items()})  # fmt: skip
        shut = list(self.last)
        for _ in range(3):
            found = later.next(self.now_ms + latch.RETRY_MS, latch.READY_MV)
            if found is not None:
                assert found != latch.WAIT and not later.wants(found)
                later.done(found, False)
                shut[found] = False
        assert shut == [False, False] and not later.charge()


TestBank = BankMachine.TestCase
TestBank.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
