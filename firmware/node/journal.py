"""The journal: every reading is on flash before anything is sent, and stays until the gateway has committed it.

Rules
1. ``append`` gives the seqs, writes one batch and syncs it. What it returned is stored: no power cut loses it.
2. Only ``acknowledge`` with (boot, seq) forgets, never the broker. A segment is deleted when all its records are
   acknowledged; what is known of partly acknowledged ones is lost at a reset, and then they are sent again.
3. Sent first is the segment that is being written, so that the village sees now; then the backlog, oldest first.
   One boot a frame.
4. Records that were sent wait for their acknowledgement, WINDOW at most; ``forget_flight`` makes them due again.
5. At most CAPACITY_PERCENT of the volume: when it is full, or a write fails, the oldest segment is dropped and its
   records are counted in ``dropped``, which the node reports as a reading. Gaps in seq show it too.
6. A frame of this boot carries the clock as it is known now. One of an earlier boot carries that segment's clock, and
   as ``sent_uptime_ms`` the uptime of the segment's last record: "received minus sent_uptime" is then still an upper
   bound of what the wall clock showed at that boot's start.
7. A file that cannot be read, or that reads damaged for the first time, is left alone for UNREAD_MS and then tried
   again; the others are sent meanwhile. Deleted is only what was read: a segment that is done, or a file that is none.
   What was lost in it is counted in ``dropped`` then: a damaged batch as one, because nobody can tell how many it held.
"""

import os

from wire import fields, frames

from . import segment

CAPACITY_PERCENT = 60
WINDOW = 4 * frames.MAX_RECORDS
UNREAD_MS = 60_000
_ENOENT = 2
_EIO = 5
_ENOSPC = 28


