"""What the uplink has cost on each day of Vietnam, so that a village can see what it pays for."""

from __future__ import annotations

from gateway.store.uplink import Traffic, UplinkWriter
from gateway.uplink.client import Answer
from kit.clock import Clock, vietnam_time

_EPOCH_DAY = 719_163  # 1970-01-01 as a proleptic day number


class Meter:
    """Adds to today's row of uplink.db."""

    def __init__(self, clock: Clock, writer: UplinkWriter) -> None:
        self._clock = clock
        self._writer = writer

    def today(self) -> int:
        """The days of Vietnam since 1970."""
        return vietnam_time(self._clock.now_ms()).toordinal() - _EPOCH_DAY

    def add(self, answer: Answer, rows: int) -> None:
        """One request and the rows that the cloud took of it. Belongs into a transaction of the caller."""
        self._writer.add_traffic(Traffic(self.today(), 1, rows, answer.bytes_out))
