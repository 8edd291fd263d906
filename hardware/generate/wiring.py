"""Field cables for WireViz: a YAML file for each node, and the drawing that WireViz makes of it.

A drawing is not made anew in every check, because its bytes depend on the version of Graphviz and its fonts. It carries
the SHA-256 of the YAML that it was drawn from instead, and of itself, so a drawing that has fallen behind, or that a
hand has changed, is found without Graphviz.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from hardware.circuit import Circuit
from hardware.model import Hardware

FOLDER = "docs/hardware/harness"
STAMP = "<!-- drawn from sha256 {}, drawing {} -->"
# Colours that WireViz has no two-letter code for in the form of IEC 60757.
WIREVIZ_COLOUR = {"GNYE": "GNYE"}


def harness(hardware: Hardware, circuit: Circuit) -> str:
    """The node's connectors on the left, cables in the middle, what hangs in the field on the right."""
    kind = hardware.nodes[circuit.node]
    lines = [
        "# Written by `./hoiquan hardware build` from hardware/pins.toml; do not edit.",
        "metadata:",
        f"  title: {_quote(f'{kind.vi} ({circuit.node})')}",
        "options:",
        "  fontname: DejaVu Sans",
        "connectors:",
    ]
    cables = ["cables:"]
    joins = ["connections:"]
    for number, connector in enumerate(circuit.field_connectors, start=1):
        cable = hardware.harnesses[connector.harness]
        device = hardware.devices[cable.device]
        far = f"X{number}"
        lines += [f"  {connector.ref}:", f"    type: {_quote(connector.value)}", f"    pinlabels: {_list(cable.board)}"]
        lines += [f"  {far}:", f"    type: {_quote(device.name)}", f"    pinlabels: {_list(device.pins)}"]
        colours = [WIREVIZ_COLOUR.get(wire.colour, wire.colour) for wire in cable.wires]
        cables += [
            f"  W{number}:", f"    gauge: {cable.mm2:g} mm2", f"    length: {cable.length_m:g}",
            f"    wirecount: {len(cable.wires)}", f"    colors: {_list(colours)}",
        ]
        joins += [
            "  -",
            f"    - {connector.ref}: {[wire.board_pin for wire in cable.wires]}",
            f"    - W{number}: {list(range(1, len(cable.wires) + 1))}",
            f"    - {far}: {[wire.device_pin for wire in cable.wires]}",
        ]
    return "\n".join([*lines, *cables, *joins, ""])


def stamped(svg: str, yaml: str) -> str:
    """WireViz's drawing with the digest of its source, without what changes from run to run."""
    body = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.DOTALL)
    return _with_stamp(body.rstrip() + "\n", yaml)


def _with_stamp(body: str, yaml: str) -> str:
    return body + STAMP.format(digest(yaml), digest(body)) + "\n"


def digest(yaml: str) -> str:
    return hashlib.sha256(yaml.encode("utf-8")).hexdigest()


def stale_drawings(root: Path) -> list[str]:
    """The drawings that are missing or were drawn from another YAML."""
    wrong = []
    for source in sorted((root / FOLDER).glob("*.yml")):
        drawing = source.with_suffix(".svg")
        found = drawing.read_text(encoding="utf-8") if drawing.is_file() else ""
        body = found[: found.rfind("<!--")]
        if not found or found != _with_stamp(body, source.read_text(encoding="utf-8")):
            wrong.append(f"{FOLDER}/{drawing.name}")
    return wrong


def _list(words: list[str]) -> str:
    return "[" + ", ".join(_quote(word) for word in words) + "]"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
