"""update.db: the release that goes out, how far each node is with it, and what nodes said of themselves. Written by
update alone.

Rules
1. A rollout's new state is committed before its offers go out: after a crash nobody is forgotten, at worst offered
   twice.
2. Of each node the last report is kept, and the last CRASHED or failed one beside it; what was said before is a line
   in events, bounded by KEPT.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from gateway.store.common import FILE_ID, Keep, Reader, Schema, Writer

KEPT = Keep(400 * 86_400_000, most=20_000, least=2_000)

SCHEMA = Schema(
    "update.db",
    (
        """
        CREATE TABLE rollout(id INTEGER PRIMARY KEY CHECK(id = 1), at_ms INT NOT NULL, json TEXT NOT NULL,
            turn INT NOT NULL) STRICT;
        CREATE TABLE reports(
            node TEXT NOT NULL, failed INT NOT NULL, at_ms INT NOT NULL, status INT NOT NULL, release TEXT NOT NULL,
            firmware TEXT NOT NULL, interpreter TEXT NOT NULL, slot INT NOT NULL, state INT NOT NULL,
            done INT NOT NULL, total INT NOT NULL, hardware TEXT NOT NULL, text TEXT NOT NULL,
            PRIMARY KEY(node, failed)) STRICT, WITHOUT ROWID;
        CREATE TABLE events(
            id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INT NOT NULL, node TEXT NOT NULL, status INT NOT NULL,
            release TEXT NOT NULL, text TEXT NOT NULL) STRICT;
        """
        + FILE_ID,
    ),
)


class NodeReport(NamedTuple):
    """What a node said of itself; ``release`` in hex, empty when it is about none."""

    node: str
    at_ms: int
    status: int
    release: str
    firmware: str
    interpreter: str
    slot: int
    state: int
    done: int
    total: int
    hardware: str
    text: str


class UpdateWriter(Writer):
    """Each method is to be called in a ``with writer.transaction():`` of the caller."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA)

    def set_rollout(self, at_ms: int, json: str, turn: int) -> None:
        """``turn`` is the number of the order that it follows."""
        self._run("REPLACE INTO rollout(id, at_ms, json, turn) VALUES(1, ?, ?, ?)", (at_ms, json, turn))

    def add_report(self, report: NodeReport, failed: bool) -> None:
        marks = ", ".join("?" for _ in range(13))
        for kind in (0, 1) if failed else (0,):
            self._run(f"REPLACE INTO reports VALUES({marks})", (report.node, kind, *report[1:]))
        self._insert(
            "INSERT INTO events(at_ms, node, status, release, text) VALUES(?, ?, ?, ?, ?)",
            (report.at_ms, report.node, report.status, report.release, report.text),
        )
        self._prune("events", "at_ms", KEPT, report.at_ms)


class UpdateReader(Reader):
    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA)

    def rollout(self) -> tuple[str, int] | None:
        """(json, number of the order), None before the first."""
        row = self._one("SELECT json, turn FROM rollout WHERE id = 1")
        return None if row is None else (str(row[0]), int(row[1]))

    def reports(self) -> dict[str, NodeReport]:
        """The last report of each node."""
        return self._reports(0)

    def failures(self) -> dict[str, NodeReport]:
        """The last crash, or failed update, of each node."""
        return self._reports(1)

    def _reports(self, failed: int) -> dict[str, NodeReport]:
        rows = self._all(
            "SELECT node, at_ms, status, release, firmware, interpreter, slot, state, done, total, hardware, text"
            " FROM reports WHERE failed = ?",
            (failed,),
        )
        return {str(row[0]): NodeReport(*row) for row in rows}

    def events(self, limit: int) -> list[tuple[int, str, int, str, str]]:
        """The newest first: (at_ms, node, status, release, text)."""
        rows = self._all("SELECT at_ms, node, status, release, text FROM events ORDER BY id DESC LIMIT ?", (limit,))
        return [(int(a), str(n), int(s), str(r), str(t)) for a, n, s, r, t in rows]
