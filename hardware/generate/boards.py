"""The board file of a node: the pins of the software, and the defaults that go into the node's config.

The same sensors and outputs go to the gateway as one JSON file: provisioning puts them into the configs of nodes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from hardware.circuit import Circuit
from hardware.model import Hardware, HardwareError
from wire import fields
from wire.errors import WireError

ROOM = 115
Row = dict[str, object]
HEAD = '''"""{vi}: {node} on {module}.

Written by `./hoiquan hardware build` from hardware/pins.toml; do not edit.
"""

MODEL = "{node}"
MCU = "{mcu}"
OUTPUT_PINS = {outputs}  # what must be low at boot, before anything else
LED_PIN = {led}
BUTTON_PIN = {button}
'''


def board(hardware: Hardware, circuit: Circuit) -> str:
    """Plain tuples and dicts, because MicroPython reads it on the node."""
    pins = _pins(hardware, circuit)
    gates = tuple(pin for name, pin in pins.items() if hardware.signals[name].role == "gate")
    head = HEAD.format(
        vi=hardware.nodes[circuit.node].vi,
        node=circuit.node,
        mcu=circuit.mcu,
        module=hardware.mcus[circuit.mcu].module,
        outputs=gates,
        led=pins["LED"],
        button=pins["BUTTON"],
    )
    return head + _table("SENSORS", sensors(hardware, circuit)) + _table("OUTPUTS", outputs(hardware, circuit))


def of_gateway(hardware: Hardware, circuits: Sequence[Circuit]) -> str:
    """All boards in JSON, one row a line."""
    boards = [
        f' "{circuit.name}": {{\n  "sensors": {_rows(sensors(hardware, circuit))},\n'
        f'  "outputs": {_rows(outputs(hardware, circuit))}\n }}'
        for circuit in circuits
    ]
    return "{\n" + ",\n".join(boards) + "\n}\n"


def _rows(rows: list[Row]) -> str:
    return "[\n" + ",\n".join(f"   {json.dumps(row)}" for row in rows) + "\n  ]" if rows else "[]"


def _pins(hardware: Hardware, circuit: Circuit) -> dict[str, int | None]:
    return {name: hardware.signals[name].gpio(circuit.mcu) for name in circuit.signals}


def sensors(hardware: Hardware, circuit: Circuit) -> list[Row]:
    """What the board measures."""
    pins = _pins(hardware, circuit)
    return [
        {
            "field": _field_id(sensor.field),
            "channel": sensor.channel,
            "driver": sensor.driver,
            **{key: pins[signal] for key, signal in sensor.pins.items()},
            **{key: tuple(value) if isinstance(value, list) else value for key, value in sensor.set.items()},
        }
        for sensor in hardware.sensors
        if circuit.node in sensor.nodes
    ]


def outputs(hardware: Hardware, circuit: Circuit) -> list[Row]:
    """What the board moves."""
    pins = _pins(hardware, circuit)
    return [
        {
            "index": output.index,
            "kind": output.kind,
            "driver": output.driver,
            **{key: pins[signal] for key, signal in output.pins.items()},
        }
        for output in hardware.outputs
        if circuit.node in output.nodes
    ]


def _field_id(name: str) -> int:
    try:
        return int(fields.field_by_name(name).id)
    except WireError as error:
        raise HardwareError(f"sensor: there is no field {name!r}; docs/wire.md lists them") from error


def _table(name: str, rows: list[Row]) -> str:
    if not rows:
        return f"{name} = ()\n"
    lines = [line for row in rows for line in _lines(row)]
    return "\n".join([f"{name} = (", *lines, ")", ""])


def _lines(row: Row) -> list[str]:
    """A row on one line, or on four when it is long."""
    inside = _row(row)
    short = f"    {{{inside}}},  # {_words(row)}"
    if len(short) <= ROOM:
        return [short]
    head, tail = _row(dict(list(row.items())[:3])), _row(dict(list(row.items())[3:]))
    return [f"    {{  # {_words(row)}", f"        {head},", f"        {tail},", "    },"]


def _row(row: Row) -> str:
    return ", ".join(f'"{key}": {_literal(value)}' for key, value in row.items())


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _words(row: Row) -> str:
    if "field" in row:
        return f"{fields.field(int(str(row['field']))).name} {row['channel']}"
    return f"{row['kind']} {row['index']}"
