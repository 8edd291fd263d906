"""docs/hardware/pins.md: every node's pins on both modules, its field connectors and its protection."""

from __future__ import annotations

from hardware.circuit import Circuit
from hardware.model import MCUS, REFERENCE_MCU, Hardware

HEAD = """# Pins and connectors

Written by `./hoiquan hardware build` from `hardware/pins.toml`. A gate has a pull-down of 10 kΩ: a pin that floats
means off.

| module | straps: only the boot button | flash, PSRAM | console, USB | input only | ADC1 |
|---|---|---|---|---|---|
"""


def page(hardware: Hardware, circuits: list[Circuit]) -> str:
    lines = [HEAD + "\n".join(_module(hardware, name) for name in MCUS), ""]
    for circuit in circuits:
        if circuit.mcu == REFERENCE_MCU:
            lines += _node(hardware, circuit)
    return "\n".join(lines)


def _module(hardware: Hardware, name: str) -> str:
    mcu = hardware.mcus[name]
    groups = (mcu.straps, mcu.memory, mcu.console + mcu.usb, mcu.input_only, mcu.adc1)
    return " | ".join([f"| {mcu.module}", *(", ".join(map(str, group)) or "none" for group in groups)]) + " |"


def _node(hardware: Hardware, circuit: Circuit) -> list[str]:
    kind = hardware.nodes[circuit.node]
    lines = [f"## {circuit.node}: {kind.vi}", "", "| signal | role | ESP32-S3 | WROOM-32E | what it is |"]
    lines.append("|---|---|---|---|---|")
    for name, signal in hardware.signals.items():
        shown = name in circuit.signals or (signal.role in ("console", "usb") and name not in circuit.signals)
        if shown:
            pins = [str(pin) if (pin := signal.gpio(mcu)) is not None else "–" for mcu in MCUS]
            lines.append(f"| {name} | {signal.role} | {pins[0]} | {pins[1]} | {signal.about} |")
    lines += ["", "| connector | pin | function | net | wire | protection | to |", "|---|---|---|---|---|---|---|"]
    for connector in circuit.field_connectors:
        harness = hardware.harnesses[connector.harness]
        device = hardware.devices[harness.device]
        colours = {wire.board_pin: wire.colour for wire in harness.wires}
        for number, (function, net) in enumerate(zip(harness.board, connector.nets, strict=True), start=1):
            lines.append(
                f"| {connector.ref} | {number} | {function} | {net} | {colours[number]}, {harness.mm2:g} mm²,"
                f" {harness.length_m:g} m | {protection(circuit, net)} | {device.name} |"
            )
    return [*lines, ""]


def protection(circuit: Circuit, net: str) -> str:
    """What stands between a field wire and the chips: the parts on it and right behind it."""
    if net in ("GND", "EARTH"):
        return "earth point of the mast"
    names = []
    for part in circuit.of_kind("surge_primary", "series", "surge", "resistor"):
        if part.on(net):
            names.append(f"{part.ref} {part.value}")
    for other in sorted(circuit.beyond(net, "series")):
        names += [f"{part.ref} {part.value}" for part in circuit.between(other, "GND", "surge")]
    return ", ".join(dict.fromkeys(names))
