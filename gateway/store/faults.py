"""The faults that nodes tell of, in data.db: of each series the newest reading that carried one.

Rules
1. A fault is present while the newest reading of its series is the one that carries it; a good one ends it, and nothing
   need be deleted. There is one row for each series that ever failed.
2. Like ``latest``, it only moves forward in measured time.
3. A series is doubted while its newest reading is suspect or failed (``gateway.core.watch``) and none of some
   time before was better. It is asked along the index, and only for those that are doubted now.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from gateway.core.faults import Fault
from gateway.core.rows import Key
from gateway.store.common import Reader
from wire import fields

TABLE = """
    CREATE TABLE faults(
        node TEXT NOT NULL, field INT NOT NULL, channel INT NOT NULL, measured_ms INT NOT NULL, fault INT NOT NULL,
        PRIMARY KEY(node, field, channel)) STRICT, WITHOUT ROWID;
"""
_UPSERT = """
    INSERT INTO faults VALUES(?, ?, ?, ?, ?)
    ON CONFLICT(node, field, channel) DO UPDATE SET measured_ms = excluded.measured_ms, fault = excluded.fault
    WHERE excluded.measured_ms >= faults.measured_ms"""
PRESENT = """
    SELECT faults.node, faults.field, faults.channel, faults.measured_ms, fault FROM faults JOIN latest
    ON latest.node = faults.node AND latest.field = faults.field AND latest.channel = faults.channel
    WHERE latest.measured_ms = faults.measured_ms ORDER BY 1, 2, 3"""


def keep(db: sqlite3.Connection, faults: Iterable[Fault]) -> None:
    """Within the transaction of their readings."""
    db.executemany(_UPSERT, faults)


_OF_SERIES = "SELECT 1 FROM readings AS r WHERE r.node = of.node AND r.field = of.field AND r.channel = of.channel"
_DOUBTED = f"""
    SELECT node, field, channel FROM latest AS of WHERE flag IN (?1, ?2) AND measured_ms >= ?3
    AND NOT EXISTS({_OF_SERIES} AND r.measured_ms >= ?3 AND r.flag < ?1)
    AND EXISTS({_OF_SERIES} AND r.measured_ms < ?3) ORDER BY 1, 2, 3"""


def doubted(reader: Reader, since_ms: int) -> list[Key]:
    """The series that were measured since then, and always wrongly."""
    return [(row[0], row[1], row[2]) for row in reader._all(_DOUBTED, (fields.SUSPECT, fields.FAIL, since_ms))]