class Journal:
    """The store of one node, in a directory of a mounted volume of ``blocks`` blocks."""

    def __init__(self, directory: str, blocks: int, random_bits: int, boot_id: int = 0) -> None:
        """``boot_id`` is that of a boot which goes on after a sleep; without it a new one is counted."""
        self._directory = directory
        self._max_segments = max(2, blocks * CAPACITY_PERCENT // 100)
        self.volume = fields.VOLUME_KEPT
        self.dropped = 0
        from . import opening  # needed once, and let go of by start.py

        self._numbers = opening.numbers_in(directory)
        self._states = {}  # number -> _State, for segments that have been read or written
        self._unread = {}  # number -> when to try to read it again
        self._active = None  # number of the segment that is written
        self._active_head = b""
        self._active_bytes = 0
        self._in_flight = 0
        self.clock = (0, fields.CLOCK_NONE)
        self.next_seq = 1
        self.boot_id = boot_id
        if boot_id:
            self._go_on()
        else:
            from . import boots  # needed once, and let go of by start.py

            self.boot_id = boots.next_boot(directory, random_bits, self._newest_boot())

    def append(self, rows: list[tuple[int, int, int, int, int, int]]) -> tuple[int, int] | None:
        """Store (uptime_ms, field, channel, quality, fault, raw) rows, MAX_BATCH at most; (first, last) seq, or None
        when the flash takes nothing: then they are counted as dropped."""
        if len(rows) > segment.MAX_BATCH:
            raise ValueError("a batch of %d" % len(rows))
        first = self.next_seq
        self.next_seq += len(rows)
        packed = b"".join(_pack(first + i, row) for i, row in enumerate(rows))
        if self.take(packed):
            return first, self.next_seq - 1
        self.dropped += len(rows)
        return None

    def take(self, packed: bytes) -> bool:
        """Store packed records of this boot that have their seqs, MAX_BATCH at most; False when the flash takes
        nothing."""
        first = segment.seq_of(packed, 0)
        for _ in range(2):
            try:
                self._write(first, packed)
                return True
            except OSError as error:
                # This segment takes no more; the next try writes the same seqs to a new one.
                self._active = None
                if error.errno == _ENOSPC:
                    self._drop_oldest()
        return False

    def set_clock(self, offset_ms: int, quality: int) -> None:
        """What this boot knows of the wall clock. The first that is known is stored at once, for the records before."""
        first = self.clock[1] == fields.CLOCK_NONE
        self.clock = (offset_ms, quality)
        if first and self._active is not None and self._room_for(b""):
            try:
                self._write(self.next_seq, b"")
            except OSError:
                self._active = None  # the next append begins a segment, and that carries the clock

    def next_frame(self, now_ms: int) -> tuple[bytes, tuple[int, int]] | None:
        """(frame, token for ``sent``) of records that are due; None when there is none or the window is full."""
        if self._in_flight >= WINDOW:
            return None
        # The segment that is written is the newest: -1, then 0, 1, … of the backlog.
        at, ahead = (0, 0) if self._active is None else (-1, 1)
        while at < len(self._numbers) - ahead:
            number = self._numbers[at]
            found = None
            try:
                if now_ms >= self._unread.get(number, 0):
                    state = self._state(number)
                    if state.done():
                        self._delete(number)
                        continue
                    if state.due():
                        found = self._frame(number, state, now_ms)
            except OSError:
                self._unread[number] = now_ms + UNREAD_MS
            if found is not None:
                return found
            at += 1
        return None

    def sent(self, token: tuple[int, int]) -> None:
        """The frame with this token is under way."""
        number, mask = token
        state = self._states.get(number)
        if state is not None:
            state.flight |= mask
            self._count_flight()

    def forget_flight(self) -> None:
        """Nothing is under way any more: the link broke, or no acknowledgement came."""
        for number, state in list(self._states.items()):
            state.flight = 0
            if state.acked == 0 and number != self._active:
                del self._states[number]
        self._in_flight = 0

    def in_flight(self) -> int:
        return self._in_flight

    def acknowledge(self, boot_id: int, ranges: list[tuple[int, int]]) -> int:
        """Forget these; answers how many records that were not acknowledged before."""
        forgotten = 0
        for number, state in list(self._states.items()):
            if state.boot_id != boot_id:
                continue
            fresh = state.mask_of(ranges) & state.present & ~state.acked
            state.acked |= fresh
            state.flight &= ~fresh
            forgotten += _ones(fresh)
            if state.done():
                self._delete(number)
        return forgotten

    def empty(self) -> bool:
        """Whether everything that was stored has been acknowledged."""
        return not self._numbers

    def _write(self, first: int, packed: bytes) -> None:
        """Append one batch to the active segment, or begin a new one. Raises OSError; then nothing counts as stored."""
        if self._active is None or not self._room_for(packed):
            self._begin(first, packed)
            return
        data = segment.batch(self._active_head, self.clock, packed)
        _append_to(self._path(self._active), data)
        self._active_bytes += len(data)
        self._states[self._active].add(packed)

    def _room_for(self, packed: bytes) -> bool:
        if self._active_bytes + segment.BATCH_BYTES + len(packed) > segment.MAX_BYTES:
            return False
        if not packed:
            return True
        first_seq = self._states[self._active].first_seq
        last = segment.seq_of(packed, len(packed) - frames.RECORD_BYTES)
        return segment.seq_of(packed, 0) >= first_seq and last - first_seq < segment.MAX_RECORDS

    def _begin(self, first: int, packed: bytes) -> None:
        while len(self._numbers) >= self._max_segments:
            self._drop_oldest()
        number = self._numbers[-1] + 1 if self._numbers else 1
        while _exists(self._path(number)):
            number += 1  # a file that the listing at the start did not show: it waits for the next boot
        head = segment.header(self.boot_id, first)
        data = head + segment.batch(head, self.clock, packed)
        # Known before it is written: a failed write may still leave a file, and that must be found again.
        self._numbers.append(number)
        state = self._states[number] = _State(self.boot_id, first)
        self._active = None
        _append_to(self._path(number), data)
        state.add(packed)
        self._active = number
        self._active_head = head
        self._active_bytes = len(data)

    def _frame(self, number: int, state: "_State", now_ms: int) -> tuple[bytes, tuple[int, int]] | None:
        """Raises OSError when the segment cannot be read."""
        packed, mask, clock, last_ms = self._gather(number, state.due())
        if not mask:
            # It was there and is no more: read anew what there is, next time.
            self._leave(number)
            return None
        if state.boot_id == self.boot_id:
            clock, last_ms = self.clock, now_ms
        return frames.encode_readings(state.boot_id, last_ms, clock[0], clock[1], packed), (number, mask)

    def _gather(self, number: int, due: int) -> tuple[bytes, int, tuple[int, int], int]:
        """(packed records, their mask, clock, uptime of the last record) of a segment, as far as they are due."""
        records = bytearray()
        mask = 0
        clock = (0, fields.CLOCK_NONE)
        last_ms = 0
        with open(self._path(number), "rb") as file:
            top = segment.read_header(file)
            for found in segment.batches(file, top[2]) if top is not None else ():
                if found is None:
                    continue
                offset_ms, quality, packed = found
                if quality != fields.CLOCK_NONE:
                    clock = (offset_ms, quality)
                for at in range(0, len(packed), frames.RECORD_BYTES):
                    last_ms = segment.uptime_of(packed, at)
                    bit = 1 << (segment.seq_of(packed, at) - top[1])
                    if due & bit and len(records) < frames.MAX_RECORDS * frames.RECORD_BYTES:
                        records += packed[at : at + frames.RECORD_BYTES]
                        mask |= bit
                        due &= ~bit
        return bytes(records), mask, clock, last_ms

    def _state(self, number: int) -> "_State":
        """What is known of a segment, read from its file when it is new to us. Raises OSError."""
        state = self._states.get(number)
        if state is not None:
            return state
        with open(self._path(number), "rb") as file:
            found = segment.read_header(file)
            if found is None:
                state = _State(0, 0)
                state.torn = 1 if file.seek(0, 2) else 0  # an empty one was begun when the power went
            else:
                state = _State(found[0], found[1])
                for batch in segment.batches(file, found[2]):
                    if batch is None:
                        state.torn += 1
                    else:
                        state.add(batch[2])
        if state.torn and number not in self._unread:
            raise OSError(_EIO)
        self._states[number] = state
        return state

    def _go_on(self) -> None:
        """Write on to the newest segment if it is of this boot and whole."""
        number = self._numbers[-1] if self._numbers else 0
        try:
            if not number or self._state(number).boot_id != self.boot_id:
                return
            with open(self._path(number), "rb") as file:
                self._active_head = file.read(segment.HEADER_BYTES)
                self._active_bytes = file.seek(0, 2)
            self._active = number
        except OSError:
            self._active = None  # damaged, or not to be read now: the next batch begins another

    def _newest_boot(self) -> int:
        """The highest boot_id that the newest readable segment knows."""
        for number in reversed(self._numbers):
            try:
                return self._state(number).boot_id
            except OSError:
                continue
        return 0

    def _drop_oldest(self) -> None:
        if not self._numbers:
            return
        number = self._numbers[0]
        try:
            self._state(number)
        except OSError:
            self.dropped += 1  # one at least: what it held cannot be told
        self._delete(number)

    def _delete(self, number: int) -> None:
        """Delete the file of a segment and count what is lost with it."""
        try:
            os.remove(self._path(number))
        except OSError:
            pass  # it is gone already, or comes back at the next boot and is sent again: both harmless
        state = self._states.get(number)
        if state is not None:
            self.dropped += _ones(state.present & ~state.acked) + state.torn
        self._numbers.remove(number)
        self._unread.pop(number, None)
        self._leave(number)

    def _leave(self, number: int) -> None:
        """Forget what is known of a segment, and write no more to it."""
        self._states.pop(number, None)
        if number == self._active:
            self._active = None
        self._count_flight()

    def _count_flight(self) -> None:
        self._in_flight = sum(_ones(state.flight) for state in self._states.values())

    def _path(self, number: int) -> str:
        return "%s/s%08x" % (self._directory, number)


class _State:
    """Masks of one segment: which records it has, which are acknowledged, which are under way."""

    def __init__(self, boot_id: int, first_seq: int) -> None:
        self.boot_id = boot_id
        self.first_seq = first_seq
        self.present = 0
        self.acked = 0
        self.flight = 0
        self.torn = 0  # damaged batches

    def add(self, packed: bytes) -> None:
        for at in range(0, len(packed), frames.RECORD_BYTES):
            place = segment.seq_of(packed, at) - self.first_seq
            if 0 <= place < segment.MAX_RECORDS:
                self.present |= 1 << place

    def done(self) -> bool:
        return self.present & ~self.acked == 0

    def due(self) -> int:
        return self.present & ~self.acked & ~self.flight

    def mask_of(self, ranges: list[tuple[int, int]]) -> int:
        mask = 0
        for first, last in ranges:
            low = max(first - self.first_seq, 0)
            high = min(last - self.first_seq, segment.MAX_RECORDS - 1)
            if low <= high:
                mask |= (1 << (high + 1)) - (1 << low)
        return mask


def _pack(seq: int, row: tuple[int, int, int, int, int, int]) -> bytes:
    uptime_ms, field, channel, quality, fault, raw = row
    return frames.pack_record((seq, uptime_ms, field, channel, quality, fault, raw))


def _append_to(path: str, data: bytes) -> None:
    """Closing is the sync: LittleFS then has it all or nothing."""
    with open(path, "ab") as file:
        file.write(data)


def _exists(path: str) -> bool:
    try:
        os.stat(path)
    except OSError as error:
        if error.errno != _ENOENT:
            raise
        return False
    return True


def _ones(mask: int) -> int:
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count
