"""uplink.db: how far the cloud has taken the village's readings, and what that has cost. Written by uplink alone.

Rules
1. A cursor moves only after the cloud has answered that it has committed.
2. Losing this file loses no reading: all are sent again, and the cloud knows them by their identity.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from gateway.store.common import Reader, Schema, Writer

SCHEMA = Schema(
    "uplink.db",
    (
        """
        CREATE TABLE cursors(name TEXT PRIMARY KEY, value INT NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE contiguous(
            node TEXT NOT NULL, boot INT NOT NULL, seq INT NOT NULL, PRIMARY KEY(node, boot)) STRICT, WITHOUT ROWID;
        CREATE TABLE traffic(
            day INT PRIMARY KEY, batches INT NOT NULL, rows INT NOT NULL, bytes_out INT NOT NULL) STRICT;
        """,
    ),
)


class Traffic(NamedTuple):
    """What went out on one day; ``day`` counts days of Vietnam since 1970."""

    day: int
    batches: int
    rows: int
    bytes_out: int


class UplinkWriter(Writer):
    """Each method is to be called in a ``with writer.transaction():`` of the caller."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA)

    def set_cursor(self, name: str, value: int) -> None:
        self._run("REPLACE INTO cursors(name, value) VALUES(?, ?)", (name, value))

    def set_contiguous(self, node: str, boot: int, seq: int) -> None:
        """The cloud has every reading of this boot up to ``seq``."""
        self._run("REPLACE INTO contiguous(node, boot, seq) VALUES(?, ?, ?)", (node, boot, seq))

    def add_traffic(self, traffic: Traffic) -> None:
        self._run(
            """INSERT INTO traffic VALUES(?, ?, ?, ?) ON CONFLICT(day) DO UPDATE SET
               batches = batches + excluded.batches, rows = rows + excluded.rows,
               bytes_out = bytes_out + excluded.bytes_out""",
            traffic,
        )

    def cursors(self) -> dict[str, int]:
        return self._pairs("SELECT name, value FROM cursors")


class UplinkReader(Reader):
    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA)

    def cursors(self) -> dict[str, int]:
        return self._pairs("SELECT name, value FROM cursors")

    def contiguous(self) -> dict[tuple[str, int], int]:
        return {(node, boot): seq for node, boot, seq in self._all("SELECT node, boot, seq FROM contiguous")}

    def traffic(self, day: int) -> Traffic:
        row = self._one("SELECT day, batches, rows, bytes_out FROM traffic WHERE day = ?", (day,))
        return Traffic._make(row) if row else Traffic(day, 0, 0, 0)
