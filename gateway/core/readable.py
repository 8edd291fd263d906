"""One line of text for any message of the broker, so that a technician sees what goes through it.

Rules
1. Any topic and any bytes give a line; what cannot be read says why.
2. No key, nonce or password is ever part of a line.
"""

from __future__ import annotations

from collections.abc import Mapping

from wire import commands, fields, frames, topics
from wire.errors import WireError
from wire.seal import Sealer

MAX_RECORDS_SHOWN = 6
_ACTIONS = {commands.OPEN: "open", commands.CLOSE: "close", commands.CLOSE_ALL: "close all", commands.QUERY: "query"}


def line(topic: str, payload: bytes, keys: Mapping[str, bytes]) -> str:
    """``node kind: what it says``, or ``? topic: why it cannot be read``."""
    try:
        _, node, _, kind = topics.parse(topic)
        if node not in keys:
            raise WireError("unknown_node", node)
        frame = Sealer(keys[node]).unseal(topic, payload)
        return f"{node} {kind}: {_READERS[kind](frame)}"
    except WireError as error:
        return f"? {topic[: topics.MAX_TOPIC]!r}: {error} ({len(payload)} bytes)"


def quantity(field_id: int, raw: int) -> str:
    """A raw reading with its field's name and raw unit."""
    try:
        what = fields.field(field_id)
    except WireError:
        return f"field {field_id} = {raw}"
    return f"{what.name} {raw} {what.raw_unit}"


def _readings(frame: bytes) -> str:
    sent = frames.decode_readings(frame)
    shown = [
        f"#{seq} {quantity(field, raw)} (channel {channel}, quality {quality}, at {uptime_ms} ms)"
        for seq, uptime_ms, field, channel, quality, _, raw in sent.records[:MAX_RECORDS_SHOWN]
    ]
    more = len(sent.records) - len(shown)
    head = f"boot {sent.boot_id:08x}, clock {fields.CLOCK_NAMES[sent.clock_quality]}"
    return "; ".join([head, *shown] + ([f"and {more} more"] if more else []))


def _hello(frame: bytes) -> str:
    hello = frames.decode_hello(frame)
    cause = frames.BOOT_CAUSES[hello.boot_cause] if hello.boot_cause < len(frames.BOOT_CAUSES) else "?"
    return (
        f"boot {hello.boot_id:08x} after {cause}, up {hello.uptime_ms} ms, {hello.model} {hello.firmware}, "
        f"outputs {hello.outputs:08b}, {hello.heap_free} bytes free"
    )


def _gone(frame: bytes) -> str:
    return f"boot {frames.decode_gone(frame):08x} is gone"


def _ack(frame: bytes) -> str:
    ack = frames.decode_ack(frame)
    ranges = ", ".join(f"{first}-{last}" for first, last in ack.ranges) or "nothing, only the time"
    return f"boot {ack.boot_id:08x} may forget {ranges}; it is {ack.now_ms}"


def _command(frame: bytes) -> str:
    command = commands.decode_command(frame)
    return (
        f"#{command.counter} {_ACTIONS[command.action]} output {command.output} "
        f"for {command.duration_ms} ms, until uptime {command.expires_uptime_ms} ms"
    )


def _receipt(frame: bytes) -> str:
    receipt = commands.decode_receipt(frame)
    return (
        f"#{receipt.counter} {commands.status_name(receipt.status)}, output {receipt.output}, "
        f"outputs {receipt.outputs_mask:08b}, open until {receipt.until_uptime_ms} ms, up {receipt.uptime_ms} ms"
    )


_READERS = {
    topics.READINGS: _readings,
    topics.HELLO: _hello,
    topics.GONE: _gone,
    topics.ACK: _ack,
    topics.COMMAND: _command,
    topics.RECEIPT: _receipt,
}
