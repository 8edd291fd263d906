"""The tables of the ledger, the same for SQLite and PostgreSQL.

Rules
1. Every table that holds a village's data is keyed by tenant first, so that it can be sharded by tenant and no
   query can forget whose data it reads. Only ``counters`` and ``projections`` belong to the ledger as a whole.
2. ``readings`` is append-only. ``ledger_id`` is given in commit order, so that a reader behind a cursor never skips.
3. ``spans`` covers exactly the identities in ``readings`` and those rejected: it is the index of what has arrived,
   and what lies between its rows are the known gaps.
4. Times are UTC milliseconds; secrets are stored as hashes only.
5. What a token may do is told by the table that it is in: one of ``tokens`` only adds, one of ``reader_tokens`` only
   reads. A token from before there were readers is in ``tokens``, and so only adds.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, PrimaryKeyConstraint, Table, Text

metadata = MetaData()


def _table(name: str, key: tuple[str, ...], *columns: Column[int] | Column[str]) -> Table:
    return Table(name, metadata, *columns, PrimaryKeyConstraint(*key))


def _number(name: str, *, nullable: bool = False) -> Column[int]:
    # autoincrement would make SQLAlchemy ask the database for a number that is ours to give
    return Column(name, BigInteger, nullable=nullable, autoincrement=False)


def _small(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, autoincrement=False)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


tenants = _table("tenants", ("tenant",), _text("tenant"), _number("created_ms"))

tokens = _table("tokens", ("tenant", "token_hash"), _text("tenant"), _text("token_hash"), _number("created_ms"))
Index("tokens_by_hash", tokens.c.token_hash)

reader_tokens = _table(
    "reader_tokens", ("tenant", "token_hash"), _text("tenant"), _text("token_hash"), _number("created_ms")
)
Index("reader_tokens_by_hash", reader_tokens.c.token_hash)

users = _table(
    "users", ("tenant", "name"), _text("tenant"), _text("name"), _text("password_hash"), _text("role"),
    _number("created_ms"),
)  # fmt: skip

sessions = _table(
    "sessions", ("tenant", "token_hash"), _text("tenant"), _text("token_hash"), _text("name"),
    _number("created_ms"), _number("expires_ms"),
)  # fmt: skip
Index("sessions_by_hash", sessions.c.token_hash)

readings = _table(
    "readings", ("tenant", "node", "boot", "seq"),
    _number("ledger_id"), _text("tenant"), _number("stored_ms"),
    _text("node"), _number("boot"), _number("seq"), _small("field"), _small("channel"), _number("uptime_ms"),
    _number("measured_ms"), _small("time_quality"), _number("received_ms"), _number("raw"),
    _number("value", nullable=True), _small("flag"), _number("calibration"),
)  # fmt: skip
Index("readings_by_id", readings.c.ledger_id)
Index("readings_by_time", readings.c.tenant, readings.c.measured_ms, readings.c.ledger_id)

conflicts = _table(
    "conflicts", ("tenant", "node", "boot", "seq", "digest"),
    _text("tenant"), _text("node"), _number("boot"), _number("seq"), _text("digest"), _number("stored_ms"),
    _text("reading"),
)  # fmt: skip

# no node, boot, seq columns: a rejected row may hold numbers that no column can take
rejected = _table(
    "rejected", ("tenant", "digest"),
    _text("tenant"), _text("digest"), _number("stored_ms"), _text("code"), _text("detail"), _text("reading"),
)  # fmt: skip

spans = _table(
    "spans", ("tenant", "node", "boot", "first"),
    _text("tenant"), _text("node"), _number("boot"), _number("first"), _number("last"),
)  # fmt: skip

snapshots = _table("snapshots", ("tenant",), _text("tenant"), _number("stored_ms"), _text("village"))

counters = _table("counters", ("name",), _text("name"), _number("n"))

projections = _table(
    "projections", ("name",), _text("name"), _number("cursor"), _number("poisoned"),
)  # fmt: skip

poison = _table(
    "poison", ("tenant", "projection", "ledger_id"),
    _text("tenant"), _text("projection"), _number("ledger_id"), _text("reason"),
)  # fmt: skip
