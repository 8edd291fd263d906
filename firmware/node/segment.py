"""One segment of the journal: the bytes in its file.

    header   "HQS1"  boot_id u32  first_seq u32  crc32 of these 12 bytes
    batch    count u8  clock_quality u8  clock_offset_ms i64  count records of 20 bytes  crc32, seeded with the header's
    batch    …

Rules
1. All records of a segment are of one boot; record ``seq`` has bit ``seq - first_seq`` in the masks of this segment.
2. A batch counts wholly or not at all. One whose CRC is wrong is skipped, and only it.
3. A segment fits into one block of flash, so that the journal's bound in segments is a bound in blocks.
4. The clock of a segment is that of its last batch that has one.
"""

import binascii
import struct

from wire import frames

MAGIC = b"HQS1"
HEADER_BYTES = 16
BATCH_BYTES = 14
MAX_BATCH = 40
MAX_BYTES = 4000
MAX_RECORDS = 160

_HEADER = ">4sII"
_BATCH = ">BBq"


def header(boot_id: int, first_seq: int) -> bytes:
    head = struct.pack(_HEADER, MAGIC, boot_id, first_seq)
    return head + struct.pack(">I", binascii.crc32(head))


def batch(head: bytes, clock: tuple[int, int], packed: bytes) -> bytes:
    """Packed records as they are appended behind ``head``, this segment's header. ``clock`` is (offset_ms, quality)."""
    body = struct.pack(_BATCH, len(packed) // frames.RECORD_BYTES, clock[1], clock[0]) + packed
    return body + struct.pack(">I", binascii.crc32(body, binascii.crc32(head)))


def read_header(file) -> tuple[int, int, bytes] | None:
    """(boot_id, first_seq, header bytes), or None when it is not a segment."""
    head = file.read(HEADER_BYTES)
    if len(head) != HEADER_BYTES or head[:4] != MAGIC:
        return None
    if struct.unpack(">I", head[12:])[0] != binascii.crc32(head[:12]):
        return None
    _, boot_id, first_seq = struct.unpack(_HEADER, head[:12])
    return boot_id, first_seq, head


def batches(file, head: bytes):
    """Each batch behind the header as (clock_offset_ms, clock_quality, packed records), None for a torn one."""
    while True:
        front = file.read(BATCH_BYTES - 4)
        if not front:
            return
        if len(front) < BATCH_BYTES - 4:
            yield None
            return
        count, quality, offset_ms = struct.unpack(_BATCH, front)
        rest = file.read(count * frames.RECORD_BYTES + 4)
        packed = rest[:-4]
        crc = binascii.crc32(packed, binascii.crc32(front, binascii.crc32(head)))
        whole = len(rest) == count * frames.RECORD_BYTES + 4 and count <= MAX_BATCH
        yield (offset_ms, quality, packed) if whole and struct.unpack(">I", rest[-4:])[0] == crc else None


def seq_of(packed: bytes, offset: int) -> int:
    """The seq of the record at an offset."""
    return struct.unpack_from(">I", packed, offset)[0]


def uptime_of(packed: bytes, offset: int) -> int:
    """The uptime of the record at an offset."""
    return struct.unpack_from(">Q", packed, offset + 4)[0]
