"""Frames of readings, hello, gone and acknowledgement.

Rules
1. Big-endian, fixed layouts, one byte of version and one of kind in front. No frame is longer than MAX_FRAME.
2. A reading is (boot_id, seq) of its node: given once, kept from the flash of the node to the export.
   ``seq`` starts at 1 in each boot and never goes back in it. ``boot_id`` is the boot counter in its upper 16 bits
   and a random number in its lower: it orders boots, and is new even after the flash was erased.
3. A record carries the uptime, never the time of day. The frame says how the two are related, as far as the node
   knows: ``wall_ms = clock_offset_ms + uptime_ms`` when ``clock_quality`` is not CLOCK_NONE. So a reading taken
   before the clock was known gets its time all the same.
4. Only an Ack of the gateway, sent after its COMMIT, lets a node forget a record. The broker's PUBACK proves nothing.
5. All bytes count: too few or too many raise WireError ``bad_length``.
"""

import struct

from wire import fields, topics
from wire.errors import WireError

VERSION = 1
MAX_FRAME = 1024
MAX_RECORDS = 40
MAX_RANGES = 32
NONCE_BYTES = 8
MAX_NAME = 16

KIND_READINGS = 1
KIND_HELLO = 2
KIND_GONE = 3
KIND_ACK = 4
KIND_COMMAND = 5
KIND_RECEIPT = 6
KIND_OFFER = 7
KIND_ASK = 8
KIND_CHUNK = 9
KIND_REPORT = 10

# MicroPython's struct has no error of its own.
_STRUCT_ERROR = getattr(struct, "error", ValueError)

# What kind of frame may travel on what kind of topic.
KIND_OF_TOPIC = {
    topics.READINGS: KIND_READINGS,
    topics.HELLO: KIND_HELLO,
    topics.GONE: KIND_GONE,
    topics.ACK: KIND_ACK,
    topics.COMMAND: KIND_COMMAND,
    topics.RECEIPT: KIND_RECEIPT,
    topics.OFFER: KIND_OFFER,
    topics.ASK: KIND_ASK,
    topics.CHUNK: KIND_CHUNK,
    topics.REPORT: KIND_REPORT,
}

HEADER = ">BB"
RECORD = ">IQBBBBi"
RECORD_BYTES = 20
READINGS_BODY = ">IQqBB"
HELLO_BODY = ">I8sQIBBIBB"
GONE_BODY = ">I"
ACK_BODY = ">IQBB"
RANGE = ">II"

# Why a node started; ``Hello.boot_cause``.
BOOT_UNKNOWN = 0
BOOT_POWER = 1
BOOT_RESET = 2
BOOT_WATCHDOG = 3
BOOT_SLEEP = 4
BOOT_ERROR = 5
BOOT_CAUSES = ("unknown", "power", "reset", "watchdog", "deep sleep", "error")


