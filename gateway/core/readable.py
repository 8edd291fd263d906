"""One line of text for any message of the broker, so that a technician sees what goes through it.

Rules
1. Any topic and any bytes give a line; what cannot be read says why.
2. No key, nonce or password is ever part of a line.
"""

from __future__ import annotations

from collections.abc import Mapping

from wire import commands, fields, frames, topics, updates
from wire.errors import WireError
from wire.manifest import version_text
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


def _offer(frame: bytes) -> str:
    offer = updates.decode_offer(frame)
    return f"release {offer.release.hex()[:8]}, version {version_text(offer.version)}, manifest of {offer.size} bytes"


def _ask(frame: bytes) -> str:
    ask = updates.decode_ask(frame)
    return f"release {ask.release.hex()[:8]} item {ask.item}: {ask.length} bytes from {ask.offset}"


def _chunk(frame: bytes) -> str:
    chunk = updates.decode_chunk(frame)
    return f"release {chunk.release.hex()[:8]} item {chunk.item}: {len(chunk.data)} bytes at {chunk.offset}"


def _report(frame: bytes) -> str:
    report = updates.decode_report(frame)
    about = f" release {report.release.hex()[:8]}" if report.release != updates.NO_RELEASE else ""
    said = f": {report.text}" if report.text else ""
    return (
        f"{updates.status_name(report.status)}{about}, runs {version_text(report.firmware)} on {report.hardware} "
        f"(MicroPython {version_text(report.interpreter)}), {report.done} of {report.total} bytes{said}"
    )


_READERS = {
    topics.OFFER: _offer,
    topics.ASK: _ask,
    topics.CHUNK: _chunk,
    topics.REPORT: _report,
    topics.READINGS: _readings,
    topics.HELLO: _hello,
    topics.GONE: _gone,
    topics.ACK: _ack,
    topics.COMMAND: _command,
    topics.RECEIPT: _receipt,
}
