"""Readings in RTC memory: what a node that sleeps keeps from one wake to the next, and how its life goes on with them.

    crc32 of all behind it u32  "HQR1"  state (_STATE)  what the sampler keeps of each sensor  count records of 20 bytes

Rules
1. RTC memory survives deep sleep and resets, but not a supply that falls away. What is in it counts only if magic and
   CRC32 are right; else it is a new boot (``fresh``), with a new boot_id: no seq is ever given twice.
2. Everything here works on the copy in RAM. A record is stored when the hal has kept what ``sealed`` returns.
3. Deep sleep is no new boot: boot_id, seq and uptime go on. Uptime is told by the RTC, whose oscillator drifts by
   percents. A rate is learned from the gateway's time, and uptime lags rather than leads (BIAS_PPM): what it lagged it
   makes good in one step forward when the gateway has told the time. It never goes back. Two times of the gateway
   that differ from the RTC by more than MAX_PPM teach nothing: somebody set a clock. An RTC that went back behind the
   last reading (a reset can take its time, and leave the memory) is gone on with from there (``go_on``).
4. It answers like the journal to what is sent and acknowledged. ``append`` takes nothing when there is no room: the
   owner then moves all to the flash (``pieces``, ``clear``) or drops the oldest, which is counted.
"""

import binascii
import struct

from wire import fields, frames

from . import segment
from .sampler import PLAIN

BYTES = 2044  # of 2,048; the rest is the hal's
SENSORS_BYTES = 40  # of eight sensors
MAX_PPM = 80_000
FIRST_PPM = -20_000  # until one was learned
BIAS_PPM = 2_000
LEARN_MS = 60_000
SPAN = 120  # seqs of one piece

_MAGIC = b"HQR1"
# count, backlog, failures, quarters, clock quality; boot_id, next_seq, dropped; anchor rtc, anchor uptime, told, rate,
# clock; sampled_ms, send_ms; ledger: awake, radio, reads; told_dropped
_STATE = ">4sHBBBBIIIQQQiqQQIIII"
_AT = 4
_SENSORS_AT = _AT + struct.calcsize(_STATE)
_RECORDS_AT = _SENSORS_AT + SENSORS_BYTES
MAX_RECORDS = (BYTES - _RECORDS_AT) // frames.RECORD_BYTES


