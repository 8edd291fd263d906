"""How long the broker may have held a message back.

Rules
1. Ingest sends an echo to itself now and then. The broker keeps one queue for ingest and its order, so what comes in
   behind an echo came to the broker after that echo was sent.
2. A message is ``live`` when the newest echo that came back before it was sent at most ``live_ms`` ago. While ingest
   was away, hung, or is working through what was queued, nothing is.
3. Only an echo of this process counts; one that is lost is followed by the next.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from kit.clock import Clock, stretch_ms

PERIOD_MS = 2_000
LIVE_MS = 10_000
MARK_BYTES = 8


class Echo:
    def __init__(self, topic: str, clock: Clock) -> None:
        self.topic = topic
        self._clock = clock
        self._period_ms = stretch_ms(clock, PERIOD_MS, PERIOD_MS)
        self._live_ms = stretch_ms(clock, LIVE_MS, LIVE_MS)
        self._mark = b""
        self._sent_ms: int | None = None
        self._came_back_ms: int | None = None  # when the newest one that came back was sent

    def send(self, publish: Callable[[str, bytes, int], bool]) -> None:
        """Send the next echo if it is time."""
        now_ms = self._clock.mono_ms()
        if self._sent_ms is not None and now_ms - self._sent_ms < (self._live_ms if self._mark else self._period_ms):
            return
        mark = os.urandom(MARK_BYTES)
        if publish(self.topic, mark, 1):
            self._mark, self._sent_ms = mark, now_ms

    def heard(self, payload: bytes) -> bool:
        """An echo has come in. Says whether from now on what comes in is live, and was not before."""
        before = self.is_live()
        if self._mark and payload == self._mark:
            self._mark, self._came_back_ms = b"", self._sent_ms
        return self.is_live() and not before

    def is_live(self) -> bool:
        """Whether what comes in now cannot have been held back."""
        return self._came_back_ms is not None and self._clock.mono_ms() - self._came_back_ms <= self._live_ms
