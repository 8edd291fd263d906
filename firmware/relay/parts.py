"""A message over the air: cut into packets, put together again, acknowledged, sent again. One at a time each way. Pure.

Rules
1. Numbers of messages rise within a session and are never used twice. What has a number that is not higher than the
   last one done is not taken again; the last one itself is acknowledged again, because its acknowledgement got lost.
2. The receiver keeps one message that is not whole. A newer number pushes it out: its sender has given it up.
3. A message is whole when every part came, in any order, any number of times. Then its receiver either takes it (DONE)
   or has no room yet (BUSY), and it waits with its owner; the sender asks again, slower.
4. The sender sends what is missing after FIRST_MS, then after longer waits, TRIES times in a row without getting on.
   BUSY counts as getting on: the other side is there.
"""

from . import air

FIRST_MS = 80
LONGEST_MS = 1_000
BUSY_MS = 500
TRIES = 10
MAX_NUMBER = 0xFFFF


class Sender:
    def __init__(self) -> None:
        self.number = 0
        self.kind = 0
        self._parts = None  # None: nothing is under way
        self._missing = 0  # bitmap
        self._due_ms = 0
        self._tries = 0
        self.failed = False

    @property
    def busy(self) -> bool:
        return self._parts is not None

    def start(self, kind: int, payload: bytes, now_ms: int) -> None:
        """Begin with the next message; an empty one is a ping. Not while one is under way."""
        self.number += 1
        self.kind = kind
        self._parts = [payload[at : at + air.MAX_CHUNK] for at in range(0, len(payload), air.MAX_CHUNK)]
        self._missing = (1 << max(1, len(self._parts))) - 1
        self._due_ms = now_ms
        self._tries = 0

    def due(self, now_ms: int) -> list[bytes]:
        """The bodies that are to be sent now."""
        if self._parts is None or now_ms < self._due_ms:
            return []
        if self._tries >= TRIES:
            self.failed = True
            return []
        self._due_ms = now_ms + min(LONGEST_MS, FIRST_MS << self._tries)
        self._tries += 1
        if not self._parts:
            return [air.part(self.number, self.kind, 0, 0, b"")]
        count = len(self._parts)
        return [
            air.part(self.number, self.kind, index, count, self._parts[index])
            for index in range(count)
            if self._missing >> index & 1
        ]

    def due_ms(self, now_ms: int) -> int:
        """How long there is nothing to send."""
        return 1_000 if self._parts is None else max(0, self._due_ms - now_ms)

    def acked(self, number: int, bitmap: int, state: int, now_ms: int) -> bool:
        """Whether the present message is done by this."""
        if self._parts is None or number != self.number:
            return False
        if state == air.DONE:
            self._parts = None
            return True
        if state == air.BUSY:
            self._tries = 1
            self._due_ms = now_ms + BUSY_MS
        elif self._missing & bitmap:
            self._missing &= ~bitmap
            self._tries = 0
            self._due_ms = now_ms
        return False


class Receiver:
    def __init__(self) -> None:
        self.done = 0  # the number of the last message that was taken
        self.ready = None  # (kind, payload) of one that is whole and not taken
        self._number = 0
        self._kind = 0
        self._parts = []

    def take(self, body: bytes) -> tuple[int, int, int] | None:
        """Take in one part; (number, bitmap, state) to be acknowledged, or None: nothing is to be said now."""
        found = air.split_part(body)
        if found is None:
            return None
        number, kind, index, count, chunk = found
        if number <= self.done:
            return (number, 0, air.DONE) if number == self.done else None
        if not count:
            self.done = number
            self._parts, self.ready = [], None
            return number, 0, air.DONE
        if number != self._number or count != len(self._parts):
            if number < self._number:
                return None
            self._number, self._kind, self.ready = number, kind, None
            self._parts = [None] * count
        again = self._parts[index] is not None
        if not again:
            self._parts[index] = chunk
        bitmap = 0
        for at in range(count):
            if self._parts[at] is not None:
                bitmap |= 1 << at
        if bitmap == (1 << count) - 1:
            if self.ready is None:
                self.ready = self._kind, b"".join(self._parts)
            return number, bitmap, air.BUSY
        return (number, bitmap, air.PARTIAL) if again or index == count - 1 else None

    def accept(self) -> tuple[int, int, int]:
        """The message that is ready was taken over; what is to be acknowledged."""
        self.ready = None
        self._parts = []
        self.done = self._number
        return self.done, 0, air.DONE
