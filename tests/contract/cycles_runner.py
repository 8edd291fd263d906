# mypy: ignore-errors
# ruff: noqa: E402, I001, ARG002 (MicroPython: `node` is on the path, the threshold comes before what is loaded)
"""Runs in real MicroPython with the heap of an ESP32: a node that publishes, turn after turn. Argument: how many times.

Leases, sampler, journal on a real LittleFS, talk and seals are the node's own; the gateway is in this program and
acknowledges at once. Prints the live heap after a tenth of the turns and after all of them.
"""

import gc
import sys

gc.threshold(2048)

import flash_file
from node import core, journal, link, volume
from wire import fields, frames, topics
from wire.seal import Sealer

KEY = bytes(range(32))
CONFIG = {
    "village": "v1",
    "node": "n1",
    "model": "valve",
    "key": KEY.hex(),
    "sensors": [
        {"field": fields.SOIL_MOISTURE, "every_s": 10, "reads": 1},
        {"field": fields.SOIL_TEMPERATURE, "every_s": 10, "reads": 1},
    ],
    "outputs": [{"index": 0, "kind": "valve", "hard_max_s": 60}],
}


class Board:
    def __init__(self):
        self.now_ms = 0
        self.tend = None

    def ticks_ms(self):
        return self.now_ms

    link_ms = ticks_ms

    def random_bytes(self, count):
        return b"n" * count

    def boot_cause(self):
        return frames.BOOT_POWER

    def heap_free(self):
        return 20_000

    def measuring(self):
        return True

    def read_raw(self, sensor):
        return 1_000_000 + self.now_ms % 977

    def __getattr__(self, name):
        """What has nothing to do here: feed, arm, fired, set_output, rssi, trace, stuck."""
        return _nothing

    def wait(self, _poller, link_ms, due_ms=None):
        self.now_ms += 1_000 if due_ms is None else max(1, min(1_000, due_ms - self.now_ms))


def _nothing(*_arguments):
    return None


class Line:
    """The link, and the gateway behind it."""

    poller = None
    connected = True
    room = 2
    in_flight = foreign = skipped = 0

    def __init__(self):
        self.sealer = Sealer(KEY)
        self.events = [(link.CONNECTED, False)]
        self.published = 0

    def step(self, _link_ms):
        taken, self.events = self.events, []
        return taken

    def publish(self, kind, sealed):
        frame = self.sealer.unseal(topics.topic("v1", "n1", topics.UP, kind), sealed)
        boot, ranges = 0, []
        if kind == topics.READINGS:
            got = frames.decode_readings(frame)
            boot, ranges = got.boot_id, frames.ranges_of([record[0] for record in got.records])
            self.published += 1
        elif kind == topics.HELLO:
            boot = frames.decode_hello(frame).boot_id
        ack = frames.encode_ack(boot, 1_790_000_000_000, fields.CLOCK_SNTP, ranges)
        sealed = self.sealer.seal(topics.topic("v1", "n1", topics.DOWN, topics.ACK), ack)
        self.events.append((link.MESSAGE, topics.ACK, sealed, False))
        return True

    def wait_ms(self, _link_ms):
        return 10_000


def main(count, flash):
    blocks, _ = volume.mount(flash_file.FlashFile(flash), lambda: None)
    line = Line()
    node = core.Node(CONFIG, Board(), journal.Journal(volume.MOUNT_POINT, blocks, 1), line)
    live = []
    for target in (count // 10, count):
        while line.published < target:
            node.step()
        gc.collect()
        live.append(gc.mem_alloc())
    print(line.published, live[0], live[1])


main(int(sys.argv[1]), sys.argv[2])
