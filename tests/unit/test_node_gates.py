"""Sluices and lifts on a node: under the same leases as all outputs (P3), and neither path nor guest of a pump."""

from __future__ import annotations

from firmware.node.lease import Leases, outputs_of
from wire import commands
from wire.commands import Command

NONCE = b"12345678"
SLUICE, LIFT, PUMP, VALVE = 0, 1, 2, 3
CONFIG = {
    "outputs": [
        {"index": index, "kind": kind, "hard_max_s": 60}
        for index, kind in enumerate(("sluice", "lift", "pump", "valve"))
    ]
}


class Node:
    def __init__(self) -> None:
        self.leases = Leases(outputs_of(CONFIG), 1, NONCE)
        self.counter = 0

    def order(self, action: int, output: int, at_ms: int, ms: int = 30_000) -> int:
        self.counter += 1
        ms = ms if action == commands.OPEN else 0
        return self.leases.command(Command(self.counter, NONCE, action, output, ms, 2**40), False, at_ms).status


def test_a_sluice_and_a_lift_open_without_anything_else() -> None:
    for gate in (SLUICE, LIFT):
        node = Node()
        assert node.order(commands.OPEN, gate, 0) == commands.ACCEPTED
        assert node.leases.due_ms() == 30_000
        assert node.order(commands.OPEN, gate, 20_000) == commands.ACCEPTED
        node.leases.tick(50_000)
        assert node.leases.take_changes() == [(gate, True), (gate, False)]


def test_neither_is_a_path_for_a_pump() -> None:
    node = Node()
    for gate in (SLUICE, LIFT):
        node.order(commands.OPEN, gate, 0)
    assert node.order(commands.OPEN, PUMP, 0) == commands.INTERLOCK


def test_a_pump_ends_with_its_valve_and_a_sluice_does_not() -> None:
    node = Node()
    for output in (SLUICE, VALVE, PUMP):
        assert node.order(commands.OPEN, output, 0) == commands.ACCEPTED
    node.leases.take_changes()
    node.order(commands.CLOSE, SLUICE, 1_000)
    assert node.leases.take_changes() == [(SLUICE, False)]
    node.order(commands.OPEN, SLUICE, 2_000)
    node.leases.take_changes()
    node.order(commands.CLOSE, VALVE, 3_000)
    assert node.leases.take_changes() == [(PUMP, False), (VALVE, False)]
    assert node.leases.mask() == 1 << SLUICE
