"""What is wrong with the hardware, as sentences. Every check is a pure function; no sentence means that it is right."""

from __future__ import annotations

from hardware import circuit as circuits
from hardware.checks import erc, harness, lines, pins, protection, supply
from hardware.circuit import Circuit
from hardware.model import Hardware, Limits


def circuit_findings(hardware: Hardware, limits: Limits, circuit: Circuit) -> list[str]:
    """All that is wrong with one node on one module, each sentence with the circuit's name before it."""
    found = [
        *pins.findings(hardware, circuit),
        *erc.findings(circuit),
        *protection.findings(hardware, circuit),
        *supply.findings(hardware, limits, circuit),
        *lines.findings(hardware, limits, circuit),
        *harness.findings(hardware, circuit),
    ]
    return [f"{circuit.name}: {sentence}" for sentence in found]


def findings(hardware: Hardware, limits: Limits) -> list[str]:
    """All that is wrong with any node on any module."""
    return [
        sentence
        for circuit in circuits.build_all(hardware)
        for sentence in circuit_findings(hardware, limits, circuit)
    ]