class Frame:
    """A decoded frame: equal when all its fields are, and never changed once made."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        names = sorted(self.__dict__)
        return type(self).__name__ + "(" + ", ".join(n + "=" + repr(getattr(self, n)) for n in names) + ")"


class Readings(Frame):
    """Records of one boot. Each is (seq, uptime_ms, field_id, channel, quality, fault, raw)."""

    def __init__(
        self,
        boot_id: int,
        sent_uptime_ms: int,
        clock_offset_ms: int,
        clock_quality: int,
        records: tuple[tuple[int, int, int, int, int, int, int], ...],
    ) -> None:
        self.boot_id = boot_id
        self.sent_uptime_ms = sent_uptime_ms
        self.clock_offset_ms = clock_offset_ms
        self.clock_quality = clock_quality
        self.records = records


class Hello(Frame):
    """A node says that it started or came back. ``nonce`` is new at each boot; commands must repeat it."""

    def __init__(
        self,
        boot_id: int,
        nonce: bytes,
        uptime_ms: int,
        next_seq: int,
        boot_cause: int,
        outputs: int,
        heap_free: int,
        firmware: str,
        model: str,
    ) -> None:
        self.boot_id = boot_id
        self.nonce = nonce
        self.uptime_ms = uptime_ms
        self.next_seq = next_seq
        self.boot_cause = boot_cause
        self.outputs = outputs
        self.heap_free = heap_free
        self.firmware = firmware
        self.model = model


class Ack(Frame):
    """The gateway has committed these seqs, (first, last) inclusive, of one boot; and this is the time."""

    def __init__(self, boot_id: int, now_ms: int, clock_quality: int, ranges: tuple[tuple[int, int], ...]) -> None:
        self.boot_id = boot_id
        self.now_ms = now_ms
        self.clock_quality = clock_quality
        self.ranges = ranges


def pack(layout: str, *values: object) -> bytes:
    """struct.pack, but a value that does not fit is a WireError ``out_of_range`` in both interpreters.

    MicroPython packs integers without looking at their range, so the result is read back and compared.
    """
    try:
        packed = struct.pack(layout, *values)
    except (_STRUCT_ERROR, TypeError, ValueError, OverflowError) as error:
        raise WireError("out_of_range", layout) from error
    if struct.unpack(layout, packed) != values:
        raise WireError("out_of_range", layout)
    return packed


def begin(kind: int) -> bytes:
    """The two bytes in front of each frame."""
    return struct.pack(HEADER, VERSION, kind)


def body_of(frame: bytes, kind: int) -> bytes:
    """The bytes behind the header. Raises WireError ``bad_length``, ``bad_version`` or ``bad_kind``."""
    if not 2 <= len(frame) <= MAX_FRAME:
        raise WireError("bad_length", str(len(frame)))
    if frame[0] != VERSION:
        raise WireError("bad_version", str(frame[0]))
    if frame[1] != kind:
        raise WireError("bad_kind", str(frame[1]))
    return frame[2:]


def exactly(body: bytes, length: int) -> None:
    """Raises WireError ``bad_length`` unless the body has this length."""
    if len(body) != length:
        raise WireError("bad_length", str(len(body)))


def pack_record(record: tuple[int, int, int, int, int, int, int]) -> bytes:
    """20 bytes of (seq, uptime_ms, field_id, channel, quality, fault, raw)."""
    return pack(RECORD, *record)


def unpack_record(packed: bytes, offset: int = 0) -> tuple[int, int, int, int, int, int, int]:
    """The record at an offset. Raises WireError ``bad_length``."""
    if offset < 0 or len(packed) - offset < RECORD_BYTES:
        raise WireError("bad_length", "record")
    return struct.unpack_from(RECORD, packed, offset)


def encode_readings(
    boot_id: int, sent_uptime_ms: int, clock_offset_ms: int, clock_quality: int, packed_records: bytes
) -> bytes:
    """A frame of records that are packed already, as they lie in the journal."""
    count, rest = divmod(len(packed_records), RECORD_BYTES)
    if rest or not 1 <= count <= MAX_RECORDS:
        raise WireError("bad_length", "records")
    if not fields.CLOCK_NONE <= clock_quality <= fields.CLOCK_SNTP:
        raise WireError("out_of_range", "clock_quality")
    head = pack(READINGS_BODY, boot_id, sent_uptime_ms, clock_offset_ms, clock_quality, count)
    return begin(KIND_READINGS) + head + bytes(packed_records)


def decode_readings(frame: bytes) -> Readings:
    """The records of a frame. A record's own numbers are not judged here, so that one bad record cannot
    take its neighbours with it."""
    body = body_of(frame, KIND_READINGS)
    head = struct.calcsize(READINGS_BODY)
    if len(body) < head:
        raise WireError("bad_length", str(len(body)))
    boot_id, sent_ms, offset_ms, quality, count = struct.unpack_from(READINGS_BODY, body)
    if not 1 <= count <= MAX_RECORDS:
        raise WireError("out_of_range", "count")
    if quality > fields.CLOCK_SNTP:
        raise WireError("out_of_range", "clock_quality")
    exactly(body, head + count * RECORD_BYTES)
    records = tuple(struct.unpack_from(RECORD, body, head + i * RECORD_BYTES) for i in range(count))
    return Readings(boot_id, sent_ms, offset_ms, quality, records)


def _name(text: str) -> bytes:
    packed = text.encode()
    if len(packed) > MAX_NAME:
        raise WireError("out_of_range", "name")
    return packed


def encode_hello(hello: Hello) -> bytes:
    """The frame of a Hello; firmware and model are at most 16 bytes of UTF-8."""
    firmware, model = _name(hello.firmware), _name(hello.model)
    if len(hello.nonce) != NONCE_BYTES:
        raise WireError("out_of_range", "nonce")
    head = pack(
        HELLO_BODY,
        hello.boot_id,
        hello.nonce,
        hello.uptime_ms,
        hello.next_seq,
        hello.boot_cause,
        hello.outputs,
        hello.heap_free,
        len(firmware),
        len(model),
    )
    return begin(KIND_HELLO) + head + firmware + model


def decode_hello(frame: bytes) -> Hello:
    """Raises WireError ``bad_length``, ``bad_version``, ``bad_kind`` or ``bad_text``."""
    body = body_of(frame, KIND_HELLO)
    head = struct.calcsize(HELLO_BODY)
    if len(body) < head:
        raise WireError("bad_length", str(len(body)))
    boot_id, nonce, uptime_ms, next_seq, cause, outputs, heap, firmware_len, model_len = struct.unpack_from(
        HELLO_BODY, body
    )
    if firmware_len > MAX_NAME or model_len > MAX_NAME:
        raise WireError("out_of_range", "name")
    exactly(body, head + firmware_len + model_len)
    text = body[head:]
    # Printable ASCII only: the names go into logs and pages.
    if any(not 32 <= byte < 127 for byte in text):
        raise WireError("bad_text", "name")
    firmware, model = text[:firmware_len].decode(), text[firmware_len:].decode()
    return Hello(boot_id, nonce, uptime_ms, next_seq, cause, outputs, heap, firmware, model)


def encode_gone(boot_id: int) -> bytes:
    """The last will of a node, sent by the broker when the node is gone."""
    return begin(KIND_GONE) + pack(GONE_BODY, boot_id)


def decode_gone(frame: bytes) -> int:
    """The boot_id of the node that is gone."""
    body = body_of(frame, KIND_GONE)
    exactly(body, struct.calcsize(GONE_BODY))
    boot_id: int = struct.unpack(GONE_BODY, body)[0]
    return boot_id


def encode_ack(boot_id: int, now_ms: int, clock_quality: int, ranges: list[tuple[int, int]]) -> bytes:
    """At most MAX_RANGES ranges; none at all just tells the time."""
    if len(ranges) > MAX_RANGES:
        raise WireError("out_of_range", "ranges")
    if any(first > last for first, last in ranges):
        raise WireError("out_of_range", "range")
    packed = b"".join(pack(RANGE, first, last) for first, last in ranges)
    return begin(KIND_ACK) + pack(ACK_BODY, boot_id, now_ms, clock_quality, len(ranges)) + packed


def decode_ack(frame: bytes) -> Ack:
    """Raises WireError ``bad_length``, ``bad_version``, ``bad_kind`` or ``out_of_range``."""
    body = body_of(frame, KIND_ACK)
    head = struct.calcsize(ACK_BODY)
    if len(body) < head:
        raise WireError("bad_length", str(len(body)))
    boot_id, now_ms, quality, count = struct.unpack_from(ACK_BODY, body)
    if count > MAX_RANGES:
        raise WireError("out_of_range", "ranges")
    exactly(body, head + count * struct.calcsize(RANGE))
    ranges = tuple(struct.unpack_from(RANGE, body, head + i * 8) for i in range(count))
    if any(first > last for first, last in ranges):
        raise WireError("out_of_range", "range")
    return Ack(boot_id, now_ms, quality, ranges)


def ranges_of(seqs: list[int]) -> list[tuple[int, int]]:
    """Sorted, distinct, inclusive ranges that cover exactly these seqs."""
    ranges: list[tuple[int, int]] = []
    for seq in sorted(set(seqs)):
        if ranges and seq == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], seq)
        else:
            ranges.append((seq, seq))
    return ranges