class RtcLog:
    """Over ``memory``, a bytearray of BYTES: RTC memory as it was found."""

    volume = fields.VOLUME_KEPT

    def __init__(self, memory: bytearray) -> None:
        self.memory = memory
        self._view = memoryview(memory)
        self._body = self._view[_AT:]
        self.sensors = self._view[_SENSORS_AT:_RECORDS_AT]  # what the sampler must know of each sensor
        self._flying = 0  # so many records at the front are under way
        crc = struct.unpack_from(">I", memory, 0)[0]
        state = struct.unpack_from(_STATE, memory, _AT)
        self.fresh = state[0] != _MAGIC or crc != binascii.crc32(self._body) or state[1] > MAX_RECORDS
        if self.fresh:
            state = (_MAGIC, 0, 0, 0, PLAIN, 0, 0, 1, 0, 0, 0, 0, FIRST_PPM, 0, 0, 0, 0, 0, 0, 0)
            memory[:] = bytes(BYTES)
        self._count, backlog, self.failures, self.quarters, quality = state[1:6]
        self.backlog = bool(backlog)  # there are readings on flash, too
        self.boot_id, self.next_seq, self.dropped = state[6:9]
        self._anchor_rtc_ms, self._anchor_ms, self._told_ms, self._rate_ppm, offset_ms = state[9:14]
        self.sampled_ms, self.send_ms = state[14:16]
        self.awake_ms, self.radio_ms, self.reads, self.told_dropped = state[16:]
        self.clock = (offset_ms, quality)

    def begin(self, boot_id: int, rtc_ms: int) -> None:
        """A new life begins now."""
        self.boot_id = boot_id
        self._anchor_rtc_ms = rtc_ms

    def go_on(self, rtc_ms: int) -> None:
        """After a sleep: else an RTC that went back would not be believed until it is where it was."""
        if self.uptime_ms(rtc_ms) < self.sampled_ms:
            self._anchor_rtc_ms, self._anchor_ms, self._told_ms = rtc_ms, self.sampled_ms, 0

    def sealed(self) -> bytearray:
        """All of it, to be kept by the hal."""
        offset_ms, quality = self.clock
        struct.pack_into(
            _STATE, self.memory, _AT, _MAGIC, self._count, self.backlog, min(self.failures, 255),
            self.quarters, quality, self.boot_id, self.next_seq, self.dropped,
            self._anchor_rtc_ms, self._anchor_ms, self._told_ms, self._rate_ppm, offset_ms,
            self.sampled_ms, self.send_ms, self.awake_ms, self.radio_ms, self.reads, self.told_dropped,
        )  # fmt: skip
        struct.pack_into(">I", self.memory, 0, binascii.crc32(self._body))
        return self.memory

    # Time

    def uptime_ms(self, rtc_ms: int) -> int:
        past_ms = max(0, rtc_ms - self._anchor_rtc_ms)
        return self._anchor_ms + past_ms + past_ms * self._rate_ppm // 1_000_000

    def sleep_ms(self, until_ms: int, rtc_ms: int) -> int:
        """How long the RTC has to count until uptime is ``until_ms``."""
        rest_ms = max(0, until_ms - self.uptime_ms(rtc_ms))
        return rest_ms - rest_ms * self._rate_ppm // (1_000_000 + self._rate_ppm) + 1

    def learn(self, rtc_ms: int) -> None:
        """The clock was just set by the gateway: learn how fast the RTC runs, and make good what uptime lags."""
        uptime_ms = self.uptime_ms(rtc_ms)
        now_ms = self.clock[0] + uptime_ms
        past_ms = rtc_ms - self._anchor_rtc_ms
        if self._told_ms and past_ms >= LEARN_MS:
            more_ms = now_ms - self._told_ms - past_ms
            if abs(more_ms) * 1_000_000 <= past_ms * MAX_PPM:
                self._rate_ppm = more_ms * 1_000_000 // past_ms - BIAS_PPM
                lag_ms = max(0, past_ms + more_ms - (uptime_ms - self._anchor_ms))
                uptime_ms += lag_ms
                self.clock = (self.clock[0] - lag_ms, self.clock[1])
        self._anchor_rtc_ms, self._anchor_ms, self._told_ms = rtc_ms, uptime_ms, now_ms

    # Records

    def append(self, rows: list[tuple[int, int, int, int, int, int]]) -> tuple[int, int] | None:
        """(first, last) seq; None when there is no room for them."""
        if self._count + len(rows) > MAX_RECORDS:
            return None
        first = self.next_seq
        for at_ms, field, channel, quality, fault, raw in rows:
            at = self._at(self._count)
            struct.pack_into(
                frames.RECORD, self.memory, at, self.next_seq, at_ms, field, channel, quality, fault, raw
            )  # no *row: that would take heap
            self._count += 1
            self.next_seq += 1
        return first, self.next_seq - 1

    def pieces(self) -> list[bytes]:
        """All records, packed, in pieces that a segment of the journal takes."""
        found = []
        at = 0
        while at < self._count:
            low = segment.seq_of(self.memory, self._at(at))
            end = at
            while end < self._count and end - at < segment.MAX_BATCH:
                if segment.seq_of(self.memory, self._at(end)) - low >= SPAN:
                    break
                end += 1
            found.append(bytes(self._view[self._at(at) : self._at(end)]))
            at = end
        return found

    def clear(self) -> None:
        """Everything is on flash now."""
        self._count = self._flying = 0
        self.backlog = True

    def drop_oldest(self, count: int) -> None:
        count = min(count, self._count)
        self.dropped += count
        self._flying = max(0, self._flying - count)
        self._count -= count
        self._view[self._at(0) : self._at(self._count)] = self._view[self._at(count) : self._at(count + self._count)]

    def next_frame(self, now_ms: int) -> tuple[bytes, int] | None:
        count = min(self._count - self._flying, frames.MAX_RECORDS)
        if count <= 0:
            return None
        packed = self._view[self._at(self._flying) : self._at(self._flying + count)]
        return frames.encode_readings(self.boot_id, now_ms, self.clock[0], self.clock[1], packed), count

    def sent(self, count: int) -> None:
        self._flying += count

    def forget_flight(self) -> None:
        self._flying = 0

    def in_flight(self) -> int:
        return self._flying

    def acknowledge(self, boot_id: int, ranges) -> int:
        """Forget these; answers how many."""
        if boot_id != self.boot_id:
            return 0
        kept = flying = 0
        for at in range(self._count):
            seq = segment.seq_of(self.memory, self._at(at))
            if any(first <= seq <= last for first, last in ranges):
                continue
            if kept != at:
                self._view[self._at(kept) : self._at(kept + 1)] = self._view[self._at(at) : self._at(at + 1)]
            kept += 1
            flying += at < self._flying
        gone, self._count, self._flying = self._count - kept, kept, flying
        return gone

    def set_clock(self, offset_ms: int, quality: int) -> None:
        self.clock = (offset_ms, quality)

    def room(self) -> int:
        """How many records it would still take."""
        return MAX_RECORDS - self._count

    def empty(self) -> bool:
        return self._count == 0

    def _at(self, place: int) -> int:
        return _RECORDS_AT + place * frames.RECORD_BYTES
