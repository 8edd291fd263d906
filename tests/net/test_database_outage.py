"""PostgreSQL goes away and comes back: the cloud says so while it lasts, carries on afterwards, and loses nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cloud.store.database import open_database
from cloud.store.people import People
from tests.support.cloud import ROOT, CloudProcess, body_of, run_cloud
from tests.support.postgres import Postgres
from tests.support.readings import reading
from tests.support.victoria import Victoria
from tests.support.waiting import eventually

VILLAGE = "my-khanh"
INGEST = "/api/v1/ingest"
PERIOD = "/api/v1/readings.csv?from=2024-01-01&to=2025-01-01"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.stop()


def _log_in(cloud: CloudProcess, name: str, village: str = VILLAGE) -> httpx.Response:
    form = {"village": village, "name": name, "password": "mua thuan gio hoa"}
    return httpx.post(cloud.url + "/login", data=form, headers={"origin": cloud.url}, timeout=30)


def test_requests_are_told_to_come_again_and_then_work(postgres: Postgres, tmp_path: Path) -> None:  # P1
    log = tmp_path / "cloud.log"
    with CloudProcess(postgres.database(), log=log) as cloud:
        token, reader = cloud.tenant(VILLAGE), {"authorization": f"Bearer {cloud.reader(VILLAGE)}"}
        made = run_cloud(
            cloud.database, "user", "add", VILLAGE, "Cô Tư", "--password-stdin", stdin="mua thuan gio hoa\n"
        )
        assert made.returncode == 0, made.stderr
        assert cloud.ingest(token, [reading(1)])["new"] == 1
        for _ in range(2):
            postgres.kill()
            for answer in (
                cloud.post(INGEST, token, body_of([reading(2)])),
                httpx.get(cloud.url + PERIOD, headers=reader, timeout=30),
                httpx.get(cloud.url + "/health", timeout=30),
            ):
                assert (answer.status_code, answer.json()["code"]) == (503, "database")
            page = _log_in(cloud, "cô tư")
            assert page.status_code == 503 and "<html" in page.text and "Trang bị trục trặc" in page.text
            postgres.start()
            assert httpx.get(cloud.url + "/health", timeout=30).status_code == 200
            assert _log_in(cloud, "cô tư").status_code == 303
        assert cloud.ingest(token, [reading(1), reading(2)])["new"] == 1
        assert len(cloud.csv(VILLAGE)) == 2
        assert cloud.stop() == 0
    told = log.read_text()
    assert "Traceback" not in told and "database" in told
    assert token not in told and reader["authorization"].split()[1] not in told  # P14


def test_a_restart_in_the_middle_of_many_batches_loses_and_doubles_nothing(postgres: Postgres) -> None:  # P1 P2
    rows = [reading(s) for s in range(1, 2_001)]
    with CloudProcess(postgres.database()) as cloud:
        token = cloud.tenant(VILLAGE)
        for n in range(0, 2_000, 100):
            if n == 1_000:
                postgres.kill()
            body = body_of(rows[n : n + 100])
            statuses: list[int] = []

            def sent(body: bytes = body, statuses: list[int] = statuses) -> bool:
                statuses.append(cloud.post(INGEST, token, body).status_code)
                if statuses[-1] == 503 and len(statuses) == 2:
                    postgres.start()
                return statuses[-1] == 200

            eventually(sent)
            assert set(statuses) <= {200, 503}
        assert sorted(int(line[3]) for line in cloud.csv(VILLAGE)) == list(range(1, 2_001))


def test_a_name_that_nobody_can_have_is_a_wrong_password(postgres: Postgres) -> None:
    """PostgreSQL itself refuses a NUL in a text with an error."""
    with CloudProcess(postgres.database()) as cloud:
        cloud.tenant(VILLAGE)
        wrong = _log_in(cloud, "không ai")
        assert wrong.status_code == 401
        for village in (VILLAGE, VILLAGE + "\0", "\x7f"):
            for name in ("cô tư\0", "\0", "cô\x1btư", "cô\u202etư"):
                answer = _log_in(cloud, name, village)
                assert (answer.status_code, answer.content) == (401, wrong.content), (name, village)


def test_the_projection_waits_for_the_ledger_and_goes_on(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.database()
    database = open_database(url)
    token_of = People(database).add_tenant(VILLAGE, 1)
    database.close()
    log = tmp_path / "project.log"
    with Victoria(tmp_path / "vm") as victoria, CloudProcess(url) as cloud, log.open("wb") as kept:
        cloud.ingest(token_of, [reading(1)])
        process = subprocess.Popen(
            [sys.executable, "-m", "cloud", "--database", url, "project"], cwd=ROOT, stderr=kept,
            env={**os.environ, "INFLUX_URL": victoria.url},
        )  # fmt: skip
        try:
            eventually(lambda: "projected" in log.read_text())
            postgres.kill()
            eventually(lambda: "projection waits" in log.read_text())
            postgres.start()
            cloud.ingest(token_of, [reading(2)])
            eventually(lambda: log.read_text().count("projected") == 2, 30)
            assert process.poll() is None
            assert len(victoria.points("soil_moisture_value")) == 2
            process.terminate()
            process.wait(10)
        finally:
            process.kill()
            process.wait()
    assert "Traceback" not in log.read_text() and "ledger" in log.read_text()
