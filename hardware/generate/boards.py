"""The board file of a node: the pins of the software, and the defaults that go into the node's config."""

from __future__ import annotations

from hardware.circuit import Circuit
from hardware.model import Hardware
from wire import fields

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
    """Plain tuples and dicts: MicroPython reads it on the node, CPython where a node is provisioned."""
    pins = {name: hardware.signals[name].gpio(circuit.mcu) for name in circuit.signals}
    gates = tuple(pin for name, pin in pins.items() if hardware.signals[name].role == "gate")
    head = HEAD.format(
        vi=hardware.nodes[circuit.node].vi, node=circuit.node, mcu=circuit.mcu,
        module=hardware.mcus[circuit.mcu].module, outputs=gates, led=pins["LED"], button=pins["BUTTON"],
    )
    sensors: list[Row] = [
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
    outputs: list[Row] = [
        {
            "index": output.index,
            "kind": output.kind,
            "driver": output.driver,
            **{key: pins[signal] for key, signal in output.pins.items()},
        }
        for output in hardware.outputs
        if circuit.node in output.nodes
    ]
    return head + _table("SENSORS", sensors) + _table("OUTPUTS", outputs)


def _field_id(name: str) -> int:
    return int(fields.field_by_name(name).id)


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
