"""One cycle of the uplink: the newest readings, then as much of the backlog as fits into the time.

Rules
1. What is forgotten is written to uplink.db after the cloud's answer and before the next batch.
2. A cycle ends at its deadline or at the first answer that says wait; then nothing more is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.core import sync
from gateway.core.sync import BACKLOG, LIVE, Action, Progress
from gateway.store.data import READINGS, DataReader, StoredReading
from gateway.store.uplink import UplinkWriter
from gateway.uplink.batch import pack
from gateway.uplink.client import Answer, Poster
from gateway.uplink.meter import Meter
from kit import log
from kit.clock import Clock

CURSOR, TOP = "readings", "newest"
INGEST = "/api/v1/ingest?lane="


class Lanes:
    """Readings of data.db to the cloud, remembered in uplink.db."""

    def __init__(self, clock: Clock, reader: DataReader, writer: UplinkWriter, cloud: Poster) -> None:
        self._clock = clock
        self._reader = reader
        self._writer = writer
        self._cloud = cloud
        self._meter = Meter(clock, writer)
        self._log = log.get(part="lanes")
        cursors, nothing = writer.cursors(), reader.place(READINGS, 0)
        self._progress = Progress(cursors.get(CURSOR, nothing).id, tuple(writer.ahead()))
        self._top = cursors.get(TOP) or cursors.get(CURSOR, nothing)

    @property
    def progress(self) -> Progress:
        return self._progress

    def cycle(self, in_time: Callable[[], bool]) -> bool:
        """Send while ``in_time``. False when the cloud could not take something now."""
        self._reader.require_same_file()
        newest = self._reader.last_id()
        if not self._reader.holds(READINGS, self._top):
            self._log.warning("data.db is another one: everything is sent again", newest=newest, was=self._top.id)
            self._begin_anew()
        if not self._live():
            return False
        while in_time() and self._progress.cursor < newest:
            if not self._backlog(newest):
                return False
        return True

    def _live(self) -> bool:
        if not sync.live_allowed(self._progress):
            return True
        rows = self._reader.newest_readings(self._progress.top, sync.MAX_ROWS)
        if not rows:
            return True
        rows.reverse()
        complete = len(rows) < sync.MAX_ROWS
        first, last = sync.live_span(self._progress, rows[0].id, rows[-1].id, complete=complete)
        return self._send(LIVE, rows, first, last)

    def _backlog(self, newest: int) -> bool:
        """One batch from the cursor on, up to what was sent ahead."""
        first, end = self._progress.cursor + 1, self._progress.backlog_end or newest
        rows = [row for row in self._reader.readings_after(first - 1, sync.MAX_ROWS) if row.id <= end]
        last = rows[-1].id if len(rows) == sync.MAX_ROWS else end
        return self._send(BACKLOG, rows, first, last)

    def _send(self, lane: str, rows: Sequence[StoredReading], first: int, last: int) -> bool:
        """Send the rows that stand for the ids first..last; halves of them when the cloud cannot read them."""
        if not rows:
            self._remember(sync.acknowledged(self._progress, first, last))
            return True
        answer = self._cloud.post(INGEST + lane, pack([row.reading for row in rows]))
        action = sync.judge(answer.status, answer.body, len(rows))
        with self._writer.transaction():
            self._meter.add(answer, len(rows) if action is Action.FORGET else 0)
            if action is Action.SET_ASIDE:
                self._writer.set_aside(rows[0].id, self._clock.now_ms(), str(answer.body.get("message"))[:200])
            if action in (Action.FORGET, Action.SET_ASIDE):
                self._keep(sync.acknowledged(self._progress, first, last), answer)
        if action is Action.SPLIT:
            middle = len(rows) // 2
            between = rows[middle].id
            lower = self._send(lane, rows[:middle], first, between - 1)
            return lower and self._send(lane, rows[middle:], between, last)
        if action is Action.WAIT:
            self._log.warning("the cloud did not take a batch", lane=lane, rows=len(rows), status=answer.status,
                              why=answer.why or answer.body.get("code"))  # fmt: skip
        return action is not Action.WAIT

    def _begin_anew(self) -> None:
        with self._writer.transaction():
            self._writer.forget_aside()
            self._keep(Progress(), None)

    def _remember(self, progress: Progress) -> None:
        with self._writer.transaction():
            self._keep(progress, None)

    def _keep(self, progress: Progress, answer: Answer | None) -> None:
        self._top = self._reader.place(READINGS, progress.top)
        self._writer.set_cursor(CURSOR, self._reader.place(READINGS, progress.cursor))
        self._writer.set_cursor(TOP, self._top)
        if progress.ahead != self._progress.ahead:
            self._writer.set_ahead(progress.ahead)
        contiguous = answer.body.get("contiguous") if answer else None
        if isinstance(contiguous, dict):
            for name, seq in contiguous.items():
                node, _, boot = name.partition("/")
                if boot.isdigit() and isinstance(seq, int):
                    self._writer.set_contiguous(node, int(boot), seq)
        self._progress = progress
