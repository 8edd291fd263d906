"""The InfluxDB projection into a real VictoriaMetrics, which forgets what it has just acknowledged when killed."""

import gzip
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import select

from cloud.core import table
from cloud.core.batch import Reading
from cloud.store.database import Database, open_database
from cloud.store.influx import InfluxSink, ServerError, line_of
from cloud.store.ledger import Ledger, Stored
from cloud.store.people import People
from cloud.store.projector import Projector, SettingsError, run, settings_from
from cloud.store.schema import poison
from kit.clock import ManualClock
from tests.support.ports import free_port
from tests.support.readings import START_MS, reading, village
from tests.support.victoria import Victoria
from wire import fields

TENANT = "my-khanh"
NOW_MS = START_MS + 40 * 86_400_000
VALUE = "soil_moisture_value"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/ledger.db")
    People(opened).add_tenant(TENANT, 1)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victoria]:
    with Victoria(tmp_path_factory.mktemp("victoria")) as server:
        yield server


def _sink(url: str, barrier: str = "auto") -> InfluxSink:
    return settings_from({"INFLUX_URL": url, "INFLUX_BARRIER": barrier}).sink()


def _expected(rows: list[Reading]) -> dict[tuple[str, str, str, int], float]:
    soil = [row for row in rows if row.field == fields.SOIL_MOISTURE and row.value is not None]
    return {(TENANT, r.node, str(r.channel), r.measured_ms): (r.value or 0) / 10_000 for r in soil}


def test_values_come_back_equal_after_a_kill_and_after_a_rebuild(database: Database, tmp_path: Path) -> None:  # P1
    rows = village(8, 3_000)
    Ledger(database).ingest(TENANT, rows, 1)
    with Victoria(tmp_path / "vm") as server:
        projector = Projector(database, ManualClock(NOW_MS), _sink(server.url))
        assert projector.advance() == 3_000
        server.kill()  # at once: only what is behind the barrier is still there
        server.start()
        assert projector.cursor() == 3_000
        assert server.points(VALUE) == _expected(rows)
        raws = server.points("battery_raw")
        assert raws == {(TENANT, r.node, "0", r.measured_ms): r.raw for r in rows if r.field == fields.BATTERY}
        assert server.snapshots() == []

        server.drop('{tenant="my-khanh"}')
        assert server.points(VALUE) == {}
        settings = settings_from({"INFLUX_URL": server.url})
        run(database, ManualClock(NOW_MS), settings, once=True, rebuild=True)
        assert server.points(VALUE) == _expected(rows)


def test_without_the_barrier_a_kill_loses_what_was_acknowledged(tmp_path: Path) -> None:
    """Why rule 4 of cloud.store.influx exists; if this fails, VictoriaMetrics has become durable."""
    with Victoria(tmp_path / "vm") as server:
        sink = _sink(server.url)
        assert sink.write([Stored(1, TENANT, 1, reading(1))]) == []
        server.kill()
        server.start()
        assert server.points(VALUE) == {}


def test_a_dead_server_moves_no_cursor_and_loses_nothing(database: Database, tmp_path: Path) -> None:  # P2
    rows = village(9, 500)
    ledger = Ledger(database)
    ledger.ingest(TENANT, rows[:250], 1)
    server = Victoria(tmp_path / "vm")
    projector = Projector(database, ManualClock(NOW_MS), _sink(server.url))
    with pytest.raises(ServerError, match="cannot be reached"):
        projector.advance()
    assert projector.cursor() == 0
    with server:
        assert projector.advance() == 250
        server.kill()
        ledger.ingest(TENANT, rows[250:], 1)
        with pytest.raises(ServerError):
            projector.advance()
        assert projector.cursor() == 250
        server.start()
        assert projector.advance() == 250
        assert projector.advance() == 0
        assert server.points(VALUE) == _expected(rows)


def test_what_a_server_would_drop_in_silence_is_counted(database: Database, victoria: Victoria) -> None:
    ahead = reading(2, node="poison", measured_ms=NOW_MS + 10 * 365 * 86_400_000)
    rows = [reading(1, node="poison"), ahead, reading(3, node="poison")]
    Ledger(database).ingest(TENANT, rows, 1)
    projector = Projector(database, ManualClock(NOW_MS), _sink(victoria.url))
    assert projector.advance() == 3
    assert (projector.cursor(), projector.poisoned()) == (3, 1)
    found = victoria.points('soil_moisture_value{node="poison"}')
    assert sorted(found) == [(TENANT, "poison", "0", r.measured_ms) for r in (rows[0], rows[2])]
    projector.rebuild()
    assert (projector.cursor(), projector.poisoned()) == (0, 0)


def test_one_bad_line_costs_only_itself(
    database: Database, victoria: Victoria, monkeypatch: pytest.MonkeyPatch
) -> None:  # P5
    """One bad line costs the server a whole batch, us one row. No reading makes such a line: it is broken here."""
    rows = [reading(s, node="halved", channel=s % 3) for s in range(1, 101)]
    bad = {rows[6], rows[99]}
    broken: Callable[[str, Reading], str] = lambda t, r: "no line at all" if r in bad else line_of(t, r)  # noqa: E731
    monkeypatch.setattr("cloud.store.influx.line_of", broken)
    Ledger(database).ingest(TENANT, rows, 1)
    projector = Projector(database, ManualClock(NOW_MS), _sink(victoria.url))
    assert projector.advance() == 100
    assert (projector.cursor(), projector.poisoned()) == (100, 2)
    found = victoria.points('soil_moisture_value{node="halved"}')
    assert found == _expected([row for row in rows if row not in bad])
    with database.read() as connection:
        kept = connection.execute(select(poison.c.ledger_id, poison.c.reason).order_by(poison.c.ledger_id)).all()
    assert [row.ledger_id for row in kept] == [7, 100]
    assert all("no line at all" in row.reason for row in kept)


