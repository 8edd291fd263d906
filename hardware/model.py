"""What pins.toml says, as frozen dataclasses; and the one error that a mistake in the hardware's files can raise.

Rules
1. Reading is strict: an unknown key, a missing one or a reference to nothing is a HardwareError that names its place.
2. Nothing is judged here but the form. Whether the hardware is right is the business of ``hardware.checks``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from pathlib import Path
from typing import Any, TypeVar

HERE = Path(__file__).resolve().parent
PINS = HERE / "pins.toml"
LIMITS = HERE / "limits.toml"
GROUND = "GND"
EARTH = "EARTH"
NOT_CONNECTED = "NC"
MCUS = ("s3", "wroom32e")
REFERENCE_MCU = "s3"

Made = TypeVar("Made")


class HardwareError(Exception):
    """A file of the hardware cannot be read; one line."""


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
    parts: dict[str, PartLimits]
    standoff: dict[str, float]
    carries_ma: dict[str, int]


def load(path: Path = PINS) -> Hardware:
    """Read pins.toml. Raises HardwareError."""
    return parse(read_toml(path))


def load_limits(path: Path = LIMITS) -> Limits:
    """Read limits.toml. Raises HardwareError."""
    table = read_toml(path)
    parts = {name: _make(PartLimits, row, f"part.{name}") for name, row in table.get("part", {}).items()}
    return Limits(parts, table.get("standoff", {}), table.get("carries_ma", {}))


def read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HardwareError(f"{path.name}: {error}") from error


def parse(table: Mapping[str, Any]) -> Hardware:
    """The tables of pins.toml as one object."""
    known = {"mcu", "signal", "rail", "part", "block", "device", "harness", "node", "sensor", "output"}
    if set(table) != known:
        raise HardwareError(f"pins.toml has the tables {sorted(table)}, and needs {sorted(known)}")
    nodes = {}
    for name, row in table["node"].items():
        rails = {rail: _make(Rail, limits, f"node.{name}.rail") for rail, limits in row.get("rail", {}).items()}
        nodes[name] = _make(NodeType, {**row, "rail": rails}, f"node.{name}")
    return Hardware(
        mcus=_all(Mcu, table["mcu"], "mcu"),
        signals=_all(Signal, table["signal"], "signal"),
        rails=_all(Rail, table["rail"], "rail"),
        kinds={name: _kind(row, f"part.{name}") for name, row in table["part"].items()},
        blocks={name: _block(row, f"block.{name}") for name, row in table["block"].items()},
        devices=_all(Device, table["device"], "device"),
        harnesses={name: _harness(row, f"harness.{name}") for name, row in table["harness"].items()},
        nodes=nodes,
        sensors=tuple(_make(SensorDefault, row, "sensor") for row in table["sensor"]),
        outputs=tuple(_make(OutputDefault, row, "output") for row in table["output"]),
    )


def _all(made: type[Made], rows: Mapping[str, Any], where: str) -> dict[str, Made]:
    return {name: _make(made, row, f"{where}.{name}") for name, row in rows.items()}


def _make(made: type[Made], row: Mapping[str, Any], where: str) -> Made:
    try:
        return made(**row)
    except TypeError as error:
        raise HardwareError(f"{where}: {str(error).removeprefix(made.__name__ + '.__init__() ')}") from error


def _kind(row: Mapping[str, Any], where: str) -> PartKind:
    pins = []
    for text in row.get("pins", ()):
        number, name, kind = _split(text, ":", 3, where)
        pins.append(Pin(number, name, kind))
    return _make(PartKind, {**row, "pins": tuple(pins)}, where)


def _block(row: Mapping[str, Any], where: str) -> Block:
    parts = {
        ref: _make(BlockPart, part, f"{where}.{ref}") for ref, part in row.items() if ref != "about"
    }
    return Block(row.get("about", ""), parts)


def _harness(row: Mapping[str, Any], where: str) -> Harness:
    wires = []
    for text in row.get("wires", ()):
        ends, colour = _split(text, " ", 2, where)
        board_pin, device_pin = _split(ends, "-", 2, where)
        wires.append(Wire(int(board_pin), int(device_pin), colour))
    return _make(Harness, {**row, "wires": tuple(wires)}, where)


def _split(text: str, separator: str, count: int, where: str) -> list[str]:
    found = text.split(separator)
    if len(found) != count:
        raise HardwareError(f"{where}: {text!r} is not {count} words with {separator!r} between them")
    return found
