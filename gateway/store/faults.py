"""The faults that nodes tell of, in data.db: of each series the newest reading that carried one.

Rules
1. A fault is present while the newest reading of its series is the one that carries it; a good one ends it, and nothing
   need be deleted. There is one row for each series that ever failed.
2. Like ``latest``, it only moves forward in measured time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from gateway.core.faults import Fault

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
