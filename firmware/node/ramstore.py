"""What stands in for the journal while the node's volume cannot be mounted: the newest readings, in RAM.

Rules
1. It answers like the journal, so that the rest of the node does not know the difference: leases and commands go on,
   and the village still sees what is measured while there is a link.
2. Nothing here is stored: ``append`` says so with None, and the node tells it by the reading ``volume``.
3. The newest MAX_RECORDS are kept. What they push out is counted in ``dropped``; what a reset takes is a gap in seq.
4. No counter can be read, so the boot_id is its random half only.
"""

from wire import fields, frames

from . import segment

MAX_RECORDS = frames.MAX_RECORDS


class RamStore:
    def __init__(self, random_bits: int) -> None:
        self.volume = fields.VOLUME_NONE
        self.boot_id = random_bits & 0xFFFF or 1
        self.next_seq = 1
        self.dropped = 0
        self.clock = (0, fields.CLOCK_NONE)
        self._packed = b""
        self._flying = False

    def append(self, rows: list[tuple[int, int, int, int, int, int]]) -> None:
        for uptime_ms, field, channel, quality, fault, raw in rows:
            self._packed += frames.pack_record((self.next_seq, uptime_ms, field, channel, quality, fault, raw))
            self.next_seq += 1
        over = len(self._packed) - MAX_RECORDS * frames.RECORD_BYTES
        if over > 0:
            self.dropped += over // frames.RECORD_BYTES
            self._packed = self._packed[over:]

    def set_clock(self, offset_ms: int, quality: int) -> None:
        self.clock = (offset_ms, quality)

    def next_frame(self, now_ms: int) -> tuple[bytes, None] | None:
        if self._flying or not self._packed:
            return None
        return frames.encode_readings(self.boot_id, now_ms, self.clock[0], self.clock[1], self._packed), None

    def sent(self, _token: None) -> None:
        self._flying = True

    def forget_flight(self) -> None:
        self._flying = False

    def in_flight(self) -> int:
        return len(self._packed) // frames.RECORD_BYTES if self._flying else 0

    def acknowledge(self, boot_id: int, ranges: list[tuple[int, int]]) -> int:
        if boot_id != self.boot_id or not ranges:
            return 0
        size = frames.RECORD_BYTES
        records = [self._packed[at : at + size] for at in range(0, len(self._packed), size)]
        left = [r for r in records if not any(a <= segment.seq_of(r, 0) <= b for a, b in ranges)]
        self._packed = b"".join(left)
        self._flying = False
        return len(records) - len(left)

    def empty(self) -> bool:
        return not self._packed
