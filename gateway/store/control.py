"""control.db: the state of irrigation, its decisions, commands and runs. Written by control alone.

Rules
1. A new state and everything that follows from it are kept in ONE transaction; commands go out after it.
2. A decision keeps its inputs and limits as they were, and the sentence that people were told.
3. Cursors (``places``) stand here, beside what was made of the rows before them: after a crash nothing is taken twice.
4. An alarm is open from the moment it was raised until its output is known to be off; raised again it is the same one.
5. What each step was decided from (``gateway.core.journal``) is kept as lines, which are packed into parts; a part
   begins with a whole state. KEPT bounds them.
6. Kept are decisions, commands and ended alarms of 400 days, runs of five years, and of each at most so many: KEPT.
   The newest ones, which the irrigation and the pages look at, are never among what goes.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from gateway.store.common import FILE_ID, Keep, Reader, Schema
from gateway.store.places import PLACES, CursorWriter

MAX_IDS = 500  # in one query

DAY_MS = 86_400_000
# By table: the column that says when a row was done with, and how long it is kept then.
KEPT = {
    "decisions": ("at_ms", Keep(400 * DAY_MS, most=500_000, least=50_000)),
    "commands": ("at_ms", Keep(400 * DAY_MS, most=500_000, least=50_000)),
    "runs": ("ended_ms", Keep(5 * 366 * DAY_MS, most=500_000, least=50_000)),
    "alarms": ("until_ms", Keep(400 * DAY_MS, most=10_000, least=1_000)),
    "parts": ("until_ms", Keep(90 * DAY_MS, most=2_000, least=8)),
}

SCHEMA = Schema(
    "control.db",
    (
        """
        CREATE TABLE state(
            id INTEGER PRIMARY KEY CHECK(id = 1), version INT NOT NULL, at_ms INT NOT NULL, json TEXT NOT NULL) STRICT;
        CREATE TABLE decisions(
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at_ms INT NOT NULL, zone TEXT NOT NULL, verdict TEXT NOT NULL, rule TEXT NOT NULL, inputs TEXT NOT NULL,
            limits TEXT NOT NULL, next_check_ms INT NOT NULL, text_vi TEXT NOT NULL) STRICT;
        CREATE INDEX decisions_by_zone ON decisions(zone, id);
        CREATE TABLE commands(
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at_ms INT NOT NULL, node TEXT NOT NULL, boot INT NOT NULL, counter INT NOT NULL, action INT NOT NULL,
            output INT NOT NULL, duration_ms INT NOT NULL, expires_uptime_ms INT NOT NULL, zone TEXT NOT NULL,
            decision_id INT NOT NULL, state TEXT NOT NULL, sent_ms INT, answered_ms INT, status INT,
            UNIQUE(node, boot, counter)) STRICT;
        CREATE TABLE runs(
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            zone TEXT NOT NULL, started_ms INT NOT NULL, ended_ms INT, litres REAL NOT NULL,
            why_start TEXT NOT NULL, why_stop TEXT) STRICT;
        CREATE INDEX runs_by_zone ON runs(zone, started_ms);
        CREATE TABLE cursors(name TEXT PRIMARY KEY, value INT NOT NULL) STRICT, WITHOUT ROWID;
        """,
        FILE_ID + PLACES,
        """
        CREATE TABLE alarms(
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            since_ms INT NOT NULL, until_ms INT, code TEXT NOT NULL, node TEXT NOT NULL, output INT NOT NULL) STRICT;
        CREATE UNIQUE INDEX alarms_open ON alarms(node, output, code) WHERE until_ms IS NULL;
        """,
        """
        ALTER TABLE state ADD COLUMN steady INT NOT NULL DEFAULT 0;
        ALTER TABLE state ADD COLUMN mono_ms INT NOT NULL DEFAULT 0;
        """,
        """
        CREATE TABLE lines(id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INT NOT NULL, line TEXT NOT NULL) STRICT;
        CREATE TABLE parts(
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at_ms INT NOT NULL, until_ms INT NOT NULL, steps INT NOT NULL, packed BLOB NOT NULL) STRICT;
        """,
    ),
)


class State(NamedTuple):
    """Kept at ``at_ms`` of the wall clock, which was ``mono_ms`` of the steady clock that ``steady`` names."""

    version: int
    at_ms: int
    json: str
    steady: int = 0
    mono_ms: int = 0


_STATE = ", ".join(State._fields)


class Decision(NamedTuple):
    """``inputs`` and ``limits`` are JSON objects."""

    id: int
    at_ms: int
    zone: str
    verdict: str
    rule: str
    inputs: str
    limits: str
    next_check_ms: int
    text_vi: str


class Command(NamedTuple):
    id: int
    at_ms: int
    node: str
    boot: int
    counter: int
    action: int
    output: int
    duration_ms: int
    expires_uptime_ms: int
    zone: str
    decision_id: int
    state: str
    sent_ms: int | None
    answered_ms: int | None
    status: int | None


class Run(NamedTuple):
    id: int
    zone: str
    started_ms: int
    ended_ms: int | None
    litres: float
    why_start: str
    why_stop: str | None


class Alarm(NamedTuple):
    """``code`` is the rule that raised it; ``until_ms`` is None while it is open."""

    id: int
    since_ms: int
    until_ms: int | None
    code: str
    node: str
    output: int


class Told(NamedTuple):
    """That a decision was made, without what it was made from."""

    id: int
    at_ms: int
    verdict: str
    rule: str


class Part(NamedTuple):
    """Lines of the journal from a state on, packed; ``at_ms`` and ``until_ms`` are those of the first and last step."""

    id: int
    at_ms: int
    until_ms: int
    steps: int
    packed: bytes


class ControlWriter(CursorWriter):
    """Each ``add`` and ``set`` belongs into a ``with writer.transaction():`` of the caller."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA)

    def set_state(self, state: State) -> None:
        self._run(f"REPLACE INTO state(id, {_STATE}) VALUES(1, ?, ?, ?, ?, ?)", state)

    def add_decision(self, decision: Decision) -> int:
        """Its ``id`` is given here and returned."""
        return self._add("decisions", decision)

    def add_command(self, command: Command) -> int:
        """Its ``id`` is given here and returned."""
        return self._add("commands", command)

    def add_run(self, run: Run) -> int:
        """Its ``id`` is given here and returned."""
        return self._add("runs", run)

    def set_command(
        self,
        command_id: int,
        state: str,
        *,
        sent_ms: int | None = None,
        answered_ms: int | None = None,
        status: int | None = None,
    ) -> None:
        """Move a command on; what is None stays as it was."""
        self._run(
            """UPDATE commands SET state = ?, sent_ms = coalesce(?, sent_ms),
               answered_ms = coalesce(?, answered_ms), status = coalesce(?, status) WHERE id = ?""",
            (state, sent_ms, answered_ms, status, command_id),
        )

    def end_run(self, run_id: int, ended_ms: int, litres: float, why_stop: str) -> None:
        self._run(
            "UPDATE runs SET ended_ms = ?, litres = ?, why_stop = ? WHERE id = ? AND ended_ms IS NULL",
            (ended_ms, litres, why_stop, run_id),
        )

    def raise_alarm(self, since_ms: int, code: str, node: str, output: int) -> None:
        """Nothing happens when it is open already."""
        self._run(
            "INSERT OR IGNORE INTO alarms(since_ms, code, node, output) VALUES(?, ?, ?, ?)",
            (since_ms, code, node, output),
        )

    def alarmed_outputs(self) -> list[tuple[str, int]]:
        """The outputs (node, output) with an open alarm."""
        return [(n, o) for n, o in self._all("SELECT DISTINCT node, output FROM alarms WHERE until_ms IS NULL")]

    def end_alarms(self, node: str, output: int, until_ms: int) -> None:
        self._run(
            "UPDATE alarms SET until_ms = max(?, since_ms) WHERE until_ms IS NULL AND node = ? AND output = ?",
            (until_ms, node, output),
        )

    def add_line(self, at_ms: int, line: str) -> None:
        self._run("INSERT INTO lines(at_ms, line) VALUES(?, ?)", (at_ms, line))

    def lines(self) -> list[tuple[int, str]]:
        """The lines that are not packed yet, with their times, oldest first."""
        return [(at_ms, line) for at_ms, line in self._all("SELECT at_ms, line FROM lines ORDER BY id")]

    def pack_lines(self, part: Part) -> None:
        """Put a part, whose ``id`` is given here, in the place of all lines."""
        self._add("parts", part)
        self._run("DELETE FROM lines")

    def prune(self, now_ms: int) -> int:
        """Let a batch go of what is kept no longer; how many rows that were."""
        return sum(self._prune(table, stamp, keep, now_ms) for table, (stamp, keep) in KEPT.items())

    def _add(self, table: str, row: Decision | Command | Run | Part) -> int:
        names = row._fields[1:]
        marks = ", ".join("?" * len(names))
        return self._insert(f"INSERT INTO {table}({', '.join(names)}) VALUES({marks})", row[1:])

    def state(self) -> State | None:
        row = self._one(f"SELECT {_STATE} FROM state")
        return State._make(row) if row else None


