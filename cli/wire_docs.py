"""Writes docs/wire.md and docs/asyncapi.json from the wire package, so that they cannot say something else.

``write(root)`` writes them; ``stale(root)`` names those that differ from what would be written.
"""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

from wire import commands, fields, frames, manifest, seal, topics, updates

_TYPES = {
    "B": "u8",
    "H": "u16",
    "4s": "4 bytes",
    "16s": "16 bytes",
    "32s": "32 bytes",
    "3H": "3 × u16",
    "I": "u32",
    "i": "i32",
    "Q": "u64",
    "q": "i64",
    "8s": "8 bytes",
}

# What each layout holds, in order. The generator refuses a list that does not fit its layout.
_LAYOUTS: dict[str, tuple[str, list[str], str]] = {
    "readings": (
        frames.READINGS_BODY,
        ["boot_id", "sent_uptime_ms", "clock_offset_ms", "clock_quality", "count"],
        f"then `count` records of {frames.RECORD_BYTES} bytes, at most {frames.MAX_RECORDS}",
    ),
    "record": (
        frames.RECORD,
        ["seq", "uptime_ms", "field", "channel", "quality", "fault", "raw"],
        "",
    ),
    "hello": (
        frames.HELLO_BODY,
        [
            "boot_id",
            "nonce",
            "uptime_ms",
            "next_seq",
            "boot_cause",
            "outputs",
            "heap_free",
            "len(firmware)",
            "len(model)",
        ],
        f"then firmware and model, printable ASCII, at most {frames.MAX_NAME} bytes each",
    ),
    "gone": (frames.GONE_BODY, ["boot_id"], ""),
    "ack": (
        frames.ACK_BODY,
        ["boot_id", "now_ms", "clock_quality", "count"],
        f"then `count` ranges of seq (u32 first, u32 last, inclusive), at most {frames.MAX_RANGES};"
        " none only tells the time",
    ),
    "command": (
        commands.COMMAND_BODY,
        ["counter", "nonce", "action", "output", "duration_ms", "expires_uptime_ms"],
        "",
    ),
    "receipt": (
        commands.RECEIPT_BODY,
        ["boot_id", "counter", "status", "output", "outputs_mask", "until_uptime_ms", "uptime_ms"],
        "",
    ),
    "offer": (updates.OFFER_BODY, ["release", "size", "version"], ""),
    "ask": (updates.ASK_BODY, ["release", "item", "offset", "length"], ""),
    "chunk": (
        updates.CHUNK_BODY,
        ["release", "item", "offset"],
        f"then at most {updates.MAX_CHUNK} bytes of the item",
    ),
    "report": (
        updates.REPORT_BODY,
        [
            "status",
            "release",
            "firmware",
            "interpreter",
            "slot",
            "state",
            "done",
            "total",
            "len(hardware)",
            "len(text)",
        ],
        f"then hardware (at most {updates.MAX_HARDWARE} bytes) and text (at most {updates.MAX_TEXT}), printable ASCII",
    ),
    "manifest": (
        manifest.HEAD,
        [
            "magic",
            "kind",
            "version",
            "min_firmware",
            "min_interpreter",
            "count of hardware",
            "count of models",
            "count of files",
        ],
        "then the names, each a u8 length and its characters; then the files; then the signature of 256 bytes",
    ),
    "file of a manifest": (
        manifest.FILE,
        ["size", "sha256"],
        "behind the file's path, which is a u8 length and its characters",
    ),
}

_SENTENCES = {
    topics.HELLO: "A node started or came back; the gateway answers with an ack that tells the time.",
    topics.READINGS: "Readings from the node's journal, at most one boot a frame.",
    topics.RECEIPT: "What became of a command, or that an output ended by itself.",
    topics.GONE: "The node's last will, sent by the broker.",
    topics.ACK: "Committed: the node may forget these. Also tells the time.",
    topics.COMMAND: "Open with a lease, close, close all, query.",
    topics.OFFER: "There is a release; a node that may take it starts again to load it.",
    topics.ASK: "A node that loads a release wants some bytes of it.",
    topics.CHUNK: "The bytes that were asked for.",
    topics.REPORT: "What a node runs, and what became of a release; also what it last failed by.",
}


