# mypy: ignore-errors
# ruff: noqa: I001, ARG002 (MicroPython: `node` is on the path)
"""Runs in real MicroPython: what one wake without a talk takes of the heap. Prints the figures of ten wakes.

The hal here allocates nothing itself; what it takes to load the program and to make ready is not counted, because it is
the same at every start.
"""

import gc

from node import wake
from wire import fields

CONFIG = {
    "sensors": [
        {"field": fields.SOIL_MOISTURE, "every_s": 600, "reads": 3},
        {"field": fields.SOIL_TEMPERATURE, "every_s": 600, "reads": 1},
        {"field": fields.CONDUCTIVITY_25, "every_s": 600, "reads": 1},
        {"field": fields.BATTERY, "every_s": 600, "reads": 1},
    ],
    "battery_mv": (3_100, 2_900),
}


class Board:
    """The hal of a board that has slept for ten minutes."""

    briefing = None  # there are no slots

    def __init__(self):
        self.memory = bytearray(2044)
        self.now_ms = 1_000

    def rtc(self):
        return self.memory

    def rtc_keep(self, memory):
        self.memory[:] = memory

    def rtc_ms(self):
        return self.now_ms

    link_ms = rtc_ms

    def feed(self):
        pass

    def measuring(self):
        return True

    def read_raw(self, sensor):
        return 3_300

    def random_bytes(self, count):
        return bytes(count)

    def block_device(self):
        raise OSError(5)

    def trace(self, line):
        pass

    def wait(self, _poller, _link_ms, _due_ms=None):
        pass


board = Board()
first = wake.Sleeper(CONFIG, board)
first.log.send_ms = 1 << 40
first.wake()
for _ in range(10):
    board.now_ms += 620_000
    sleeper = wake.Sleeper(CONFIG, board)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    sleeper.wake()
    after = gc.mem_alloc()
    gc.enable()
    print(after - before)
