"""What is new for the irrigation since its last step: committed readings, receipts and boots, and what people ask for.

Rules
1. It only reads, and remembers nothing: how far each table was read (``Place``) is the caller's, who keeps it in the
   transaction of the step that used the rows.
2. The first time of all, of readings the last MAX_ROWS are taken instead of the whole past, and of receipts none: a
   new state asks every node.
3. A place that does not hold any more (another data.db or village.db, or an older copy of it) is begun anew and told:
   readings with the last, receipts with the first, intents with those of the last day. Nothing is overlooked, and
   what comes twice changes nothing: receipts are known by their counter and uptime, and an old intent has expired.
4. What people ask for comes from a database that web writes; while it cannot be read, there is nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from gateway import translate
from gateway.core.types import DAY_MS, Intent, Link, Reading, Receipt
from gateway.store.common import StoreError
from gateway.store.data import READINGS, RECEIPTS, DataReader
from gateway.store.places import Feed, FeedReader, Place
from gateway.store.village import INTENTS, VillageReader
from kit import log
from kit.clock import Clock, real_mono_s

MAX_ROWS = 2_000  # of each kind at once
PAUSE_S = 2.0

T = TypeVar("T")


@dataclass(frozen=True)
class Mail:
    """``cursors`` are the places after these rows. ``more``: there may be more to read at once. ``intents_from`` is
    the id after which intents begin anew, None when they go on."""

    readings: tuple[Reading, ...]
    receipts: tuple[Receipt, ...]
    intents: tuple[Intent, ...]
    links: tuple[Link, ...]
    cursors: Mapping[str, Place]
    more: bool
    intents_from: int | None


class Asked(NamedTuple):
    """Intents, the place behind them, and the id after which they begin anew; None when they go on."""

    intents: tuple[Intent, ...]
    after: Place | None
    anew_from: int | None


class People:
    """What people ask for; nothing while village.db cannot be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: VillageReader | None = None
        self._told = ""
        self._retry_s = 0.0

    def data_version(self) -> int:
        return self._or(VillageReader.data_version, 0)

    def intents(self, place: Place | None, now_ms: int) -> Asked:
        """The intents behind a place."""
        return self._or(lambda reader: _intents(reader, place, now_ms), Asked((), place, None))

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    def _or(self, read: Callable[[VillageReader], T], nothing: T) -> T:
        try:
            if self._reader is None:
                if real_mono_s() < self._retry_s:
                    return nothing
                self._reader = VillageReader(self._path)
            return read(self._reader)
        except StoreError as error:
            self.close()
            self._retry_s = real_mono_s() + PAUSE_S
            if str(error) != self._told:
                log.get().error("requests of people cannot be read: watering goes on", why=str(error))
                self._told = str(error)
            return nothing


def _intents(reader: VillageReader, place: Place | None, now_ms: int) -> Asked:
    place = _held(reader, INTENTS, place)
    begin = reader.last_intent_before(now_ms - DAY_MS) if place is None else place.id
    rows = reader.intents_after(begin, MAX_ROWS)
    after = reader.place(INTENTS, rows[-1].id if rows else begin)
    return Asked(tuple(translate.intent(row) for row in rows), after, begin if place is None else None)


class Inbox:
    """Reads what is new of one village."""

    def __init__(self, data: DataReader, people: People, clock: Clock) -> None:
        self._data = data
        self._people = people
        self._clock = clock
        self._seen: tuple[int, int] | None = None

    def is_news(self) -> bool:
        """Whether another process has committed something since this was asked before."""
        seen = (self._data.data_version(), self._people.data_version())
        if seen == self._seen:
            return False
        self._seen = seen
        return True

    def look_again(self) -> None:
        """The next ``is_news`` says yes."""
        self._seen = None

    def read(self, cursors: Mapping[str, Place], now_ms: int) -> Mail:
        """Everything behind the cursors. Raises StoreError when data.db cannot be read."""
        after = dict(cursors)
        with self._data.snapshot():
            links = translate.links(self._data.current_boots().values(), self._clock)
            readings, after[READINGS.table] = self._readings(cursors.get(READINGS.table), links)
            receipts, after[RECEIPTS.table] = self._receipts(cursors.get(RECEIPTS.table))
        asked = self._people.intents(cursors.get(INTENTS.table), now_ms)
        if asked.after is not None:
            after[INTENTS.table] = asked.after
        return Mail(
            readings=tuple(readings),
            receipts=tuple(receipts),
            intents=asked.intents,
            links=tuple(links.values()),
            cursors=after,
            more=MAX_ROWS in (len(readings), len(receipts), len(asked.intents)),
            intents_from=asked.anew_from,
        )

    def _readings(self, place: Place | None, links: Mapping[str, Link]) -> tuple[list[Reading], Place]:
        data = self._data
        held = _held(data, READINGS, place)
        begin = max(0, data.last_id() - MAX_ROWS) if held is None else held.id
        rows = data.readings_after(begin, MAX_ROWS)
        return [translate.reading(row, links) for row in rows], data.place(READINGS, rows[-1].id if rows else begin)

    def _receipts(self, place: Place | None) -> tuple[list[Receipt], Place]:
        data = self._data
        held = _held(data, RECEIPTS, place)
        begin = held.id if held else 0 if place else data.last_receipt_id()
        rows = data.receipts_after(begin, MAX_ROWS)
        return [translate.receipt(row) for row in rows], data.place(RECEIPTS, rows[-1].id if rows else begin)


def _held(reader: FeedReader, feed: Feed, place: Place | None) -> Place | None:
    """The place if it holds."""
    if place is None or reader.holds(feed, place):
        return place
    log.get().warning("another database, or an older copy: read anew", file=reader.path.name, was_at=place.id)
    return None
