"""The cloud's interface as a real process: what it takes, what it refuses, and who sees what."""

import json
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import zstandard

from cloud.core import table
from cloud.store.database import open_database
from cloud.store.people import SESSION_MS, People
from cloud.web.auth import SESSION_COOKIE
from kit.clock import SystemClock
from pages.view import Village
from tests.support.cloud import CloudProcess, body_of, run_cloud
from tests.support.readings import reading, village
from wire.columns import encode_columns

A, B = "my-khanh", "phong-dien"
INGEST = "/api/v1/ingest"
SNAPSHOT = "/api/v1/snapshot"
CSV = "/api/v1/readings.csv"
MEMORY_LIMIT_KB = 150 * 1024


@dataclass(frozen=True)
class Running:
    cloud: CloudProcess
    token: str
    other: str


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    database = f"sqlite:///{tmp_path_factory.mktemp('cloud')}/ledger.db"
    with CloudProcess(database) as cloud:
        yield Running(cloud, cloud.tenant(A), cloud.tenant(B))
        assert cloud.stop() == 0


def _page(village_id: str = A) -> bytes:
    shown = Village(
        id=village_id, name="Mỹ Khánh", now_ms=1, gardens=(), sources=(), alerts=(), simulated=True, speed=60.0
    )
    return zstandard.compress(shown.to_json().encode())


def _refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"].endswith(".")
    assert set(answer.json()) == {"code", "message"}


def test_a_batch_is_taken_once_and_told(running: Running) -> None:  # P2
    rows = village(1, 300)
    told = running.cloud.ingest(running.token, rows)
    assert (told["new"], told["same"], told["rejected_count"]) == (300, 0, 0)
    again = running.cloud.ingest(running.token, rows)
    assert (again["new"], again["same"]) == (0, 300)
    assert again["contiguous"] == told["contiguous"]
    odd = running.cloud.ingest(running.token, [rows[0]._replace(raw=1), reading(1, node="odd", raw=-1)])
    assert (odd["new"], odd["conflict"], odd["rejected_count"]) == (0, 1, 1)
    assert odd["rejected"] == [
        {"node": "odd", "boot": 65_537, "seq": 1, "code": "raw_out_of_range",
         "detail": "soil_moisture: raw -1 is not in 0..3300000"}
    ]  # fmt: skip


def test_csv_gives_back_exactly_what_was_sent(running: Running) -> None:
    token = running.cloud.tenant("csv-village")
    rows = village(7, 5_000)
    running.cloud.ingest(token, rows)
    lines = running.cloud.csv("csv-village")
    order = sorted(rows, key=lambda r: (r.measured_ms, rows.index(r)))
    assert lines == [table.line("csv-village", row).rstrip("\n").split(",") for row in order]
    morning = running.cloud.csv("csv-village", "2024-03-01", "2024-03-01T06:00")
    assert [line for line in lines if line[7] < "2024-02-29T23:00"] == morning
    assert 0 < len(morning) < len(lines)


