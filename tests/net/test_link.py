"""The node's link in real MicroPython, against a real Mosquitto with TLS, users and ACL."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.client import MQTTMessage

from tests.support.broker import HOST, Broker
from tests.support.certificates import SERVER_NAME, Authority
from tests.support.mp import start_micropython
from tests.support.proxy import Proxy
from wire import topics

DRIVER = Path(__file__).with_name("link_driver.py")
VILLAGE = "ap-thoi-1"
USERS = {"n1": "one", "n2": "two", "gateway": "gate"}
ACL = {
    "n1": topics.node_acl(VILLAGE, "n1"),
    "n2": topics.node_acl(VILLAGE, "n2"),
    "gateway": topics.gateway_acl(VILLAGE),
}
QUICK: dict[str, Any] = {"backoff": [50, 200], "response_ms": 500, "ping_ms": 500}


class Node:
    """A link_driver process: lines in, lines out."""

    def __init__(self, directory: Path, port: int, authority: Authority, **changes: Any) -> None:
        options = changes.pop("options", QUICK)
        broker = {
            "host": HOST,
            "port": port,
            "server_name": SERVER_NAME,
            "user": "n1",
            "password": USERS["n1"],
            "ca_der_hex": authority.der.hex(),
            **changes,
        }
        directory.mkdir(parents=True, exist_ok=True)
        config, options_file = directory / "node.json", directory / "options.json"
        config.write_text(json.dumps({"village": VILLAGE, "node": broker["user"], "broker": broker}))
        options_file.write_text(json.dumps(options))
        self._process = start_micropython(DRIVER, arguments=[str(config), str(options_file)])
        self._lines: queue.Queue[str] = queue.Queue()
        self.seen: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.strip())

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def expect(self, start: str, timeout_s: float = 10.0) -> str:
        """The next line that begins so; what came before it is in ``seen``."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"no line {start!r} in {timeout_s} s; the node said {self.seen}")
            self.seen.append(line)
            if line.startswith(start):
                return line

    def figures(self) -> tuple[int, int, int, int]:
        """(heap of link and core, longest step in ms, messages skipped, foreign)."""
        heap, longest, skipped, foreign, _ = self._heap()
        return heap, longest, skipped, foreign

    def longest_turn_s(self) -> float:
        """From one step to the next: what a busy machine adds to every time of the node."""
        return self._heap()[4] / 1000

    def _heap(self) -> tuple[int, ...]:
        self.say("heap")
        return tuple(int(word) for word in self.expect("heap").split()[1:])

    def held(self) -> int:
        """Bytes of a write that TLS has begun and the socket does not take."""
        self.say("held")
        return int(self.expect("held").split()[1])

    def end(self) -> None:
        self._process.kill()
        self._process.wait(5)
        self._reader.join(5)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):  # a line that a dead node never read
                stream.close()

    def __enter__(self) -> "Node":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path / "broker", USERS, ACL) as started:
        yield started


@pytest.fixture
def node(tmp_path: Path, broker: Broker) -> Iterator[Node]:
    with Node(tmp_path / "n1", broker.port, broker.authority) as started:
        yield started


@contextmanager
def gateway(broker: Broker) -> Iterator[tuple[PahoClient, "queue.Queue[tuple[str, bytes]]"]]:
    """The other end: subscribed to all that nodes say."""
    heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
    ready = threading.Event()
    client = broker.client("gateway")

    def on_connect(*_: object) -> None:
        client.subscribe([(f"hq/1/{VILLAGE}/+/up/{kind}", 1) for kind in topics.UP_KINDS])

    def on_message(_client: PahoClient, _data: object, message: MQTTMessage) -> None:
        heard.put((message.topic.rsplit("/", 1)[1], bytes(message.payload)))

    client.on_connect = on_connect
    client.on_message = on_message
    client.on_subscribe = lambda *_: ready.set()
    client.reconnect_delay_set(1, 1)
    client.connect(broker.host, broker.port)
    client.loop_start()
    try:
        assert ready.wait(5)
        yield client, heard
    finally:
        client.disconnect()
        client.loop_stop()


def down(client: PahoClient, kind: str, payload: bytes, node: str = "n1", retain: bool = False) -> None:
    topic = topics.topic(VILLAGE, node, topics.DOWN, kind)
    client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(5)


def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_two_hundred_messages_go_up_and_answers_come_down(broker: Broker, node: Node) -> None:
    with gateway(broker) as (client, heard):
        assert node.expect("connected") == "connected 0"
        node.say("burst 200 1040")
        node.expect("burst")
        got = [heard.get(timeout=5) for _ in range(200)]
        assert {kind for kind, _ in got} == {"readings"} and {len(payload) for _, payload in got} == {1040}
        assert [int.from_bytes(payload[:4], "big") for _, payload in got] == list(range(200, 0, -1))
        down(client, "ack", b"\x01\x02")
        assert node.expect("message") == "message ack 0 0102"
        down(client, "command", b"\x03", node="n2")  # not for this node: the ACL and the subscription keep it away
        down(client, "command", b"\x04")
        assert node.expect("message") == "message command 0 04"
    heap, longest_ms, skipped, foreign = node.figures()
    assert heap <= 16 * 1024, "link, core and TLS objects, connected"
    assert longest_ms <= 500 and (skipped, foreign) == (0, 0)


