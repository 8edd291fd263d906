"""The farmer's page in the cloud: one's own village only, with its true age, and nothing to steer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from cloud.store.database import open_database
from cloud.store.ledger import Ledger
from cloud.store.people import People
from cloud.web.app import create_app
from kit.clock import ManualClock
from pages.render import SECURITY_HEADERS
from tests.support.asgi import Client
from tests.support.views import MINUTE_MS, NOW_MS, garden, village

URL = "http://cloud.test"
OWN = {"origin": URL}
PASSWORD = "xoài chín cây"


class Cloud:
    """Two villages, each with a person, in one cloud."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(NOW_MS)
        self.database = open_database(f"sqlite:///{folder / 'cloud.db'}")
        self.ledger = Ledger(self.database)
        people = People(self.database)
        for tenant, name in (("tan-thuan", "Bà Tư"), ("my-khanh", "Ông Năm")):
            people.add_tenant(tenant, NOW_MS)
            people.add_user(tenant, name, PASSWORD, "farmer", NOW_MS)
        self.app = create_app(self.database, self.clock)

    def client(self, url: str = URL) -> Client:
        return Client(self.app, url)

    def keep(self, tenant: str = "tan-thuan", *, now_ms: int = NOW_MS, name: str = "Vườn xoài Cát Chu") -> None:
        seen = village(garden(name=name, measured_ms=now_ms - 5 * MINUTE_MS), id=tenant, now_ms=now_ms)
        self.ledger.put_snapshot(tenant, seen.to_json(), self.clock.now_ms())


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    made = Cloud(tmp_path)
    yield made
    made.database.close()


def _log_in(client: Client, tenant: str = "tan-thuan", name: str = "Bà Tư", password: str = PASSWORD) -> httpx.Response:
    fields = {"village": tenant, "name": name, "password": password}
    return client.post("/login", data=fields, headers={"origin": URL})


def test_the_village_is_shown_and_not_steered(cloud: Cloud) -> None:
    cloud.keep()
    client = cloud.client()
    assert client.get("/").headers["location"] == "/login"
    assert "Mã làng" in client.get("/login").text
    assert _log_in(client, "TAN-THUAN ").headers["location"] == "/"
    text = client.get("/").text
    assert "Vườn xoài Cát Chu" in text and "5 phút trước" in text
    assert "vào Wi-Fi của làng" in text
    assert 'action="/stop"' not in text and "/water" not in text
    assert client.get("/login").headers["location"] == "/"


def test_a_page_grows_old_in_the_cloud_even_when_the_gateway_has_a_wrong_clock(cloud: Cloud) -> None:
    ten_years_ms = 10 * 365 * 86_400_000
    cloud.keep(now_ms=NOW_MS + ten_years_ms)
    client = cloud.client()
    _log_in(client)
    assert "5 phút trước" in client.get("/").text
    cloud.clock.advance_ms(20 * MINUTE_MS)
    assert "25 phút trước" in client.get("/").text
    cloud.clock.advance_ms(11 * MINUTE_MS)
    text = client.get("/").text
    assert "Mất sóng với làng từ" in text and "Mất sóng" in text and "Đất đủ ẩm" not in text


@pytest.mark.parametrize("now_ms", [0, 1, 86_400_000, 4_102_444_800_000, 9_223_372_036_854, 32_503_680_000_000])
def test_a_gateway_without_a_clock_still_shows_its_village(cloud: Cloud, now_ms: int) -> None:
    """1970 after a dead battery; 2100 and the last instant of Linux, 2262, after a bad one."""
    token = {"authorization": f"Bearer {People(cloud.database).add_token('tan-thuan', 'add', NOW_MS)}"}
    client = cloud.client()
    seen = village(garden(measured_ms=now_ms, history=((now_ms, 26.0),)), id="tan-thuan", now_ms=now_ms)
    assert client.post("/api/v1/snapshot", content=seen.to_json().encode(), headers=token).json() == {"stored": True}
    too_late = seen.to_json().replace(f'"now_ms":{now_ms}', f'"now_ms":{2**62}')
    refused = client.post("/api/v1/snapshot", content=too_late.encode(), headers=token)
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_snapshot")
    _log_in(client)
    for minutes in (5, 25):
        cloud.clock.advance_ms((minutes - 4) * MINUTE_MS)
        answer = client.get("/")
        assert answer.status_code == 200 and "Vườn xoài Cát Chu" in answer.text
    assert "22 phút trước" in answer.text
    cloud.clock.advance_ms(30 * MINUTE_MS)
    assert "Mất sóng với làng từ" in client.get("/").text


def test_before_the_first_snapshot_it_says_so(cloud: Cloud) -> None:
    client = cloud.client()
    _log_in(client)
    answer = client.get("/")
    assert answer.status_code == 200 and "Chưa có tin từ làng" in answer.text


