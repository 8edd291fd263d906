"""The farmer's page goes to the cloud as it is shown in the village: when it changed, and as a sign of life.

A page that cannot be made (a clock out of all bounds) is told once and left out: readings go on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import zstandard

from gateway.core import sync
from gateway.store.uplink import UplinkWriter
from gateway.uplink.batch import ZSTD_LEVEL
from gateway.uplink.client import Answer, Poster
from gateway.uplink.meter import Meter
from kit import log
from kit.clock import Clock
from pages.view import ViewError, Village

SNAPSHOT = "/api/v1/snapshot"


class Page:
    """Sends what ``build`` makes of the village now."""

    def __init__(self, clock: Clock, writer: UplinkWriter, cloud: Poster, build: Callable[[int], Village]) -> None:
        self._clock = clock
        self._writer = writer
        self._meter = Meter(clock, writer)
        self._cloud = cloud
        self._build = build
        self._sent: tuple[int, Village] | None = None
        self._told = ""
        self._log = log.get(part="page")

    def send_if_due(self) -> Answer | None:
        """The cloud's answer, or None when there was nothing to send."""
        now_ms = self._clock.now_ms()
        village = self._view(now_ms)
        if village is None:
            return None
        timeless = dataclasses.replace(village, now_ms=0)
        sent_ms, before = self._sent or (None, None)
        if not sync.snapshot_due(now_ms, sent_ms, changed=timeless != before):
            return None
        body = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(village.to_json().encode())
        answer = self._cloud.post(SNAPSHOT, body)
        with self._writer.transaction():
            self._meter.add(answer, 0)
        if answer.status == 200:
            self._sent = (now_ms, timeless)
        else:
            why = answer.why or answer.body.get("code")
            self._log.warning("the cloud did not take the page", status=answer.status, why=why)
        return answer

    def _view(self, now_ms: int) -> Village | None:
        try:
            village = self._build(now_ms)
        except ViewError as error:
            if str(error) != self._told:
                self._told = str(error)
                self._log.error("there is no page to send: set the clock of the gateway right", why=self._told)
            return None
        self._told = ""
        return village
