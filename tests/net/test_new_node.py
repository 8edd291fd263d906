"""A node is set up as a technician does it: its form in real MicroPython, the real listener, then a real broker."""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from gateway import rotate
from gateway.enrol import command
from gateway.enrol.cards import Card
from gateway.enrol.codes import Codes
from kit.clock import ManualClock, SystemClock
from tests.support.enrolling import codes_on
from tests.support.field_server import FieldServer
from tests.support.gateway_home import GatewayHome, wait_for
from tests.support.new_node import WIFI, NewNode
from tests.support.ports import free_port
from wire import enrol

CODE, PIN = "ABCDEFGHJKMN", "0" * 26
GOOD = {"n": "dat-1", "c": CODE, "p": PIN, "h": "127.0.0.1:1", "s": WIFI[0], "w": WIFI[1]}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayHome]:
    with GatewayHome(tmp_path_factory.mktemp("home")) as found:
        text = found.home.registry.read_text(encoding="utf-8")
        found.home.registry.write_text(text.replace("[broker]\n", f"[broker]\nenrol_port = {free_port()}\n"))
        found.start("enrol")
        yield found


def card(gateway: GatewayHome, node: str) -> dict[str, str]:
    """What the QR code of a new card brings to the form."""
    if Codes(gateway.home.enrol).handed_over(node):
        rotate.change(gateway.home, [node], [])
        rotate.tell_broker(gateway.home)
    (code,) = codes_on(command.make(gateway.home, [node], SystemClock()))
    pin = enrol.pin_of(ssl.PEM_cert_to_DER_cert(gateway.home.ca.read_text()))
    port = gateway.home.registry.read_text().partition("enrol_port = ")[2].partition("\n")[0]
    made = Card(node, "", "soil", (), code, pin, f"127.0.0.1:{port}", WIFI[0], 0)
    wait_for(lambda: answers(int(port)))
    return dict(parse_qsl(urlsplit(made.url).query))


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def shown(page: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in re.findall(r'name="(.)" type="\w+" value="([^"]*)"', page)}


def test_a_technician_scans_types_the_wifi_and_the_node_sends(gateway: GatewayHome, tmp_path: Path) -> None:
    gateway.start_ingest()
    scanned = card(gateway, "dat-1")
    with FieldServer() as field, NewNode(tmp_path / "board", HOIQUAN_FIELD=f"127.0.0.1:{field.port}") as board:
        board.wait_open()
        status, page = board.get("/?" + urlencode(scanned, safe=":"))
        assert status == 200 and shown(page) == {**scanned, "w": ""}
        page = board.post(**{**scanned, "w": WIFI[1]})
        assert "Xong" in page and "dat-1" in page
        assert board.process is not None and board.process.wait(30) == 42
        written = json.loads(board.config.read_text())
        assert written.pop("wifi") == {"ssid": WIFI[0], "password": WIFI[1]}
        assert written == json.loads((gateway.home.nodes / "dat-1.json").read_text())
        with board, gateway.reader() as reader:  # it starts by itself, and its form is not there any more
            wait_for(lambda: any(boot.node == "dat-1" for boot in reader.boots()), 60)
            assert not board.is_open()


@pytest.mark.parametrize(("change", "told"), [
    ({"n": "Đất"}, "Tên hộp"), ({"n": ""}, "Tên hộp"), ({"c": "123"}, "12 chữ"), ({"p": "1"}, "dấu của trạm"),
    ({"h": "gateway:1"}, "Địa chỉ trạm"), ({"h": "1.2.3.4:0"}, "Địa chỉ trạm"), ({"s": ""}, "tên Wi-Fi"),
    ({"w": "short"}, "8 đến 63"), ({"x": "1"}, "không phải của hộp"), ({"s": "x" * 33}, "tên Wi-Fi"),
])  # fmt: skip
def test_what_was_typed_wrong_is_said_and_nothing_else_is_lost(
    lone: NewNode, change: dict[str, str], told: str
) -> None:
    page = lone.post(**{**GOOD, **change})
    assert told in page and 'class="e"' in page
    assert WIFI[1] not in page
    assert shown(page)["h"] == ("" if "h" in change else GOOD["h"])


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewNode]:
    """A board that no gateway answers."""
    with NewNode(tmp_path_factory.mktemp("lone")) as board:
        board.wait_open()
        yield board


def test_every_page_is_small_and_holds_no_script(lone: NewNode) -> None:
    page = lone.post(**GOOD)
    assert "Không gặp trạm" in page, "nobody listens there"
    worst = lone.get("/?n=" + "a" * 32 + "&s=" + "%26" * 32)[1]
    for html in (page, worst, lone.get("/")[1]):
        assert len(html.encode()) <= 4096 and "<script" not in html.lower()
    assert "&amp;" * 32 in worst


def test_values_that_are_no_good_are_never_shown(lone: NewNode) -> None:
    page = lone.get("/?n=%22%3E%3Cscript%3E&c=%3Cb%3E&s=%22%3E%3Cb%3E&h=%3C")[1]
    assert "<script" not in page and "<b>" not in page
    assert shown(page)["s"] == '"><b>'