def test_a_retained_command_is_told_apart(broker: Broker, tmp_path: Path) -> None:
    with gateway(broker) as (client, _):
        down(client, "command", b"\x05", retain=True)
        down(client, "ack", bytes(5_000), retain=True)
        with Node(tmp_path / "n1", broker.port, broker.authority) as node:
            assert node.expect("message") == "message command 1 05"
            down(client, "command", b"\x06")
            assert node.expect("message") == "message command 0 06"
            assert node.figures()[2] == 1, "one that is too long, at each connection, costs only itself"
        down(client, "command", b"", retain=True)
        down(client, "ack", b"", retain=True)


def test_a_message_that_is_too_long_costs_only_itself(broker: Broker, node: Node) -> None:
    with gateway(broker) as (client, _):
        node.expect("connected")
        for size in (1_300, 5_000, 70_000):
            down(client, "command", bytes(size))
        down(client, "command", b"\x06")
        assert node.expect("message") == "message command 0 06"
    assert node.figures()[2] == 3
    assert not any(line.startswith("lost") for line in node.seen)


def test_a_session_that_the_broker_kept_is_taken_up(broker: Broker, tmp_path: Path) -> None:
    with gateway(broker) as (client, heard):
        with Node(tmp_path / "first", broker.port, broker.authority) as node:
            assert node.expect("connected") == "connected 0"
            node.say("die")
            assert heard.get(timeout=5) == ("gone", b"gone")  # the will
        down(client, "command", b"\x07")  # while it is away
        with Node(tmp_path / "second", broker.port, broker.authority) as node:
            assert node.expect("connected") == "connected 1"
            assert node.expect("message") == "message command 0 07"
            node.say("publish hello 08")
            assert node.expect("published") == "published 1"
            assert heard.get(timeout=5) == ("hello", b"\x08")
            node.say("quit")
            assert until(lambda: "Received DISCONNECT from n1" in broker.log())
        assert heard.empty(), "a node that leaves in order publishes no will"


def test_a_killed_broker_is_found_again_and_the_rest_arrives(broker: Broker, node: Node) -> None:
    with gateway(broker) as (client, heard):
        node.expect("connected")
        node.say("burst 4000 1040")
        assert until(lambda: heard.qsize() > 100)
        broker.kill()
        assert "lost" in node.expect("lost")
        node.expect("failed 2")  # it keeps trying
        broker.start()
        node.expect("connected", 5)
        node.expect("burst", 60)
        assert until(client.is_connected)
        down(client, "ack", b"\x09")
        assert node.expect("message") == "message ack 0 09"


def test_a_frozen_broker_is_found_within_15_s_and_met_again(broker: Broker, tmp_path: Path) -> None:
    """With the times that the node really uses, and idle, which is the slowest case."""
    with Node(tmp_path / "n1", broker.port, broker.authority, options={}) as node:
        node.expect("connected")
        time.sleep(1)
        broker.freeze()
        frozen = time.monotonic()
        assert node.expect("lost", 60) == "lost protocol: silent"
        assert time.monotonic() - frozen <= 14.5 + 2 * node.longest_turn_s()
        broker.thaw()
        node.expect("connected", 30)


def test_a_broker_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    late = Broker(tmp_path / "broker", USERS, ACL)
    with Node(tmp_path / "n1", late.port, late.authority) as node:
        assert node.expect("failed 3").startswith("failed 3 network")
        with late:
            node.expect("connected")


def test_what_the_broker_refuses_or_shows_wrongly_is_survived(broker: Broker, tmp_path: Path) -> None:
    stranger = Authority.create("another CA")
    with (
        Node(tmp_path / "password", broker.port, broker.authority, password="wrong") as password,
        Node(tmp_path / "ca", broker.port, stranger, user="n2", password="two") as authority,
        Node(tmp_path / "name", broker.port, broker.authority, server_name="elsewhere", user="gateway") as name,
    ):
        began = time.monotonic()
        assert password.expect("failed 1") == "failed 1 protocol: connack_5"
        assert "not correctly signed" in authority.expect("failed 1 certificate")
        assert "does not match" in name.expect("failed 1 certificate")
        broker.set_users({**USERS, "n1": "wrong"})
        authority.expect("failed 2", 15)
        name.expect("failed 2", 15)
        password.expect("connected", 15)
        assert time.monotonic() - began >= 4.5, "nobody hammers what said no"
        assert max(node.figures()[1] for node in (password, authority, name)) <= 500
        assert "as n2" not in broker.log() and "as gateway" not in broker.log()  # no password for a stranger


