"""What pins.toml says, as frozen dataclasses.

Rules
1. Reading is strict (``hardware.reading``), and a reference to nothing is a HardwareError that names its place.
2. Nothing is judged here but the form. Whether the hardware is right is the business of ``hardware.checks``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from pathlib import Path
from typing import Any

from hardware.reading import HardwareError as HardwareError
from hardware.reading import make, make_all, number, split
from hardware.reading import read_toml as read_toml

HERE = Path(__file__).resolve().parent
PINS = HERE / "pins.toml"
LIMITS = HERE / "limits.toml"
GROUND = "GND"
EARTH = "EARTH"
NOT_CONNECTED = "NC"
MCUS = ("s3", "wroom32e")
REFERENCE_MCU = "s3"


@dataclass(frozen=True)
class Mcu:
    module: str
    footprint: str
    straps: list[int]
    memory: list[int]
    usb: list[int]
    console: list[int]
    input_only: list[int]
    adc1: list[int]
    rtc: list[int]
    pads: list[str]

    @property
    def gpios(self) -> set[int]:
        return {int(pad[2:]) for pad in self.pads if pad.startswith("IO")}


@dataclass(frozen=True)
class Signal:
    """A net between the circuit and the node's software; None where a module has no such pin."""

    role: str
    about: str
    s3: int | None = None
    wroom32e: int | None = None

    def gpio(self, mcu: str) -> int | None:
        return self.s3 if mcu == "s3" else self.wroom32e


@dataclass(frozen=True)
class Rail:
    v: list[float]
    ma: int | None = None


@dataclass(frozen=True)
class Pin:
    number: str
    name: str
    type: str


@dataclass(frozen=True)
class PartKind:
    kind: str
    footprint: str
    pins: tuple[Pin, ...]


@dataclass(frozen=True)
class BlockPart:
    """A part as a block writes it; ``nets`` in the order of its pins, or by the names of its pins."""

    part: str
    nets: list[str] | dict[str, str]
    value: str = ""
    at: str = ""
    harness: str = ""


@dataclass(frozen=True)
class Block:
    about: str
    parts: dict[str, BlockPart]


@dataclass(frozen=True)
class Device:
    """What hangs on the other end of a field cable."""

    name: str
    vi: str
    pins: list[str]
    v: list[float] | None = None
    ma: int = 0


@dataclass(frozen=True)
class Wire:
    board_pin: int
    device_pin: int
    colour: str


@dataclass(frozen=True)
class Harness:
    device: str
    board: list[str]
    length_m: float
    mm2: float
    wires: tuple[Wire, ...]


@dataclass(frozen=True)
class NodeType:
    vi: str
    blocks: list[str]
    box: dict[str, int]
    harness: dict[str, str] = default(default_factory=dict)
    rail: dict[str, Rail] = default(default_factory=dict)


@dataclass(frozen=True)
class SensorDefault:
    nodes: list[str]
    field: str
    channel: int
    driver: str
    pins: dict[str, str]
    set: dict[str, Any] = default(default_factory=dict)


@dataclass(frozen=True)
class OutputDefault:
    nodes: list[str]
    index: int
    kind: str
    driver: str
    pins: dict[str, str]


@dataclass(frozen=True)
class Hardware:
    """The whole of pins.toml."""

    mcus: dict[str, Mcu]
    signals: dict[str, Signal]
    rails: dict[str, Rail]
    kinds: dict[str, PartKind]
    blocks: dict[str, Block]
    devices: dict[str, Device]
    harnesses: dict[str, Harness]
    nodes: dict[str, NodeType]
    sensors: tuple[SensorDefault, ...]
    outputs: tuple[OutputDefault, ...]


@dataclass(frozen=True)
class PartLimits:
    supply: dict[str, list[float]]
    peak_ma: dict[str, int] = default(default_factory=dict)
    out_ma: int | None = None
    feedback_v: float | None = None


@dataclass(frozen=True)
class Limits:
    part: dict[str, PartLimits]
    standoff: dict[str, float]
    leaks_ua: dict[str, float]
    picofarad: dict[str, float]
    carries_ma: dict[str, int]


