# mypy: ignore-errors
# ruff: noqa: I001, UP031 (MicroPython: `node` is on the path)
"""Runs in real MicroPython: thirty days of a node that sleeps, in virtual time, on a real LittleFS.

Arguments: days, drift in ppm. Around the node are a clock that drifts with the day's heat, a gateway that is away at
times, rain, a weak battery and one that is pulled. Everything that the node says is stored is looked for at the
gateway in the end.
Prints one line of figures; any breach raises.
"""

import gc
import random
import sys

from node import link, wake
from wire import fields, frames, topics
from wire.seal import Sealer

DAY_MS = 86_400_000
START_MS = 1_790_000_000_000
KEY = bytes(range(32))
BLOCKS = 256
SIZE = 4096
CONFIG = {
    "village": "v1",
    "node": "soil-1",
    "model": "soil",
    "key": KEY.hex(),
    "battery_mv": (3_100, 2_900),
    "send_s": 1_800,
    "sensors": [
        {"field": fields.SOIL_MOISTURE, "every_s": 600, "reads": 1},
        {"field": fields.SOIL_TEMPERATURE, "every_s": 600, "reads": 1},
        {"field": fields.BATTERY, "every_s": 600, "reads": 1},
    ],
}
# In days: when the gateway is away, when the battery is weak, when it rains, when the battery is pulled.
AWAY = ((3.2, 3.9), (8.0, 11.0), (20.0, 20.3))
WEAK = (27.0, 28.0)
RAIN = ((12.0, 12.1), (25.3, 25.4))
PULLED = (15.5,)


def within(at_ms, spans):
    day = at_ms / DAY_MS
    return any(first <= day < last for first, last in spans)


class Flash:
    def __init__(self):
        self.data = bytearray(b"\xff" * (BLOCKS * SIZE))
        self.erases = self.programs = 0

    def readblocks(self, block, buffer, offset=0):
        at = block * SIZE + offset
        buffer[:] = self.data[at : at + len(buffer)]
        return 0

    def writeblocks(self, block, buffer, offset=0):
        self.programs += 1
        at = block * SIZE + offset
        self.data[at : at + len(buffer)] = buffer
        return 0

    def ioctl(self, operation, argument):
        if operation == 4:
            return BLOCKS
        if operation == 5:
            return SIZE
        if operation == 6:
            self.erases += 1
            self.data[argument * SIZE : (argument + 1) * SIZE] = b"\xff" * SIZE
        return 0


