"""Signals that come from the field through a surge part, which leaks and has a capacitance.

Rules
1. A surge part on a signal leaks no more than LEAK_UA. One of 5 V may leak 800 µA: a low level on an input with a pull
   of 100 kΩ, and a wrong reading of a probe. It belongs on supplies.
2. On a 1-Wire bus the pull-up lifts surge part and cable to a sure high before MicroPython reads the bit.
"""

from __future__ import annotations

from hardware.checks.protection import ohm
from hardware.circuit import Circuit, Part
from hardware.model import EARTH, GROUND, Hardware, Limits

LEAK_UA = 10.0
READ_AFTER_US = 5.0  # extmod/modonewire.c: from letting the line go to reading it
TIME_CONSTANTS = 1.4  # to three quarters of the supply
CABLE_PF_PER_M = 100.0
SIGNALS = {"adc", "in", "wake", "uart_rx", "uart_tx", "onewire"}


def findings(hardware: Hardware, limits: Limits, circuit: Circuit) -> list[str]:
    found = []
    for connector in circuit.field_connectors:
        cable_pf = hardware.harnesses[connector.harness].length_m * CABLE_PF_PER_M
        for net in connector.nets:
            if net in (GROUND, EARTH):
                continue
            for name in sorted(circuit.beyond(net, "resistor") & set(circuit.signals)):
                role = hardware.signals[name].role
                surges = circuit.between(net, GROUND, "surge")
                if role in SIGNALS:
                    found += [line for part in surges for line in _leaks(limits, part, name)]
                if role == "onewire":
                    found += _slow(limits, circuit, name, surges, cable_pf)
    return found


def _leaks(limits: Limits, part: Part, name: str) -> list[str]:
    leaks = limits.leaks_ua.get(part.value)
    if leaks is None:
        return [f"{part.ref}: limits.toml does not say what {part.value} leaks"]
    return [f"{part.ref} ({part.value}) leaks up to {leaks:g} µA of {name}"] if leaks > LEAK_UA else []


def _slow(limits: Limits, circuit: Circuit, name: str, surges: list[Part], cable_pf: float) -> list[str]:
    pulls = [
        ohm(part.value) for rail in circuit.rails if rail != GROUND for part in circuit.between(name, rail, "resistor")
    ]
    if not pulls:
        return [f"{name} has no pull-up"]
    farad = (cable_pf + sum(limits.picofarad.get(part.value, 0.0) for part in surges)) * 1e-12
    rises_us = min(pulls) * farad * TIME_CONSTANTS * 1e6
    if rises_us <= READ_AFTER_US:
        return []
    return [f"{name} needs {rises_us:.1f} µs to rise, and is read after {READ_AFTER_US:g}"]