class _Influx(BaseHTTPRequestHandler):
    """An InfluxDB 2 as its documentation tells it: no snapshots; 422 keeps the good lines, 413 keeps none."""

    kept: ClassVar[set[str]]
    posts: ClassVar[int]
    oldest_ms = 0
    max_lines = 10_000

    def do_POST(self) -> None:
        type(self).posts += 1
        lines = gzip.decompress(self.rfile.read(int(self.headers["content-length"]))).decode().split("\n")
        good = {line for line in lines if int(line.rsplit(" ", 1)[1]) >= self.oldest_ms}
        status = 413 if len(lines) > self.max_lines else 204 if len(good) == len(lines) else 422
        if status != 413:
            self.kept.update(good)
        body = b'{"code":"unprocessable entity","message":"points beyond retention policy"}' if status == 422 else b""
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def influx() -> Iterator[tuple[str, type[_Influx]]]:
    class Server(_Influx):
        kept: ClassVar[set[str]] = set()
        posts = 0

    server = HTTPServer(("127.0.0.1", free_port()), Server)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", Server
    server.shutdown()
    thread.join()
    server.server_close()


def _poison(database: Database) -> dict[int, str]:
    with database.read() as connection:
        return {row.ledger_id: row.reason for row in connection.execute(select(poison))}


def test_the_cursor_waits_for_the_barrier_that_it_was_told_of(
    database: Database, influx: tuple[str, type[_Influx]]
) -> None:
    """A 204 is enough where there are no snapshots, unless the barrier was named: then written is not durable."""
    url, _ = influx
    Ledger(database).ingest(TENANT, village(3, 50), 1)
    projector = Projector(database, ManualClock(NOW_MS), _sink(url, "victoriametrics"))
    with pytest.raises(ServerError, match="nothing is durable"):
        projector.advance()
    assert projector.cursor() == 0
    assert Projector(database, ManualClock(NOW_MS), _sink(url)).advance() == 50
    assert projector.cursor() == 50


def test_readings_older_than_the_server_keeps_are_passed_by(
    database: Database, influx: tuple[str, type[_Influx]]
) -> None:  # P5
    url, server = influx
    rows = [reading(s) for s in range(1, 201)]
    server.oldest_ms = rows[30].measured_ms
    Ledger(database).ingest(TENANT, rows, 1)
    projector = Projector(database, ManualClock(NOW_MS), _sink(url))
    assert projector.advance() == 200
    assert (projector.cursor(), projector.poisoned()) == (200, 30)
    assert server.kept == {line_of(TENANT, row) for row in rows[30:]}
    kept = _poison(database)
    assert sorted(kept) == list(range(1, 31))
    assert all("retention" in reason for reason in kept.values())


def test_a_batch_that_is_too_large_is_sent_in_parts(database: Database, influx: tuple[str, type[_Influx]]) -> None:
    url, server = influx
    server.max_lines = 60
    rows = [reading(s) for s in range(1, 201)]
    Ledger(database).ingest(TENANT, rows, 1)
    projector = Projector(database, ManualClock(NOW_MS), _sink(url))
    assert projector.advance() == 200
    assert (projector.cursor(), projector.poisoned()) == (200, 0)
    assert server.kept == {line_of(TENANT, row) for row in rows}
    server.max_lines = 0  # not even one: it is the server's setting that is wrong, not the line
    Ledger(database).ingest(TENANT, [reading(300)], 1)
    with pytest.raises(ServerError, match="413"):
        projector.advance()
    assert (projector.cursor(), projector.poisoned()) == (200, 0)


def test_readings_without_a_known_time_do_not_overwrite_each_other_in_silence(
    database: Database, victoria: Victoria
) -> None:
    """All of one frame have the time at which it came in: in the projection each would hide the one before."""
    came_in_ms = START_MS + 3_600_000
    timeless = [
        reading(s, node="timeless", measured_ms=came_in_ms, received_ms=came_in_ms, time_quality=fields.CLOCK_NONE)
        for s in range(1, 41)
    ]
    timed = [reading(s, node="timeless") for s in range(41, 44)]
    Ledger(database).ingest(TENANT, [*timeless, *timed], 1)
    projector = Projector(database, ManualClock(NOW_MS), _sink(victoria.url))
    assert projector.advance() == 43
    assert (projector.cursor(), projector.poisoned()) == (43, 40)
    assert victoria.points('soil_moisture_value{node="timeless"}') == _expected(timed)
    assert set(_poison(database).values()) == {"the time at which it was measured is not known"}


def test_a_line_is_numbers_and_exact() -> None:
    assert line_of(TENANT, reading(1)) == (
        "soil_moisture,tenant=my-khanh,node=soil-1,channel=0 value=0.2346,raw=1200037i,flag=1i,time_quality=4i "
        "1709226060000"
    )
    assert "value" not in line_of(TENANT, reading(1, value=None))
    assert table.decimal(2_346, 4) == "0.2346"


@pytest.mark.parametrize(
    "environment",
    [{}, {"INFLUX_URL": "localhost:8086"}, {"INFLUX_URL": "file:///etc/passwd"},
     {"INFLUX_URL": "http://x", "INFLUX_BARRIER": "hope"}],
)  # fmt: skip
def test_wrong_settings_are_one_line(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_from(environment)
    assert "\n" not in str(caught.value)