class ControlReader(Reader):
    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA)

    def state(self) -> State | None:
        row = self._one(f"SELECT {_STATE} FROM state")
        return State._make(row) if row else None

    def decisions(self, zone: str | None = None, limit: int = 20) -> list[Decision]:
        """Newest first, of one zone or of all."""
        sql = f"""SELECT {", ".join(Decision._fields)} FROM decisions
            WHERE ?1 IS NULL OR zone = ?1 ORDER BY id DESC LIMIT ?2"""
        return [Decision._make(row) for row in self._all(sql, (zone, limit))]

    def told(self, zone: str, limit: int) -> list[Told]:
        """What was decided about a zone, newest first."""
        sql = "SELECT id, at_ms, verdict, rule FROM decisions WHERE zone = ? ORDER BY id DESC LIMIT ?"
        return [Told._make(row) for row in self._all(sql, (zone, limit))]

    def decisions_by_id(self, ids: Collection[int]) -> dict[int, Decision]:
        """At most MAX_IDS of them, the newest."""
        return {row[0]: Decision._make(row) for row in self._by_id("decisions", Decision._fields, ids)}

    def last_decisions(self) -> dict[str, Decision]:
        """The newest decision of each zone."""
        sql = f"""SELECT {", ".join(Decision._fields)} FROM decisions
            WHERE id IN (SELECT max(id) FROM decisions GROUP BY zone)"""
        return {row[2]: Decision._make(row) for row in self._all(sql)}

    def commands(self, limit: int = 100) -> list[Command]:
        """Newest first."""
        sql = f"SELECT {', '.join(Command._fields)} FROM commands ORDER BY id DESC LIMIT ?"
        return [Command._make(row) for row in self._all(sql, (limit,))]

    def runs(self, from_ms: int = 0, zone: str | None = None, limit: int = 1000) -> list[Run]:
        """Newest first, those that were still on at ``from_ms`` or began later."""
        sql = f"""SELECT {", ".join(Run._fields)} FROM runs
            WHERE (?1 IS NULL OR zone = ?1) AND (ended_ms IS NULL OR ended_ms >= ?2)
            ORDER BY started_ms DESC, id DESC LIMIT ?3"""
        return [Run._make(row) for row in self._all(sql, (zone, from_ms, limit))]

    def part_ids(self, from_ms: int, to_ms: int) -> list[int]:
        """The parts of the journal with steps between two instants, oldest first."""
        asked = "FROM parts WHERE until_ms >= ?1 AND at_ms <= ?2"  # and, when a clock was set, what lies between them
        sql = f"SELECT id FROM parts WHERE id BETWEEN (SELECT min(id) {asked}) AND (SELECT max(id) {asked}) ORDER BY id"
        return [row[0] for row in self._all(sql, (from_ms, to_ms))]

    def newest_id(self, table: str) -> int:
        """Of a table that is KEPT; 0 when it is empty."""
        row = self._one(f"SELECT coalesce(max(id), 0) FROM {table}")
        return int(row[0]) if row else 0

    def ids(self, table: str, column: str, first: int, last: int) -> list[int]:
        """The rows of a KEPT table whose ``column``, the id or a time, is from first to last."""
        sql = f"SELECT id FROM {table} WHERE {column} BETWEEN ? AND ? ORDER BY id"
        return [row[0] for row in self._all(sql, (first, last))]

    def part(self, part_id: int) -> Part | None:
        row = self._one(f"SELECT {', '.join(Part._fields)} FROM parts WHERE id = ?", (part_id,))
        return Part._make(row) if row else None

    def lines(self) -> list[str]:
        """The lines of the journal that are not packed yet, oldest first."""
        return [row[0] for row in self._all("SELECT line FROM lines ORDER BY id")]

    def runs_by_id(self, ids: Collection[int]) -> dict[int, Run]:
        """At most MAX_IDS of them, the newest."""
        return {row[0]: Run._make(row) for row in self._by_id("runs", Run._fields, ids)}

    def commands_by_id(self, ids: Collection[int]) -> dict[int, Command]:
        """At most MAX_IDS of them, the newest."""
        return {row[0]: Command._make(row) for row in self._by_id("commands", Command._fields, ids)}

    def _by_id(self, table: str, names: tuple[str, ...], ids: Collection[int]) -> list[tuple[Any, ...]]:
        asked = sorted(ids)[-MAX_IDS:]
        return self._all(f"SELECT {', '.join(names)} FROM {table} WHERE id IN ({', '.join('?' * len(asked))})", asked)

    def alarms(self, from_ms: int, limit: int = 100) -> list[Alarm]:
        """Newest first, those that are open or ended at ``from_ms`` or later."""
        sql = f"""SELECT {", ".join(Alarm._fields)} FROM alarms
            WHERE until_ms IS NULL OR until_ms >= ? ORDER BY id DESC LIMIT ?"""
        return [Alarm._make(row) for row in self._all(sql, (from_ms, limit))]
