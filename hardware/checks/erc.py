"""Electrical rules of a netlist, the ones that SKiDL and KiCad check too.

Rules
1. No net has one pin only, no pin is on no net but by the word NC, and a pin that must stay open is open.
2. Two outputs never drive one net; an input has something that drives it.
3. A supply pin is on a net that something feeds: a supply output, or a rail that is reached through a diode, a fuse or
   a choke, or from another rail through a resistor.
"""

from __future__ import annotations

from hardware.circuit import Circuit, Part
from hardware.model import GROUND, NOT_CONNECTED, Pin

DRIVERS = {"out", "power_out"}
FEEDING_KINDS = ("diode", "series", "passive")
MAY_STAY_OPEN = {"connector", "relay", "mcu"}


def findings(circuit: Circuit) -> list[str]:
    return [*_open_pins(circuit), *(line for net, pins in circuit.nets.items() for line in _net(circuit, net, pins))]


def _open_pins(circuit: Circuit) -> list[str]:
    found = []
    for part in circuit.parts:
        for pin, net in part.pins():
            if pin.type == "nc" and net != NOT_CONNECTED:
                found.append(f"{part.ref}.{pin.name} must stay open, and is on {net}")
            elif pin.type != "nc" and net == NOT_CONNECTED and part.kind.kind not in MAY_STAY_OPEN:
                found.append(f"{part.ref}.{pin.name} is not connected")
            elif net == "":
                found.append(f"{part.ref}.{pin.name} has no net")
    return found


def _net(circuit: Circuit, net: str, pins: list[tuple[Part, Pin]]) -> list[str]:
    if len(pins) == 1:
        part, pin = pins[0]
        return [f"{net} has one pin only, {part.ref}.{pin.name}"]
    found = []
    outputs = [f"{part.ref}.{pin.name}" for part, pin in pins if pin.type in DRIVERS]
    if len(outputs) > 1:
        found.append(f"{net} is driven by {' and '.join(outputs)}")
    if all(pin.type == "in" for _, pin in pins):
        found.append(f"{net} has inputs only")
    if any(pin.type == "power_in" for _, pin in pins) and not _fed(circuit, net, pins):
        found.append(f"{net} supplies {_names(pins, 'power_in')}, and nothing feeds it")
    if any(pin.type == "gnd" for _, pin in pins) and net != GROUND:
        found.append(f"{_names(pins, 'gnd')} is a ground pin, and is on {net}")
    return found


def _fed(circuit: Circuit, net: str, pins: list[tuple[Part, Pin]]) -> bool:
    if any(pin.type == "power_out" for _, pin in pins):
        return True
    reached = circuit.beyond(net, *FEEDING_KINDS) | (circuit.beyond(net, "resistor") & set(circuit.rails))
    return net in circuit.rails and bool(reached - {GROUND})


def _names(pins: list[tuple[Part, Pin]], kind: str) -> str:
    return ", ".join(f"{part.ref}.{pin.name}" for part, pin in pins if pin.type == kind)