def load(path: Path = PINS) -> Hardware:
    """Read pins.toml. Raises HardwareError."""
    return parse(read_toml(path))


def load_limits(path: Path = LIMITS) -> Limits:
    """Read limits.toml. Raises HardwareError."""
    table = read_toml(path)
    return make(Limits, {**table, "part": make_all(PartLimits, table.get("part", {}), "part")}, path.name)


def parse(table: Mapping[str, Any]) -> Hardware:
    """The tables of pins.toml as one object. Raises HardwareError."""
    known = {"mcu", "signal", "rail", "part", "block", "device", "harness", "node", "sensor", "output"}
    if set(table) != known:
        raise HardwareError(f"pins.toml has the tables {sorted(table)}, and needs {sorted(known)}")
    hardware = Hardware(
        mcus=make_all(Mcu, table["mcu"], "mcu"),
        signals=make_all(Signal, table["signal"], "signal"),
        rails=make_all(Rail, table["rail"], "rail"),
        kinds={name: _kind(row, f"part.{name}") for name, row in table["part"].items()},
        blocks={name: _block(row, f"block.{name}") for name, row in table["block"].items()},
        devices=make_all(Device, table["device"], "device"),
        harnesses={name: _harness(row, f"harness.{name}") for name, row in table["harness"].items()},
        nodes={name: _node(row, f"node.{name}") for name, row in table["node"].items()},
        sensors=tuple(make(SensorDefault, row, "sensor") for row in table["sensor"]),
        outputs=tuple(make(OutputDefault, row, "output") for row in table["output"]),
    )
    _references(hardware)
    return hardware


def _references(hardware: Hardware) -> None:
    """What names something must name something that is there. Blocks, parts and cables are looked up in ``circuit``."""
    wanted = [(f"harness.{name}", "device", row.device) for name, row in hardware.harnesses.items()]
    for sensor in hardware.sensors:
        where = f"sensor {sensor.field} {sensor.channel}"
        wanted += [(where, "node", node) for node in sensor.nodes]
        wanted += [(where, "signal", signal) for signal in sensor.pins.values()]
    for output in hardware.outputs:
        wanted += [(f"output {output.index}", "node", node) for node in output.nodes]
        wanted += [(f"output {output.index}", "signal", signal) for signal in output.pins.values()]
    there: dict[str, Mapping[str, object]] = {
        "device": hardware.devices, "node": hardware.nodes, "signal": hardware.signals,
    }
    for name, mcu in hardware.mcus.items():
        for pad in mcu.pads:
            if pad.startswith("IO"):
                number(pad[2:], f"mcu.{name}.pads: {pad}")
    for where, what, name in wanted:
        if name not in there[what]:
            raise HardwareError(f"{where}: there is no {what} {name!r}")
    rails = {**hardware.rails, **{f"{name} of a node": rail for node in hardware.nodes.values()
                                  for name, rail in node.rail.items()}}
    for name, rail in rails.items():
        if len(rail.v) != 2:
            raise HardwareError(f"rail.{name}.v: {rail.v} is not the lowest and the highest voltage")


def _node(row: Mapping[str, Any], where: str) -> NodeType:
    return make(NodeType, {**row, "rail": make_all(Rail, row.get("rail", {}), f"{where}.rail")}, where)


def _kind(row: Mapping[str, Any], where: str) -> PartKind:
    pins = tuple(Pin(*split(text, ":", 3, where)) for text in row.get("pins", ()))
    return make(PartKind, {**row, "pins": pins}, where)


def _block(row: Mapping[str, Any], where: str) -> Block:
    parts = {ref: make(BlockPart, part, f"{where}.{ref}") for ref, part in row.items() if ref != "about"}
    return Block(row.get("about", ""), parts)


def _harness(row: Mapping[str, Any], where: str) -> Harness:
    wires = []
    for text in row.get("wires", ()):
        ends, colour = split(text, " ", 2, where)
        board_pin, device_pin = split(ends, "-", 2, where)
        wires.append(Wire(number(board_pin, where), number(device_pin, where), colour))
    return make(Harness, {**row, "wires": tuple(wires)}, where)