@pytest.mark.parametrize(("sent", "status"), [
    (b"GARBAGE\r\n\r\n", 400), (b"\xff\xfe\r\n\r\n", 400), (b"GET\r\n\r\n", 400), (b"GET x HTTP/1.1\r\n\r\n", 400),
    (b"GET / SPDY/3\r\n\r\n", 400), (b"PUT / HTTP/1.1\r\n\r\n", 405), (b"GET /x HTTP/1.1\r\n\r\n", 404),
    (b"GET /generate_204 HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    (b"GET / HTTP/1.1\r\nX: " + b"a" * 3000 + b"\r\n\r\n", 431), (b"a" * 5000, 431),
    (b"POST / HTTP/1.1\r\nContent-Length: 769\r\n\r\n", 413),
    (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
    (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400), (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n\xff\xff", 400),
    (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nn=%zz", 303),
])  # fmt: skip
def test_garbage_gets_its_status(lone: NewNode, sent: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", lone.port), timeout=20) as caller:
        caller.sendall(sent)
        assert caller.recv(100).startswith(b"HTTP/1.1 %d " % status)
    assert lone.is_open()


def test_callers_that_say_nothing_are_let_go(lone: NewNode) -> None:
    idle = [socket.create_connection(("127.0.0.1", lone.port), timeout=20) for _ in range(6)]
    assert all(caller.recv(1) == b"" for caller in idle)
    for caller in idle:
        caller.close()
    wait_for(lone.is_open)


def test_wrong_used_and_expired_codes_and_another_gateway_are_told_apart(gateway: GatewayHome, tmp_path: Path) -> None:
    good = {**card(gateway, "dat-2"), "w": WIFI[1]}
    with NewNode(tmp_path / "one") as one, NewNode(tmp_path / "two") as two:
        one.wait_open()
        assert "Sai mã" in one.post(**{**good, "c": CODE})
        assert "Sai mã" in one.post(**{**good, "n": "kinh-1"})
        assert "Sai dấu" in one.post(**{**good, "p": PIN})
        assert "Wi-Fi của làng. Coi lại" in one.post(**{**good, "w": "mat-khau-khac"})
        assert not one.config.exists()
        assert "Xong" in one.post(**good)
        two.wait_open()
        assert "Mã đã dùng" in two.post(**good)
        rotate.change(gateway.home, ["dat-2"], [])
        old = codes_on(command.make(gateway.home, ["dat-2"], ManualClock(SystemClock().now_ms() - 8 * 86_400_000)))
        card(gateway, "kinh-1")  # so that the port is open
        assert "Mã hết hạn" in two.post(**{**good, "c": old[0]})
        assert not two.config.exists()


def test_over_usb_it_is_the_same(gateway: GatewayHome, tmp_path: Path) -> None:
    good = {**card(gateway, "kinh-1"), "w": WIFI[1]}
    with NewNode(tmp_path) as board:
        board.wait_open()
        board.type("\x00\x7fgarbage")
        board.type("HQ n=kinh-1")
        wait_for(lambda: "HQ no code" in board.log())
        board.type("HQ " + "a" * 2000)
        line = "&".join(f"{name}={value}" for name, value in {**good, "s": "Hội+Quán"}.items())
        board.type("HQ " + line)
        wait_for(lambda: "HQ ok kinh-1" in board.log(), 60)
        assert "HQ wait" in board.log() and WIFI[1] not in board.log()
        assert board.process is not None and board.process.wait(30) == 42


def test_the_form_is_there_for_a_time_and_not_again(tmp_path: Path) -> None:
    with NewNode(tmp_path, HOIQUAN_PORTAL_MS="1500") as board:
        board.wait_open()
        wait_for(lambda: not board.is_open())
        board.type("HQ n=x")
        wait_for(lambda: "HQ no code" in board.log())
        assert not board.is_open(), "it stays shut, and USB goes on"
        assert board.process is not None and board.process.poll() is None


def test_a_node_with_a_config_opens_only_with_its_button_held(tmp_path: Path) -> None:
    (tmp_path / "node.json").write_text("{")  # a broken config is no reason to open either
    with NewNode(tmp_path) as board:
        assert board.process is not None and board.process.wait(20) != 0
        assert not board.is_open()
    (tmp_path / "node.json").rename(tmp_path / "flash.config.b")  # what it once lived by is still there
    with NewNode(tmp_path) as board:
        assert board.process is not None and board.process.wait(20) != 0
        assert not board.is_open()
    with NewNode(tmp_path, HOIQUAN_BUTTON="1") as board:
        board.wait_open()


def test_the_board_says_how_it_is_wired_and_what_does_not_fit_changes_nothing(
    gateway: GatewayHome, tmp_path: Path
) -> None:
    board_file = tmp_path / "board.py"
    board_file.write_text('SENSORS = ({"field": 1, "channel": 0, "driver": "adc", "pin": 4},)\nOUTPUTS = ()\n')
    good = {**card(gateway, "dat-2"), "w": WIFI[1]}
    with NewNode(tmp_path / "board", HOIQUAN_BOARD=str(board_file)) as board:
        board.wait_open()
        assert "Xong" in board.post(**good)
        (sensor,) = json.loads(board.config.read_text())["sensors"]
        assert (sensor["driver"], sensor["pin"], sensor["every_s"]) == ("adc", 4, 300)
    other = {**card(gateway, "dat-1"), "w": WIFI[1]}  # it has three sensors
    with NewNode(tmp_path / "other", HOIQUAN_BOARD=str(board_file)) as board:
        board.wait_open()
        assert "Cấu hình không hợp" in board.post(**other)
        assert not board.config.exists()
        assert "is not on this board" in board.log()
