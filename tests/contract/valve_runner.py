# mypy: ignore-errors
# ruff: noqa: UP031, PTH123 (MicroPython)
"""Moves simulated latching valves through the board's hal. For MicroPython, with tests/support/shims.

The bank of capacitors fills through its resistor while the charge pin is high, and each pulse takes 1.8 V out of it. A
valve moves by a pulse of at least 40 ms with 7 V, while the bridge is awake. Prints ``name: what happened``.
"""

import json
import sys

import hal
import world
from hal import board
from node import core, ramstore

from wire import commands

CHARGE, OPEN_1, CLOSE_1, WAKE, OPEN_2, CLOSE_2 = 25, 26, 27, 33, 21, 22
SENSE, CELL = 34, 35
FULL_MV, FALL_MV, TAU_MS = 9_600, 1_800, 520


class Bench:
    """Two valves, their bank and the cell."""

    def __init__(self, cell_mv=3_300, full_mv=FULL_MV, open_at_start=()):
        self.mv, self.since_us, self.full_mv, self.cell_mv = 0, world.board.now_us, full_mv, cell_mv
        self.valves = {1: 1 in open_at_start, 2: 2 in open_at_start}
        self.moves = []  # (ms, valve, open)
        self.pulsed = []  # (from us, to us) of every pulse
        self.seen = 0
        world.board.volts[SENSE] = lambda: self.bank_mv() * 100_000 // 502
        world.board.volts[CELL] = lambda: self.cell_mv * 1000 // 2

    def bank_mv(self):
        self.settle()
        return int(self.mv)

    def settle(self):
        """Follow what the pins did since the last look."""
        for at, pin, level in world.board.changes[self.seen :]:
            self.fill(at)
            self.seen += 1
            if pin in (OPEN_1, CLOSE_1, OPEN_2, CLOSE_2):
                if level:
                    self.pulse = (at, pin)
                elif getattr(self, "pulse", (0, 0))[1] == pin:
                    self.end(at)
        self.fill(world.board.now_us)

    def fill(self, until_us):
        if world.board.level_at(CHARGE, self.since_us):
            for _ in range((until_us - self.since_us) // 1000):
                self.mv += (self.full_mv - self.mv) / TAU_MS
        self.since_us = until_us

    def end(self, at):
        begun, pin = self.pulse
        awake = world.board.level_at(WAKE, begun) and world.board.level_at(WAKE, at - 1)
        assert not any(begun < other[1] and other[0] < at for other in self.pulsed), "two pulses at once"
        self.pulsed.append((begun, at))
        if awake and at - begun >= 40_000 and self.mv >= 7_000:
            valve, is_open = (1 if pin in (OPEN_1, CLOSE_1) else 2), pin in (OPEN_1, OPEN_2)
            self.valves[valve] = is_open
            self.moves.append((at // 1000, valve, is_open))
        self.mv = max(0, self.mv - FALL_MV)


scenarios = {}


def scenario(function):
    scenarios[function.__name__] = function
    return function


def start(**how):
    """A board that has just started, its valves told to close as the node does it."""
    world.reset()
    for name in ("latching", "guard", "adc"):
        if sys.modules.pop("hal." + name, None) is not None:
            delattr(hal, name)
    bench = Bench(**how)
    hal._last_ticks, hal._uptime_ms, hal.tend, hal._config, hal._latching = (
        world.board.now_us // 1000,
        0,
        None,
        None,
        None,
    )
    board.OUTPUT_PINS = (CHARGE, OPEN_1, CLOSE_1, WAKE, OPEN_2, CLOSE_2)
    hal.outputs_off()
    hal.feed()
    latched = {"driver": "latching", "kind": "valve", "charge": CHARGE, "wake": WAKE, "sense": SENSE}
    with open(sys.argv[1], "w") as file:
        json.dump(
            {
                "wifi": {"ssid": "x", "password": ""},
                "sensors": [{"field": 7, "driver": "adc", "pin": CELL, "ratio": [1, 1]}],
                "outputs": [dict(latched, index=0, open=OPEN_1, close=CLOSE_1),
                            dict(latched, index=1, open=OPEN_2, close=CLOSE_2)],
            }, file)  # fmt: skip
    hal.CONFIG_PATH = sys.argv[1]
    hal.config()
    for index in (0, 1):
        hal.set_output(index, False)
    return bench


def moved(bench, since):
    bench.settle()
    return [(valve, is_open) for _, valve, is_open in bench.moves[since:]]


def turns(ms):
    until = hal.ticks_ms() + ms
    while hal.ticks_ms() < until:
        hal.wait(None, 250)
        hal.feed()


@scenario
def valves_close_at_boot():
    bench = start(open_at_start=(1, 2))
    bench.settle()
    return bench.valves, moved(bench, 0), bench.moves[-1][0] - 5_000 <= 4_000, world.board.pins[CHARGE]


@scenario
def opens_and_closes():
    bench = start()
    hal.set_output(0, True)
    turns(60_000)
    kept = bench.bank_mv() >= 9_000
    began = hal.ticks_ms()
    hal.set_output(0, False)
    return moved(bench, 2), kept, hal.ticks_ms() - began, world.board.pins[CHARGE], bench.valves


@scenario
def a_lease_that_ends_while_another_valve_opens():
    """The end is told by ``tend`` in the middle of the wait; the closing comes next."""
    bench = start()
    hal.set_output(0, True)
    ends_ms = hal.ticks_ms() + 30

    def tend():
        if hal.ticks_ms() >= ends_ms:
            hal.set_output(0, False)

    hal.tend = tend
    hal.set_output(1, True)
    bench.settle()
    closed = [at for at, valve, is_open in bench.moves if valve == 1 and not is_open][-1] - 5_000
    return moved(bench, 2), closed - ends_ms <= 1_000


@scenario
def the_guard_closes_beside_a_program_that_hangs():
    bench = start()
    hal.arm(hal.ticks_ms() + 10_000)
    hal.set_output(0, True)
    hal.set_output(1, True)
    turns(2_000)
    hal.arm(hal.ticks_ms() + 2_000)
    world.board.bites_us = None  # of the watchdog it is known that it bites
    due = hal.ticks_ms() + 2_000
    world.board.pass_us(6_000_000)
    bench.settle()
    late = bench.moves[-1][0] - 5_000 - due
    return moved(bench, 4), late <= 1_000, bench.valves, hal.fired() - due


@scenario
def capacitors_that_do_not_fill():
    bench = start(full_mv=6_000)
    hal.set_output(0, True)
    turns(1_000)
    return bench.valves, moved(bench, 0), hal.fired() is not None, hal.fired()


@scenario
def capacitors_that_fill_by_half_close_all_the_same():
    bench = start(full_mv=8_000, open_at_start=(1,))
    return bench.valves, moved(bench, 0)


@scenario
def a_cell_that_is_almost_empty_closes():
    bench = start()
    hal.set_output(1, True)
    turns(5_000)
    bench.cell_mv = 2_900
    turns(120_000)
    told = hal.fired() is not None
    hal.set_output(1, True)
    weak = bench.valves[2]
    hal.fired()
    bench.cell_mv = 3_300
    turns(61_000)
    hal.set_output(1, True)
    turns(61_000)
    hal.set_output(1, True)
    bench.settle()
    return told, weak, moved(bench, 2)


@scenario
def a_fault_of_the_program_closes():
    bench = start()
    hal.set_output(0, True)
    turns(5_000)
    hal.outputs_off()
    bench.settle()
    return bench.valves


class Chatty:
    """A link that sends whatever it can, whenever it is asked."""

    poller = None
    connected, room = True, 8
    foreign = skipped = in_flight = 0

    def __init__(self):
        self.sent_us = []

    def step(self, _link_ms):
        self.sent_us.append(world.board.now_us)
        return ()

    def publish(self, _kind, _sealed):
        self.sent_us.append(world.board.now_us)
        return True

    def wait_ms(self, _link_ms):
        return 60


@scenario
def the_radio_and_a_pulse_never_meet():
    """A node that sends in every turn, and valves that open and close all the time; the last ones by their leases."""
    bench = start()
    link = Chatty()
    hal.boot_cause = lambda: 1
    config = dict(hal.config(), village="v", node="n", model="valve", key="00" * 32)
    config["sensors"] = [{"field": 7, "driver": "adc", "pin": CELL, "ratio": [1, 1], "every_s": 1}]
    config["outputs"] = [dict(output, hard_max_s=60, min_rest_s=0) for output in config["outputs"]]
    node = core.Node(config, hal, ramstore.RamStore(1), link)
    for counter in range(1, 21):
        ms = 3_000 + 700 * (counter % 5)
        command = commands.Command(counter, node.hello().nonce, commands.OPEN, counter % 2, ms, 2**40)
        node.obey(command, False)
        for _ in range(100):
            node.step()
    while node.hello().outputs:
        node.step()
    bench.settle()
    quiet = min(begun - sent for begun, _ in bench.pulsed for sent in link.sent_us if sent <= begun)
    within = [sent for begun, end in bench.pulsed for sent in link.sent_us if begun < sent < end]
    return len(bench.pulsed) > 20, len(link.sent_us) > 1_000, quiet >= 50_000, within, bench.valves


for name in scenarios:
    print("%s: %s" % (name, scenarios[name]()))
