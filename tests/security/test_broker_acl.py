"""Every user of the real broker, run from the generated files, against every topic: only what the contract allows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import MQTTv5

from gateway.mqtt import users
from gateway.provision import provision
from tests.support.gateway_home import GatewayHome, Peer, wait_for
from wire import topics

ALL = "hq/1/thu/+/+/+"
USERS = ["dat-1", "dat-2", users.INGEST, users.CONTROL, users.UPDATE, users.LISTEN]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayHome]:
    with GatewayHome(tmp_path_factory.mktemp("acl")) as gateway:
        yield gateway


@pytest.fixture
def gateway(running: GatewayHome) -> Iterator[GatewayHome]:
    yield running
    running.close_peers()


@pytest.fixture
def everything(gateway: GatewayHome) -> list[str]:
    """Every topic of two nodes, of a node that does not exist, and some that are not ours."""
    ours = [gateway.topic(n, k) for n in ("dat-1", "dat-2") for k in (*topics.UP_KINDS, *topics.DOWN_KINDS)]
    return [*ours, "hq/1/thu/dat-9/up/readings", "hq/1/khac/dat-1/up/readings", "hq/1/thu/dat-1/up", "x", "hq/1"]


@pytest.mark.parametrize("user", USERS)
def test_a_user_can_publish_exactly_what_the_contract_allows(
    gateway: GatewayHome, everything: list[str], user: str
) -> None:  # P6
    access = users.access(gateway.village)[user]
    allowed = {t for t in everything if any(w == "write" and _covers(f, t) for w, f in access)}
    peer = gateway.peer(user, protocol=MQTTv5)  # version 5 tells a refusal; 3.1.1 would say Success
    answers = {topic: peer.deliver(topic, b"x") for topic in everything}
    refused = {topic for topic, answer in answers.items() if answer == "Not authorized"}
    assert set(everything) - refused == allowed
    assert bool(allowed) == (user != users.LISTEN), "the matrix must hold something to allow"


def _covers(pattern: str, topic: str) -> bool:
    parts, found = pattern.split("/"), topic.split("/")
    return len(parts) == len(found) and all(p in ("+", f) for p, f in zip(parts, found, strict=True))


@pytest.mark.parametrize("user", USERS)
def test_a_user_receives_exactly_what_the_contract_allows(gateway: GatewayHome, user: str) -> None:  # P6
    listener = gateway.peer(user)
    listener.subscribe("#", ALL, "hq/1/thu/dat-2/#", "+/+/+/+/+/+", "$SYS/#", *_own_filters(gateway, user))
    writers = {
        **{node: gateway.peer(node) for node in ("dat-1", "dat-2") if node != user},
        **{name: gateway.peer(name) for name in (users.INGEST, users.CONTROL, users.UPDATE) if name != user},
    }
    sent = {
        (writer, topic)
        for writer in writers
        for what, topics_ in users.access(gateway.village)[writer]
        if what == "write"
        for topic in (topics_.replace("+", "dat-1"), topics_.replace("+", "dat-2"))
    }
    for writer, topic in sent:
        writers[writer].deliver(topic, writer.encode())
    allowed = {t for _, t in sent if any(w == "read" and _covers(f, t) for w, f in users.access(gateway.village)[user])}
    if allowed:
        wait_for(lambda: {m.topic for m in list(listener.received)} >= allowed)
    else:
        _settle(listener)
    assert {m.topic for m in listener.received} == allowed


def _own_filters(gateway: GatewayHome, user: str) -> list[str]:
    return [where for what, where in users.access(gateway.village)[user] if what == "read"]


def _settle(listener: Peer) -> None:
    """Wait until everything that the broker could send to the listener has come: one round trip behind it."""
    listener.subscribe("hq/1/thu/settled")


def test_nobody_comes_in_without_the_right_password(gateway: GatewayHome) -> None:
    good = gateway.secrets.nodes["dat-1"].password
    wrong = ("", good[:-1], good + "x", good.swapcase(), gateway.secrets.nodes["dat-2"].password)
    for password in wrong:
        assert gateway.peer("dat-1", password=password).refused == "Not authorized"
    for user in ("dat-9", "gateway", "", "dat-1\n", "#", "+"):
        peer = gateway.peer(user, password=good, client_id="someone")
        assert peer.refused in ("Not authorized", "dropped"), user


def test_a_node_cannot_push_another_one_off_by_its_client_id(gateway: GatewayHome) -> None:
    victim = gateway.peer("dat-1")
    attacker = gateway.peer("dat-2", client_id="dat-1")
    assert not attacker.refused
    assert victim.deliver(gateway.topic("dat-1", topics.READINGS), b"x") == "Success"
    assert not victim.disconnected.is_set()


def test_a_will_is_bound_by_the_access_list_too(gateway: GatewayHome) -> None:
    listener = gateway.peer(users.INGEST)
    listener.subscribe("hq/1/thu/+/up/gone")
    for node, topic in (("dat-2", gateway.topic("dat-1", topics.GONE)), ("dat-1", gateway.topic("dat-1", topics.GONE))):
        gateway.peer(node, will=(topic, node.encode())).vanish()
    wait_for(lambda: listener.received)
    assert [m.payload for m in listener.received] == [b"dat-1"]


def test_a_retained_message_costs_the_sender_its_connection(gateway: GatewayHome) -> None:
    for user, kind in ((users.CONTROL, topics.COMMAND), ("dat-1", topics.READINGS)):
        peer = gateway.peer(user)
        peer.publish(gateway.topic("dat-1", kind), b"open for ever", retain=True)
        assert peer.disconnected.wait(10)
    late = gateway.peer("dat-1")
    late.subscribe(*_own_filters(gateway, "dat-1"))
    _settle(late)
    assert late.received == []


def test_an_oversized_message_does_not_come_through(gateway: GatewayHome) -> None:
    listener = gateway.peer(users.INGEST)
    listener.subscribe("hq/1/thu/+/up/readings")
    topic = gateway.topic("dat-1", topics.READINGS)
    node = gateway.peer("dat-1")
    node.publish(topic, b"x" * 4097)
    giant = gateway.peer("dat-2")
    giant.publish(gateway.topic("dat-2", topics.READINGS), b"x" * 9000)
    assert giant.disconnected.wait(10)
    gateway.peer("dat-1").deliver(topic, b"after")
    wait_for(lambda: listener.received)
    assert [m.payload for m in listener.received] == [b"after"]


def test_the_broker_speaks_tls_on_one_address_only(gateway: GatewayHome) -> None:
    config = gateway.home.mosquitto_conf.read_text()
    assert config.count("listener ") == 1 and f"listener {gateway.broker_port} 127.0.0.1\n" in config
    for path in (gateway.home.mosquitto / "passwd", gateway.home.secrets, gateway.home.tls / "server.key"):
        assert path.stat().st_mode & 0o077 == 0
    assert not any(gateway.secrets.nodes[n].password in gateway.log("broker") for n in gateway.village.nodes)


def test_a_node_that_left_the_registry_is_shut_out(tmp_path: Path) -> None:
    with GatewayHome(tmp_path, broker=False) as gateway:
        text = gateway.home.registry.read_text(encoding="utf-8")
        start = text.index('[[zone]]\nid = "buoi"')
        without = text[:start] + text[start:].replace(text[start:], "")
        node = without.index('[[node]]\nid = "dat-2"')
        without = without[:node] + without[without.index('[[node]]\nid = "kinh-1"') :]
        gateway.home.registry.write_text(without, encoding="utf-8")
        provision(gateway.home)
        gateway.start_broker()
        assert gateway.peer("dat-2").refused == "Not authorized"
        assert not gateway.peer("dat-1").refused
        assert not (gateway.home.nodes / "dat-2.json").exists()