@pytest.mark.parametrize("path", [INGEST, SNAPSHOT])
@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Basic {token}", "Bearer {token}x", "Bearer {short}", "Bearer {lower}", "bearer \u0000",
     "Bearer " + "x" * 5_000],
)  # fmt: skip
def test_every_wrong_credential_gets_the_same_answer(running: Running, path: str, header: str) -> None:  # P7
    token = running.token
    shown = header.format(token=token, short=token[:-1], lower=token.lower()).encode("latin-1")
    if b"\x00" in shown:
        shown = shown.replace(b"\x00", b"\xff")
    answer = httpx.post(running.cloud.url + path, content=b"", headers={b"authorization": shown})
    _refused(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_sees_its_own_village_only(running: Running) -> None:  # P7
    mine, other = village(11, 50, nodes=1), [reading(s, node="canary-node") for s in range(1, 20)]
    token, foreign = running.cloud.tenant("mine"), running.cloud.tenant("theirs")
    running.cloud.ingest(token, mine)
    running.cloud.ingest(foreign, other)
    assert {line[0] for line in running.cloud.csv("mine")} == {"mine"}
    assert len(running.cloud.csv("mine")) == 50
    reader = {"authorization": f"Bearer {running.cloud.reader('mine')}"}
    for trick in ("?tenant=theirs", "?village=theirs", "&tenant=theirs&node=canary-node"):
        query = f"{CSV}?from=1970-01-02&to=2200-01-01" + trick.replace("?", "&")
        answer = httpx.get(running.cloud.url + query, headers=reader)
        assert answer.status_code == 200 and "canary" not in answer.text
    # the same identities under another tenant are other readings
    told = running.cloud.ingest(token, other)
    assert (told["new"], told["same"]) == (19, 0)
    _refused(running.cloud.post(SNAPSHOT, token, _page("theirs")), 422, "foreign_village")


def test_csv_needs_a_credential_and_a_session_is_one(running: Running) -> None:  # P7
    url = running.cloud.url + CSV
    query = {"from": "2024-01-01", "to": "2025-01-01"}
    _refused(httpx.get(url, params=query), 401, "unauthorized")
    with closing(open_database(running.cloud.database)) as database:
        people = People(database)
        people.add_tenant("with-people", 1)
        people.add_user("with-people", "Cô Tư", "mua thuan gio hoa", "researcher", 1)
        person = people.verify("with-people", "Cô Tư", "mua thuan gio hoa")
        assert person is not None
        now_ms = SystemClock().now_ms()
        session = people.open_session(person, now_ms)
        ended = people.open_session(person, now_ms - SESSION_MS - 1)
    answers = {
        token: httpx.get(url, params=query, headers={"cookie": f"{SESSION_COOKIE}={token}"})
        for token in (session, ended, session[:-1], running.token)
    }
    assert answers[session].text == table.HEADER  # its own village's, which has none; not the others'
    for token in (ended, session[:-1], running.token):
        _refused(answers[token], 401, "unauthorized")
    # a session is a person's, not a gateway's
    answer = httpx.post(running.cloud.url + INGEST, content=b"", headers={"cookie": f"{SESSION_COOKIE}={session}"})
    _refused(answer, 401, "unauthorized")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "bad_parameter"),
        ({"from": "2024-01-01"}, "bad_parameter"),
        ({"from": "2024-01-02", "to": "2024-01-01"}, "bad_period"),
        ({"from": "2024-01-01", "to": "2024-01-01"}, "bad_period"),
        ({"from": "' OR 1=1 --", "to": "2024-01-01"}, "bad_period"),
        ({"from": "2024-13-01", "to": "2025-01-01"}, "bad_period"),
        ({"from": "1" * 500, "to": "2025-01-01"}, "bad_parameter"),
        ({"from": "0001-01-01T00:00:00+23:59", "to": "x"}, "bad_period"),
    ],
)
def test_bad_periods(running: Running, query: dict[str, str], code: str) -> None:
    headers = {"authorization": f"Bearer {running.cloud.reader(A)}"}
    answer = httpx.get(running.cloud.url + CSV, params=query, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def _cut(count: int) -> bytes:
    return zstandard.compress(encode_columns(list(village(1, 100)))[:-count])


def _bit_flipped() -> bytes:
    plain = bytearray(encode_columns(list(village(1, 100))))
    plain[len(plain) // 2] ^= 4
    return zstandard.compress(bytes(plain))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_zstd"),
        (b"hello", 400, "bad_zstd"),
        (body_of(village(1, 100))[:-5], 400, "bad_zstd"),
        (body_of(village(1, 100)) + b"more", 400, "bad_zstd"),
        (zlib.compress(b"{}"), 400, "bad_zstd"),
        (zstandard.compress(b""), 400, "bad_zstd"),
        (zstandard.compress(b'[{"node":"n1"}]'), 400, "bad_columns"),
        (_cut(1), 400, "bad_columns"),
        (_cut(30), 400, "bad_columns"),
        (_bit_flipped(), 400, "bad_columns"),
        # 3 kB that would be 100 MB, with and without its size in the frame
        (zstandard.compress(bytes(100_000_000)), 413, "too_large"),
        (zstandard.ZstdCompressor(write_content_size=False).compress(bytes(100_000_000)), 400, "bad_zstd"),
        (bytes(1024 * 1024 + 1), 413, "too_large"),
    ],
)
def test_bad_bodies_are_refused_and_cost_nothing(running: Running, body: bytes, status: int, code: str) -> None:  # P5
    answer = running.cloud.post(INGEST, running.token, body)
    _refused(answer, status, code)
    assert running.cloud.memory_peak_kb() < MEMORY_LIMIT_KB


def test_a_body_without_a_length_is_cut_off(running: Running) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(3_000):
            yield bytes(65_536)

    headers = {"authorization": f"Bearer {running.token}", "content-encoding": "zstd"}
    try:
        answer = httpx.post(running.cloud.url + INGEST, content=endless(), headers=headers, timeout=30)
        _refused(answer, 413, "too_large")
    except (httpx.WriteError, httpx.ReadError):
        pass  # the connection was closed while we were still sending: just as good
    assert running.cloud.memory_peak_kb() < MEMORY_LIMIT_KB


