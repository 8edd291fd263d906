"""A garden out of Wi-Fi reach: leaf and bridge in real MicroPython, a bad air, a real broker, the real ingest."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import MQTTv5

from gateway import rotate, secrets
from gateway.mqtt import users
from gateway.provision import provision
from gateway.store.data import DataReader
from tests.support.air import Waves
from tests.support.field_server import FieldServer
from tests.support.gateway_home import GatewayHome, wait_for
from tests.support.mp import HEAP, MICROPYTHON
from tests.support.node_process import NodeProcess
from wire import commands, relay, topics
from wire.seal import Sealer

BRIDGE, LEAF = "kinh-1", "van-1"
VALVE = 1
BRIDGE_HEAP = "136k"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayHome]:
    with GatewayHome(tmp_path / "home", broker=False) as found:
        text = found.home.registry.read_text(encoding="utf-8")
        found.home.registry.write_text(text.replace(f'id = "{LEAF}"\n', f'id = "{LEAF}"\nvia = "{BRIDGE}"\n', 1))
        found.village = provision(found.home)
        found.secrets = secrets.load(found.home.secrets, found.village.nodes)
        found.start_broker()
        yield found


def config(gateway: GatewayHome, node: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((gateway.home.nodes / f"{node}.json").read_text())
    return found


def test_a_leaf_is_told_nothing_of_the_broker_and_its_bridge_may_speak_for_it_alone(gateway: GatewayHome) -> None:
    leaf, bridge = config(gateway, LEAF), config(gateway, BRIDGE)
    assert leaf["broker"] == {} and bridge["relays"] == {"gone_s": 30} and "bridge" not in bridge
    own = gateway.secrets.nodes
    hop = relay.hop_key(own[BRIDGE].key, LEAF)
    assert leaf["bridge"] == {"node": BRIDGE, "hop": hop.hex()}
    assert hop not in (own[BRIDGE].key, own[LEAF].key)
    may = {topic for what, topic in users.access(gateway.village)[BRIDGE] if what == "write"}
    peer = gateway.peer(BRIDGE, protocol=MQTTv5)
    for node in (BRIDGE, LEAF, "dat-1"):
        for kind in topics.UP_KINDS:
            topic = gateway.topic(node, kind)
            assert (peer.deliver(topic, b"x") == "Not authorized") == (topic not in may)
    assert gateway.topic(LEAF, topics.READINGS) in may and gateway.topic("dat-1", topics.READINGS) not in may
    assert gateway.topic(LEAF, topics.ASK) not in may
    alone = gateway.peer(LEAF, protocol=MQTTv5)
    assert {alone.deliver(gateway.topic(LEAF, kind), b"x") for kind in topics.UP_KINDS} == {"Not authorized"}


def test_a_leaf_that_is_shut_out_is_shut_out_at_its_bridge_too(gateway: GatewayHome) -> None:
    rotate.change(gateway.home, [], [LEAF])
    assert rotate.tell_broker(gateway.home)
    allowed = (gateway.home.mosquitto / "acl").read_text().partition(f"user {BRIDGE}\n")[2].partition("\n\n")[0]
    assert BRIDGE in allowed and LEAF not in allowed
    assert not (gateway.home.nodes / f"{LEAF}.json").exists()


def _rows(reader: DataReader, sql: str, values: tuple[str, ...] = ()) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in reader._all(sql, values)]


class RelayNode(NodeProcess):
    """A node in the air, with a heap of its own."""

    def __init__(self, folder: Path, found: dict[str, Any], field_port: int, waves: Waves, heap: str) -> None:
        super().__init__(folder, found, field_port)
        self._heap = heap
        self._environment |= {"HOIQUAN_AIR": f"127.0.0.1:{waves.port}", "HOIQUAN_MAC": os.urandom(6).hex()}

    def start(self, _code: str | None = None) -> NodeProcess:
        with self._log.open("ab") as log:
            command = [str(MICROPYTHON), "-X", f"heapsize={self._heap}", "-m", "main"]
            self._process = subprocess.Popen(
                command, cwd=self.flash.parent, env=self._environment, stdout=log, stderr=log
            )
        return self


class Garden:
    """A leaf and its bridge, each with its field, in one air."""

    def __init__(self, gateway: GatewayHome, folder: Path, waves: Waves, stack: ExitStack) -> None:
        self.gateway = gateway
        self.fields = {name: stack.enter_context(FieldServer()) for name in (BRIDGE, LEAF)}
        self.nodes = {name: self._node(name, folder / name, waves) for name in (BRIDGE, LEAF)}
        stack.enter_context(self.nodes[BRIDGE])
        wait_for(lambda: self.boots(BRIDGE), 60)  # a leaf that comes first looks on 13 channels, and then again
        stack.enter_context(self.nodes[LEAF])
        self.control = gateway.peer(users.CONTROL)
        self.counter = 0

    def _node(self, name: str, folder: Path, waves: Waves) -> NodeProcess:
        found = config(self.gateway, name)
        found["sensors"] = [{"field": 3, "channel": 0, "every_s": 1}] if name == BRIDGE else []
        found["sample_s"] = 1
        if name == BRIDGE:
            found["relays"] = {"gone_s": 8}  # a leaf says something every 5 s
        valve = {"index": VALVE, "kind": "valve", "hard_max_s": 3600, "min_rest_s": 0}
        found["outputs"] = [valve] if name == LEAF else []
        heap = BRIDGE_HEAP if name == BRIDGE else HEAP
        return RelayNode(folder, found, self.fields[name].port, waves, heap)

    def boots(self, name: str) -> list[int]:
        with self.gateway.reader() as reader:
            return [boot.boot for boot in reader.boots() if boot.node == name]

    def stored(self) -> set[tuple[int, int]]:
        """(boot, seq) of what the leaf has stored, as its witness saw it."""
        found = set()
        for _, line in list(self.fields[LEAF].traces):
            words = line.split()
            if words[0] == "stored":
                found |= {(int(words[1]), seq) for seq in range(int(words[2]), int(words[3]) + 1)}
        return found

    def arrived(self) -> list[tuple[int, int]]:
        with self.gateway.reader() as reader:
            rows = _rows(reader, "SELECT boot, seq FROM readings WHERE node = ?", (LEAF,))
        return [(int(boot), int(seq)) for boot, seq in rows]

    def order(self, action: int, duration_ms: int = 0) -> None:
        with self.gateway.reader() as reader:
            boot = next(b for b in reader.boots() if b.node == LEAF and b.boot == max(self.boots(LEAF)))
        self.counter += 1
        command = commands.Command(self.counter, boot.nonce, action, VALVE, duration_ms, 2**40)
        topic, payload = self.gateway.seal(LEAF, topics.COMMAND, commands.encode_command(command))
        self.control.deliver(topic, payload)

    def statuses(self) -> list[int]:
        with self.gateway.reader() as reader:
            rows = _rows(reader, "SELECT status FROM receipts WHERE node = ? ORDER BY id", (LEAF,))
        return [int(status) for (status,) in rows]


def test_readings_and_commands_pass_a_bad_air_and_leases_end_without_any(gateway: GatewayHome, tmp_path: Path) -> None:
    with Waves(seed=7, loss=0.2, twice=0.2, swap=0.2) as waves, ExitStack() as stack:
        gateway.start_ingest()
        garden = Garden(gateway, tmp_path, waves, stack)
        wait_for(lambda: garden.boots(LEAF) and garden.boots(BRIDGE), 60)
        garden.order(commands.OPEN, 600_000)
        wait_for(lambda: commands.ACCEPTED in garden.statuses(), 60)
        assert garden.fields[LEAF].outputs.get(VALVE)
        garden.order(commands.CLOSE)
        wait_for(lambda: not garden.fields[LEAF].outputs.get(VALVE), 60)
        wait_for(lambda: garden.statuses().count(commands.ACCEPTED) >= 2, 60)

        garden.order(commands.OPEN, 3_000)
        wait_for(lambda: garden.fields[LEAF].outputs.get(VALVE), 60)
        waves.cut = True  # the leaf alone: its lease ends by its own clock
        wait_for(lambda: not garden.fields[LEAF].outputs.get(VALVE), 30)
        waves.cut = False
        wait_for(lambda: commands.ENDED_LEASE in garden.statuses(), 90)

        garden.nodes[BRIDGE].kill()  # and back
        garden.nodes[BRIDGE].start()
        wait_for(lambda: len(garden.boots(BRIDGE)) == 2, 60)
        count = len(garden.arrived())
        wait_for(lambda: len(garden.arrived()) > count, 90)

        for field in garden.fields.values():
            field.measuring = False
        wait_for(lambda: garden.stored() <= set(garden.arrived()), 90)
        arrived = garden.arrived()
        assert len(arrived) == len(set(arrived)) >= 6
        assert waves.lost > 20, "the air was bad enough"
        with gateway.reader() as reader:
            quarantined = _rows(reader, "SELECT reason FROM quarantine")
        assert quarantined == []

        listener = gateway.peer(users.LISTEN)
        topic = gateway.topic(LEAF, topics.GONE)
        listener.subscribe(topic)
        garden.nodes[LEAF].kill()  # its bridge tells its last will
        wait_for(lambda: [m for m in list(listener.received) if m.topic == topic], 60)
        Sealer(gateway.secrets.nodes[LEAF].key).unseal(topic, bytes(listener.received[-1].payload))