class Board:
    """The hal. ``at_ms`` is true time since the start; the RTC drifts away from it."""

    briefing = None  # there are no slots

    def __init__(self, drift_ppm):
        self.flash = Flash()
        self.told_ms = 0  # when the gateway told its time last
        self.drift_ppm = drift_ppm
        self.at_ms = 0
        self.rtc_us = 500_000
        self.memory = bytearray(2044)
        self.stored = {}  # (boot, seq) -> when, and how long after the gateway told its time
        self.reads = 0

    def ppm(self):
        """A constant part, and one that follows the heat of the day."""
        return self.drift_ppm + int(3_000 * abs((self.at_ms % DAY_MS) / DAY_MS - 0.5))

    def pass_ms(self, ms):
        self.rtc_us += ms * 1000 + ms * self.ppm() // 1000
        self.at_ms += ms

    def sleep(self, rtc_ms):
        until_us = self.rtc_us + rtc_ms * 1000
        while self.rtc_us < until_us:
            self.pass_ms(max(1, min(600_000, (until_us - self.rtc_us) * 1000 // (1_000_000 + self.ppm()))))

    def rtc(self):
        return bytearray(self.memory)

    def rtc_keep(self, memory):
        self.memory[:] = memory

    def rtc_ms(self):
        return self.rtc_us // 1000

    def link_ms(self):
        return self.at_ms

    def feed(self):
        pass

    def measuring(self):
        return True

    def config_news(self):
        return None

    def config_proved(self):
        pass

    def read_raw(self, sensor):
        self.pass_ms(40)
        self.reads += 1
        if sensor["field"] == fields.BATTERY:
            return 3_000 if within(self.at_ms, (WEAK,)) else 3_300
        if sensor["field"] == fields.SOIL_TEMPERATURE:
            return 2_600 + self.reads % 300
        wet = sum(max(0, min(1.0, (self.at_ms / DAY_MS - first) / (last - first))) for first, last in RAIN)
        return int(1_000_000 + 700_000 * wet) + self.reads % 7

    def block_device(self):
        return self.flash

    def random_bytes(self, count):
        return bytes(random.getrandbits(8) for _ in range(count))

    def rssi(self):
        return -60

    def heap_free(self):
        return 50_000

    def boot_cause(self):
        return frames.BOOT_SLEEP

    def trace(self, line):
        words = line.split()
        if words[0] == "stored":
            for seq in range(int(words[2]), int(words[3]) + 1):
                self.stored[int(words[1]), seq] = self.at_ms, self.at_ms - self.told_ms
        else:
            raise RuntimeError(line)

    def wait(self, _poller, link_ms, _due_ms=None):
        self.pass_ms(max(20, min(link_ms, 250)))


class Gateway:
    def __init__(self, board):
        self.board = board
        self.sealer = Sealer(KEY)
        self.kept = {}
        self.offsets = {}
        # The error of a reading's time: in the first two hours of a boot, soon after a talk, and in an outage.
        self.worst = {"begin": 0, "soon": 0, "late": 0}
        self.talks = 0

    def take(self, kind, sealed):
        frame = self.sealer.unseal(topics.topic("v1", "soil-1", topics.UP, kind), sealed)
        if kind == topics.HELLO:
            hello = frames.decode_hello(frame)
            self.heard(hello.boot_id, hello.uptime_ms)
            self.talks += 1
            return hello.boot_id, []
        got = frames.decode_readings(frame)
        self.heard(got.boot_id, got.sent_uptime_ms)
        for record in got.records:
            key = got.boot_id, record[0]
            assert self.kept.get(key, record) == record, "two readings have one name"
            if key not in self.kept:
                self.kept[key] = record
                true_ms, since_ms = self.board.stored[key]
                when = "begin" if record[1] < 7_200_000 else "soon" if since_ms < 2_000_000 else "late"
                error_ms = abs(self.offsets[got.boot_id] + record[1] - true_ms)
                self.worst[when] = max(self.worst[when], error_ms)
        return got.boot_id, frames.ranges_of([record[0] for record in got.records])

    def heard(self, boot, uptime_ms):
        sample = self.board.at_ms - uptime_ms
        self.offsets[boot] = min(self.offsets.get(boot, sample), sample)

    def ack(self, boot, ranges):
        self.board.told_ms = self.board.at_ms
        frame = frames.encode_ack(boot, START_MS + self.board.at_ms, fields.CLOCK_SNTP, ranges)
        return self.sealer.seal(topics.topic("v1", "soil-1", topics.DOWN, topics.ACK), frame)


class Line:
    """What stands in for the link: the gateway of ``Line.gateway``."""

    gateway = None

    def __init__(self, hal, _config, _will, **_sizes):
        self.hal = hal
        self.connected = False
        self.foreign = self.skipped = 0
        self.poller = None
        self.events = []

    @property
    def room(self):
        return 3 if self.connected else 0

    def step(self, _link_ms):
        if not self.connected and not within(self.hal.at_ms, AWAY):
            self.connected = True
            self.events.append((link.CONNECTED, False))
        taken, self.events = self.events, []
        return taken

    def publish(self, kind, sealed):
        self.events.append((link.MESSAGE, topics.ACK, self.gateway.ack(*self.gateway.take(kind, sealed)), False))
        return True

    def wait_ms(self, _link_ms):
        return 50

    def close(self, _link_ms):
        pass


def main(days, drift_ppm):
    random.seed(drift_ppm)
    gc.threshold(500_000)  # or what stays is strewn over the whole heap, and a large table finds no room
    board = Board(drift_ppm)
    gateway = Line.gateway = Gateway(board)
    link.Link = Line
    wakes = pulled = lost = erased = offline = 0
    gaps = {}
    while board.at_ms < days * DAY_MS:
        if pulled < len(PULLED) and board.at_ms > PULLED[pulled] * DAY_MS:
            pulled += 1
            board.memory[:] = bytes(2044)
        before, spilled = len(board.stored), board.flash.erases
        sleeper = wake.Sleeper(dict(CONFIG, broker={}), board)
        rest_ms = sleeper.wake()
        if board.flash.erases > spilled and within(board.at_ms, AWAY):
            erased += board.flash.erases - spilled
        if within(board.at_ms, AWAY):
            offline += len(board.stored) - before
        gaps[rest_ms // 60_000] = gaps.get(rest_ms // 60_000, 0) + 1
        assert len(board.stored) > before or rest_ms < 60_000, "a wake that read nothing"
        wakes += 1
        board.sleep(rest_ms)
    boots = {boot for boot, _ in board.stored}
    last = board.at_ms - 2 * 3_600_000
    for key, (at_ms, _) in board.stored.items():
        if key not in gateway.kept and at_ms < last:
            lost += 1
            assert abs(at_ms / DAY_MS - PULLED[0]) < 1.2, "lost, and no battery was pulled"
    assert set(gateway.kept) <= set(board.stored), "invented"
    figures = {
        "wakes": wakes, "talks": gateway.talks, "boots": len(boots), "stored": len(board.stored),
        "arrived": len(gateway.kept), "lost": lost, "offline": offline, "erased": erased,
        "begin_ms": gateway.worst["begin"], "soon_ms": gateway.worst["soon"], "late_ms": gateway.worst["late"],
        "five": sum(count for minutes, count in gaps.items() if 3 <= minutes < 6),
        "twenty": sum(count for minutes, count in gaps.items() if 15 <= minutes < 25),
    }  # fmt: skip
    print(" ".join("%s=%d" % pair for pair in figures.items()))


main(float(sys.argv[1]), int(sys.argv[2]))
