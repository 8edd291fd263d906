"""What the four databases have in common: how they are opened, guarded, migrated and written.

Rules
1. One process writes a file; a lock beside it refuses the second one. All others open it read-only.
2. WAL with synchronous=FULL: what a transaction has committed survives a power cut. Anything less was measured to
   lose rows (NORMAL), or the last transaction (a rollback journal with FULL).
3. A migration is one transaction that ends by setting ``user_version``. A newer schema than ours is refused.
4. A damaged file is refused and left as it is: nothing here deletes or replaces somebody's data.
5. An error of the store is a StoreError with one line for a person.
6. A file has a random id from its creation on: another file at the same place is told apart from it (``places``). One
   that was taken away or replaced under an open connection is an error (``Replaced``): what is written to it would be
   lost, and what others write would not be seen.
7. What grows with time is bounded by a policy (``Keep``): the oldest rows go, a batch at a time, so that nobody waits.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from kit import locks
from kit.files import make_private

BUSY_TIMEOUT_S = 5.0
# A checkpointed log is cut back to this, so that one busy hour does not keep its space for ever.
WAL_LIMIT_BYTES = 16_000_000


# For the migrations of every file.
FILE_ID = """
    CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO meta(name, value) VALUES('file_id', lower(hex(randomblob(16))));
"""


class StoreError(Exception):
    """A database cannot be used or written; one line that says which and why."""


class Busy(StoreError):
    """Another process writes the file."""


class Replaced(StoreError):
    """The file is not the one that was opened: close it and open what is there now."""


@dataclass(frozen=True)
class Schema:
    """The name of a file and the scripts that lead from an empty one to the present form."""

    file: str
    migrations: tuple[str, ...]

    @property
    def version(self) -> int:
        return len(self.migrations)


@dataclass(frozen=True)
class Keep:
    """Rows older than ``age_ms`` go, and those beyond ``most``; the newest ``least`` stay whatever a clock says."""

    age_ms: int
    most: int
    least: int
    batch: int = 2_000  # an hour; 200 gardens make some 1,200 decisions in that time


class Database:
    """A connection; used as a context it is closed at the end. One thread at a time may use it."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._db = connection
        self._opened = _file_at(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn an error of SQLite into a StoreError."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self.path.name}: {error}") from error

    def _all(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._told():
            return self._db.execute(sql, values).fetchall()

    def _one(self, sql: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
        with self._told():
            row: tuple[Any, ...] | None = self._db.execute(sql, values).fetchone()
            return row

    def _pairs(self, sql: str) -> dict[str, int]:
        """The result of a query of two columns, a name and a number."""
        return {str(name): int(number) for name, number in self._all(sql)}

    def version(self) -> int:
        row = self._one("PRAGMA user_version")
        assert row is not None
        return int(row[0])

    def file_id(self) -> str:
        """The random id of this very file."""
        row = self._one("SELECT value FROM meta WHERE name = 'file_id'")
        return str(row[0]) if row else ""

    def require_same_file(self) -> None:
        """Raises Replaced when the name of the file does not lead to what is open any more."""
        if _file_at(self.path) != self._opened:
            raise Replaced(
                f"{self.path}: đang dùng thì bị thay hay bị lấy mất / was replaced or taken away while it was in use"
            )

    def _refuse_newer(self, schema: Schema) -> None:
        if (found := self.version()) > schema.version:
            raise StoreError(
                f"{self.path.name}: của bản phần mềm mới hơn, hãy cài bản mới / has schema {found}, this program knows "
                f"{schema.version}: install the newer program"
            )


class Reader(Database):
    """Read-only access for any process. Each query sees one committed state; ``snapshot`` holds it for several."""

    def __init__(self, path: Path, schema: Schema) -> None:
        if not path.exists():
            raise StoreError(
                f"{path}: chưa có, hãy chạy `python -m gateway run` / is not there: run `python -m gateway run`"
            )
        uri = path.absolute().as_uri() + "?mode=ro"
        with _named(path):
            connection = sqlite3.connect(
                uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            super().__init__(path, connection)
            connection.execute("PRAGMA query_only = ON")
        self._refuse_newer(schema)
        if (found := self.version()) < schema.version:
            raise StoreError(
                f"{path.name}: của bản phần mềm cũ, hãy khởi động lại máy chủ / has schema {found}, needed is "
                f"{schema.version}: restart its writer"
            )

    def data_version(self) -> int:
        """A number that is another one after each commit of the writer: a cheap way to wait for news."""
        self.require_same_file()
        row = self._one("PRAGMA data_version")
        assert row is not None
        return int(row[0])

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Within it, all queries see the same committed state."""
        self.require_same_file()
        with self._told():
            self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.rollback()


class Writer(Database):
    """The one writer of a file."""

    def __init__(self, path: Path, schema: Schema) -> None:
        lock = _lock(path)
        self._lock: int | None = lock
        try:
            with _named(path):
                make_private(path)
                connection = sqlite3.connect(
                    path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
                )
                super().__init__(path, connection)
                self._prepare(schema)
                self._opened = _file_at(path)  # SQLite makes a new file when it first writes to it
        except BaseException:
            os.close(lock)
            raise

    def close(self) -> None:
        super().close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _prepare(self, schema: Schema) -> None:
        db = self._db
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise StoreError(
                f"{self.path}: sổ bị hỏng, để nguyên không sửa; hãy chép bản tốt vào chỗ đó / is damaged ({found}): "
                f"it is left as it is; put a good copy in its place"
            )
        self._refuse_newer(schema)
        for version in range(self.version() + 1, schema.version + 1):
            script = schema.migrations[version - 1]
            db.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {version}; COMMIT;")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; when it has ended without an error, it is on the disk."""
        self.require_same_file()
        with self._told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._db.rollback()
                raise

    def _insert(self, sql: str, values: Sequence[object]) -> int:
        """Run one INSERT; the id of the new row."""
        with self._told():
            return int(self._db.execute(sql, values).lastrowid or 0)

    def _run(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run one statement; how many rows it changed."""
        with self._told():
            return self._db.execute(sql, values).rowcount

    def _prune(self, table: str, stamp: str, keep: Keep, now_ms: int) -> int:
        """Let at most a batch of the oldest rows go, none whose ``stamp`` is open (NULL). How many went."""
        return self._run(
            f"""DELETE FROM {table} WHERE id IN (
                SELECT id FROM (SELECT id, {stamp} AS stamp FROM {table} ORDER BY id LIMIT ?),
                    (SELECT max(id) AS newest FROM {table})
                WHERE stamp IS NOT NULL AND (id <= newest - ? OR id <= newest - ? AND stamp < ?))""",
            (keep.batch, keep.most, keep.least, now_ms - keep.age_ms),
        )


def _file_at(path: Path) -> tuple[int, int] | None:
    """Which file is at a path; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{path}: {error}") from error


def _lock(path: Path) -> int:
    """Take the lock of a database file, for as long as the returned descriptor is open."""
    try:
        with _named(path):
            return locks.take(path)
    except locks.Taken as taken:
        raise Busy(
            f"{path}: tiến trình {taken.owner} đang ghi, hãy tắt nó trước / is already being written by process "
            f"{taken.owner}: stop that one first"
        ) from taken
