"""Rows of readings as columns, for the thin line from gateway to cloud.

Rules
1. A row is (node, boot_id, seq, field, channel, uptime_ms, measured_ms, time_quality, received_ms, raw, value,
   flag, calibration), all integers but the node's id; ``value`` may be None. What goes in comes out, in order.
2. Each column is a stream of variable-length integers, of differences to the last row that should be alike: of the
   same node for counters and times, of the same series (node, field, channel) for raw and value. A general
   compressor then finds little left to say; this package does not compress.
3. Untrusted bytes: all lengths are checked against limits before anything is made of them, the CRC-32 of the whole
   is checked first, and no byte may be left over. Errors are WireError ``bad_columns``.
"""

import binascii
import struct

from wire import topics
from wire.errors import WireError

MAGIC = b"HQC\x01"
MAX_ROWS = 5000
MAX_NODES = 1000
MAX_INTEGER_BYTES = 10
COLUMNS = (
    "node",
    "boot",
    "seq",
    "field",
    "channel",
    "uptime",
    "offset",  # measured - uptime
    "time_quality",
    "delay",  # received - measured
    "raw",
    "kind",
    "value",
    "flag",
    "calibration",
)

MYPY = False
if MYPY:  # only the type checker comes here: MicroPython cannot subscript a type
    Row = tuple[str, int, int, int, int, int, int, int, int, int, int | None, int, int]

_INT64_MIN = -(2**63)
_INT64_MAX = 2**63 - 1
# How a value relates to its raw.
_NO_VALUE = 0
_VALUE_IS_RAW = 1
_VALUE_OWN = 2


class _Writer:
    """One stream of zigzag base-128 integers."""

    def __init__(self) -> None:
        self.bytes = bytearray()

    def put(self, number: int) -> None:
        if not _INT64_MIN <= number <= _INT64_MAX:
            raise WireError("bad_columns", "integer")
        rest = number << 1 if number >= 0 else ((-number) << 1) - 1
        while rest > 127:
            self.bytes.append(rest & 127 | 128)
            rest >>= 7
        self.bytes.append(rest)


def _numbers(stream: bytes, count: int) -> list[int]:
    """Exactly ``count`` integers of a stream; one longer than they can be is not even looked at."""
    if len(stream) > count * MAX_INTEGER_BYTES:
        raise WireError("bad_columns", "count")
    numbers = []
    rest = 0
    shift = 0
    for byte in stream:
        rest |= (byte & 127) << shift
        if byte & 128:
            shift += 7
            if shift > 63:
                raise WireError("bad_columns", "integer")
        else:
            number = -((rest + 1) >> 1) if rest & 1 else rest >> 1
            if not _INT64_MIN <= number <= _INT64_MAX:
                raise WireError("bad_columns", "integer")
            numbers.append(number)
            rest = 0
            shift = 0
    if shift or len(numbers) != count:
        raise WireError("bad_columns", "count")
    return numbers


def encode_columns(rows: "list[Row]") -> bytes:
    """Pack at most MAX_ROWS rows."""
    if not 1 <= len(rows) <= MAX_ROWS:
        raise WireError("bad_columns", "rows")
    nodes: list[str] = []
    index_of: dict[str, int] = {}
    streams = [_Writer() for _ in COLUMNS]
    put = [s.put for s in streams]
    by_node: dict[str, list[int]] = {}
    by_series: dict[tuple[str, int, int], list[int]] = {}
    last = [0, 0, 0, 0]  # node index, field, channel, flag
    for row in rows:
        node, boot, seq, field, channel, uptime, measured, time_q, received, raw, value, flag, calibration = row
        if node not in index_of:
            if not topics.id_ok(node) or len(nodes) == MAX_NODES:
                raise WireError("bad_columns", "node")
            index_of[node] = len(nodes)
            nodes.append(node)
        was = by_node.setdefault(node, [0, 0, 0, 0, 0, 0])
        now = [boot, seq, uptime, measured - uptime, time_q, received - measured]
        before = by_series.setdefault((node, field, channel), [0, 0, 0])
        kind = _NO_VALUE if value is None else _VALUE_IS_RAW if value == raw else _VALUE_OWN
        put[0](index_of[node] - last[0])
        put[1](boot - was[0])
        put[2](seq - was[1])
        put[3](field - last[1])
        put[4](channel - last[2])
        put[5](uptime - was[2])
        put[6](now[3] - was[3])
        put[7](time_q - was[4])
        put[8](now[5] - was[5])
        put[9](raw - before[0])
        put[10](kind)
        if kind == _VALUE_OWN and value is not None:
            put[11](value - before[1])
            before[1] = value
        put[12](flag - last[3])
        put[13](calibration - before[2])
        by_node[node] = now
        before[0] = raw
        before[2] = calibration
        last = [index_of[node], field, channel, flag]
    return _frame(len(rows), nodes, [bytes(s.bytes) for s in streams])


