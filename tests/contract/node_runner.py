# mypy: ignore-errors
# ruff: noqa: PTH208 (MicroPython has no pathlib)
"""Prints what the node's pure parts answer to one long scripted life. For both interpreters; argument: a folder.

Each line is one step, so the first line that differs points at what the interpreters see differently.
"""

import binascii
import os
import sys

try:
    from node import journal, lease, sampler, segment
except ImportError:  # CPython, from the repository
    from firmware.node import journal, lease, sampler, segment

from wire import commands, fields

OUTPUTS = {
    "outputs": [
        {"index": 0, "kind": "valve", "hard_max_s": 60, "min_rest_s": 5},
        {"index": 1, "kind": "valve", "hard_max_s": 30},
        {"index": 2, "kind": "pump", "hard_max_s": 40, "min_rest_s": 10},
    ]
}
SENSORS = {
    "sensors": [
        {"field": fields.SOIL_MOISTURE, "every_s": 10, "stuck_samples": 3},
        {"field": fields.WATER_LEVEL, "channel": 1, "every_s": 25, "reads": 1},
    ]
}


class Draw:
    """The same numbers in both interpreters."""

    def __init__(self, state):
        self.state = state

    def __call__(self, below):
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 8) % below


def leases(draw):
    node = lease.Leases(lease.outputs_of(OUTPUTS), 0x10001, b"12345678")
    now_ms = 20_000
    counter = 1
    for _ in range(400):
        now_ms += draw(4) * draw(9_000)
        if draw(3) == 0:
            node.tick(now_ms)
        counter = max(1, counter + (-1, 0, 1, 1, 1, 2)[draw(6)])
        command = commands.Command(
            counter,
            b"12345678" if draw(9) else b"stranger",
            (commands.OPEN, commands.OPEN, commands.OPEN, commands.CLOSE, commands.CLOSE_ALL, commands.QUERY)[draw(6)],
            draw(4),
            (0, 1, 5_000, 29_000, 41_000, 2**32 - 1)[draw(6)],
            now_ms + (-1, 0, 5_000)[draw(3)],
        )
        receipt = node.command(command, draw(12) == 0, now_ms)
        print("lease", now_ms, binascii.hexlify(commands.encode_receipt(receipt)).decode(), node.take_changes())
        print("ended", [(r.output, r.status, r.counter, r.uptime_ms) for r in node.take_ended()], node.due_ms())


def samples(draw):
    def read(_sensor):
        kind = draw(8)
        if kind == 0:
            raise OSError(5)
        return None if kind == 1 else (5, 5, 5, 900, -7, 2**40)[draw(6)]

    node = sampler.Sampler(SENSORS, read)
    for at in range(120):
        rows = node.sample(at * 5_000)
        print("sample", rows + node.health(at * 5_000, lambda: 1234, lambda: None, {fields.REFUSED_COMMANDS: at // 50}))


def stores(draw, folder):
    for _boot in range(3):
        store = journal.Journal(folder, 20, 7)
        for _ in range(60):
            rows = [(2**33 + draw(1000), 1, channel, 1, 0, draw(1000) - 500) for channel in range(draw(40) + 1)]
            print("stored", store.boot_id, store.append(rows), len(os.listdir(folder)), store.dropped)
            if draw(9) == 0:
                store.set_clock(1_700_000_000_000 + draw(1000), fields.CLOCK_GATEWAY)
            found = store.next_frame(2**33)
            if found is None:
                store.forget_flight()
                continue
            store.sent(found[1])
            print("frame", len(found[0]), binascii.crc32(found[0]), store.in_flight())
            if draw(3):
                first = segment.seq_of(found[0], 24)
                boot_id = int.from_bytes(found[0][2:6], "big")
                print("acked", store.acknowledge(boot_id, [(first, first + draw(60))]), store.in_flight())


leases(Draw(1))
samples(Draw(2))
stores(Draw(3), sys.argv[1])
