"""A node's circuit: the blocks of its type put together, with the module in the middle.

Rules
1. A net that has the name of a signal ends at the GPIO that the signal has on this module.
2. Every GPIO without a signal is not connected, and says so; of every other pin the block must say so itself.
3. A part is named once. A block that is used twice is given numbers by the node, which stand for "{n}".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from hardware.model import GROUND, NOT_CONNECTED, Block, BlockPart, Hardware, HardwareError, PartKind, Pin, Rail

MODULE_REF = "U1"
POWER_PADS = {"GND": "gnd", "3V3": "power_in", "EN": "in"}


@dataclass(frozen=True)
class Part:
    """A part of a circuit: what it is, and the net of each of its pins."""

    ref: str
    part: str
    value: str
    kind: PartKind
    nets: tuple[str, ...]
    at: str = ""
    harness: str = ""

    @property
    def is_chip(self) -> bool:
        return self.kind.kind in ("ic", "mcu")

    def pins(self) -> Iterator[tuple[Pin, str]]:
        return zip(self.kind.pins, self.nets, strict=True)

    def on(self, net: str) -> bool:
        return net in self.nets


@dataclass(frozen=True)
class Circuit:
    """The netlist of one node type on one module."""

    node: str
    mcu: str
    parts: tuple[Part, ...]
    signals: tuple[str, ...]
    rails: dict[str, Rail]

    @property
    def name(self) -> str:
        return f"{self.node}_{self.mcu}"

    @cached_property
    def nets(self) -> dict[str, list[tuple[Part, Pin]]]:
        """Net -> the pins on it, in order. Pins that are not connected are on no net."""
        found: dict[str, list[tuple[Part, Pin]]] = {}
        for part in self.parts:
            for pin, net in part.pins():
                if net != NOT_CONNECTED:
                    found.setdefault(net, []).append((part, pin))
        return found

    def of_kind(self, *kinds: str) -> list[Part]:
        return [part for part in self.parts if part.kind.kind in kinds]

    def between(self, one: str, other: str, *kinds: str) -> list[Part]:
        """The parts of these kinds that touch both nets."""
        return [part for part in self.of_kind(*kinds) if part.on(one) and part.on(other)]

    def beyond(self, net: str, *kinds: str) -> set[str]:
        """The nets on the other side of two-pin parts of these kinds, one step away."""
        return {
            other
            for part in self.of_kind(*kinds)
            if part.on(net)
            for other in part.nets
            if other not in (net, NOT_CONNECTED)
        }

    @property
    def field_connectors(self) -> list[Part]:
        return [part for part in self.of_kind("connector") if part.harness]


def build(hardware: Hardware, node: str, mcu: str) -> Circuit:
    """Put a node together. Raises HardwareError when a block, a part or a pin does not exist."""
    kind = hardware.nodes[node]
    parts: dict[str, Part] = {}
    for name in [f"mcu_{mcu}", *kind.blocks]:
        block_name, _, number = name.partition(":")
        block = hardware.blocks.get(block_name)
        if block is None:
            raise HardwareError(f"node.{node}: there is no block {block_name!r}")
        for part in _placed(hardware, block, number, f"block.{block_name}"):
            if part.ref in parts:
                raise HardwareError(f"node.{node}: {part.ref} of {name} is there already")
            harness = kind.harness.get(part.ref, part.harness)
            parts[part.ref] = _with_harness(part, harness, hardware)
    used = {net for part in parts.values() for net in part.nets}
    signals = tuple(name for name, signal in hardware.signals.items() if name in used)
    module = _module(hardware, mcu, signals)
    return Circuit(node, mcu, (module, *parts.values()), signals, {**hardware.rails, **kind.rail})


def build_all(hardware: Hardware) -> list[Circuit]:
    """Every node type on every module."""
    return [build(hardware, node, mcu) for node in hardware.nodes for mcu in hardware.mcus]


def _placed(hardware: Hardware, block: Block, number: str, where: str) -> Iterator[Part]:
    for ref, written in block.parts.items():
        kind = hardware.kinds.get(written.part)
        if kind is None:
            raise HardwareError(f"{where}.{ref}: there is no part {written.part!r}")
        nets = tuple(net.replace("{n}", number) for net in _in_pin_order(written, kind, f"{where}.{ref}"))
        yield Part(
            ref.replace("{n}", number), written.part, written.value, kind, nets, written.at,
            written.harness.replace("{n}", number),
        )


def _in_pin_order(written: BlockPart, kind: PartKind, where: str) -> list[str]:
    if isinstance(written.nets, list):
        if len(written.nets) != len(kind.pins):
            raise HardwareError(f"{where}: {written.part} has {len(kind.pins)} pins, not {len(written.nets)}")
        return written.nets
    names = [pin.name for pin in kind.pins]
    if set(written.nets) != set(names):
        wrong = sorted(set(written.nets) ^ set(names))
        raise HardwareError(f"{where}: {', '.join(wrong)} is not on both sides: the pins are {', '.join(names)}")
    return [written.nets[name] for name in names]


def _with_harness(part: Part, harness: str, hardware: Hardware) -> Part:
    if harness and harness not in hardware.harnesses:
        raise HardwareError(f"{part.ref}: there is no harness {harness!r}")
    return Part(part.ref, part.part, part.value, part.kind, part.nets, part.at, harness)


def _module(hardware: Hardware, mcu: str, signals: tuple[str, ...]) -> Part:
    """The module with a net on every pad."""
    chip = hardware.mcus[mcu]
    by_gpio: dict[int, str] = {}
    for name in signals:
        gpio = hardware.signals[name].gpio(mcu)
        if gpio is None:
            continue
        if gpio in by_gpio:
            raise HardwareError(f"{mcu}: {name} and {by_gpio[gpio]} are both on GPIO{gpio}")
        by_gpio[gpio] = name
    pins, nets = [], []
    for number, pad in enumerate(chip.pads, start=1):
        net = by_gpio.get(int(pad[2:]), NOT_CONNECTED) if pad.startswith("IO") else pad
        kind = "nc" if net == NOT_CONNECTED else POWER_PADS.get(pad, "bidir")
        pins.append(Pin(str(number), pad, kind))
        nets.append(GROUND if pad == "GND" else net)
    return Part(MODULE_REF, chip.module, chip.module, PartKind("mcu", chip.footprint, tuple(pins)), tuple(nets))
