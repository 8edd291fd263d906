"""Cards and their codes: nothing that lasts is printed, a code is used once, and by one node."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import pytest

from gateway import rotate, secrets
from gateway.__main__ import main
from gateway.enrol import command
from gateway.enrol.cards import Card, grouped, sheet
from gateway.enrol.codes import REPEAT_MS, Codes
from gateway.enrol.limits import BURST, BURST_ALL, MAX_ADDRESSES, Limits
from gateway.home import Home
from gateway.process import ProcessError, Stop
from gateway.provision import provision
from kit.clock import ManualClock
from tests.support import village as villages
from tests.support.enrolling import codes_on
from wire import enrol

NOW_MS = 1_800_000_000_000
ONE, OTHER = "11" * 16, "22" * 16


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path)
    found.registry.write_text(villages.TEXT, encoding="utf-8")
    provision(found)
    return found


def make(home: Home, *nodes: str, **options: object) -> str:
    return command.make(home, list(nodes), ManualClock(NOW_MS), **options)  # type: ignore[arg-type]


def test_a_sheet_tells_what_a_technician_needs_and_no_secret_that_lasts(home: Home) -> None:
    page = make(home, "dat-1", "dat-2", ssid="Làng <1>")
    secret = secrets.load(home.secrets, ["dat-1", "dat-2"])
    lasting = [s.password for s in secret.nodes.values()] + [s.key.hex() for s in secret.nodes.values()]
    assert not [text for text in [*lasting, *secret.mqtt.values()] if text in page]
    for told in ("Đất vườn xoài", "dat-1", "Hộp đo đất", "soil node", "127.0.0.1:18884", "Làng &lt;1&gt;", "@page"):
        assert told in page
    pin = enrol.pin_of(ssl.PEM_cert_to_DER_cert(home.ca.read_text(encoding="ascii")))
    assert page.count(grouped(pin)) == 2
    assert len(set(codes_on(page))) == 2
    assert page.count("<svg") == 2
    assert page.count("<section") == 2


def test_the_qr_code_is_the_form_filled_in(home: Home) -> None:
    village = provision(home)
    card = Card("dat-1", "x", "soil", (), "ABCDEFGHJKMN", "P" * 26, "192.168.7.2:8884", "Hội Quán", NOW_MS)
    url = "http://192.168.4.1/?n=dat-1&c=ABCDEFGHJKMN&p=" + "P" * 26 + "&h=192.168.7.2:8884&s=H%E1%BB%99i+Qu%C3%A1n"
    assert card.url == url
    assert len(url) < 180, "a phone of 2015 must be able to read it"
    assert "<svg" in sheet(village, [card])


def test_a_place_is_where_the_water_goes(home: Home) -> None:
    page = make(home, "dat-1")
    assert "Vườn" in page


def test_a_code_is_used_once_and_by_one(tmp_path: Path) -> None:
    codes = Codes(tmp_path / "enrol")
    assert not codes.any_open(NOW_MS)
    code = codes.issue("dat-1", NOW_MS, 1_000)
    assert codes.any_open(NOW_MS) and not codes.handed_over("dat-1")
    assert codes.use("dat-1", "0" * 12, ONE, NOW_MS) == enrol.WRONG
    assert codes.use("dat-2", code, ONE, NOW_MS) == enrol.WRONG
    assert codes.use("../dat-1", code, ONE, NOW_MS) == enrol.WRONG
    assert codes.use("dat-1", code, ONE, NOW_MS) == ""
    assert codes.handed_over("dat-1")
    assert codes.use("dat-1", code, OTHER, NOW_MS) == enrol.USED
    assert codes.use("dat-1", code, ONE, NOW_MS + REPEAT_MS - 1) == "", "an answer that got lost is given again"
    assert codes.use("dat-1", code, ONE, NOW_MS + REPEAT_MS) == enrol.USED
    assert not codes.any_open(NOW_MS + REPEAT_MS)


def test_a_code_ends(tmp_path: Path) -> None:
    codes = Codes(tmp_path / "enrol")
    first = codes.issue("dat-1", NOW_MS, 1_000)
    assert codes.use("dat-1", first, ONE, NOW_MS + 1_000) == enrol.EXPIRED
    assert not codes.any_open(NOW_MS + 1_000)
    second = codes.issue("dat-1", NOW_MS, 1_000)
    assert codes.use("dat-1", first, ONE, NOW_MS) == enrol.WRONG, "a new card makes the old one worthless"
    codes.forget("dat-1")
    assert codes.use("dat-1", second, ONE, NOW_MS) == enrol.WRONG


def test_a_file_that_is_no_code_opens_nothing(tmp_path: Path) -> None:
    codes = Codes(tmp_path)
    code = codes.issue("dat-1", NOW_MS, 1_000)
    (claimed,) = (p for p in [tmp_path / "dat-1.json"] if p.exists())
    digest = json.loads(claimed.read_text())["digest"]
    (tmp_path / f"dat-1.{digest[:16]}.claim").write_text("")
    assert codes.use("dat-1", code, ONE, NOW_MS) == enrol.USED
    for text in ("", "{", "[]", "null", '{"digest": 1}', '{"digest": "x", "issued_ms": "a", "expires_ms": 1}'):
        claimed.write_text(text)
        assert codes.use("dat-1", code, ONE, NOW_MS) == enrol.WRONG
        assert not codes.any_open(NOW_MS)


def test_a_node_that_gave_its_secrets_away_gets_no_second_card(home: Home) -> None:
    (code,) = codes_on(make(home, "dat-1"))
    assert Codes(home.enrol).use("dat-1", code, ONE, NOW_MS) == ""
    with pytest.raises(ProcessError, match="--rotate dat-1"):
        make(home, "dat-1")
    before = secrets.load(home.secrets, ["dat-1"]).nodes["dat-1"]
    rotate.change(home, ["dat-1"], [])
    after = secrets.load(home.secrets, ["dat-1"]).nodes["dat-1"]
    assert before.key != after.key and before.password != after.password
    config = json.loads((home.nodes / "dat-1.json").read_text())
    assert (config["key"], config["broker"]["password"]) == (after.key.hex(), after.password)
    assert codes_on(make(home, "dat-1")) != [code]


def test_a_node_that_is_shut_out_has_no_way_in_until_it_is_let_in(home: Home) -> None:
    before = secrets.load(home.secrets, ["dat-1"]).nodes["dat-1"]
    rotate.change(home, [], ["dat-1"])
    after = secrets.load(home.secrets, ["dat-1"])
    assert after.revoked == {"dat-1"} and after.nodes["dat-1"].key != before.key
    assert "dat-1:" not in (home.mosquitto / "passwd").read_text()
    assert not (home.nodes / "dat-1.json").exists()
    with pytest.raises(ProcessError, match="shut out"):
        make(home, "dat-1")
    provision(home)
    assert not (home.nodes / "dat-1.json").exists(), "provisioning again lets nobody in"
    rotate.change(home, ["dat-1"], [])
    assert "dat-1:" in (home.mosquitto / "passwd").read_text()
    assert codes_on(make(home, "dat-1"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["card", "dat-9"], "there is no node 'dat-9'"),
        (["card", "dat-1", "--days", "0"], "--days 0: phải từ 1 tới 60 / must be 1 to 60"),
        (["card", "dat-1", "--ssid", "x" * 33], "--ssid"),
        (["provision", "--rotate", "dat-9"], "there is no node 'dat-9'"),
        (["provision", "--revoke", "dat-9"], "there is no node 'dat-9'"),
    ],
)
def test_what_cannot_be_is_one_line(
    home: Home, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    before = home.secrets.read_bytes()
    assert main([*words, "--home", str(home.root)]) == 1
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1
    assert home.secrets.read_bytes() == before


def test_the_command_writes_a_sheet_for_its_owner_alone(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", "dat-1", "--home", str(home.root), "--ssid", "Hoi Quan"]) == 0
    page = home.root / "cards.html"
    assert page.stat().st_mode & 0o777 == 0o600
    assert str(page) in capsys.readouterr().out
    assert (home.enrol / "dat-1.json").stat().st_mode & 0o777 == 0o600


def test_tries_are_limited_for_each_and_for_all() -> None:
    limits = Limits(0.0)
    assert sum(limits.allow("a", 0.0) for _ in range(100)) == BURST
    assert limits.allow("b", 0.0), "who floods harms himself first"
    assert limits.allow("a", 4.0) and not limits.allow("a", 4.0)
    flood = Limits(0.0)
    assert sum(flood.allow(f"10.0.{i // 250}.{i % 250}", 0.0) for i in range(1_000)) == BURST_ALL
    assert len(flood._each) == MAX_ADDRESSES


def test_a_process_ends_when_its_secrets_are_replaced(home: Home) -> None:
    stop = Stop().or_replaced(home.secrets)
    assert not stop
    text = home.secrets.read_text()
    home.secrets.unlink()
    assert not stop, "a file that is gone may come back"
    home.secrets.write_text(text)
    assert stop


def test_codes_are_read_with_the_mistakes_that_people_make() -> None:
    assert enrol.normal("abcd-efgh jkmn") == "ABCDEFGHJKMN"
    assert enrol.normal("O0Il-1") == "00111"
    assert enrol.letters(b"\xff" * 2) == "ZZZG"
    assert len(enrol.letters(bytes(16))) == enrol.PIN_CHARS


@pytest.mark.parametrize("line", [
    b"", b"x", b"hq-enrol 1 ", b"hq-enrol 1 claim", b"hq-enrol 2 ca", b"hq-enrol 1 ca ", b"\xff\xfe",
    b"hq-enrol 1 ca\r",
    b"hq-enrol 1 claim dat-1 ABCDEFGHJKMN " + b"zz" * 16, b"hq-enrol 1 claim dat-1 ABCDEFGHJKMN " + b"00" * 15,
    b"hq-enrol 1 claim dat-1 ABCDEFGHJKMU " + b"00" * 16, b"hq-enrol 1 claim  ABCDEFGHJKMN",
    b"hq-enrol 1 claim " + b"a" * 200 + b" ABCDEFGHJKMN " + b"00" * 16,
])  # fmt: skip
def test_what_is_no_request_is_none(line: bytes) -> None:
    assert enrol.parse_request(line) is None


@pytest.mark.parametrize("line", [
    b"", b"ok", b"ok 0", b"ok -1", b"ok 16385", b"ok 99999999", b"no", b"no what", b"\xff",
])  # fmt: skip
def test_what_is_no_answer_is_bad(line: bytes) -> None:
    assert enrol.parse_answer(line) == (0, enrol.BAD)
