"""data.db: readings, what is latest, boots, receipts and quarantine. Written by ingest alone.

Rules
1. A reading is inserted once by (node, boot, seq). Sent again with the same measurement it is ``same``; with
   another one it is a ``conflict``: the first stays, the second goes to quarantine.
2. ``latest`` only moves forward in measured time, and never by a reading whose time is unknown. When the gateway's
   clock was set back, what then lies in the future gives way.
3. Boots are ordered by their hellos, never by a time of the wall clock: that may be set back.
4. Quarantine keeps its newest MAX_QUARANTINE rows; what falls out is counted. Of a node's boots the last
   MAX_BOOTS_PER_NODE are kept.
5. ``failed`` names the tests of quality that a reading failed (``gateway.core.watch``), for those that did; ``tracks``
   is what the tests remember of a series, and up to which reading. Both are kept with the readings they were made of.
6. Receipts are kept for 400 days, at most 500,000 of them (``KEPT_RECEIPTS``): control has read them long before.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from gateway.core.boots import MAX_BOOTS_PER_NODE
from gateway.core.faults import Fault
from gateway.core.rows import Boot, Failed, Key, Quarantined, Reading, Receipt
from gateway.store import faults
from gateway.store.common import FILE_ID, Keep, Schema, Writer
from gateway.store.places import Feed, FeedReader
from wire import fields

MAX_QUARANTINE = 10_000
KEPT_RECEIPTS = Keep(400 * 86_400_000, most=500_000, least=50_000)
KEPT_FAILED = Keep(400 * 86_400_000, most=1_000_000, least=50_000)

SCHEMA = Schema(
    "data.db",
    (
        """
        CREATE TABLE readings(
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            node TEXT NOT NULL, boot INT NOT NULL, seq INT NOT NULL, field INT NOT NULL, channel INT NOT NULL,
            uptime_ms INT NOT NULL, measured_ms INT NOT NULL, time_q INT NOT NULL, received_ms INT NOT NULL,
            raw INT NOT NULL, value INT, flag INT NOT NULL, calibration INT NOT NULL,
            UNIQUE(node, boot, seq)) STRICT;
        CREATE INDEX readings_by_series ON readings(node, field, channel, measured_ms);
        CREATE TABLE latest(
            node TEXT NOT NULL, field INT NOT NULL, channel INT NOT NULL, measured_ms INT NOT NULL,
            received_ms INT NOT NULL, raw INT NOT NULL, value INT, flag INT NOT NULL,
            PRIMARY KEY(node, field, channel)) STRICT, WITHOUT ROWID;
        CREATE TABLE receipts(
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            node TEXT NOT NULL, boot INT NOT NULL, counter INT NOT NULL, status INT NOT NULL, output INT NOT NULL,
            outputs_mask INT NOT NULL, until_uptime_ms INT NOT NULL, uptime_ms INT NOT NULL,
            received_ms INT NOT NULL,
            UNIQUE(node, boot, counter, status, output, uptime_ms)) STRICT;
        CREATE TABLE boots(
            node TEXT NOT NULL, boot INT NOT NULL, nonce BLOB NOT NULL, offset_ms INT NOT NULL,
            first_received_ms INT NOT NULL, last_received_ms INT NOT NULL, last_uptime_ms INT NOT NULL,
            firmware TEXT NOT NULL, model TEXT NOT NULL, cause INT NOT NULL, outputs INT NOT NULL,
            PRIMARY KEY(node, boot)) STRICT, WITHOUT ROWID;
        CREATE TABLE quarantine(
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            received_ms INT NOT NULL, topic TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
            payload BLOB NOT NULL) STRICT;
        CREATE TABLE counters(name TEXT PRIMARY KEY, n INT NOT NULL) STRICT, WITHOUT ROWID;
        """,
        FILE_ID,
        # What was known of the past of a boot was reckoned by the wall clock: it is not carried over (steady 0).
        """
        ALTER TABLE boots ADD COLUMN steady INT NOT NULL DEFAULT 0;
        ALTER TABLE boots ADD COLUMN hello INT NOT NULL DEFAULT 0;
        UPDATE boots SET hello = place FROM
            (SELECT node AS of, boot AS life, row_number() OVER (ORDER BY last_received_ms, first_received_ms, boot)
             AS place FROM boots) WHERE node = of AND boot = life;
        CREATE INDEX boots_by_hello ON boots(node, hello);
        """,
        faults.TABLE,
        """
        CREATE TABLE failed(
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            node TEXT NOT NULL, boot INT NOT NULL, seq INT NOT NULL, field INT NOT NULL, channel INT NOT NULL,
            received_ms INT NOT NULL, flag INT NOT NULL, tests INT NOT NULL, UNIQUE(node, boot, seq)) STRICT;
        CREATE TABLE tracks(
            node TEXT NOT NULL, field INT NOT NULL, channel INT NOT NULL, upto INT NOT NULL, track TEXT NOT NULL,
            PRIMARY KEY(node, field, channel)) STRICT, WITHOUT ROWID;
        """,
    ),
)

READINGS = Feed("readings", "node || ' ' || boot || ' ' || seq")
RECEIPTS = Feed("receipts", "node || ' ' || boot || ' ' || counter || ' ' || status || ' ' || uptime_ms")

_COLUMNS = ", ".join(Reading._fields)
_INSERT_READING = f"INSERT OR IGNORE INTO readings({_COLUMNS}) VALUES({', '.join('?' * len(Reading._fields))})"
_STORED_READING = f"SELECT {_COLUMNS} FROM readings WHERE node = ? AND boot = ? AND seq = ?"
_UPSERT_LATEST = """
    INSERT INTO latest(node, field, channel, measured_ms, received_ms, raw, value, flag) VALUES(?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT(node, field, channel) DO UPDATE SET measured_ms = excluded.measured_ms,
        received_ms = excluded.received_ms, raw = excluded.raw, value = excluded.value, flag = excluded.flag
    WHERE excluded.measured_ms > latest.measured_ms OR latest.measured_ms > excluded.received_ms"""
_INSERT_RECEIPT = f"""
    INSERT OR IGNORE INTO receipts({", ".join(Receipt._fields)}) VALUES({", ".join("?" * len(Receipt._fields))})"""
_REPLACE_BOOT = f"REPLACE INTO boots({', '.join(Boot._fields)}) VALUES({', '.join('?' * len(Boot._fields))})"
_FORGET_BOOTS = """DELETE FROM boots WHERE node = ?1 AND boot IN
    (SELECT boot FROM boots WHERE node = ?1 ORDER BY hello DESC, boot DESC LIMIT -1 OFFSET ?2)"""
# Node by node along the index, so that the many boots of the past are not read.
_CURRENT_BOOTS = f"""
    WITH RECURSIVE nodes(name) AS (
        SELECT min(node) FROM boots
        UNION ALL SELECT (SELECT min(node) FROM boots WHERE node > name) FROM nodes WHERE name IS NOT NULL)
    SELECT {", ".join(Boot._fields)} FROM nodes JOIN boots INDEXED BY boots_by_hello
        ON node = name AND hello = (SELECT max(hello) FROM boots WHERE node = name)"""
_INSERT_QUARANTINE = "INSERT INTO quarantine(received_ms, topic, reason, detail, payload) VALUES(?, ?, ?, ?, ?)"
_INSERT_FAILED = f"""
    INSERT OR IGNORE INTO failed({", ".join(Failed._fields)}) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
    WHERE EXISTS(SELECT 1 FROM readings WHERE node = ?1 AND boot = ?2 AND seq = ?3 AND flag = ?7)"""
_REPLACE_TRACK = "REPLACE INTO tracks SELECT ?1, ?2, ?3, coalesce(max(id), 0), ?4 FROM readings"
_COUNT = "INSERT INTO counters VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET n = n + excluded.n"


@dataclass
class Batch:
    """What is committed together."""

    readings: list[Reading] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    boots: dict[tuple[str, int], Boot] = field(default_factory=dict)
    quarantine: list[Quarantined] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    tracks: Mapping[Key, list[Any]] | None = None  # as they are after these readings; None: not now


class Outcome(NamedTuple):
    """How the readings of a batch were received. All three are safe on disk and may be acknowledged."""

    new: int
    same: int
    conflict: int


class DataWriter(Writer):
    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA)

    def commit(self, batch: Batch) -> Outcome:
        """Keep a batch, all or nothing; when this returns it is on the disk. Raises StoreError."""
        with self.transaction():
            outcome, conflicts = self._keep_readings(batch.readings)
            faults.keep(self._db, batch.faults)
            if batch.failed:
                self._db.executemany(_INSERT_FAILED, batch.failed)
            if batch.tracks is not None:
                kept = [(*key, json.dumps(track, separators=(",", ":"))) for key, track in batch.tracks.items()]
                self._db.executemany(_REPLACE_TRACK, kept)
            self._db.executemany(_INSERT_RECEIPT, batch.receipts)
            self._keep_boots(batch.boots.values())
            counts = Counter(batch.counts)
            counts.update({"readings_new": outcome.new, "readings_same": outcome.same})
            self._quarantine((*batch.quarantine, *conflicts), counts)
            self._db.executemany(_COUNT, [(name, n) for name, n in counts.items() if n])
        return outcome

    def prune(self, now_ms: int) -> int:
        """Let a batch go of the receipts and failed tests that are kept no longer; how many that were."""
        with self.transaction():
            gone = self._prune("receipts", "received_ms", KEPT_RECEIPTS, now_ms)
            return gone + self._prune("failed", "received_ms", KEPT_FAILED, now_ms)

    def _keep_readings(self, readings: Sequence[Reading]) -> tuple[Outcome, list[Quarantined]]:
        before = self._db.total_changes
        self._db.executemany(_INSERT_READING, readings)
        new = self._db.total_changes - before
        kept: Sequence[Reading] = readings
        conflicts: list[Quarantined] = []
        if new != len(readings):
            kept, conflicts = self._compare(readings)
        self._db.executemany(_UPSERT_LATEST, _newest(kept))
        return Outcome(new, len(readings) - new - len(conflicts), len(conflicts)), conflicts

    def _compare(self, readings: Sequence[Reading]) -> tuple[list[Reading], list[Quarantined]]:
        """Split what was sent into what is stored exactly so, and what contradicts the stored."""
        kept, conflicts = [], []
        for sent in readings:
            row = self._db.execute(_STORED_READING, (sent.node, sent.boot, sent.seq)).fetchone()
            stored = Reading._make(row)
            if stored == sent:
                kept.append(sent)
            elif _measurement(stored) != _measurement(sent):
                conflicts.append(_conflict(stored, sent))
        return kept, conflicts

    def _keep_boots(self, boots: Collection[Boot]) -> None:
        self._db.executemany(_REPLACE_BOOT, boots)
        begun = {b.node for b in boots if b.first_received_ms == b.last_received_ms}
        self._db.executemany(_FORGET_BOOTS, [(node, MAX_BOOTS_PER_NODE) for node in begun])

    def _quarantine(self, rows: Sequence[Quarantined], counts: Counter[str]) -> None:
        if not rows:
            return
        self._db.executemany(_INSERT_QUARANTINE, rows)
        counts.update("quarantine_" + row.reason for row in rows)
        dropped = self._db.execute(
            "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?", (MAX_QUARANTINE,)
        ).rowcount
        counts["quarantine_dropped"] += dropped


def _measurement(reading: Reading) -> tuple[int, int, int, int]:
    return reading.field, reading.channel, reading.uptime_ms, reading.raw


def _conflict(stored: Reading, sent: Reading) -> Quarantined:
    identity = f"node {sent.node} boot {sent.boot} seq {sent.seq}"
    detail = f"{identity}: kept {_measurement(stored)}, sent {_measurement(sent)} (field, channel, uptime_ms, raw)"
    return Quarantined(sent.received_ms, sent.node, "conflict", detail, repr(_measurement(sent)).encode())


def _newest(readings: Iterable[Reading]) -> list[tuple[str, int, int, int, int, int, int | None, int]]:
    """The newest of each series, as rows of ``latest``."""
    newest: dict[tuple[str, int, int], Reading] = {}
    for reading in readings:
        if reading[7] != fields.CLOCK_NONE:
            series = (reading[0], reading[3], reading[4])
            found = newest.get(series)
            if found is None or reading[6] > found[6]:
                newest[series] = reading
    return [(*series, r.measured_ms, r.received_ms, r.raw, r.value, r.flag) for series, r in newest.items()]


class StoredReading(NamedTuple):
    """A Reading with the id that orders commits: its columns from ``node`` on are those of a Reading."""

    id: int
    node: str
    boot: int
    seq: int
    field: int
    channel: int
    uptime_ms: int
    measured_ms: int
    time_q: int
    received_ms: int
    raw: int
    value: int | None
    flag: int
    calibration: int

    @property
    def reading(self) -> Reading:
        return Reading._make(self[1:])


class Latest(NamedTuple):
    node: str
    field: int
    channel: int
    measured_ms: int
    received_ms: int
    raw: int
    value: int | None
    flag: int


class StoredReceipt(NamedTuple):
    id: int
    node: str
    boot: int
    counter: int
    status: int
    output: int
    outputs_mask: int
    until_uptime_ms: int
    uptime_ms: int
    received_ms: int


class Point(NamedTuple):
    """One point of a plot."""

    measured_ms: int
    value: int
    flag: int


class Completeness(NamedTuple):
    """How much of what a node has numbered has arrived."""

    node: str
    expected: int
    received: int


class Gap(NamedTuple):
    """Seqs of one boot, inclusive, that were numbered and have not arrived."""

    boot: int
    first_seq: int
    last_seq: int


class DataReader(FeedReader):
    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA)

    def last_id(self) -> int:
        """The id of the newest committed reading, 0 when there is none."""
        row = self._one("SELECT max(id) FROM readings")
        return int(row[0] or 0) if row else 0

    def readings_after(self, after_id: int, limit: int) -> list[StoredReading]:
        """Oldest first: the way of a cursor."""
        sql = f"SELECT id, {_COLUMNS} FROM readings WHERE id > ? ORDER BY id LIMIT ?"
        return [StoredReading._make(row) for row in self._all(sql, (after_id, limit))]

    def newest_readings(self, after_id: int, limit: int) -> list[StoredReading]:
        """Newest first, none at or before ``after_id``."""
        sql = f"SELECT id, {_COLUMNS} FROM readings WHERE id > ? ORDER BY id DESC LIMIT ?"
        return [StoredReading._make(row) for row in self._all(sql, (after_id, limit))]

    def latest(self) -> dict[tuple[str, int, int], Latest]:
        """By (node, field, channel)."""
        rows = self._all(f"SELECT {', '.join(Latest._fields)} FROM latest")
        return {(row[0], row[1], row[2]): Latest._make(row) for row in rows}

    def faults(self) -> list[Fault]:
        return [Fault._make(row) for row in self._all(faults.PRESENT)]

    def boots(self) -> list[Boot]:
        """All boots, in the order of their hellos."""
        sql = f"SELECT {', '.join(Boot._fields)} FROM boots ORDER BY hello, boot"
        return [Boot._make(row) for row in self._all(sql)]

    def current_boots(self) -> dict[str, Boot]:
        """The present boot of each node."""
        return {row[0]: Boot._make(row) for row in self._all(_CURRENT_BOOTS)}

    def receipts_after(self, after_id: int, limit: int) -> list[StoredReceipt]:
        sql = f"SELECT {', '.join(StoredReceipt._fields)} FROM receipts WHERE id > ? ORDER BY id LIMIT ?"
        return [StoredReceipt._make(row) for row in self._all(sql, (after_id, limit))]

    def last_receipt_id(self) -> int:
        row = self._one("SELECT max(id) FROM receipts")
        return int(row[0] or 0) if row else 0

    def history(
        self, node: str, field_id: int, channel: int, from_ms: int, to_ms: int, limit: int = 5000
    ) -> list[Point]:
        """The newest ``limit`` values of a series within [from, to), oldest first; only those with a known time."""
        sql = """SELECT measured_ms, value, flag FROM readings
            WHERE node = ? AND field = ? AND channel = ? AND measured_ms >= ? AND measured_ms < ?
              AND value IS NOT NULL AND time_q > 0 ORDER BY measured_ms DESC LIMIT ?"""
        rows = self._all(sql, (node, field_id, channel, from_ms, to_ms, limit))
        return [Point._make(row) for row in reversed(rows)]

    def completeness(self) -> list[Completeness]:
        """By node: the seqs that its boots have used so far, and how many of them are here."""
        sql = """SELECT node, sum(used), sum(n) FROM
            (SELECT node, boot, max(seq) AS used, count(*) AS n FROM readings GROUP BY node, boot) GROUP BY node"""
        return [Completeness._make(row) for row in self._all(sql)]

    def gaps(self, node: str, limit: int = 100) -> list[Gap]:
        """Holes in the seqs of a node, in the order of its boots."""
        sql = """SELECT boot, before + 1, seq - 1 FROM
            (SELECT boot, seq, lag(seq, 1, 0) OVER (PARTITION BY boot ORDER BY seq) AS before
             FROM readings WHERE node = ?)
            WHERE seq > before + 1 ORDER BY boot, seq LIMIT ?"""
        return [Gap._make(row) for row in self._all(sql, (node, limit))]

    def quarantine(self, limit: int = 100) -> list[Quarantined]:
        """Newest first."""
        sql = f"SELECT {', '.join(Quarantined._fields)} FROM quarantine ORDER BY id DESC LIMIT ?"
        return [Quarantined._make(row) for row in self._all(sql, (limit,))]

    def quarantine_reasons(self) -> list[tuple[str, int, int]]:
        """Of each reason in quarantine: how many rows, and when the last came; the most first."""
        sql = "SELECT reason, count(*) AS n, max(received_ms) FROM quarantine GROUP BY reason ORDER BY n DESC, reason"
        return [(str(reason), int(n), int(last_ms)) for reason, n, last_ms in self._all(sql)]

    def quarantined_at_ms(self) -> int | None:
        """When the newest row came into quarantine."""
        row = self._one("SELECT received_ms FROM quarantine ORDER BY id DESC LIMIT 1")
        return int(row[0]) if row else None

    def failed_since(self, since_ms: int, limit: int = 10_000) -> list[Failed]:
        """The newest readings that failed a test, newest first."""
        sql = f"SELECT {', '.join(Failed._fields)} FROM failed WHERE received_ms >= ? ORDER BY id DESC LIMIT ?"
        return [Failed._make(row) for row in self._all(sql, (since_ms, limit))]

    def tracks(self) -> tuple[dict[Key, list[Any]], int]:
        """What the tests remembered of each series, and the id of the last reading that it was made of."""
        rows = self._all("SELECT node, field, channel, track, upto FROM tracks")
        return {(n, f, c): json.loads(track) for n, f, c, track, _ in rows}, max((row[4] for row in rows), default=0)

    def counters(self) -> Mapping[str, int]:
        return self._pairs("SELECT name, n FROM counters ORDER BY name")
