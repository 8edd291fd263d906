"""The uplink against the real cloud: outages, lost answers, poison, a replaced database, and the whole process."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway import registry
from gateway.core.rows import Reading as GatewayReading
from gateway.core.sync import MAX_ROWS
from gateway.home import Home
from gateway.provision import provision
from gateway.store.data import Batch, DataReader, DataWriter
from gateway.store.uplink import UplinkReader, UplinkWriter
from gateway.uplink.batch import pack
from gateway.uplink.client import Answer, ClientError, CloudClient
from gateway.uplink.lanes import Lanes
from gateway.uplink.meter import Meter
from gateway.uplink.page import Page
from gateway.view import Viewer
from kit.clock import ManualClock
from tests.support.certificates import Authority
from tests.support.cloud import ROOT, CloudProcess
from tests.support.ports import free_port
from tests.support.readings import START_MS, reading, village
from tests.support.village import TEXT
from tests.support.waiting import eventually

VILLAGE = "thu"
FOREVER: Callable[[], bool] = lambda: True  # noqa: E731
NEVER: Callable[[], bool] = lambda: False  # noqa: E731


class Gateway:
    """A home with data.db and uplink.db; ``fail`` answers are lost on the way back."""

    def __init__(self, folder: Path, cloud: CloudProcess, token: str) -> None:
        self.home = Home(folder)
        self.data = DataWriter(self.home.data)
        self.reader = DataReader(self.home.data)
        self.writer = UplinkWriter(self.home.uplink)
        self.client = CloudClient(url=cloud.url, token=token, pinned_ca=folder / "none")
        self.clock = ManualClock(START_MS)
        self.lose_answers = 0
        self.lanes_used: list[tuple[str, int]] = []
        self.lanes = self.restarted()

    def restarted(self) -> Lanes:
        """The lanes as a new process would make them."""
        self.lanes = Lanes(self.clock, self.reader, self.writer, self)
        return self.lanes

    def post(self, path: str, body: bytes) -> Answer:
        answer = self.client.post(path, body)
        if answer.status == 200:
            told = [answer.body[name] for name in ("new", "same", "conflict", "rejected_count")]
            self.lanes_used.append((path.rpartition("=")[2], sum(n for n in told if isinstance(n, int))))
        if self.lose_answers:
            self.lose_answers -= 1
            return Answer(None, bytes_out=answer.bytes_out, why="lost on the way back")
        return answer

    def measure(self, rows: list[GatewayReading]) -> None:
        for n in range(0, len(rows), 100):
            self.data.commit(Batch(readings=rows[n : n + 100]))

    def replace_data(self, copy: Path | None) -> None:
        """data.db is lost; an older copy takes its place, or it is made anew."""
        self.data.close()
        self.reader.close()
        for path in self.home.root.glob("data.db*"):
            path.unlink()
        if copy is not None:
            shutil.copy(copy, self.home.data)
        self.data = DataWriter(self.home.data)
        self.reader = DataReader(self.home.data)

    def close(self) -> None:
        self.client.close()
        for database in (self.reader, self.data, self.writer):
            database.close()


def _rows(seed: int, count: int) -> list[GatewayReading]:
    return [GatewayReading._make(row) for row in village(seed, count)]


def _identities(lines: list[list[str]]) -> list[tuple[str, int, int]]:
    return sorted((line[1], int(line[2]), int(line[3])) for line in lines)


def _expected(rows: list[GatewayReading]) -> list[tuple[str, int, int]]:
    return sorted((row.node, row.boot, row.seq) for row in rows)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    with CloudProcess(f"sqlite:///{tmp_path_factory.mktemp('cloud')}/ledger.db") as running:
        yield running


@pytest.fixture
def village_id(request: pytest.FixtureRequest) -> str:
    name: str = request.node.name
    return name.replace("_", "-").removeprefix("test-")[:32].rstrip("-")


@pytest.fixture
def token(cloud: CloudProcess, village_id: str) -> str:
    return cloud.tenant(village_id)


@pytest.fixture
def gateway(tmp_path: Path, cloud: CloudProcess, token: str) -> Iterator[Gateway]:
    with closing(Gateway(tmp_path, cloud, token)) as made:
        yield made


def test_after_an_outage_the_newest_comes_first_and_all_arrives(
    gateway: Gateway, cloud: CloudProcess, village_id: str
) -> None:  # P2 P10
    rows = _rows(1, 9_000)
    gateway.measure(rows[:1_000])
    assert gateway.lanes.cycle(FOREVER)
    cloud.kill()
    gateway.measure(rows[1_000:])
    assert not gateway.lanes.cycle(FOREVER)
    assert gateway.lanes.progress.cursor == 1_000  # nothing forgotten while nobody answered
    cloud.start()
    gateway.lanes_used.clear()
    assert gateway.lanes.cycle(NEVER)  # no time but for the live lane
    newest = _identities(cloud.csv(village_id))
    assert set(_expected(rows[-MAX_ROWS:])) <= set(newest)
    assert len(newest) == 1_000 + MAX_ROWS
    assert gateway.lanes.cycle(FOREVER)
    assert gateway.lanes_used == [("live", 2_000), ("backlog", 2_000), ("backlog", 2_000), ("backlog", 2_000)]
    assert _identities(cloud.csv(village_id)) == _expected(rows)
    assert gateway.lanes.progress.cursor == 9_000
    assert gateway.writer.ahead() == []


def test_lost_answers_and_restarts_double_nothing(gateway: Gateway, cloud: CloudProcess, village_id: str) -> None:  # P2
    rows = _rows(2, 5_000)
    for n in range(0, 5_000, 500):
        gateway.measure(rows[n : n + 500])
        gateway.lose_answers = n // 500 % 2
        gateway.restarted().cycle(FOREVER)
    assert gateway.restarted().cycle(FOREVER)
    assert _identities(cloud.csv(village_id)) == _expected(rows)
    assert gateway.lanes.progress.cursor == 5_000


def test_a_restart_in_the_middle_sends_nothing_again(gateway: Gateway) -> None:
    gateway.measure(_rows(3, 7_000))
    assert gateway.lanes.cycle(NEVER)
    gateway.measure(_rows(4, 8_000)[7_000:])
    assert gateway.restarted().cycle(NEVER)
    assert gateway.restarted().cycle(FOREVER)
    assert sum(count for _, count in gateway.lanes_used) == 8_000


def test_losing_uplink_db_sends_all_again_and_the_cloud_knows_it(
    gateway: Gateway, cloud: CloudProcess, village_id: str
) -> None:  # P2
    rows = _rows(5, 3_000)
    gateway.measure(rows)
    assert gateway.lanes.cycle(FOREVER)
    gateway.writer.close()
    gateway.home.uplink.unlink()
    gateway.writer = UplinkWriter(gateway.home.uplink)
    assert gateway.restarted().cycle(FOREVER)
    assert sum(count for _, count in gateway.lanes_used) == 6_000
    assert _identities(cloud.csv(village_id)) == _expected(rows)


def test_an_older_data_db_that_grew_past_the_cursor_is_sent_again(
    gateway: Gateway, cloud: CloudProcess, village_id: str
) -> None:  # P2 P12
    rows = _rows(9, 50)
    gateway.measure(rows[:20])
    copy = gateway.home.root / "old"
    with closing(sqlite3.connect(gateway.home.data)) as db:
        db.execute("VACUUM INTO ?", (str(copy),))
    gateway.measure(rows[20:30])
    assert gateway.lanes.cycle(FOREVER)
    gateway.replace_data(copy)
    gateway.measure(rows[30:])  # 40 rows, the ids 21 to 40 are others than before
    assert gateway.restarted().cycle(FOREVER)
    assert _identities(cloud.csv(village_id)) == _expected(rows)
    assert gateway.lanes.progress.cursor == 40


def test_another_data_db_is_sent_from_its_first_row(gateway: Gateway, cloud: CloudProcess, village_id: str) -> None:
    rows = _rows(10, 60)
    gateway.measure(rows[:20])
    assert gateway.lanes.cycle(FOREVER)
    gateway.replace_data(None)
    gateway.measure(rows[20:])
    assert gateway.restarted().cycle(FOREVER)
    assert _identities(cloud.csv(village_id)) == _expected(rows)


def test_a_row_that_cannot_be_read_is_set_aside_and_stops_nobody(
    gateway: Gateway, cloud: CloudProcess, village_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # P5
    rows = _rows(6, 300)
    gateway.measure(rows)
    # what the encoder makes of row 77 is broken on the way, whatever batch it is in
    broken = rows[76]
    cut = lambda batch: pack(batch)[:-1] if broken in batch else pack(batch)  # noqa: E731
    monkeypatch.setattr("gateway.uplink.lanes.pack", cut)
    assert gateway.lanes.cycle(FOREVER)
    assert gateway.lanes.progress.cursor == 300
    assert _identities(cloud.csv(village_id)) == _expected([row for row in rows if row != broken])
    with UplinkReader(gateway.home.uplink) as reader:
        assert list(reader.aside()) == [77]
        assert "zstd" in reader.aside()[77]


def test_what_the_cloud_rejects_is_kept_there_and_not_sent_for_ever(gateway: Gateway) -> None:
    bad = GatewayReading._make(reading(2, raw=4_000_000))
    gateway.measure([GatewayReading._make(reading(1)), bad, GatewayReading._make(reading(3))])
    assert gateway.lanes.cycle(FOREVER)
    assert gateway.lanes.progress.cursor == 3
    with UplinkReader(gateway.home.uplink) as reader:
        assert reader.contiguous() == {("soil-1", 65_537): 3}


def test_a_revoked_token_loses_nothing(gateway: Gateway, cloud: CloudProcess) -> None:
    gateway.client.close()
    gateway.client = CloudClient(url=cloud.url, token="x" * 43, pinned_ca=gateway.home.root / "none")
    gateway.measure(_rows(7, 10))
    assert not gateway.lanes.cycle(FOREVER)
    assert gateway.lanes.progress.cursor == 0


def test_a_page_that_cannot_be_made_is_told_once_and_left_out(gateway: Gateway, village_id: str) -> None:
    gateway.home.registry.write_text(TEXT.replace('id = "thu"', f'id = "{village_id}"'), encoding="utf-8")
    viewer = Viewer(gateway.home, registry.load(gateway.home.registry), gateway.clock)
    page = Page(gateway.clock, gateway.writer, gateway.client, viewer.build)
    gateway.clock.wall_ms = 33_000_000_000_000  # 3015
    with capture_logs() as logs:
        assert page.send_if_due() is None and page.send_if_due() is None
    assert [entry["event"] for entry in logs] == ["there is no page to send: set the clock of the gateway right"]
    gateway.clock.wall_ms = START_MS
    answer = page.send_if_due()
    viewer.close()
    assert answer is not None and answer.status == 200


def test_bytes_are_counted_by_day(gateway: Gateway) -> None:
    gateway.measure(_rows(8, 2_000))
    assert gateway.lanes.cycle(FOREVER)
    gateway.clock.advance_ms(86_400_000)
    gateway.measure(_rows(8, 2_100)[2_000:])
    assert gateway.lanes.cycle(FOREVER)
    today = Meter(gateway.clock, gateway.writer).today()
    with UplinkReader(gateway.home.uplink) as reader:
        yesterday, now = reader.traffic(today - 1), reader.traffic(today)
    assert (yesterday.batches, yesterday.rows, now.batches, now.rows) == (1, 2_000, 1, 100)
    assert 2_000 < yesterday.bytes_out < 2_000 * 4  # bytes a value, headers included
    assert today == 19_783 + 1  # 2024-03-02


def test_plain_http_is_for_loopback_only(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="must be https"):
        CloudClient(url="http://cloud.example:8090", token="x", pinned_ca=tmp_path / "none")
    (tmp_path / "ca.crt").write_text("not a certificate")
    with pytest.raises(ClientError, match="not a certificate"):
        CloudClient(url="https://cloud.example", token="x", pinned_ca=tmp_path / "ca.crt")


def test_https_is_verified_against_the_pinned_authority(tmp_path: Path) -> None:
    """A TLS server of another authority is no cloud: no status, and the token never leaves."""
    import http.server
    import ssl
    import threading

    mine, other = Authority.create("mine"), Authority.create("other")
    seen: list[str | None] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.headers["authorization"])
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"new": 1}')

        def log_message(self, *_: object) -> None:
            pass

    certificate, key = mine.issue("localhost")
    (tmp_path / "server.pem").write_bytes(certificate + key)
    server = http.server.HTTPServer(("127.0.0.1", free_port()), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        for authority, status in ((other, None), (mine, 200)):
            (tmp_path / "ca.crt").write_bytes(authority.pem)
            url = f"https://localhost:{server.server_port}"
            with closing(CloudClient(url=url, token="secret-token", pinned_ca=tmp_path / "ca.crt")) as client:
                assert client.post("/x", b"1").status == status
        assert seen == ["Bearer secret-token"]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_whole_process_follows_the_village(tmp_path: Path, cloud: CloudProcess) -> None:
    token = cloud.tenant(VILLAGE)
    home = Home(tmp_path / "home")
    home.root.mkdir()
    home.registry.write_text(TEXT + f'\n[cloud]\nurl = "{cloud.url}"\n')
    provision(home, token)
    rows = _rows(9, 3_000)
    with DataWriter(home.data) as data:
        data.commit(Batch(readings=rows[:1_500]))
        command = [sys.executable, "-m", "gateway", "uplink", "--home", str(home.root)]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, env={**os.environ, **_sped(tmp_path)})
        try:
            eventually(lambda: len(cloud.csv(VILLAGE)) == 1_500)
            data.commit(Batch(readings=rows[1_500:]))
            eventually(lambda: len(cloud.csv(VILLAGE)) == 3_000)
            with UplinkReader(home.uplink) as reader:
                eventually(lambda: reader.cursors()["readings"] == 3_000)
            process.terminate()
            assert process.wait(10) == 0
            log = process.stderr.read().decode() if process.stderr else ""
        finally:
            process.kill()
            process.communicate()
    assert token not in log  # P14
    assert "Traceback" not in log
    assert _identities(cloud.csv(VILLAGE)) == _expected(rows)
    assert _page_of(cloud, VILLAGE)["id"] == VILLAGE


def _sped(folder: Path) -> dict[str, str]:
    """A clock 60 times as fast, so that a cycle is 2 s."""
    from kit.clock import CLOCK_ENV, sped_clock_from

    file = folder / "clock.json"
    file.write_text(sped_clock_from(START_MS, 60).to_json())
    return {CLOCK_ENV: str(file)}


def _page_of(cloud: CloudProcess, tenant: str) -> dict[str, object]:
    import json

    from cloud.store.database import open_database
    from cloud.store.ledger import Ledger

    with closing(open_database(cloud.database)) as database:
        found = Ledger(database).snapshot(tenant)
    assert found is not None
    page: dict[str, object] = json.loads(found[1])
    return page