def test_certificates_of_another_time_are_survived_until_they_are_put_right(tmp_path: Path) -> None:
    authority = Authority.create()
    wrong = {(2090, 2095): "validity starts in the future", (2001, 2005): "validity has expired"}
    with ExitStack() as stack:
        pairs = []
        for first, last in wrong:
            shown = authority.issue(
                not_before=datetime(first, 1, 1, tzinfo=UTC), not_after=datetime(last, 1, 1, tzinfo=UTC)
            )
            folder = tmp_path / str(first)
            broker = stack.enter_context(Broker(folder / "b", USERS, ACL, authority=authority, certificate=shown))
            pairs.append((broker, stack.enter_context(Node(folder / "n1", broker.port, authority))))
        for said, (_, node) in zip(wrong.values(), pairs, strict=True):
            assert said in node.expect("failed 1 certificate")
        for broker, _ in pairs:
            broker.stop()
            broker.present(authority.issue())
            broker.start()
        for _, node in pairs:
            node.expect("connected", 15)


def test_a_clock_that_begins_with_the_authority_is_no_hindrance(tmp_path: Path) -> None:
    """A board without power-kept time begins at 2000-01-01 00:00:00, the first second of the village's authority. Here
    the clock cannot be set back, so the certificate begins in the second that is now."""
    authority = Authority.create()
    now = datetime.now(tz=UTC).replace(microsecond=0)
    fresh = authority.issue(not_before=now)
    with (
        Broker(tmp_path / "broker", USERS, ACL, authority=authority, certificate=fresh) as broker,
        Node(tmp_path / "n1", broker.port, authority) as node,
    ):
        node.expect("connected")


def test_two_boards_with_one_identity_neither_die_nor_hammer(broker: Broker, tmp_path: Path) -> None:
    """The broker lets the newer one in and drops the other, which comes back: for ever, but slower and slower."""
    slow = {**QUICK, "backoff": [200, 5_000]}
    with Node(tmp_path / "first", broker.port, broker.authority, options=slow) as first:
        first.expect("connected")
        with Node(tmp_path / "second", broker.port, broker.authority, options=slow) as second:
            second.expect("connected")
            began = time.monotonic()
            for node in (first, second):
                assert node.expect("lost").startswith("lost protocol: closed")
                node.expect("connected")
            time.sleep(1)
            most = 12 + 3 * (time.monotonic() - began)
            assert broker.log().count("as n1") <= most, "nobody hammers: without a rest it is 40 a second"
        first.expect("connected", 30)
        first.say("burst 1 100")
        assert first.expect("burst", 30)


def test_a_slow_network_loses_and_doubles_nothing(broker: Broker, tmp_path: Path) -> None:
    with gateway(broker) as (_, heard), Proxy(broker.port) as proxy:
        proxy.delay_s = 0.15
        options = {**QUICK, "response_ms": 3_000}
        with Node(tmp_path / "n1", proxy.port, broker.authority, options=options) as node:
            node.say("burst 8 300")
            node.expect("burst", 30)
            got = [heard.get(timeout=5) for _ in range(8)]
            assert [int.from_bytes(payload[:4], "big") for _, payload in got] == list(range(8, 0, -1))
            assert heard.empty() and proxy.connections == 1


def test_a_connection_cut_at_any_byte_is_opened_again(broker: Broker, tmp_path: Path) -> None:
    """From the first byte of the TLS handshake (about 2.4 kB) to the middle of a publish."""
    cuts = [1, 7, 150, 300, 600, 900, *range(1_000, 3_000, 100), 4_000, 6_000]
    with Proxy(broker.port) as proxy:
        proxy.cut_after(*cuts)
        options = {**QUICK, "backoff": [5, 10]}
        with Node(tmp_path / "n1", proxy.port, broker.authority, options=options) as node:
            node.say("burst 20 1040")
            node.expect("burst", 20)
            assert proxy.connections == len(cuts) + 1
            assert sum(line.startswith("lost") for line in node.seen) >= 3  # the last cuts fell among publishes
            assert node.figures()[0] <= 16 * 1024


@pytest.mark.parametrize("size", [1040, 200])
def test_bytes_that_cannot_leave_are_kept_and_sent_whole_later(broker: Broker, tmp_path: Path, size: int) -> None:
    """The socket takes nothing for a while: TLS holds half a record, and the core's own bound is reached."""
    options = {"backoff": [50, 200], "response_ms": 200, "sends": 60, "window": 4, "send_buffer": 1}
    with gateway(broker) as (client, heard), Proxy(broker.port) as proxy:
        with Node(tmp_path / "n1", proxy.port, broker.authority, options=options) as node:
            node.expect("connected")
            proxy.hold()
            node.say(f"burst 50 {size}")
            assert until(lambda: node.held() > 0, 30), "TLS holds half a record"
            down(client, "ack", b"\x0a" * 900)
            node.expect("message ack")
            proxy.go_on()
            node.expect("burst", 15)
            # what joined the queue while TLS held a write back was sent as well
            assert until(lambda: "Received PUBACK from n1" in broker.log())
            assert not any(line.startswith("lost") for line in node.seen)
        got: set[bytes] = set()
        while len(got) < 50:  # some came twice
            got.add(heard.get(timeout=5)[1])
        assert {int.from_bytes(payload[:4], "big") for payload in got} == set(range(1, 51))
        assert {payload[4:] for payload in got} == {bytes(size - 4)}