def test_unknown_encodings_lanes_paths_and_methods(running: Running) -> None:
    post = running.cloud.post
    answer = post(INGEST, running.token, b"x", **{"content-encoding": "gzip"})
    _refused(answer, 415, "encoding")
    answer = post(INGEST + "?lane=express", running.token, body_of([reading(1)]))
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_parameter")
    for path in ("/api/v1/ingest/", "/api/v2/ingest", "//api/v1/ingest", "/api/v1/%2e%2e/ingest", "/docs", "/redoc"):
        answer = httpx.get(running.cloud.url + path, follow_redirects=False)
        assert answer.status_code in (307, 404, 405), path
    answer = httpx.get(running.cloud.url + INGEST)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_the_page_of_a_village_is_kept_whole(running: Running) -> None:
    assert running.cloud.post(SNAPSHOT, running.token, _page()).json() == {"stored": True}
    bad = [b"{}", b"[1]", b'{"id":1}', b"\xff\xfe", b"[" * 100_000, json.dumps({"id": A, "name": "x"}).encode()]
    for body in bad:
        _refused(running.cloud.post(SNAPSHOT, running.token, zstandard.compress(body)), 422, "bad_snapshot")
    _refused(running.cloud.post(SNAPSHOT, running.token, bytes(300_000)), 413, "too_large")


def test_health_needs_no_credential_and_tells_nothing(running: Running) -> None:
    answer = httpx.get(running.cloud.url + "/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_memory_stays_within_its_limit_under_load(running: Running) -> None:
    token = running.cloud.tenant("load")
    batches = [[row._replace(boot=n) for row in village(n, 5_000)] for n in range(16)]
    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(lambda rows: running.cloud.ingest(token, rows), batches))
    assert [answer["new"] for answer in told] == [5_000] * 16
    assert len(running.cloud.csv("load")) == 80_000
    assert running.cloud.memory_peak_kb() < MEMORY_LIMIT_KB


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["tenant", "add", "Mỹ Khánh"], "is not a village id"),
        (["tenant", "token", "nobody"], "no village nobody"),
        (["tenant", "token", "nobody", "--reader"], "no village nobody"),
        (["user", "add", "nobody", "x", "--generate"], "no village nobody"),
        (["serve", "--port", "70000"], "is not in 0..65535"),
        (["serve", "--host", "203.0.113.7", "--port", "0"], "cannot listen on 203.0.113.7"),
        (["project"], "INFLUX_URL is empty"),
    ],
)
def test_wrong_arguments_are_one_line(tmp_path: Path, arguments: list[str], line: str) -> None:
    done = run_cloud(f"sqlite:///{tmp_path}/l.db", *arguments, INFLUX_URL="")
    assert done.returncode == 2
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_busy_port_is_one_line(running: Running) -> None:
    done = run_cloud(running.cloud.database, "serve", "--port", str(running.cloud.port))
    assert done.returncode == 2
    assert f"port {running.cloud.port}" in done.stderr
    assert "choose another" in done.stderr
    assert done.stderr.count("\n") == 1


def test_tenants_and_users_by_command(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/l.db"
    assert len(run_cloud(database, "tenant", "add", A).stdout.strip()) >= 43
    assert "exists" in run_cloud(database, "tenant", "add", A).stderr
    assert run_cloud(database, "tenant", "list").stdout == f"{A}\n"
    assert len(run_cloud(database, "user", "add", A, "Cô Tư", "--generate").stdout.strip()) >= 16
    for password, code in (("ngan", 2), ("mua thuan gio hoa", 0)):
        done = run_cloud(database, "user", "add", A, "Ông Bảy", "--password-stdin", stdin=password + "\n")
        assert done.returncode == code
    assert "already" in run_cloud(database, "user", "add", A, "  ông   BẢY ", "--generate").stderr


def test_readers_are_revoked_apart_from_the_gateway(tmp_path: Path) -> None:
    with CloudProcess(f"sqlite:///{tmp_path}/l.db") as cloud:
        token = cloud.tenant(A)
        reader, query = {"authorization": f"Bearer {cloud.reader(A)}"}, {"from": "2024-01-01", "to": "2025-01-01"}
        assert httpx.get(cloud.url + CSV, params=query, headers=reader).status_code == 200
        assert run_cloud(cloud.database, "tenant", "revoke", A, "--reader").stderr == "1 tokens revoked\n"
        _refused(httpx.get(cloud.url + CSV, params=query, headers=reader), 401, "unauthorized")
        assert cloud.ingest(token, [reading(1)])["new"] == 1
        assert run_cloud(cloud.database, "tenant", "revoke", A).stderr == "1 tokens revoked\n"
        _refused(cloud.post(INGEST, token, b""), 401, "unauthorized")
