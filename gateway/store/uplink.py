"""uplink.db: how far the cloud has taken the village's readings, and what that has cost. Written by uplink alone.

Rules
1. A cursor moves, and a span of ids is noted as sent ahead of it, only after the cloud has answered that it has
   committed.
2. A reading that the cloud could not read is noted here with the reason; it stays in data.db.
3. Losing this file loses no reading: all are sent again, and the cloud knows them by their identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gateway.store.common import FILE_ID, Reader, Schema
from gateway.store.places import PLACES, CursorWriter

SCHEMA = Schema(
    "uplink.db",
    (
        """
        CREATE TABLE cursors(name TEXT PRIMARY KEY, value INT NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE contiguous(
            node TEXT NOT NULL, boot INT NOT NULL, seq INT NOT NULL, PRIMARY KEY(node, boot)) STRICT, WITHOUT ROWID;
        CREATE TABLE traffic(
            day INT PRIMARY KEY, batches INT NOT NULL, rows INT NOT NULL, bytes_out INT NOT NULL) STRICT;
        CREATE TABLE ahead(first INT PRIMARY KEY, last INT NOT NULL) STRICT;
        CREATE TABLE aside(reading_id INT PRIMARY KEY, at_ms INT NOT NULL, reason TEXT NOT NULL) STRICT;
        """,
        FILE_ID + PLACES,
    ),
)


class Traffic(NamedTuple):
    """What went out on one day; ``day`` counts days of Vietnam since 1970."""

    day: int
    batches: int
    rows: int
    bytes_out: int


class UplinkWriter(CursorWriter):
    """Each method is to be called in a ``with writer.transaction():`` of the caller."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA)

    def set_ahead(self, spans: Sequence[tuple[int, int]]) -> None:
        """The ids beyond the cursor that the cloud has, in place of what was noted before."""
        self._run("DELETE FROM ahead")
        for span in spans:
            self._run("INSERT INTO ahead(first, last) VALUES(?, ?)", span)

    def set_aside(self, reading_id: int, at_ms: int, reason: str) -> None:
        """The cloud cannot read this one."""
        self._run("REPLACE INTO aside(reading_id, at_ms, reason) VALUES(?, ?, ?)", (reading_id, at_ms, reason))

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

    def forget_aside(self) -> None:
        """The ids mean other readings now."""
        self._run("DELETE FROM aside")

    def ahead(self) -> list[tuple[int, int]]:
        return [(first, last) for first, last in self._all("SELECT first, last FROM ahead ORDER BY first")]


class UplinkReader(Reader):
    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA)

    def cursors(self) -> dict[str, int]:
        """How far the cloud has everything (``readings``), and the highest id that it has (``newest``)."""
        return self._pairs("SELECT name, value FROM cursors")

    def ahead(self) -> list[tuple[int, int]]:
        """The spans of ids beyond the cursor that the cloud has."""
        return [(first, last) for first, last in self._all("SELECT first, last FROM ahead ORDER BY first")]

    def aside(self) -> dict[int, str]:
        """The readings that the cloud could not read, and why."""
        return {int(i): str(why) for i, why in self._all("SELECT reading_id, reason FROM aside ORDER BY reading_id")}

    def contiguous(self) -> dict[tuple[str, int], int]:
        return {(node, boot): seq for node, boot, seq in self._all("SELECT node, boot, seq FROM contiguous")}

    def traffic(self, day: int) -> Traffic:
        row = self._one("SELECT day, batches, rows, bytes_out FROM traffic WHERE day = ?", (day,))
        return Traffic._make(row) if row else Traffic(day, 0, 0, 0)
