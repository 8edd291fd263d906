# mypy: ignore-errors
# ruff: noqa: ARG005, PTH123, SIM105, UP031 (MicroPython)
"""What the drivers of one board keep in RAM: bytes from before the first reading to after it. For MicroPython, with
tests/support/shims; arguments: gateway/boards.json and the board's name."""

import gc
import json
import sys

import hal
import world
from hal import board

with open(sys.argv[1]) as file:
    sensors = json.load(file)[sys.argv[2]]["sensors"]
board.OUTPUT_PINS = ()
for sensor in sensors:
    if "uart" in sensor:
        world.board.ports[sensor["uart"]] = world.Modbus(lambda request: None, (), 0, None)
    world.board.counts[sensor.get("pin")] = 0
    world.board.volts[sensor.get("pin")] = lambda: 1_500_000
    world.board.wires[sensor.get("pin")] = world.Thermometer(lambda n, early: bytes(9))


def read():
    for sensor in sensors:
        try:
            hal.read_raw(sensor)
        except OSError:
            pass
    hal.wait(None, 0)


hal.feed()
world.board.changes.clear()
gc.collect()
before = gc.mem_alloc()
read()
world.board.changes.clear()
for port in world.board.ports.values():
    port.heard.clear()
gc.collect()
first = gc.mem_alloc()
for _ in range(20):
    hal.rest(10_000)
    read()
    world.board.changes.clear()
    for port in world.board.ports.values():
        port.heard.clear()
gc.collect()
print("resident %d growth %d" % (first - before, gc.mem_alloc() - first))