def _frame(count: int, nodes: list[str], streams: list[bytes]) -> bytes:
    parts = [MAGIC, struct.pack(">HH", count, len(nodes))]
    for node in nodes:
        parts.append(struct.pack(">B", len(node)) + node.encode())
    for stream in streams:
        parts.append(struct.pack(">I", len(stream)))
        parts.append(stream)
    packed = b"".join(parts)
    return packed + struct.pack(">I", binascii.crc32(packed) & 0xFFFFFFFF)


class _Reader:
    """Takes bytes from the front, or raises."""

    def __init__(self, packed: bytes) -> None:
        self.packed = packed
        self.at = 0

    def take(self, length: int) -> bytes:
        if length > len(self.packed) - self.at:
            raise WireError("bad_columns", "length")
        self.at += length
        return self.packed[self.at - length : self.at]

    def number(self, layout: str) -> int:
        found: int = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return found


def _open(packed: bytes) -> tuple[int, list[str], list[bytes]]:
    """(row count, nodes, streams) of a frame whose checksum is right."""
    if len(packed) < len(MAGIC) + 8 or packed[: len(MAGIC)] != MAGIC:
        raise WireError("bad_columns", "magic")
    if struct.unpack(">I", packed[-4:])[0] != binascii.crc32(packed[:-4]) & 0xFFFFFFFF:
        raise WireError("bad_columns", "crc")
    reader = _Reader(packed[:-4])
    reader.take(len(MAGIC))
    count = reader.number(">H")
    node_count = reader.number(">H")
    if not 1 <= count <= MAX_ROWS or not 1 <= node_count <= MAX_NODES:
        raise WireError("bad_columns", "count")
    nodes = []
    for _ in range(node_count):
        name = reader.take(reader.number(">B"))
        # bytes first: decoding arbitrary bytes could raise something else than a WireError
        if any(byte > 127 for byte in name) or not topics.id_ok(name.decode()):
            raise WireError("bad_columns", "node")
        nodes.append(name.decode())
    streams = [reader.take(reader.number(">I")) for _ in COLUMNS]
    if reader.at != len(reader.packed):
        raise WireError("bad_columns", "length")
    return count, nodes, streams


def decode_columns(packed: bytes) -> "list[Row]":
    """The rows of a frame. Raises WireError ``bad_columns`` for anything else."""
    count, nodes, streams = _open(packed)
    kinds = _numbers(streams[10], count)
    own = _numbers(streams[11], sum(1 for kind in kinds if kind == _VALUE_OWN))
    own.reverse()
    columns = [own if i == 11 else kinds if i == 10 else _numbers(s, count) for i, s in enumerate(streams)]
    rows = []
    by_node: dict[str, list[int]] = {}
    by_series: dict[tuple[str, int, int], list[int]] = {}
    index = field = channel = flag = 0
    for i in range(count):
        index += columns[0][i]
        field += columns[3][i]
        channel += columns[4][i]
        flag += columns[12][i]
        if not 0 <= index < len(nodes):
            raise WireError("bad_columns", "node")
        node = nodes[index]
        now = by_node.setdefault(node, [0, 0, 0, 0, 0, 0])
        for slot, column in enumerate((1, 2, 5, 6, 7, 8)):
            now[slot] += columns[column][i]
        boot, seq, uptime, offset, time_q, delay = now
        before = by_series.setdefault((node, field, channel), [0, 0, 0])
        before[0] += columns[9][i]
        before[2] += columns[13][i]
        raw = before[0]
        kind = kinds[i]
        if kind == _VALUE_OWN:
            before[1] += own.pop()
        elif kind not in (_NO_VALUE, _VALUE_IS_RAW):
            raise WireError("bad_columns", "kind")
        value = None if kind == _NO_VALUE else raw if kind == _VALUE_IS_RAW else before[1]
        measured = offset + uptime
        rows.append(
            (node, boot, seq, field, channel, uptime, measured, time_q, measured + delay, raw, value, flag, before[2])
        )
    return rows
