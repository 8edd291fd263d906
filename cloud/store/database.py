"""One database, SQLite or PostgreSQL, opened so that a commit is a promise.

Rules
1. A commit survives a power cut: SQLite in WAL mode with synchronous=FULL, PostgreSQL with synchronous_commit=on.
   Both are set on every connection, whatever the server's or the library's default is.
2. ``write()`` is one transaction and takes the write lock at its start: what it reads it may act on.
   ``read()`` is one transaction that sees one state.
3. A wrong address, a missing server or a foreign file is a DatabaseError of one line.
4. A SQLite file is for its owner alone from the moment it is there: it is made with mode 0600 before SQLite opens it,
   and SQLite gives the files beside it (WAL, shared memory) the same mode.
5. A server that is away or starts again is an ``OUTAGE``, whatever the driver calls it; its dead connections are
   thrown away, so that what is tried afterwards works.
6. The text of an error never holds the values of a statement: hashes and names of people are among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import DatabaseError as SqlDatabaseError

from cloud.store import schema
from kit.files import make_private

DEFAULT_URL = "sqlite:///hoiquan-cloud.db"
BUSY_S = 15
SQLITE_CACHE_KIB = 8 * 1024
POOL_SIZE = 5
OUTAGE = (OperationalError, InterfaceError)
_POSTGRES_OPTIONS = f"-c synchronous_commit=on -c lock_timeout={BUSY_S}s -c statement_timeout=60s"


class DatabaseError(Exception):
    """The database cannot be used; the text says why in one line."""


class Database:
    """Connections to the ledger's database. Safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writing = engine.execution_options(hoiquan_write=True)
        self.is_sqlite = engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self._writing.connect() as connection, connection.begin():
            yield connection

    def append(self, connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert full rows, in the table's column order, the fastest way the driver has.

        A row that exists is an error: who appends has looked before, under the write lock.
        """
        if not rows:
            return
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        if self.is_sqlite:
            marks = ", ".join("?" * len(table.columns))
            connection.exec_driver_sql(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", list(rows))
            return
        driver: Any = connection.connection.driver_connection
        copying = f"COPY {table.name} ({columns}) FROM STDIN"
        try:
            with driver.cursor() as cursor, cursor.copy(copying) as copy:
                for row in rows:
                    copy.write_row(row)
        except psycopg.Error as error:
            if driver.closed:
                connection.invalidate(error)
            raise DBAPIError.instance(copying, None, error, psycopg.Error) from error

    def close(self) -> None:
        self.engine.dispose()


def _parse(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise DatabaseError(f"{text!r} is not a database address; use sqlite:///FILE or postgresql://…") from error
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise DatabaseError(f"the ledger runs on sqlite and postgresql, not on {url.drivername}")
    if url.drivername == "sqlite" and (not url.database or url.database.startswith((":", "file:"))):
        raise DatabaseError("the ledger needs a file: sqlite:///FILE")
    return url


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        # the driver's own implicit BEGIN would come too late; ours is in _on_begin
        connection.isolation_level = None
        cursor = connection.cursor()
        for setting in (
            "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"cache_size=-{SQLITE_CACHE_KIB}",
        ):  # fmt: skip
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("hoiquan_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def open_database(text: str) -> Database:
    """Open the database at a URL and make what tables are missing. Raises DatabaseError."""
    url = _parse(text)
    shown = url.render_as_string(hide_password=True)
    if url.drivername == "sqlite":
        try:
            make_private(Path(url.database or ""))
        except OSError as error:
            raise DatabaseError(f"cannot use the database {shown}: {error.strerror or error}") from error
        engine = create_engine(url, pool_size=POOL_SIZE, hide_parameters=True, connect_args={"timeout": BUSY_S})
        _prepare_sqlite(engine)
    else:
        connect = {"options": _POSTGRES_OPTIONS, "connect_timeout": BUSY_S}
        engine = create_engine(
            url, pool_size=POOL_SIZE, hide_parameters=True, pool_pre_ping=True, connect_args=connect
        )
    database = Database(engine)
    try:
        with database.write() as connection:
            schema.metadata.create_all(connection)
    except (OperationalError, SqlDatabaseError) as error:
        engine.dispose()
        reason = " ".join(str(error.orig).split())
        raise DatabaseError(f"cannot use the database {shown}: {reason}") from error
    except SQLAlchemyError as error:
        engine.dispose()
        raise DatabaseError(f"cannot use the database {shown}: {' '.join(str(error).split())}") from error
    return database
