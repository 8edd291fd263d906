"""Outputs and commands of a node, by example and by machine.

Promise P3: no output stays on beyond its lease or its hard maximum. Promise P4: a command runs at most once, only if
it is fresh, and only if it is ours. Invariants of the machine: see ``LeaseMachine``.
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from firmware.node.lease import HARD_REST_MS, Leases, outputs_of
from wire import commands
from wire.commands import Command, Receipt

NONCE = b"12345678"
BOOT = 0x10001
VALVE, VALVE_2, PUMP = 0, 1, 2
CONFIG = {
    "outputs": [
        {"index": VALVE, "kind": "valve", "hard_max_s": 60, "min_rest_s": 5},
        {"index": VALVE_2, "kind": "valve", "hard_max_s": 30},
        {"index": PUMP, "kind": "pump", "hard_max_s": 40, "min_rest_s": 10},
    ]
}
HARD_MAX_MS = {VALVE: 60_000, VALVE_2: 30_000, PUMP: 40_000}
START_MS = 20_000  # all have rested since the boot


def leases() -> Leases:
    return Leases(outputs_of(CONFIG), BOOT, NONCE)


def command(
    counter: int, action: int = commands.OPEN, output: int = VALVE, ms: int = 1000, **changes: object
) -> Command:
    given = {
        "counter": counter,
        "nonce": NONCE,
        "action": action,
        "output": output,
        "duration_ms": ms if action == commands.OPEN else 0,
        "expires_uptime_ms": 2**40,
        **changes,
    }
    return Command(**given)  # type: ignore[arg-type]


def test_a_lease_ends_by_itself_and_says_so() -> None:
    node = leases()
    receipt = node.command(command(1, ms=1000), False, START_MS)
    assert (receipt.status, receipt.until_uptime_ms, receipt.outputs_mask) == (commands.ACCEPTED, START_MS + 1000, 1)
    assert node.take_changes() == [(VALVE, True)] and node.due_ms() == START_MS + 1000
    node.tick(START_MS + 999)
    assert node.take_changes() == []
    node.tick(START_MS + 1000)
    assert node.take_changes() == [(VALVE, False)]
    assert node.take_ended() == [Receipt(BOOT, 1, commands.ENDED_LEASE, VALVE, 0, 0, START_MS + 1000)]


def test_renewals_move_the_lease_but_never_the_hard_maximum() -> None:
    node = leases()
    now = START_MS
    for counter in range(1, 8):
        assert node.command(command(counter, ms=30_000), False, now).status == commands.ACCEPTED
        now += 9_000
    assert node.due_ms() == START_MS + HARD_MAX_MS[VALVE]
    node.tick(START_MS + HARD_MAX_MS[VALVE])
    (ended,) = node.take_ended()
    assert (ended.status, ended.counter) == (commands.ENDED_HARD_MAX, 7)
    again = node.command(command(9), False, START_MS + HARD_MAX_MS[VALVE] + HARD_REST_MS - 1)
    assert again.status == commands.RESTING
    assert node.command(command(10), False, START_MS + HARD_MAX_MS[VALVE] + HARD_REST_MS).status == commands.ACCEPTED


def test_a_renewal_that_comes_after_the_end_does_not_revive() -> None:
    node = leases()
    node.command(command(1, ms=1000), False, START_MS)
    late = node.command(command(2, ms=1000), False, START_MS + 1000)
    assert late.status == commands.RESTING
    assert node.take_changes() == [(VALVE, True), (VALVE, False)]


@pytest.mark.parametrize(
    ("changes", "retained", "status"),
    [
        ({}, True, commands.RETAINED),
        ({"nonce": b"another1"}, False, commands.BAD_NONCE),
        ({"counter": 4}, False, commands.REPLAYED),
        ({"expires_uptime_ms": START_MS - 1}, False, commands.EXPIRED),
        ({"output": 7}, False, commands.UNKNOWN_OUTPUT),
        ({"output": commands.NO_OUTPUT}, False, commands.UNKNOWN_OUTPUT),
        ({"duration_ms": 0}, False, commands.NO_DURATION),
        ({"duration_ms": 60_001}, False, commands.TOO_LONG),
        ({"output": PUMP}, False, commands.INTERLOCK),
    ],
)
def test_what_is_refused_moves_nothing(changes: dict[str, object], retained: bool, status: int) -> None:
    node = leases()
    node.command(command(5, commands.QUERY, commands.NO_OUTPUT), False, START_MS)
    receipt = node.command(command(**{"counter": 6, **changes}), retained, START_MS)  # type: ignore[arg-type]
    assert receipt.status == status and commands.is_refusal(status)
    assert node.take_changes() == [] and node.mask() == 0 and node.refused == 1


def test_at_its_last_moment_a_command_is_still_good() -> None:
    assert leases().command(command(1, expires_uptime_ms=START_MS), False, START_MS).status == commands.ACCEPTED


def test_a_copy_gets_the_same_receipt_and_does_nothing() -> None:
    node = leases()
    first = node.command(command(1, ms=5000), False, START_MS)
    node.take_changes()
    copy = node.command(command(1, ms=5000), False, START_MS + 3000)
    assert copy == first and node.due_ms() == START_MS + 5000 and node.take_changes() == []
    refused = node.command(command(2, ms=10**7), False, START_MS)
    assert node.command(command(2, ms=10**7), False, START_MS + 1) == refused
    assert node.refused == 1, "a copy of a refusal is not another refusal"


def test_a_stranger_does_not_use_up_counters() -> None:
    node = leases()
    node.command(command(100, nonce=b"another1"), False, START_MS)
    node.command(command(100), True, START_MS)
    assert node.command(command(1), False, START_MS).status == commands.ACCEPTED


def test_a_pump_goes_with_its_last_valve_and_before_it() -> None:
    node = leases()
    for counter, output in enumerate((VALVE, VALVE_2, PUMP), 1):
        node.command(command(counter, output=output, ms=20_000), False, START_MS)
    assert node.take_changes() == [(VALVE, True), (VALVE_2, True), (PUMP, True)]
    node.command(command(4, commands.CLOSE, VALVE), False, START_MS + 1)
    assert node.take_changes() == [(VALVE, False)]
    node.take_ended()
    receipt = node.command(command(5, commands.CLOSE, VALVE_2), False, START_MS + 2)
    assert node.take_changes() == [(PUMP, False), (VALVE_2, False)] and receipt.outputs_mask == 0
    assert [(r.output, r.status, r.counter) for r in node.take_ended()] == [
        (PUMP, commands.ENDED_COMMAND, 3),
        (VALVE_2, commands.ENDED_COMMAND, 2),
    ]


def test_what_the_board_switched_off_by_itself_is_over_and_told() -> None:
    node = leases()
    node.command(command(1, output=VALVE, ms=1_000), False, START_MS)
    node.command(command(2, output=VALVE_2, ms=30_000), False, START_MS)
    node.command(command(3, output=PUMP, ms=20_000), False, START_MS)
    node.take_changes()
    node.cut(START_MS + 1_500)
    assert [(r.output, r.status, r.outputs_mask) for r in node.take_ended()] == [
        (VALVE, commands.ENDED_LEASE, 0b110),
        (PUMP, commands.ENDED_LEASE, 0b010),
        (VALVE_2, commands.ENDED_LEASE, 0),
    ]
    assert node.mask() == 0 and node.due_ms() is None
    assert node.take_changes() == [(VALVE, False), (PUMP, False), (VALVE_2, False)]


def test_close_all_and_query() -> None:
    node = leases()
    node.command(command(1, output=VALVE), False, START_MS)
    node.command(command(2, output=PUMP), False, START_MS)
    asked = node.command(command(3, commands.QUERY, commands.NO_OUTPUT), False, START_MS)
    assert (asked.status, asked.outputs_mask) == (commands.ACCEPTED, 0b101)
    closed = node.command(command(4, commands.CLOSE_ALL, commands.NO_OUTPUT), False, START_MS)
    assert (closed.status, closed.outputs_mask) == (commands.ACCEPTED, 0)
    assert node.take_changes()[-2:] == [(PUMP, False), (VALVE, False)]


def test_after_a_boot_outputs_rest_first() -> None:
    assert leases().command(command(1), False, 4_999).status == commands.RESTING
    assert leases().command(command(1), False, 5_000).status == commands.ACCEPTED


@pytest.mark.parametrize(
    "output",
    [
        {"index": 8, "kind": "valve", "hard_max_s": 60},
        {"index": 0, "kind": "lamp", "hard_max_s": 60},
        {"index": 0, "kind": "valve", "hard_max_s": 0},
        {"index": 0, "kind": "valve", "hard_max_s": 5 * 3600},
        {"index": 0, "kind": "valve", "hard_max_s": 60, "min_rest_s": -1},
    ],
)
def test_a_config_without_an_end_is_refused(output: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="output"):
        outputs_of({"outputs": [output]})


class LeaseMachine(RuleBasedStateMachine):
    """Any commands, in any order, copied, late, foreign, and a loop that may be late.

    Invariants after each step: nothing is on at or beyond the end of its last accepted lease or its hard maximum;
    changes alternate on and off; no pump is on without a valve, at no point of the order of switching; each counter
    moved outputs at most once; a copy is answered as the original was; every end is told.
    """

    @initialize()
    def start(self) -> None:
        self.now = START_MS
        self.node = leases()
        self.on: dict[int, int] = {}  # output -> first open
        self.until: dict[int, int] = {}
        self.answers: dict[int, Receipt] = {}
        self.last = 0
        self.moved: set[int] = set()
        self.ends = 0

    @rule(ms=st.one_of(st.integers(0, 3000), st.integers(0, 70_000)))
    def time_passes(self, ms: int) -> None:
        self.now += ms
        self.node.tick(self.now)
        self.take(None)

    @rule(
        step=st.sampled_from([-1, 0, 1, 1, 1, 1, 3]),
        action=st.sampled_from([commands.OPEN, commands.OPEN, commands.OPEN, commands.CLOSE, *commands.ACTIONS]),
        output=st.sampled_from([VALVE, VALVE, VALVE_2, PUMP, PUMP, 5]),
        ms=st.sampled_from([0, 1, 900, 5_000, 29_000, 45_000, 60_000, 2**32 - 1]),
        late_ms=st.sampled_from([-1, 0, 1, 10_000]),
        ours=st.sampled_from([True, True, True, True, False]),
        retained=st.sampled_from([False, False, False, False, True]),
        wait_ms=st.sampled_from([0, 0, 10, 1500]),
    )
    def a_command(
        self, step: int, action: int, output: int, ms: int, late_ms: int, ours: bool, retained: bool, wait_ms: int
    ) -> None:
        self.now += wait_ms  # the loop is late: no tick came before this command
        counter = max(0, self.last + step)
        sent = Command(counter, NONCE if ours else b"stranger", action, output, ms, self.now + late_ms)
        receipt = self.node.command(sent, retained, self.now)
        fresh = ours and not retained and counter > self.last
        if not ours or retained or (counter <= self.last and counter not in self.answers):
            assert commands.is_refusal(receipt.status)
        elif not fresh:
            assert receipt == self.answers[counter] if counter == self.last else commands.is_refusal(receipt.status)
        else:
            self.last = counter
            self.answers[counter] = receipt
            if late_ms < 0:
                assert receipt.status == commands.EXPIRED
            if receipt.status == commands.ACCEPTED and action == commands.OPEN:
                assert 0 < ms <= HARD_MAX_MS[output]
                self.until[output] = self.now + ms
        self.take(counter if fresh else None)

    @precondition(lambda self: self.on)
    @rule(output=st.sampled_from([VALVE, VALVE_2, PUMP]), ms=st.integers(1_000, 30_000), early=st.booleans())
    def a_renewal(self, output: int, ms: int, early: bool) -> None:
        """As a gateway does it that wants to keep an output open for ever; never late."""
        if output in self.on:
            self.now += max(0, (self.until[output] - self.now) // (3 if early else 1) - 1)
            self.a_command(1, commands.OPEN, output, ms, 1_000, True, False, 0)

    def take(self, counter: int | None) -> None:
        """What is switched, in order; ``counter`` is that of a fresh command which may have moved something."""
        for output, on in self.node.take_changes():
            assert on != (output in self.on), "each change is a change"
            if on:
                assert counter is not None, "only a fresh command opens"
                self.on[output] = self.now
                assert counter not in self.moved
                self.moved.add(counter)
            else:
                del self.on[output]
                self.ends += 1
            assert PUMP not in self.on or {VALVE, VALVE_2} & set(self.on), "a pump without an open valve"

    @invariant()
    def nothing_is_on_beyond_its_end(self) -> None:
        for output, opened in self.on.items():
            assert self.now < self.until[output]
            assert self.now < opened + HARD_MAX_MS[output]
        assert self.node.mask() == sum(1 << output for output in self.on)

    @invariant()
    def the_next_end_is_known(self) -> None:
        due = self.node.due_ms()
        assert (due is None) == (not self.on) and (due is None or due > self.now)

    @precondition(lambda self: self.ends)
    @rule()
    def every_end_is_told(self) -> None:
        told = self.node.take_ended()
        assert len(told) == self.ends and all(receipt.status >= commands.ENDED_LEASE for receipt in told)
        self.ends = 0


LeaseMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLeases = LeaseMachine.TestCase
