"""The real listener for new nodes, and what rotating and shutting out do to a node at a real Mosquitto."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import rotate, secrets
from gateway.__main__ import main
from gateway.enrol import command
from gateway.enrol.codes import Codes
from gateway.enrol.limits import BURST
from kit.clock import SystemClock
from tests.support.enrolling import CLAIM, ask, codes_on, talk
from tests.support.gateway_home import GatewayHome, wait_for
from tests.support.ports import free_port
from wire import enrol, fields, frames, topics
from wire.seal import Sealer


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayHome]:
    with GatewayHome(tmp_path, broker=False) as found:
        text = found.home.registry.read_text(encoding="utf-8")
        found.home.registry.write_text(text.replace("[broker]\n", f"[broker]\nenrol_port = {free_port()}\n"))
        assert main(["provision", "--home", str(tmp_path)]) == 0
        yield found


def print_card(gateway: GatewayHome, node: str) -> str:
    return codes_on(command.make(gateway.home, [node], SystemClock()))[0]


def port_of(gateway: GatewayHome) -> int:
    text = gateway.home.registry.read_text(encoding="utf-8")
    return int(text.partition("enrol_port = ")[2].partition("\n")[0])


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def start(gateway: GatewayHome) -> int:
    """Start the listener; its port, once it is open."""
    gateway.start("enrol")
    port = port_of(gateway)
    wait_for(lambda: is_open(port))
    return port


def counts(gateway: GatewayHome) -> dict[str, int]:
    """What the listener has counted, without the looks of ``is_open``, which break off."""
    found: dict[str, int] = json.loads((gateway.home.enrol / "counts").read_text())
    return {name: count for name, count in found.items() if name != "broken"}


def test_a_code_brings_the_config_once_and_then_the_port_is_shut_to_others(gateway: GatewayHome) -> None:
    code = print_card(gateway, "dat-1")
    port = start(gateway)
    assert ask(port, "dat-2", code) == (enrol.WRONG, b"")
    reason, body = ask(port, "dat-1", code)
    assert (reason, body) == ("", (gateway.home.nodes / "dat-1.json").read_bytes())
    assert json.loads(body)["node"] == "dat-1"
    assert ask(port, "dat-1", code) == ("", body), "the same node may ask again"
    assert ask(port, "dat-1", code, bytes(16))[0] == enrol.USED
    log = gateway.log("enrol")
    assert code not in log and json.loads(body)["key"] not in log
    Codes(gateway.home.enrol).forget("dat-1")
    wait_for(lambda: not is_open(port))
    wait_for(lambda: counts(gateway) == {"asked_ca": 4, "given": 2, enrol.USED: 1, enrol.WRONG: 1})
    assert gateway.stop("enrol") == 0


def test_two_boards_with_one_code_at_once_one_of_them_gets_it(gateway: GatewayHome) -> None:
    code = print_card(gateway, "dat-1")
    port = start(gateway)
    claims = [os.urandom(enrol.CLAIM_BYTES) for _ in range(4)]
    answers: list[str] = []
    threads = [threading.Thread(target=lambda c=c: answers.append(ask(port, "dat-1", code, c)[0])) for c in claims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answers) == ["", enrol.USED, enrol.USED, enrol.USED]


def test_garbage_gets_one_answer_and_hurts_nobody(gateway: GatewayHome) -> None:
    code = print_card(gateway, "dat-1")
    port = start(gateway)
    short = b"hq-enrol 1 claim dat-1 short 00\n"
    for request in (b"\n", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 4_000, short, b"a" * 160):
        assert talk(port, request + b"\n")[:2] == (0, enrol.BAD)
    with socket.create_connection(("127.0.0.1", port), timeout=15) as plain:
        plain.sendall(b"hq-enrol 1 ca\n")  # no TLS: no answer but an alert
        assert b"ok" not in received(plain)
    idle = [socket.create_connection(("127.0.0.1", port), timeout=15) for _ in range(4)]
    assert ask(port, "dat-1", code)[0] == ""
    for one in idle:
        one.close()


def test_one_who_holds_connections_open_leaves_room_for_a_node(gateway: GatewayHome) -> None:
    """It would else keep the technician out for as long as it likes."""
    code = print_card(gateway, "dat-1")
    port = start(gateway)
    idle = [
        socket.create_connection(("127.0.0.1", port), timeout=15, source_address=("127.0.0.2", 0)) for _ in range(20)
    ]
    wait_for(lambda: counts_any(gateway).get("turned_away", 0) >= 15)
    assert ask(port, "dat-1", code)[0] == ""
    for one in idle:
        one.close()


def counts_any(gateway: GatewayHome) -> dict[str, int]:
    path = gateway.home.enrol / "counts"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def test_who_guesses_is_slowed_down_and_a_good_code_is_good_afterwards(gateway: GatewayHome) -> None:
    code = print_card(gateway, "dat-1")
    port = start(gateway)
    ca_der = talk(port, enrol.ask_ca())[2]
    wrong = enrol.ask_config("dat-1", "0" * 12, CLAIM)
    answers = [talk(port, wrong, ca_der)[1] for _ in range(int(BURST) + 5)]
    assert answers[0] == enrol.WRONG and enrol.LATER in answers
    wait_for(lambda: talk(port, enrol.ask_config("dat-1", code, CLAIM), ca_der)[1] == "", 30)


def test_the_pin_of_the_card_is_that_of_the_authority_which_signed_the_listener(gateway: GatewayHome) -> None:
    print_card(gateway, "dat-1")
    port = start(gateway)
    ca_der = talk(port, enrol.ask_ca())[2]
    assert enrol.pin_of(ca_der) == enrol.pin_of(ssl.PEM_cert_to_DER_cert(gateway.home.ca.read_text()))
    assert talk(port, enrol.ask_ca(), ca_der)[2] == ca_der


def received(plain: socket.socket) -> bytes:
    try:
        return plain.recv(100)
    except ConnectionResetError:
        return b""


def hello(key: bytes) -> tuple[str, bytes]:
    frame = frames.encode_hello(
        frames.Hello(0x10001, bytes(8), 5_000, 1, frames.BOOT_POWER, 0, 60_000, "0.1.0", "soil")
    )
    topic = topics.topic("thu", "dat-1", topics.UP, topics.HELLO)
    return topic, Sealer(key).seal(topic, frame)


def test_the_old_secrets_are_refused_as_soon_as_there_are_new_ones(tmp_path: Path) -> None:
    with GatewayHome(tmp_path) as gateway:
        gateway.start_ingest()
        old = gateway.secrets.nodes["dat-1"]
        board, other = gateway.peer("dat-1"), gateway.peer("dat-2")
        assert main(["provision", "--rotate", "dat-1", "--home", str(tmp_path)]) == 0
        assert board.disconnected.wait(15), "the board that has the old ones is put out"
        assert not other.disconnected.is_set()
        assert wait_for(lambda: gateway.peer("dat-1", password=old.password).refused)
        assert wait_for(lambda: gateway._ended("ingest")) and "Traceback" not in gateway.log("ingest")
        gateway.kill("ingest")
        gateway.start_ingest()  # as the supervisor does
        gateway.secrets = secrets.load(gateway.home.secrets, gateway.village.nodes)
        new = gateway.secrets.nodes["dat-1"]
        peer = gateway.peer("dat-1")
        peer.subscribe(gateway.topic("dat-1", topics.ACK))
        peer.deliver(*hello(old.key))
        peer.deliver(*hello(new.key))
        wait_for(lambda: gateway.acks("dat-1", peer))
        with gateway.reader() as reader:
            assert [boot.boot for boot in reader.boots()] == [0x10001]
        assert len(gateway.acks("dat-1", peer)) == 1
        assert gateway.acks("dat-1", peer)[0].clock_quality == fields.CLOCK_GATEWAY


def test_a_node_that_is_shut_out_stays_out(tmp_path: Path) -> None:
    with GatewayHome(tmp_path) as gateway:
        board = gateway.peer("dat-1")
        password = gateway.secrets.nodes["dat-1"].password
        assert main(["provision", "--revoke", "dat-1", "--home", str(tmp_path)]) == 0
        assert board.disconnected.wait(15)
        assert gateway.peer("dat-1", password=password).refused
        current = secrets.load(gateway.home.secrets, ["dat-1"]).nodes["dat-1"].password
        assert gateway.peer("dat-1", password=current).refused, "not with secrets that nobody was given either"
        assert rotate.brokers(gateway.home.mosquitto_conf) == [gateway.pid("broker")]
        assert rotate.brokers(tmp_path / "another.conf") == []
