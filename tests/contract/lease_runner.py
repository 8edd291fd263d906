# mypy: ignore-errors
# ruff: noqa: ARG005, PTH123, UP031 (MicroPython)
"""A whole node on the board's hal: leases that end while slow and dead probes are read. For MicroPython, with
tests/support/shims; argument: a file for the config. Prints how late each lease ended, at the pin, in ms."""

import json
import sys

import hal
import world
from hal import board
from node import core, ramstore

from wire import commands

VALVE, POWER, BUS, DE = 25, 26, 27, 33
NONCE_BYTES = 8


class NoLink:
    """A gateway that is away."""

    poller = None
    room = foreign = skipped = in_flight = 0
    connected = False

    def step(self, _link_ms):
        return ()

    def wait_ms(self, _link_ms):
        return 1_000


def config():
    bus = {"uart": 2, "rx": 1, "tx": 3, "de": DE, "power": POWER, "bus_power": BUS}
    level = {"uart": 1, "rx": 5, "tx": 6, "power": POWER, "zero_mm": 3_000}
    return {
        "village": "v", "node": "n", "model": "pump", "key": "00" * 32, "wifi": {"ssid": "x", "password": ""},
        "sensors": [
            dict(bus, field=4, driver="modbus_ec", every_s=7),
            dict(bus, field=5, driver="modbus_ec", every_s=7),
            dict(level, field=3, driver="a02yyuw", every_s=5),
            {"field": 5, "channel": 1, "driver": "ds18b20", "pin": 8, "power": POWER, "every_s": 3},
        ],
        "outputs": [{"index": 0, "kind": "valve", "driver": "level", "pin": VALVE, "hard_max_s": 60, "min_rest_s": 0}],
    }  # fmt: skip


def turn(node):
    """Nobody hears: the loop turns, and the probes answer nothing."""
    node.step()


board.OUTPUT_PINS = (VALVE, POWER, BUS, DE)
world.reset()
world.board.ports[2] = world.Modbus(lambda request: None, (BUS, POWER), 0, DE)
world.board.ports[1] = world.Level(lambda n: b"", (POWER,))
world.board.wires[8] = world.Thermometer(lambda n, early: b"\xff" * 9, (POWER,))
hal._last_ticks = world.board.now_us // 1000
with open(sys.argv[1], "w") as file:
    json.dump(config(), file)
hal.CONFIG_PATH = sys.argv[1]
hal.outputs_off()
hal.feed()
hal.boot_cause = lambda: 1
node = core.Node(hal.config(), hal, ramstore.RamStore(1), NoLink())
late, longest_ms = [], 0
for counter in range(1, 61):
    lease_ms = 400 + 137 * counter
    command = commands.Command(counter, node.hello().nonce, commands.OPEN, 0, lease_ms, 2**40)
    node.obey(command, False)
    opened_us = [at for at, pin, level in world.board.changes if pin == VALVE and level][-1]
    while world.board.pins[VALVE]:
        before_us = world.board.now_us
        turn(node)
        longest_ms = max(longest_ms, (world.board.now_us - before_us) // 1000)
    closed_us = [at for at, pin, level in world.board.changes if pin == VALVE and not level][-1]
    late.append((closed_us - opened_us) // 1000 - lease_ms)
    turn(node)
print("late %d %d turn %d" % (min(late), max(late), longest_ms))