def test_nobody_sees_another_village(cloud: Cloud) -> None:
    cloud.keep("tan-thuan", name="Vườn của Bà Tư")
    cloud.keep("my-khanh", name="Vườn của Ông Năm")
    client = cloud.client()
    assert _log_in(client, "my-khanh", "Bà Tư").status_code == 401
    _log_in(client, "my-khanh", "Ông Năm")
    for path in ("/", "/?village=tan-thuan", "/?tenant=tan-thuan&village=tan-thuan"):
        text = client.get(path).text
        assert "Vườn của Ông Năm" in text and "Bà Tư" not in text


def test_unknown_village_unknown_name_and_wrong_password_are_told_the_same(cloud: Cloud) -> None:
    answers = [
        _log_in(cloud.client(), "tan-thuan", "Bà Tư", "sai rồi sai rồi"),
        _log_in(cloud.client(), "tan-thuan", "Không Ai", "sai rồi sai rồi"),
        _log_in(cloud.client(), "khong-co", "Bà Tư", "sai rồi sai rồi"),
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}


def test_guessing_is_locked_for_this_village_and_name_only(cloud: Cloud) -> None:
    client = cloud.client()
    statuses = [_log_in(client, password=f"sai rồi {n} lần").status_code for n in range(10)]
    assert statuses == [401] * 5 + [429] * 5
    assert _log_in(client).status_code == 429
    assert _log_in(client, "my-khanh", "Ông Năm").status_code == 303


@pytest.mark.parametrize("headers", [{}, {"origin": "http://evil.example"}, {"origin": "null"}])
def test_a_foreign_page_can_neither_log_in_nor_out(cloud: Cloud, headers: dict[str, str]) -> None:
    client = cloud.client()
    fields = {"village": "tan-thuan", "name": "Bà Tư", "password": PASSWORD}
    assert client.post("/login", data=fields, headers=headers).status_code == 403
    _log_in(client)
    assert client.post("/logout", data={"csrf": "x"}, headers=headers).status_code == 403
    assert client.post("/logout", data={"csrf": "x"}, headers=OWN).status_code == 403
    assert client.get("/login").headers["location"] == "/"


def test_log_out(cloud: Cloud) -> None:
    cloud.keep()
    client = cloud.client()
    _log_in(client)
    found = re.search(r'name="csrf" value="(\w+)"', client.get("/").text)
    assert found
    assert client.post("/logout", data={"csrf": found[1]}, headers=OWN).headers["location"] == "/login"
    assert client.get("/").headers["location"] == "/login"
    assert client.post("/logout", data={"csrf": found[1]}, headers=OWN).headers["location"] == "/login"


def test_head_is_answered_like_get_on_pages_only(cloud: Cloud) -> None:
    cloud.keep()
    client = cloud.client()
    assert client.request("HEAD", "/").headers["location"] == "/login"
    _log_in(client)
    for path in ("/", "/login", "/health"):
        head = client.request("HEAD", path)
        assert (head.status_code, head.content) == (client.get(path).status_code, b"")
    assert client.request("HEAD", "/api/v1/readings.csv").status_code == 405


def test_the_cookie_asks_for_tls_where_there_is_tls(cloud: Cloud) -> None:
    assert "; Secure" not in _log_in(cloud.client()).headers["set-cookie"]
    fields = {"village": "tan-thuan", "name": "Bà Tư", "password": PASSWORD}
    secure = cloud.client("https://cloud.test").post("/login", data=fields, headers={"origin": "https://cloud.test"})
    cookie = secure.headers["set-cookie"]
    assert all(flag in cookie for flag in ("; Secure", "; HttpOnly", "; SameSite=Strict"))


def test_every_page_carries_the_security_headers_and_names_are_text(cloud: Cloud) -> None:
    nasty = village(garden(name="<script>alert(1)</script>"), id="tan-thuan", name='"><img src=x>')
    cloud.ledger.put_snapshot("tan-thuan", nasty.to_json(), NOW_MS)
    client = cloud.client()
    answers = [
        client.get("/"),
        client.get("/login"),
        _log_in(client, password="x" * 9),
        _log_in(client),
        client.get("/"),
    ]
    answers.append(client.post("/login", content=b"{}", headers={**OWN, "content-type": "application/json"}))
    for answer in answers:
        assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "<script>alert" not in answers[4].text and "<img" not in answers[4].text
    assert answers[5].status_code == 415


def test_a_snapshot_of_an_older_shape_is_no_fault(cloud: Cloud) -> None:
    cloud.ledger.put_snapshot("tan-thuan", '{"old":true}', NOW_MS)
    client = cloud.client()
    _log_in(client)
    answer = client.get("/")
    assert answer.status_code == 200 and "Chưa có tin từ làng" in answer.text


def test_a_watering_that_should_be_over_is_not_shown_as_on(cloud: Cloud) -> None:
    cloud.ledger.put_snapshot("tan-thuan", replace(village(), id="tan-thuan").to_json(), NOW_MS)
    client = cloud.client()
    _log_in(client)
    assert "Đang tưới" in client.get("/").text
    cloud.clock.advance_ms(9 * MINUTE_MS)
    assert "Đang tưới<" not in client.get("/").text
