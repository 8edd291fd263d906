"""Feeds a projection from the ledger, behind a cursor that is kept in the ledger.

Rules
1. The ledger is the truth and a projection can be lost: dropped, and rebuilt by setting its cursor to 0.
2. The cursor moves only over what is durable there: write pages, then the barrier, then the cursor. A crash between
   two of them writes the same lines again, which is harmless because a line has an identity (series and time).
3. A server that is down or refuses everything stops nothing and loses nothing: wait, and try from the cursor. That
   holds for the ledger's own database as well, such as a PostgreSQL that starts again.
4. A poisoned reading is kept in ``poison`` with its reason, counted, and passed by.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy import delete, select, update

from cloud.store.database import OUTAGE, Database
from cloud.store.influx import Barrier, InfluxSink, Poison, ServerError, Sink, objection
from cloud.store.ledger import Ledger
from cloud.store.schema import poison, projections
from kit.clock import Clock, real_sleep_s

NAME = "influx"
PAGE_ROWS = 5000
PAGES_PER_BARRIER = 20
POLL_S = 5.0
MAX_BACKOFF_S = 60.0
_BARRIERS: dict[str, Barrier] = {"auto": "auto", "influxdb": "influxdb", "victoriametrics": "victoriametrics"}

_log = structlog.get_logger(__name__)


class SettingsError(Exception):
    """The environment does not say where to project to; the text says what is missing."""


@dataclass(frozen=True)
class Settings:
    """Where the projection is."""

    url: str
    token: str
    org: str
    bucket: str
    barrier: Barrier

    def sink(self) -> InfluxSink:
        return InfluxSink(url=self.url, token=self.token, org=self.org, bucket=self.bucket, barrier=self.barrier)


def settings_from(environment: Mapping[str, str]) -> Settings:
    """INFLUX_URL, INFLUX_TOKEN, INFLUX_ORG, INFLUX_BUCKET, INFLUX_BARRIER. Raises SettingsError."""
    url = environment.get("INFLUX_URL", "")
    if not url:
        raise SettingsError("no projection is set up: INFLUX_URL is empty; set it to http://HOST:PORT")
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"INFLUX_URL={url} is not an http or https address")
    barrier = _BARRIERS.get(environment.get("INFLUX_BARRIER", "auto"))
    if barrier is None:
        raise SettingsError(f"INFLUX_BARRIER must be one of {', '.join(_BARRIERS)}")
    return Settings(
        url=url,
        token=environment.get("INFLUX_TOKEN", ""),
        org=environment.get("INFLUX_ORG", "hoiquan"),
        bucket=environment.get("INFLUX_BUCKET", "hoiquan"),
        barrier=barrier,
    )


class Projector:
    """One projection: its cursor and its sink."""

    def __init__(self, database: Database, clock: Clock, sink: Sink, name: str = NAME) -> None:
        self._database = database
        self._ledger = Ledger(database)
        self._clock = clock
        self._sink = sink
        self._name = name

    def cursor(self) -> int:
        """The ledger id up to which everything is durable in the projection."""
        with self._database.read() as connection:
            found = connection.execute(select(projections.c.cursor).filter_by(name=self._name)).scalar()
        return int(found or 0)

    def poisoned(self) -> int:
        with self._database.read() as connection:
            found = connection.execute(select(projections.c.poisoned).filter_by(name=self._name)).scalar()
        return int(found or 0)

    def rebuild(self) -> None:
        """Begin again from the first reading."""
        with self._database.write() as connection:
            connection.execute(delete(projections).where(projections.c.name == self._name))
            connection.execute(delete(poison).where(poison.c.projection == self._name))

    def advance(self) -> int:
        """Project the next stretch, durably. Returns how many readings it passed; 0 when there is none."""
        cursor = start = self.cursor()
        bad: list[Poison] = []
        passed = 0
        for _ in range(PAGES_PER_BARRIER):
            page = self._ledger.after(cursor, PAGE_ROWS)
            if not page:
                break
            now_ms = self._clock.now_ms()
            objections = [(stored, objection(stored.reading, now_ms)) for stored in page]
            bad += [Poison(stored, reason) for stored, reason in objections if reason is not None]
            bad += self._sink.write([stored for stored, reason in objections if reason is None])
            cursor = page[-1].ledger_id
            passed += len(page)
        if cursor > start:
            self._sink.make_durable()
            self._save(start, cursor, bad)
        return passed

    def _save(self, start: int, cursor: int, bad: list[Poison]) -> None:
        with self._database.write() as connection:
            for one in bad:
                key = {"tenant": one.stored.tenant, "projection": self._name, "ledger_id": one.stored.ledger_id}
                connection.execute(delete(poison).filter_by(**key))
                connection.execute(poison.insert().values(**key, reason=one.reason))
            moved = update(projections).where(projections.c.name == self._name, projections.c.cursor == start)
            values = {"cursor": cursor, "poisoned": projections.c.poisoned + len(bad)}
            if connection.execute(moved.values(**values)).rowcount == 0 and start == 0:
                first = {"name": self._name, "cursor": cursor, "poisoned": len(bad)}
                connection.execute(projections.insert().values(**first))


def run(database: Database, clock: Clock, settings: Settings, *, once: bool, rebuild: bool) -> None:
    """Project until told to stop, or with ``once`` until everything is there: only then does it raise ServerError."""
    sink = settings.sink()
    projector = Projector(database, clock, sink)
    try:
        if rebuild:
            projector.rebuild()
        failures = 0
        while True:
            try:
                passed = _step(projector)
                failures = 0
            except ServerError as error:
                if once:
                    raise
                failures += 1
                wait_s = min(MAX_BACKOFF_S, POLL_S * 2 ** min(failures - 1, 8))
                _log.warning("projection waits", reason=str(error), seconds=wait_s)
                real_sleep_s(wait_s)
                continue
            if not passed:
                if once:
                    return
                real_sleep_s(POLL_S)
    finally:
        sink.close()


def _step(projector: Projector) -> int:
    """Advance and say so. Raises ServerError, also when it is the ledger's own server that is away."""
    try:
        passed = projector.advance()
        if passed:
            _log.info("projected", readings=passed, cursor=projector.cursor(), poisoned=projector.poisoned())
    except OUTAGE as error:
        raise ServerError(f"the ledger's database does not answer: {type(error.orig).__name__}") from error
    return passed