def _codes(layout: str) -> list[str]:
    return re.findall(r"\d*[A-Za-z]", layout)


def _layout_rows(name: str) -> list[tuple[int, str, str]]:
    """(offset, type, field name) of each item of a layout."""
    layout, names, _ = _LAYOUTS[name]
    codes = _codes(layout)
    if len(codes) != len(names):
        raise AssertionError(f"{name}: the layout has {len(codes)} items, the list {len(names)}")
    rows, offset = [], 0
    for code, item in zip(codes, names, strict=True):
        rows.append((offset, _TYPES[code], item))
        offset += struct.calcsize(">" + code)
    return rows


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]] + [""]


def _fields_section() -> list[str]:
    rows = [
        [
            str(f.id),
            f"`{f.name}`",
            f.raw_unit,
            f"{f.raw_min} … {f.raw_max}",
            f.unit,
            f"10^-{f.decimals}" if f.decimals else "1",
            f"{f.value_min} … {f.value_max}",
            f.doc,
        ]
        for f in fields.FIELDS
    ]
    head = ["id", "name", "raw unit", "raw range", "unit", "scale of value", "value range", "what it is"]
    return ["## Fields", "", *_table(head, rows)]


def _codes_section() -> list[str]:
    lines = ["## Codes", ""]
    lines += ["Quality (QARTOD): 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing.", ""]
    lines += ["Fault: " + ", ".join(f"{i} {n}" for i, n in enumerate(fields.FAULT_NAMES)) + ".", ""]
    lines += ["Clock quality: " + ", ".join(f"{i} {n}" for i, n in enumerate(fields.CLOCK_NAMES)) + ".", ""]
    lines += ["Boot cause: " + ", ".join(f"{i} {n}" for i, n in enumerate(frames.BOOT_CAUSES)) + ".", ""]
    lines += ["Action: 1 open, 2 close, 3 close all, 4 query. Output 255 means no single output.", ""]
    reports = ", ".join(f"{code} {name}" for code, name in updates.STATUSES.items())
    lines += [f"Status of a report: {reports}.", ""]
    lines += ["Slot: 0 none, 1 a, 2 b, 3 rescue. State: 1 good, 2 on trial, 3 the one before, 4 rescue.", ""]
    lines += ["Status: " + ", ".join(f"{code} {name}" for code, name in commands.STATUSES.items()) + ".", ""]
    return lines


def wire_markdown() -> str:
    """The contract for a person who writes another node or another gateway."""
    lines = [
        "# The wire contract",
        "",
        "Made from the package `wire` by `./hoiquan docs`; do not edit. Integers are big-endian. The same document for",
        "machines is [asyncapi.json](asyncapi.json).",
        "",
        "## Topics",
        "",
        f"`{topics.ROOT}/<village>/<node>/<up|down>/<kind>`; ids are `[a-z0-9-]`, 1 to {topics.MAX_ID} characters.",
        "QoS 1, never retained. A node's user may write its own `up` and read its own `down`, nothing else.",
        "",
    ]
    rows = [["up", f"`{k}`", _SENTENCES[k]] for k in topics.UP_KINDS]
    rows += [["down", f"`{k}`", _SENTENCES[k]] for k in topics.DOWN_KINDS]
    lines += _table(["direction", "kind", "meaning"], rows)
    lines += [
        "## Seal",
        "",
        f"Each payload is a frame and behind it {seal.TAG_BYTES} bytes: HMAC-SHA256 with the node's",
        f"{seal.KEY_BYTES}-byte key over the topic, a zero byte and the frame, cut. A frame is only good on the topic",
        "that it was sealed for.",
        "",
        "## Frames",
        "",
        f"Two bytes in front: version {frames.VERSION} and the kind. No frame is longer than {frames.MAX_FRAME} bytes.",
        "",
    ]
    for name, (layout, _, more) in _LAYOUTS.items():
        kind = frames.KIND_OF_TOPIC.get(name)
        title = f"### {name}" + (f" (kind {kind})" if kind else "")
        lines += [title, "", f"`{layout}`, {struct.calcsize(layout)} bytes" + (f"; {more}." if more else "."), ""]
        lines += _table(["at", "type", "field"], [[str(a), t, f"`{n}`"] for a, t, n in _layout_rows(name)])
    lines += _codes_section() + _fields_section()
    for module in (frames, commands, updates, manifest):
        lines += [f"## Rules of {module.__name__}", "", (module.__doc__ or "").split("Rules\n")[1].strip(), ""]
    return "\n".join(lines)


