"""What a node of each type can have, and how it is wired: from the board that it is built as.

``boards.json`` is made from hardware/pins.toml by `./hoiquan hardware build`, as the board files of the firmware are;
do not edit it. CI fails when it differs.

Rules
1. A node without ``board`` may have any sensor: it is a simulated one, or wired by hand. With one, every sensor and
   output must be on that board, and provisioning writes driver and pins into its config.
2. What hangs on the place where a sensor stands is said in its ``wiring``, in whole numbers with a range.
3. Only valve and pump nodes have outputs; a relay node has neither sensors nor outputs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from gateway.core.village import Node, Output, Sensor
from gateway.strict import RegistryError, Table
from wire import fields

MODELS = ("soil", "level", "salinity", "valve", "pump", "relay")
WITH_OUTPUTS = ("valve", "pump")
BOARDS = ("s3", "wroom32e")
# key -> lowest, highest
WIRING: Mapping[str, tuple[int, int]] = {
    "zero_mm": (-2_000, 10_000),
    "span_mm": (1, 20_000),
    "shunt_ohm": (10, 1_000),
    "address": (1, 247),
    "baud": (1_200, 115_200),
    "warm_ms": (0, 10_000),
    "reads": (1, 15),
    "stuck_samples": (0, 1_000),
    "tip": (1, 1_000),
    "pulses_per_litre": (1, 100_000),
    "max_hz": (1, 10_000),
    "ma_per_mv": (1, 1_000),
    "floor_ma": (0, 10_000),
}
_LEVEL_SENSORS = ("a02yyuw", "jsn_sr04t")
# what a board calls an output -> what it may be used as
_KINDS = {"valve": ("valve", "sluice"), "pump": ("pump", "lift")}
_Row = dict[str, Any]


@cache
def _boards() -> dict[str, dict[str, list[_Row]]]:
    """ "model_board" -> its sensors and outputs."""
    found: dict[str, dict[str, list[_Row]]] = json.loads((resources.files("gateway") / "boards.json").read_bytes())
    return found


def board(t: Table) -> str:
    return t.choice("board", BOARDS) if t.has("board") else ""


def wiring(t: Table, field: int) -> tuple[tuple[str, int | str], ...]:
    """What the place of a sensor says about it."""
    if not t.has("wiring"):
        return ()
    with t.table("wiring") as place:
        found: list[tuple[str, int | str]] = [
            (key, place.whole(key, *limits)) for key, limits in WIRING.items() if place.has(key)
        ]
        if field == fields.WATER_LEVEL and place.has("driver"):
            found.append(("driver", place.choice("driver", _LEVEL_SENSORS)))
        return tuple(found)


def check(t: Table, node: Node) -> None:
    """Refuse what a node of this type, on this board, cannot have."""
    if node.outputs and node.model not in WITH_OUTPUTS:
        t.refuse("model", '"valve" or "pump", because the node has outputs')
    if node.sensors and node.model == "relay":
        t.refuse("model", 'another than "relay", because the node has sensors')
    for s in node.sensors:
        if s.wiring and not node.board:
            raise RegistryError("must be with the board of the node beside it", f"{t.where}.sensor.wiring")
        if node.board and _sensor(node, s) is None:
            name = f"{fields.field(s.field).name}/{s.channel}"
            known = ", ".join(f"{fields.field(row['field']).name}/{row['channel']}" for row in _rows(node, "sensors"))
            raise RegistryError(f"must be one of those of its board: {known}", f"{t.where}.sensor", name)
    for o in node.outputs:
        if node.board and _output(node, o) is None:
            known = ", ".join(f"{row['kind']}/{row['index']}" for row in _rows(node, "outputs"))
            raise RegistryError(
                f"must be one of those of its board: {known}", f"{t.where}.output", f"{o.kind}/{o.index}"
            )


def sensor_config(node: Node, sensor: Sensor) -> _Row:
    """Driver, pins and place of a sensor, as they stand in the node's config; empty without a board."""
    row = _sensor(node, sensor)
    if row is None:
        return {}
    return {key: value for key, value in row.items() if key not in ("field", "channel")} | dict(sensor.wiring)


def output_config(node: Node, output: Output) -> _Row:
    """Driver and pins of an output; empty without a board."""
    row = _output(node, output)
    return {} if row is None else {key: value for key, value in row.items() if key not in ("index", "kind")}


def _rows(node: Node, what: str) -> list[_Row]:
    return _boards()[f"{node.model}_{node.board}"][what] if node.board else []


def _sensor(node: Node, sensor: Sensor) -> _Row | None:
    wanted = (sensor.field, sensor.channel)
    return next((row for row in _rows(node, "sensors") if (row["field"], row["channel"]) == wanted), None)


def _output(node: Node, output: Output) -> _Row | None:
    for row in _rows(node, "outputs"):
        if row["index"] == output.index and output.kind in _KINDS[row["kind"]]:
            return row
    return None
