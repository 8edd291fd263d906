"""The leases of a node explored to the end: every order of commands and of time, until no new state comes up.

Promise P3, without chance: time goes in steps of UNIT_MS; a lease, a maximum and a rest are a few steps long, so the
states of a node with a valve and a pump are finite when told relative to now. In every one of them, and after each
thing that can happen in it, nothing is on at or beyond the end of its last accepted lease or its hard maximum, a pump
is never on without a valve, and from every one of them time alone leads to all off.
"""

from __future__ import annotations

import copy
from collections import deque
from typing import NamedTuple

from firmware.node.lease import HARD_REST_MS, Leases, outputs_of
from wire import commands
from wire.commands import Command

UNIT_MS = 20_000
VALVE, PUMP = 0, 1
CONFIG = {
    "outputs": [
        {"index": VALVE, "kind": "valve", "hard_max_s": 80},
        {"index": PUMP, "kind": "pump", "hard_max_s": 60, "min_rest_s": 20},
    ]
}
HARD_MAX = {VALVE: 80_000, PUMP: 60_000}
NONCE = b"12345678"
LONGEST_REST = HARD_REST_MS // UNIT_MS
Event = tuple[str, int, int]
EVENTS: list[Event] = [
    ("time", 0, 1), ("time", 0, 3), ("cut", 0, 0), ("close_all", 0, 0),
    *(("close", output, 0) for output in (VALVE, PUMP)),
    *(("open", output, units) for output in (VALVE, PUMP) for units in (0, 1, 2, 3, 4, 5)),
    *(("own", output, units) for output in (VALVE, PUMP) for units in (1, 3)),
]  # fmt: skip


class Ghost(NamedTuple):
    """What a witness knows of an output: when it went on, and until when it was allowed to be; None is off."""

    since_ms: int
    until_ms: int


class World:
    def __init__(self) -> None:
        self.now_ms = 10 * UNIT_MS
        self.leases = Leases(outputs_of(CONFIG), 0x10001, NONCE)
        self.ghosts: dict[int, Ghost] = {}
        self.on: set[int] = set()  # as it was switched
        self.counter = 0

    def after(self, event: Event) -> World:
        found = copy.deepcopy(self)
        found.happen(*event)
        found.look()
        return found

    def happen(self, what: str, output: int, units: int) -> None:
        if what == "time":
            self.now_ms += units * UNIT_MS
            self.leases.tick(self.now_ms)
        elif what == "cut":
            self.leases.cut(self.now_ms)
        elif what == "close_all":
            self.leases.close_all(self.now_ms)
        else:
            self.counter += 1
            status = self.order(what, output, units * UNIT_MS)
            if what != "close" and status == commands.ACCEPTED:
                since_ms = self.ghosts[output].since_ms if output in self.ghosts else self.now_ms
                self.ghosts[output] = Ghost(since_ms, self.now_ms + units * UNIT_MS)

    def order(self, what: str, output: int, ms: int) -> int:
        if what == "own":
            return int(self.leases.open(output, ms, 0, self.now_ms))
        action = commands.OPEN if what == "open" else commands.CLOSE
        return int(
            self.leases.command(Command(self.counter, NONCE, action, output, ms, 2**40), False, self.now_ms).status
        )

    def look(self) -> None:
        """Follow what is switched, in its order, and hold it against what is allowed."""
        for output, is_on in self.leases.take_changes():
            assert is_on == (output not in self.on), "switched twice"
            if is_on:
                self.on.add(output)
            else:
                self.on.discard(output)
                self.ghosts.pop(output, None)
            assert PUMP not in self.on or VALVE in self.on, "a pump without a valve, if only for a moment"
        self.leases.take_ended()
        assert self.on == set(self.ghosts) and self.leases.mask() == sum(1 << output for output in self.on)
        for output, ghost in self.ghosts.items():
            assert self.now_ms < ghost.until_ms, "beyond its lease"
            assert self.now_ms < ghost.since_ms + HARD_MAX[output], "beyond its hard maximum"
        due = self.leases.due_ms()
        assert (due is None) == (not self.ghosts)

    def key(self) -> tuple[tuple[int, ...], ...]:
        """All that what comes next depends on, relative to now."""
        rows = []
        for output in (VALVE, PUMP):
            found = self.leases.find(output)
            assert found is not None
            rest = min(LONGEST_REST, max(0, found.rested_at_ms - self.now_ms) // UNIT_MS)
            if found.on:
                rows.append(
                    (1, (found.lease_end_ms - self.now_ms) // UNIT_MS, (found.hard_end_ms - self.now_ms) // UNIT_MS)
                )
            else:
                rows.append((0, rest, 0))
        return tuple(rows)


def test_no_order_of_events_keeps_an_output_on() -> None:
    start = World()
    known = {start.key(): start}
    waiting = deque([start])
    steps = 0
    while waiting:
        world = waiting.popleft()
        for event in EVENTS:
            after = world.after(event)
            steps += 1
            if after.key() not in known:
                known[after.key()] = after
                waiting.append(after)
    assert 100 < len(known) < 2_000 and steps == len(known) * len(EVENTS), f"{len(known)} states"
    for world in known.values():
        later = world.after(("time", 0, 4))
        assert not later.ghosts and later.leases.mask() == 0, "time alone leads to all off"
    both = {(key[0][0], key[1][0]) for key in known}
    assert both == {(0, 0), (1, 0), (1, 1)}, "and all that may be is reached"
