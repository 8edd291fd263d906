"""The ledger: every reading of every village, once, in the order in which it was committed.

Rules
1. ``ingest`` is one transaction and returns only after its COMMIT. Sending a batch again changes nothing.
2. All writers of one tenant queue behind its row, and all writers behind the counter of ledger ids, which is taken
   last and held until the commit: so ids appear in rising order, and a cursor over them never skips a late commit.
3. Readers page by key, never by offset, and each page is its own short transaction: an export of years neither
   holds memory nor keeps SQLite's WAL from being checkpointed.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, func, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from cloud.core import spans as spans_of
from cloud.core.batch import Identity, Reading, Rejection, Verdict, classify, has_identity
from cloud.core.spans import Span
from cloud.store.database import Database
from cloud.store.schema import conflicts, counters, readings, rejected, snapshots, spans, tenants

PAGE_ROWS = 2000
_ID_COUNTER = "ledger_id"
_Boot = tuple[str, int]


class Stored(NamedTuple):
    """A reading as the ledger holds it. ``stored_ms`` is when the cloud committed it."""

    ledger_id: int
    tenant: str
    stored_ms: int
    reading: Reading


@dataclass(frozen=True)
class Receipt:
    """What became of a batch. ``contiguous``: per (node, boot) of it, the seq up to which nothing is missing."""

    new: int
    same: int
    conflict: int
    rejected: tuple[Rejection, ...]
    contiguous: dict[_Boot, int]


@dataclass(frozen=True)
class Page:
    """Where an export of a period stands: the key of the last row given, and the ledger id it stops at."""

    measured_ms: int
    ledger_id: int
    as_of: int


class UnknownTenant(Exception):
    """No such village in this ledger."""


_COLUMNS = [readings.c[name] for name in Reading._fields]
_OF_BOOT = and_(
    readings.c.tenant == bindparam("tenant"), readings.c.node == bindparam("node"), readings.c.boot == bindparam("boot")
)
_KNOWN_RANGE = select(*_COLUMNS).where(_OF_BOOT, readings.c.seq.between(bindparam("low"), bindparam("high")))
_KNOWN_SEQS = select(*_COLUMNS).where(_OF_BOOT, readings.c.seq.in_(bindparam("seqs", expanding=True)))
# A range is many times quicker to ask for than its numbers, as long as not much else lies in it.
_DENSE = 4
_SPANS_NEAR = (
    select(spans.c.first, spans.c.last)
    .where(
        spans.c.tenant == bindparam("tenant"),
        spans.c.node == bindparam("node"),
        spans.c.boot == bindparam("boot"),
        or_(
            and_(spans.c.first <= bindparam("high"), spans.c.last >= bindparam("low")),
            spans.c.first == spans_of.FIRST_SEQ,
        ),
    )
    .order_by(spans.c.first)
)
_DROP_SPAN = delete(spans).where(
    spans.c.tenant == bindparam("tenant_"),
    spans.c.node == bindparam("node_"),
    spans.c.boot == bindparam("boot_"),
    spans.c.first == bindparam("first_"),
)
_STORED = select(readings.c.ledger_id, readings.c.tenant, readings.c.stored_ms, *_COLUMNS)
_AFTER = _STORED.where(readings.c.ledger_id > bindparam("cursor")).order_by(readings.c.ledger_id).limit(bindparam("n"))
_PERIOD = (
    _STORED.where(
        readings.c.tenant == bindparam("tenant"),
        readings.c.measured_ms < bindparam("to_ms"),
        tuple_(readings.c.measured_ms, readings.c.ledger_id) > tuple_(bindparam("ms"), bindparam("id")),
        readings.c.ledger_id <= bindparam("as_of"),
    )
    .order_by(readings.c.measured_ms, readings.c.ledger_id)
    .limit(bindparam("n"))
)


def _json(reading: Reading) -> str:
    return json.dumps(reading._asdict(), separators=(",", ":"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _by_boot(batch: Sequence[Reading]) -> dict[_Boot, list[int]]:
    """The seqs of a batch by (node, boot). A row without an identity belongs to no boot."""
    groups: dict[_Boot, list[int]] = defaultdict(list)
    for reading in batch:
        if has_identity(reading):
            groups[(reading.node, reading.boot)].append(reading.seq)
    return groups


class Ledger:
    """Readings and snapshots, by tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- taking in ---------------------------------------------------------------------------------------------

    def ingest(self, tenant: str, batch: Sequence[Reading], now_ms: int) -> Receipt:
        """Store a batch. Raises UnknownTenant; anything else that is wrong with a row is in the receipt."""
        groups = _by_boot(batch)
        with self._database.write() as connection:
            self._lock(connection, tenant)
            near = {boot: self._spans_near(connection, tenant, boot, seqs) for boot, seqs in groups.items()}
            stored = self._known(connection, tenant, groups, near)
            verdict = classify(batch, stored)
            after = {boot: spans_of.merge(near[boot], seqs) for boot, seqs in groups.items()}
            self._save_spans(connection, tenant, near, after)
            self._keep_odd(connection, tenant, verdict, now_ms)
            self._append(connection, tenant, verdict.new, now_ms)
        return Receipt(
            new=len(verdict.new),
            same=verdict.same,
            conflict=len(verdict.conflicts),
            rejected=tuple(verdict.rejected),
            contiguous={boot: spans_of.contiguous(found) for boot, found in after.items()},
        )

    def _lock(self, connection: Connection, tenant: str) -> None:
        row = select(tenants.c.tenant).where(tenants.c.tenant == tenant).with_for_update()
        if connection.execute(row).first() is None:
            raise UnknownTenant(tenant)

    def _spans_near(self, connection: Connection, tenant: str, boot: _Boot, seqs: Sequence[int]) -> list[Span]:
        where = {"tenant": tenant, "node": boot[0], "boot": boot[1]}
        near: set[Span] = set()
        for low, high in spans_of.windows(seqs):
            rows = connection.execute(_SPANS_NEAR, {**where, "low": low, "high": high})
            near.update((first, last) for first, last in rows)
        return sorted(near)

    def _known(
        self, connection: Connection, tenant: str, groups: dict[_Boot, list[int]], near: dict[_Boot, list[Span]]
    ) -> dict[Identity, Reading]:
        """What the ledger already holds of the batch; seqs outside all spans need not be looked for."""
        known: dict[Identity, Reading] = {}
        for boot, seqs in groups.items():
            maybe = spans_of.covered(near[boot], seqs)
            if not maybe:
                continue
            where: dict[str, object] = {"tenant": tenant, "node": boot[0], "boot": boot[1]}
            if maybe[-1] - maybe[0] < _DENSE * len(maybe):
                rows = connection.execute(_KNOWN_RANGE, {**where, "low": maybe[0], "high": maybe[-1]})
            else:
                rows = connection.execute(_KNOWN_SEQS, {**where, "seqs": maybe})
            known.update((reading.identity, reading) for reading in map(Reading._make, rows))
        return known

    def _save_spans(
        self, connection: Connection, tenant: str, near: dict[_Boot, list[Span]], after: dict[_Boot, list[Span]]
    ) -> None:
        gone: list[dict[str, object]] = []
        come: list[tuple[str, str, int, int, int]] = []
        for (node, boot), merged in after.items():
            was, now = set(near[(node, boot)]), set(merged)
            gone += [{"tenant_": tenant, "node_": node, "boot_": boot, "first_": first} for first, _ in was - now]
            come += [(tenant, node, boot, first, last) for first, last in sorted(now - was)]
        if gone:
            connection.execute(_DROP_SPAN, gone)
        self._database.append(connection, spans, come)

    def _append(self, connection: Connection, tenant: str, new: Sequence[Reading], now_ms: int) -> None:
        if not new:
            return
        first_id = self._take_ids(connection, len(new))
        rows = [(ledger_id, tenant, now_ms, *reading) for ledger_id, reading in enumerate(new, first_id)]
        self._database.append(connection, readings, rows)

    def _take_ids(self, connection: Connection, count: int) -> int:
        taken = update(counters).where(counters.c.name == _ID_COUNTER).values(n=counters.c.n + count)
        last = connection.execute(taken.returning(counters.c.n)).scalar()
        if last is None:
            try:
                with connection.begin_nested():
                    connection.execute(counters.insert().values(name=_ID_COUNTER, n=0))
            except IntegrityError:
                pass  # another writer was first; its row is there now
            last = connection.execute(taken.returning(counters.c.n)).scalar_one()
        return int(last) - count + 1

    def _keep_odd(self, connection: Connection, tenant: str, verdict: Verdict, now_ms: int) -> None:
        """Conflicts and rejected rows, each different text once however often it is sent."""
        odd = {_digest(text): (reading, text) for reading in verdict.conflicts for text in [_json(reading)]}
        for digest, (reading, text) in odd.items():
            key = {"tenant": tenant, "node": reading.node, "boot": reading.boot, "seq": reading.seq, "digest": digest}
            if connection.execute(select(conflicts.c.seq).filter_by(**key)).first() is None:
                connection.execute(conflicts.insert().values(**key, stored_ms=now_ms, reading=text))
        refused = {_digest(text): (row, text) for row in verdict.rejected for text in [_json(row.reading)]}
        for digest, (row, text) in refused.items():
            if connection.execute(select(rejected.c.code).filter_by(tenant=tenant, digest=digest)).first() is None:
                kept = {"tenant": tenant, "digest": digest, "stored_ms": now_ms}
                connection.execute(rejected.insert().values(**kept, code=row.code, detail=row.detail, reading=text))

    # -- reading -----------------------------------------------------------------------------------------------

    def newest_id(self) -> int:
        """The id of the last committed reading, 0 for none."""
        with self._database.read() as connection:
            found = connection.execute(select(counters.c.n).where(counters.c.name == _ID_COUNTER)).scalar()
        return int(found or 0)

    def after(self, cursor: int, limit: int = PAGE_ROWS) -> list[Stored]:
        """The next readings of all tenants in commit order."""
        with self._database.read() as connection:
            return [_stored(row) for row in connection.execute(_AFTER, {"cursor": cursor, "n": limit})]

    def period(self, tenant: str, from_ms: int, to_ms: int) -> Iterator[list[Stored]]:
        """Pages of the readings measured in [from_ms, to_ms), by time; what is committed meanwhile is left out."""
        at = Page(from_ms, 0, self.newest_id())
        while True:
            where = {"tenant": tenant, "ms": at.measured_ms, "id": at.ledger_id, "to_ms": to_ms, "as_of": at.as_of}
            with self._database.read() as connection:
                page = [_stored(row) for row in connection.execute(_PERIOD, {**where, "n": PAGE_ROWS})]
            if not page:
                return
            yield page
            at = Page(page[-1].reading.measured_ms, page[-1].ledger_id, at.as_of)

    def gaps(self, tenant: str) -> dict[_Boot, list[Span]]:
        """The seqs that are known to be missing, by (node, boot)."""
        found: dict[_Boot, list[Span]] = {}
        last_of: dict[_Boot, int] = {}
        order = (spans.c.node, spans.c.boot, spans.c.first)
        wanted = select(spans.c.node, spans.c.boot, spans.c.first, spans.c.last).where(spans.c.tenant == tenant)
        with self._database.read() as connection:
            for node, boot, first, last in connection.execute(wanted.order_by(*order)):
                expected = last_of.get((node, boot), spans_of.FIRST_SEQ - 1) + 1
                if first > expected:
                    found.setdefault((node, boot), []).append((expected, first - 1))
                last_of[(node, boot)] = last
        return found

    def counts(self, tenant: str) -> dict[str, int]:
        """How many readings, conflicts and rejected rows a tenant has."""
        found = {}
        with self._database.read() as connection:
            for table in (readings, conflicts, rejected):
                number = select(func.count()).select_from(table).where(table.c.tenant == tenant)
                found[table.name] = int(connection.execute(number).scalar_one())
        return found

    # -- the farmer's page ---------------------------------------------------------------------------------------

    def put_snapshot(self, tenant: str, village_json: str, now_ms: int) -> None:
        """Keep what the village's own page shows, in place of what it showed before."""
        with self._database.write() as connection:
            self._lock(connection, tenant)
            connection.execute(delete(snapshots).where(snapshots.c.tenant == tenant))
            connection.execute(snapshots.insert().values(tenant=tenant, stored_ms=now_ms, village=village_json))

    def snapshot(self, tenant: str) -> tuple[int, str] | None:
        """(stored_ms, JSON) of the latest snapshot, or None."""
        wanted = select(snapshots.c.stored_ms, snapshots.c.village).where(snapshots.c.tenant == tenant)
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else (int(row[0]), str(row[1]))


def _stored(row: Sequence[object]) -> Stored:
    ledger_id, tenant, stored_ms, *reading = row
    return Stored(ledger_id, tenant, stored_ms, Reading._make(reading))  # type: ignore[arg-type]
