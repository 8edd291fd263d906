"""Every route of the village's pages with everything wrong that a phone, a neighbour or a program can send.

Nothing is done by a request that is refused, nothing is done twice, and each answer carries the security headers.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from gateway import registry
from gateway.home import Home
from gateway.store.village import Intent, User, VillageReader, VillageWriter
from gateway.web.app import create_app
from gateway.web.house import ORDER_MS, House
from kit.clock import ManualClock
from kit.login import SESSION_MS, hash_password
from pages import sheet
from pages.render import SECURITY_HEADERS
from pages.view import Village
from tests.support.asgi import Client
from tests.support.seeded import seed

NOW_MS = 1_709_259_000_000
URL = "http://village.test"
OWN = {"origin": URL}
FORM_ID = "f" * 22
NAME, PASSWORD = "bà tư", "xoài chín cây"
HASH = hash_password(PASSWORD)


class Phone:
    """A client, and what it has asked for so far."""

    def __init__(self, house: House, path: Path, *, log_in: bool = True) -> None:
        self.house = house
        self._path = path
        self.client = Client(create_app(house), URL)
        self.csrf = ""
        if log_in:
            assert self.log_in().status_code == 303
            found = re.search(r'name="csrf" value="(\w+)"', self.client.get("/").text)
            assert found
            self.csrf = found[1]

    def log_in(self, name: str = NAME, password: str = PASSWORD) -> httpx.Response:
        return self.client.post("/login", data={"name": name, "password": password}, headers=OWN)

    def order(self, route: str, *, headers: dict[str, str] = OWN, **fields: Any) -> httpx.Response:
        form = {"csrf": self.csrf, "form": FORM_ID, **fields}
        return self.client.post(route, data=form, headers=headers)

    def orders(self) -> list[Intent]:
        with VillageReader(self._path) as reader:
            return reader.intents_after(0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_MS)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seed(tmp_path_factory.mktemp("seeded"), NOW_MS).root


@pytest.fixture
def house(seeded: Path, tmp_path: Path, clock: ManualClock) -> Iterator[House]:
    shutil.copytree(seeded, tmp_path, dirs_exist_ok=True)
    home = Home(tmp_path)
    with House(home, registry.load(home.registry), clock) as found:
        found._writer.set_user(User(NAME, HASH, "farmer"))
        yield found


@pytest.fixture
def phone(house: House, tmp_path: Path) -> Phone:
    return Phone(house, tmp_path / "village.db")


@pytest.fixture
def stranger(house: House, tmp_path: Path) -> Phone:
    return Phone(house, tmp_path / "village.db", log_in=False)


# ---- who may come in


@pytest.mark.parametrize("path", ["/", "/water?zone=xoai", "/report", "//", "/%2e/", "/state.json/../", "/WATER"])
def test_without_a_session_one_sees_the_login_or_nothing(stranger: Phone, path: str) -> None:
    answer = stranger.client.get(path)
    assert answer.status_code in (303, 404)
    assert answer.headers.get("location", "/login") == "/login"
    assert "Vườn" not in answer.text and "xoai" not in answer.text


@pytest.mark.parametrize("path", ["/water", "/stop", "/unlock", "/logout"])
def test_without_a_session_nothing_is_done(stranger: Phone, path: str) -> None:
    answer = stranger.order(path, zone="xoai", minutes=10)
    assert answer.status_code == 401 and "Mật khẩu" in answer.text
    assert stranger.orders() == []


def test_state_is_for_those_who_logged_in(stranger: Phone, phone: Phone) -> None:
    assert stranger.client.get("/state.json").status_code == 401
    answer = phone.client.get("/state.json")
    seen = Village.from_json(answer.text)
    assert {garden.id: garden.state for garden in seen.gardens} == {"xoai": "dry", "rau": "ok", "cam": "blind"}
    assert answer.headers["content-type"] == "application/json"


def test_the_report_is_the_newest_week_under_a_policy_of_its_own(phone: Phone, tmp_path: Path) -> None:
    assert "Chưa có báo cáo" in phone.client.get("/report").text
    folder = Home(tmp_path).reports
    folder.mkdir()
    for name in ("2024-W08.html", "2024-W09.html", "secrets.html", "9999-W99.txt"):
        (folder / name).write_text(sheet.sheet(name, [sheet.say("Vườn xoài")]), encoding="utf-8")
    answer = phone.client.get("/report?week=../../secrets")
    assert answer.status_code == 200 and "2024-W09" in answer.text and answer.headers["cache-control"] == "no-store"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-") and "script" not in policy
    style = answer.text.split("<style>")[1].split("</style>")[0].encode()
    assert base64.b64encode(hashlib.sha256(style).digest()).decode() in policy


@pytest.mark.parametrize("cookie", ["", "x", "x" * 5000, "é", "../../etc", '"', "0" * 43])
def test_a_made_up_session_is_none(stranger: Phone, cookie: str) -> None:
    answer = stranger.client.get("/", headers={"cookie": f"hoiquan_gateway={cookie}".encode()})
    assert answer.status_code == 303


def test_the_session_is_kept_as_a_hash_and_ends(phone: Phone, clock: ManualClock, tmp_path: Path) -> None:
    token = phone.client.cookies["hoiquan_gateway"]
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("village.db*"))
    assert token.encode() not in kept and PASSWORD.encode() not in kept
    clock.advance_ms(SESSION_MS - 1)
    assert phone.client.get("/").status_code == 200
    clock.advance_ms(1)
    assert phone.client.get("/").status_code == 303


def test_the_cookie_is_for_the_browser_and_our_own_pages_only(stranger: Phone) -> None:
    cookie = stranger.log_in().headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie


def test_log_out_ends_the_session_itself(phone: Phone) -> None:
    token = phone.client.cookies["hoiquan_gateway"]
    assert phone.order("/logout").headers["location"] == "/login"
    phone.client.cookies.set("hoiquan_gateway", token, domain="village.test")
    assert phone.client.get("/").status_code == 303


@pytest.mark.parametrize("name", ["Bà  TƯ", " bà tư ", "BÀ TƯ"])
def test_a_name_may_be_typed_as_phones_do(stranger: Phone, name: str) -> None:
    assert stranger.log_in(name).status_code == 303


@pytest.mark.parametrize(
    ("name", "password", "status"),
    [
        (NAME, "", 400),
        ("", PASSWORD, 400),
        (NAME, PASSWORD[:-1], 401),
        (NAME, PASSWORD + " x", 401),
        ("không ai", PASSWORD, 401),
        (NAME, "x" * 2000, 401),
        ("x" * 2000, PASSWORD, 401),
        ("' OR 1=1 --", "' OR 1=1 --", 401),
        ("\0", "\0\0\0\0\0\0\0\0", 401),
    ],
)
def test_a_wrong_login_is_refused_with_what_to_do(stranger: Phone, name: str, password: str, status: int) -> None:
    answer = stranger.log_in(name, password)
    assert answer.status_code == status
    assert "set-cookie" not in answer.headers
    assert "trên thẻ." in answer.text or "Xem lại thẻ" in answer.text


def test_a_known_and_an_unknown_name_are_told_the_same_to_the_byte(stranger: Phone) -> None:
    known, unknown = stranger.log_in(NAME, "sai rồi sai rồi"), stranger.log_in("không ai", "sai rồi sai rồi")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)


def test_guessing_is_locked_and_a_lock_does_not_say_whether_the_name_exists(stranger: Phone) -> None:
    for name in (NAME, "không ai"):
        statuses = [stranger.log_in(name, f"sai rồi {n}").status_code for n in range(10)]
        assert statuses == [401] * 5 + [429] * 5
    answer = stranger.log_in()
    assert answer.status_code == 429 and answer.headers["retry-after"] == "60"


def test_a_foreign_page_cannot_log_somebody_in(stranger: Phone) -> None:
    fields = {"name": NAME, "password": PASSWORD}
    for headers in ({}, {"origin": "http://evil.example"}, {"origin": "null"}):
        assert stranger.client.post("/login", data=fields, headers=headers).status_code == 403


# ---- orders


def test_water_becomes_one_row_that_is_valid_for_a_minute(phone: Phone) -> None:
    answer = phone.order("/water", zone="xoai", minutes=10)
    assert (answer.status_code, answer.headers["location"]) == (303, "/#g-xoai")
    (intent,) = phone.orders()
    assert intent[1:] == (NOW_MS, NOW_MS + ORDER_MS, "water", "xoai", 10, NAME, "", "")


def test_in_a_sped_up_village_an_order_lasts_ten_real_seconds(phone: Phone, clock: ManualClock) -> None:
    clock.speed = 600.0
    phone.order("/stop", zone="xoai")
    (intent,) = phone.orders()
    assert intent.expires_ms - intent.at_ms == 600 * 10_000


def test_the_same_form_twice_is_one_order(phone: Phone) -> None:
    assert phone.order("/water", zone="xoai", minutes=10).headers["location"] == "/#g-xoai"
    assert phone.order("/water", zone="xoai", minutes=10).headers["location"] == "/?said=again"
    assert phone.order("/stop", zone="xoai").status_code == 303
    assert len(phone.orders()) == 1
    phone.order("/water", zone="xoai", minutes=10, form="g" * 22)
    assert len(phone.orders()) == 2


def test_stop_may_name_several_gardens(phone: Phone) -> None:
    answer = phone.order("/stop", zone=["rau", "xoai", "rau"])
    assert answer.headers["location"] == "/"
    assert [(intent.kind, intent.zone) for intent in phone.orders()] == [("stop", "rau"), ("stop", "xoai")]


def test_what_is_locked_is_unlocked_by_a_person(phone: Phone) -> None:
    assert phone.order("/unlock", zone="xoai").headers["location"] == "/#g-xoai"
    assert [(intent.kind, intent.zone, intent.user) for intent in phone.orders()] == [("unlock", "xoai", NAME)]
    assert phone.order("/unlock", zone="no-such").status_code == 404


@pytest.mark.parametrize(
    ("route", "fields", "status"),
    [
        ("/water", {"zone": "xoai", "minutes": "0"}, 400),
        ("/water", {"zone": "xoai", "minutes": "61"}, 400),
        ("/water", {"zone": "xoai", "minutes": "-5"}, 400),
        ("/water", {"zone": "xoai", "minutes": "5.5"}, 400),
        ("/water", {"zone": "xoai", "minutes": "٥"}, 400),
        ("/water", {"zone": "xoai", "minutes": "1e1"}, 400),
        ("/water", {"zone": "xoai", "minutes": "9" * 3000}, 400),
        ("/water", {"zone": "xoai", "minutes": ["5", "6"]}, 400),
        ("/water", {"zone": "xoai"}, 400),
        ("/water", {"zone": "no-such", "minutes": "5"}, 404),
        ("/water", {"zone": "", "minutes": "5"}, 404),
        ("/water", {"minutes": "5"}, 404),
        ("/water", {"zone": "xoai'; DROP TABLE intents;--", "minutes": "5"}, 404),
        ("/water", {"zone": ["xoai", "rau"], "minutes": "5"}, 400),
        ("/water", {"zone": "xoai", "minutes": "5", "form": ""}, 400),
        ("/water", {"zone": "xoai", "minutes": "5", "form": "short"}, 400),
        ("/water", {"zone": "xoai", "minutes": "5", "form": "x" * 65}, 400),
        ("/water", {"zone": "xoai", "minutes": "5", "csrf": ""}, 403),
        ("/water", {"zone": "xoai", "minutes": "5", "csrf": "0" * 32}, 403),
        ("/stop", {}, 404),
        ("/stop", {"zone": ["rau", "no-such"]}, 404),
        ("/stop", {"zone": "rau", "csrf": "x"}, 403),
        ("/stop", {"zone": "rau", "junk": "x" * 5000}, 413),
    ],
)
def test_a_wrong_order_is_told_in_a_sentence_and_not_done(
    phone: Phone, route: str, fields: dict[str, Any], status: int
) -> None:
    answer = phone.order(route, **fields)
    assert answer.status_code == status
    assert "TRỞ VỀ" in answer.text
    assert phone.orders() == []


@pytest.mark.parametrize("origin", [{}, {"origin": "http://evil.example"}, {"origin": "null"}])
def test_a_foreign_page_cannot_give_orders(phone: Phone, origin: dict[str, str]) -> None:
    assert phone.order("/water", headers=origin, zone="xoai", minutes=10).status_code == 403
    assert phone.orders() == []


def test_a_body_that_is_no_form_is_refused(phone: Phone) -> None:
    for content_type, body, status in (
        ("application/json", b'{"zone":"xoai"}', 415),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("application/x-www-form-urlencoded", b"zone=%ff", 400),
        ("application/x-www-form-urlencoded", b"a=" + b"b" * 1_000_000, 413),
    ):
        answer = phone.client.post("/water", content=body, headers={**OWN, "content-type": content_type})
        assert answer.status_code == status
    assert phone.orders() == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_do_nothing(phone: Phone, method: str) -> None:
    for path in ("/", "/water", "/stop", "/login"):
        assert phone.client.request(method, path, headers={"x-http-method-override": "POST"}).status_code == 405
    assert phone.client.get("/stop").status_code == 405
    assert phone.orders() == []


@pytest.mark.parametrize("path", ["/", "/login", "/water?zone=xoai", "/health", "/state.json", "/no-such"])
def test_head_is_answered_like_get_without_the_body(phone: Phone, stranger: Phone, path: str) -> None:
    for who in (phone, stranger):
        get, head = who.client.get(path), who.client.request("HEAD", path)
        assert head.content == b"" and head.status_code == get.status_code
        assert head.headers.get("location") == get.headers.get("location")
        assert {name: head.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert phone.client.request("HEAD", "/stop").status_code == 405 and phone.orders() == []


def test_a_garden_that_runs_is_not_offered_again(phone: Phone) -> None:
    assert phone.client.get("/water?zone=rau").headers["location"] == "/"
    assert phone.client.get("/water?zone=no-such").status_code == 404
    assert phone.client.get("/water").status_code == 404


# ---- whatever happens


def test_every_answer_carries_the_security_headers(phone: Phone, stranger: Phone) -> None:
    answers = [phone.client.get(path) for path in ("/", "/login", "/water?zone=xoai", "/health", "/state.json", "/x")]
    answers += [stranger.client.get("/"), stranger.log_in("a", "b"), phone.order("/water", zone="x")]
    answers += [phone.client.request("PUT", "/"), phone.order("/water", zone="xoai", minutes=5)]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_a_fault_of_ours_is_told_without_its_details(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Village:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(phone.house, "view", fail)
    answer = phone.client.get("/")
    assert answer.status_code == 500 and "Trang bị trục trặc" in answer.text and "secret" not in answer.text
    assert answer.headers["content-security-policy"]


def test_a_user_is_set_while_web_runs_and_the_old_card_is_worth_nothing(phone: Phone, tmp_path: Path) -> None:  # P14
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "user", "add", "--home", str(tmp_path), NAME],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    card = done.stdout.split("password: ")[1].strip()
    (request,) = (tmp_path / "people").iterdir()
    assert card not in request.read_text() and request.stat().st_mode & 0o777 == 0o600
    assert phone.client.get("/").status_code == 303  # the session of the lost card
    assert list((tmp_path / "people").iterdir()) == []
    assert phone.log_in().status_code == 401
    assert phone.log_in(password=card).status_code == 303


def test_a_request_that_cannot_be_read_is_set_aside_and_stops_nobody(phone: Phone, tmp_path: Path) -> None:
    (tmp_path / "people").mkdir(exist_ok=True)
    (tmp_path / "people" / "x.json").write_text("[1")
    assert phone.client.get("/").status_code == 200
    assert [path.name for path in (tmp_path / "people").iterdir()] == ["x.bad"]


def test_a_page_that_cannot_be_made_is_told(house: House, clock: ManualClock, tmp_path: Path) -> None:
    clock.wall_ms = 33_000_000_000_000
    phone = Phone(house, tmp_path / "village.db", log_in=False)
    assert phone.log_in().status_code == 303
    assert phone.client.get("/").status_code == 503
    with capture_logs() as logs:
        phone.client.get("/state.json")
    assert [entry["event"] for entry in logs] == ["no page can be shown: is the clock of the gateway right?"]
    clock.wall_ms = NOW_MS
    house._seen = None
    assert Phone(house, tmp_path / "village.db").client.get("/").status_code == 200


def test_when_an_order_cannot_be_kept_the_cabinet_is_named(phone: Phone) -> None:
    phone.house._writer.close()
    answer = phone.order("/water", zone="xoai", minutes=5)
    phone.house._writer = VillageWriter(phone._path)  # so that the fixture can close it
    assert answer.status_code == 503 and "Ra bấm nút tại tủ" in answer.text


@pytest.mark.parametrize("file", ["data.db", "control.db"])
def test_a_damaged_database_blinds_the_page_and_does_not_break_it(phone: Phone, tmp_path: Path, file: str) -> None:
    phone.house._viewer.close()
    phone.house._seen = None
    for path in tmp_path.glob(f"{file}*"):
        path.write_bytes(b"not a database" * 1000)
    text = phone.client.get("/").text
    assert "Không đọc được số liệu của làng." in text and "Mất sóng" in text
    assert phone.order("/stop", zone="rau").status_code == 303


def test_the_language_is_kept(phone: Phone) -> None:
    assert "Đất khô" in phone.client.get("/").text
    assert "Soil dry" in phone.client.get("/?lang=en").text
    assert "Soil dry" in phone.client.get("/").text
    assert "Đất khô" in phone.client.get("/?lang=vi").text
    assert "set-cookie" not in phone.client.get("/?lang=%0d%0aset-cookie:x=y").headers


def test_what_a_view_says_is_json_that_can_be_read_back(phone: Phone) -> None:
    found = json.loads(phone.client.get("/state.json").text)
    assert found["gardens"][0]["why"][0]["english"] == "Not yet: the pump is watering vườn rau."
    assert replace(Village.from_json(json.dumps(found)), speed=2.0).speed == 2.0
