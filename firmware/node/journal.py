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
8. A batch of few records begins a segment of its own: a file of at most INLINE bytes lies within LittleFS's folder, and
   needs no block to be erased. While it is small the next batch joins it. When FOLD of these wait for the gateway, they
   are copied into the large segment of the boot at once, and only then deleted: a power cut between the two makes
   records that are there twice, never none. What a boot left small is folded by the next one.
"""

import os

from wire import fields, frames

from . import segment

CAPACITY_PERCENT = 60
WINDOW = 4 * frames.MAX_RECORDS
UNREAD_MS = 60_000
INLINE = 256
SMALL = 152  # with 10 of them, the fewest erases for batches of one to four records
FOLD = 10
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
        self._states = {}  # number -> State, for segments that have been read or written
        self._unread = {}  # number -> when to try to read it again
        self._active = 0  # number of the segment that was written last
        self._small = []  # numbers of those that wait to be folded (rule 8)
        self._large = 0  # number of the one that they are folded into
        self._in_flight = 0
        self.clock = (0, fields.CLOCK_NONE)
        self.next_seq = 1
        self.boot_id = boot_id
        if boot_id:
            self._go_on()
        else:
            from . import boots  # needed once, and let go of by start.py

            self.boot_id = self._newest_boot()
            opening.fold(self, directory, self._numbers, INLINE)
            self.boot_id = boots.next_boot(directory, random_bits, self.boot_id)

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
        for _ in range(2):
            try:
                self._write(packed)
                return True
            except OSError as error:
                # These segments take no more; the next try writes the same seqs to a new one.
                self.begin_anew()
                if error.errno == _ENOSPC:
                    self._drop_oldest()
        return False

    def set_clock(self, offset_ms: int, quality: int) -> None:
        """What this boot knows of the wall clock. The first that is known is stored at once, for the records before."""
        first = self.clock[1] == fields.CLOCK_NONE
        self.clock = (offset_ms, quality)
        if first and self._room_for(self._active, b"", segment.MAX_BYTES):
            try:
                self._put(self._active, [(self.clock, b"")])
            except OSError:
                self.begin_anew()  # the next append begins a segment, and that carries the clock

    def next_frame(self, now_ms: int) -> tuple[bytes, tuple[int, int]] | None:
        """(frame, token for ``sent``) of records that are due; None when there is none or the window is full."""
        if self._in_flight >= WINDOW:
            return None
        # The segment that was written last is the newest, then comes the backlog.
        at = -1
        while at < len(self._numbers):
            number = self._numbers[at] if at >= 0 else self._active
            at += 1
            found = None
            try:
                if number and now_ms >= self._unread.get(number, 0):
                    state = self.state(number)
                    if state.done():
                        self._delete(number)
                        at = max(0, at - 1)
                    elif state.due():
                        found = self._frame(number, state, now_ms)
            except OSError:
                self._unread[number] = now_ms + UNREAD_MS
            if found is not None:
                return found
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
            if state.acked == 0 and number not in self._small and number != self._large:
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

    def begin_anew(self) -> None:
        """Write to no segment that there is."""
        self._active = self._large = 0
        self._small = []

    def _write(self, packed: bytes) -> None:
        """Store one batch. Raises OSError; then it does not count as stored."""
        pieces = [(self.clock, packed)]
        if segment.HEADER_BYTES + segment.BATCH_BYTES + len(packed) > INLINE:
            self._active = self._large = self._put(self._large, pieces)
            return
        number = self._small[-1] if self._small else 0
        if self._room_for(number, packed, SMALL):
            self._active = self._put(number, pieces)
            return
        if len(self._small) >= FOLD:
            self.fold(self._small)
        self._active = self._put(0, pieces)
        self._small.append(self._active)
        state = self._states.get(number)
        if state is not None and not state.acked and not state.flight:
            del self._states[number]  # it can be read again, and heap is dear

    def fold(self, numbers: list[int]) -> None:
        """Copy what waits in these segments of this boot into the large one, and delete them (rule 8). Raises OSError;
        then they stay as they are."""
        taken = []
        pieces = []
        low = last = 0
        for number in numbers:
            state = self.state(number)
            due = state.present & ~state.acked
            packed, mask, clock, _ = self._gather(number, due)
            if mask != due:
                raise OSError(_EIO)
            if packed:
                first, end = segment.span_of(packed)
                low = low or first
                if first <= last or end - low >= segment.MAX_RECORDS:
                    continue  # what a cut made twice, or far from the others
                last = end
                pieces.append((clock, packed))
            taken.append((number, state))
        if pieces:
            self._large = self._put(self._large, pieces)
        for number, state in taken:
            if pieces:
                large = self._states[self._large]
                large.flight |= state.flight << (state.first_seq - large.first_seq)
            state.acked = state.present
            if number in self._numbers:
                self._delete(number)

    def _room_for(self, number: int, packed: bytes, most: int) -> bool:
        """Whether a segment that is written takes these records and has at most so many bytes then."""
        state = self._states.get(number)
        if state is None or state.bytes + segment.BATCH_BYTES + len(packed) > most:
            return False
        if not packed:
            return True
        first, last = segment.span_of(packed)
        return first >= state.first_seq and last - state.first_seq < segment.MAX_RECORDS

    def _put(self, number: int, pieces: list[tuple[tuple[int, int], bytes]]) -> int:
        """Append batches of (clock, packed records) to a segment of this boot in one write, or begin another with them;
        its number. Raises OSError."""
        packed = b"".join(records for _, records in pieces)
        if not self._room_for(number, packed, segment.MAX_BYTES - (len(pieces) - 1) * segment.BATCH_BYTES):
            number = self._begin(segment.seq_of(packed, 0))
        state = self._states[number]
        head = segment.header(self.boot_id, state.first_seq)
        data = b"" if state.bytes else head
        for clock, records in pieces:
            data += segment.batch(head, clock, records)
        with open(self._path(number), "ab") as file:
            file.write(data)  # closing is the sync: LittleFS then has it all or nothing
        state.bytes += len(data)
        state.add(packed)
        return number

    def _begin(self, first: int) -> int:
        """The number of a new segment, which has no file yet: it is known before it is written, because a failed write
        may still leave one, and that must be found again."""
        while len(self._numbers) >= self._max_segments:
            self._drop_oldest()
        number = self._numbers[-1] + 1 if self._numbers else 1
        while _exists(self._path(number)):
            number += 1  # a file that the listing at the start did not show: it waits for the next boot
        self._numbers.append(number)
        self._states[number] = segment.State(self.boot_id, first)
        return number

    def _frame(self, number: int, state: segment.State, now_ms: int) -> tuple[bytes, tuple[int, int]] | None:
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

    def state(self, number: int) -> segment.State:
        """What is known of a segment, read from its file when it is new to us. Raises OSError."""
        state = self._states.get(number)
        if state is not None:
            return state
        with open(self._path(number), "rb") as file:
            found = segment.read_header(file)
            if found is None:
                state = segment.State(0, 0)
                state.torn = 1 if file.seek(0, 2) else 0  # an empty one was begun when the power went
            else:
                state = segment.State(found[0], found[1])
                for batch in segment.batches(file, found[2]):
                    if batch is None:
                        state.torn += 1
                    else:
                        state.add(batch[2])
                state.bytes = file.seek(0, 2)
        if state.torn and number not in self._unread:
            raise OSError(_EIO)
        self._states[number] = state
        return state

    def _go_on(self) -> None:
        """Write on to the newest segment if it is of this boot and whole."""
        number = self._numbers[-1] if self._numbers else 0
        try:
            if number and self.state(number).boot_id == self.boot_id:
                self._active = self._large = number
        except OSError:
            pass  # damaged, or not to be read now: the next batch begins another

    def _newest_boot(self) -> int:
        """The highest boot_id that the newest readable segment knows."""
        for number in reversed(self._numbers):
            try:
                return self.state(number).boot_id
            except OSError:
                continue
        return 0

    def _drop_oldest(self) -> None:
        if not self._numbers:
            return
        number = self._numbers[0]
        try:
            self.state(number)
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
        if number in self._small:
            self._small.remove(number)
        if number == self._active:
            self._active = 0
        if number == self._large:
            self._large = 0
        self._count_flight()

    def _count_flight(self) -> None:
        self._in_flight = sum(_ones(state.flight) for state in self._states.values())

    def _path(self, number: int) -> str:
        return "%s/s%08x" % (self._directory, number)


def _pack(seq: int, row: tuple[int, int, int, int, int, int]) -> bytes:
    uptime_ms, field, channel, quality, fault, raw = row
    return frames.pack_record((seq, uptime_ms, field, channel, quality, fault, raw))


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