def _channel(direction: str, kind: str) -> dict[str, object]:
    return {
        "address": f"{topics.ROOT}/{{village}}/{{node}}/{direction}/{kind}",
        "parameters": {
            "village": {"description": f"id of the village, [a-z0-9-], 1 to {topics.MAX_ID} characters"},
            "node": {"description": "id of the node; also its user name and client id"},
        },
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"}},
    }


def _message(kind: str) -> dict[str, object]:
    layout, _, more = _LAYOUTS[kind]
    items = "; ".join(f"{t} {n} at {a + 2}" for a, t, n in _layout_rows(kind))
    return {
        "name": kind,
        "title": kind,
        "summary": _SENTENCES[kind],
        "contentType": "application/octet-stream",
        "payload": {
            "type": "string",
            "format": "binary",
            "minLength": 2 + struct.calcsize(layout) + seal.TAG_BYTES,
            "maxLength": frames.MAX_FRAME + seal.TAG_BYTES,
            "description": f"u8 version = {frames.VERSION}; u8 kind = {frames.KIND_OF_TOPIC[kind]}; {items}"
            + (f"; {more}" if more else "")
            + f"; {seal.TAG_BYTES} bytes of HMAC-SHA256 over topic, 0 and all before it",
        },
    }


def asyncapi() -> str:
    """The AsyncAPI 3.0 document, as JSON, of what a node sends and receives."""
    directed = [(topics.UP, k) for k in topics.UP_KINDS] + [(topics.DOWN, k) for k in topics.DOWN_KINDS]
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hội Quán: node and gateway",
            "version": f"{frames.VERSION}.0.0",
            "description": "From the node's side: it sends what goes up and receives what goes down.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/octet-stream",
        "servers": {
            "gateway": {
                "host": "hoiquan-gateway:8883",
                "protocol": "secure-mqtt",
                "protocolVersion": "3.1.1",
                "security": [{"$ref": "#/components/securitySchemes/node"}],
            }
        },
        "channels": {kind: _channel(direction, kind) for direction, kind in directed},
        "operations": {
            ("send" if direction == topics.UP else "receive") + kind.title(): {
                "action": "send" if direction == topics.UP else "receive",
                "channel": {"$ref": f"#/channels/{kind}"},
                "summary": _SENTENCES[kind],
                "bindings": {"mqtt": {"qos": 1, "retain": False}},
            }
            for direction, kind in directed
        },
        "components": {
            "securitySchemes": {
                "node": {"type": "userPassword", "description": "one user for each node, named as the node"}
            },
            "messages": {kind: _message(kind) for _, kind in directed},
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


DOCUMENTS = {"docs/wire.md": wire_markdown, "docs/asyncapi.json": asyncapi}


def write(root: Path) -> list[str]:
    """Write the documents; the names of those that changed."""
    changed = stale(root)
    for name in changed:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(DOCUMENTS[name](), encoding="utf-8")
    return changed


def stale(root: Path) -> list[str]:
    """The documents that are not what the code says."""
    return [
        name
        for name, make in DOCUMENTS.items()
        if not (root / name).is_file() or (root / name).read_text(encoding="utf-8") != make()
    ]
