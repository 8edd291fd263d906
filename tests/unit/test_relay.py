"""A leaf and its bridge over an air that loses, doubles, swaps and forges: nothing lost, twice, or old."""

from __future__ import annotations

import ast
import importlib.util
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from wire import relay
from wire.seal import Sealer

RELAY = Path(__file__).resolve().parents[2] / "firmware" / "relay"


def load() -> Any:
    """The package of the node, under a name of its own: its modules name each other."""
    spec = importlib.util.spec_from_loader("node_relay", loader=None, is_package=True)
    assert spec is not None
    package: Any = importlib.util.module_from_spec(spec)
    package.__path__ = [str(RELAY)]
    sys.modules["node_relay"] = package
    for name in ("air", "parts", "leaf", "bridge"):
        importlib.import_module(f"node_relay.{name}")
    return package


_package = load()
air, parts, leaf, bridge = _package.air, _package.parts, _package.leaf, _package.bridge
BRIDGE_KEY = bytes(range(32))
BRIDGE_MAC = b"bridge"


@dataclass
class Air:
    """Packets on their way, with the time at which they arrive."""

    seed: int
    loss: float = 0.0
    twice: float = 0.0
    late_ms: int = 0
    draw: random.Random = field(init=False)
    under_way: list[tuple[int, bytes, bytes, bytes]] = field(default_factory=list)
    recorded: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)

    def send(self, now_ms: int, to: bytes, sender: bytes, data: bytes) -> None:
        assert len(data) <= air.MAX_PACKET
        self.recorded.append(data)
        for _ in range(1 + (self.draw.random() < self.twice)):
            if self.draw.random() >= self.loss:
                self.under_way.append((now_ms + 2 + self.draw.randrange(self.late_ms + 1), to, sender, data))

    def arrive(self, now_ms: int, to: bytes) -> list[tuple[bytes, bytes]]:
        here = sorted(p for p in self.under_way if p[0] <= now_ms and p[1] == to)
        self.under_way = [p for p in self.under_way if p not in here]
        return [(sender, data) for _, _, sender, data in here]


class World:
    """One bridge, some leaves, and a broker that takes what the bridge has ready."""

    def __init__(self, waves: Air, *names: str, channel: int = 1) -> None:
        self.air = waves
        self.now_ms = 0
        self.channel = channel
        self.took: list[tuple[str, str, bytes]] = []
        self.broker_takes = True
        self.start_bridge()
        self.leaves = {name: self.new_leaf(name) for name in names}

    def start_bridge(self) -> None:
        self.bridge = bridge.Bridge(BRIDGE_KEY, self.air.draw.randbytes)
        self.bridge.online = True

    def new_leaf(self, name: str, key: bytes = BRIDGE_KEY) -> Any:
        will = b"will of " + name.encode()
        return leaf.Leaf(name, relay.hop_key(key, name), will, 1, self.air.draw.randbytes, lambda: 2_000)

    def run(self, village_ms: int, every_ms: int = 10) -> None:
        for _ in range(village_ms // every_ms):
            self.now_ms += every_ms
            self.turn()

    def turn(self) -> None:
        now_ms = self.now_ms
        for mac, data in self.air.arrive(now_ms, BRIDGE_MAC):
            self.bridge.heard(mac, data, now_ms)
        self.bridge.step(now_ms)
        while self.broker_takes and (found := self.bridge.ready()):
            self.took.append(found)
            self.bridge.accept(found[0])
        for mac, data in self.bridge.out:
            self.air.send(now_ms, mac, BRIDGE_MAC, data)
        self.bridge.out = []
        for name, one in self.leaves.items():
            for mac, data in self.air.arrive(now_ms, name.encode()):
                one.heard(mac, data, now_ms)
            one.step(now_ms)
            for _, data in one.out:
                if one.channel == self.channel:
                    self.air.send(now_ms, BRIDGE_MAC, name.encode(), data)
            one.out = []

    def until(self, what: Callable[[], object], limit_ms: int = 120_000) -> None:
        end_ms = self.now_ms + limit_ms
        while not what():
            assert self.now_ms < end_ms, "not within the limit"
            self.run(10)


def frames_of(draw: random.Random, count: int) -> list[bytes]:
    sizes = (20, 231, 233, 466, 700, 1038)
    return [index.to_bytes(2, "big") + draw.randbytes(draw.choice(sizes)) for index in range(count)]


@pytest.mark.parametrize("seed", range(12))
def test_both_ways_everything_arrives_once_and_in_order(seed: int) -> None:
    waves = Air(seed, loss=(0.0, 0.1, 0.3, 0.4)[seed % 4], twice=0.2, late_ms=(0, 40, 150)[seed % 3])
    world = World(waves, "vuon-xa", "kinh-xa")
    up = {name: frames_of(waves.draw, 8) for name in world.leaves}
    down = {name: frames_of(waves.draw, 4) for name in world.leaves}
    waiting = {name: list(frames) for name, frames in up.items()}
    asked = {name: list(frames) for name, frames in down.items()}
    got: dict[str, list[bytes]] = {name: [] for name in world.leaves}

    def all_there() -> bool:
        for name, one in world.leaves.items():
            while waiting[name] and one.connected and one.room:
                one.publish("readings", waiting[name].pop(0))
            if asked[name] and one.connected and world.bridge.send(name, "command", asked[name][0]):
                asked[name].pop(0)
            got[name] += [payload for kind, payload in one.came if kind == "command"]
            one.came = []
        return len(world.took) >= 16 and all(len(frames) >= 4 for frames in got.values())

    world.until(all_there)
    world.run(3_000)
    for name in world.leaves:
        assert [frame for who, kind, frame in world.took if who == name and kind == "readings"] == up[name]
        assert got[name] + [p for _, p in world.leaves[name].came] == down[name]
    assert not world.bridge.wills


def test_a_leaf_finds_its_bridge_on_its_channel_and_stays_there() -> None:
    world = World(Air(1), "a", channel=11)
    world.until(lambda: world.leaves["a"].connected)
    assert world.leaves["a"].channel == 11
    world.start_bridge()  # it has lost its power
    world.until(lambda: not world.leaves["a"].connected)
    world.until(lambda: world.leaves["a"].connected, 5_000)


@pytest.mark.parametrize("seed", range(8))
def test_an_answer_to_the_join_before_is_as_good_as_the_last_one(seed: int) -> None:
    """Answers that come late, twice and in any order: the leaf takes the first, and must not wait for it to fail."""
    world = World(Air(seed, twice=0.5, late_ms=400), "a")
    world.until(lambda: world.leaves["a"].connected, 4_000)


def test_what_was_queued_survives_the_bridge() -> None:
    world = World(Air(2), "a")
    one = world.leaves["a"]
    world.until(lambda: one.connected)
    world.broker_takes = False
    for index in range(3):
        one.publish("readings", bytes([index]) * 500)
    assert one.room == 0
    world.run(20_000)
    assert one.connected and one.queued == 3 and not world.took, "BUSY is no silence"
    world.start_bridge()
    world.broker_takes = True
    world.until(lambda: not one.queued)
    assert [frame[0] for _, _, frame in world.took] == [0, 1, 2]


def test_a_bridge_without_its_broker_says_so() -> None:
    world = World(Air(3), "a")
    one = world.leaves["a"]
    world.until(lambda: one.connected)
    world.bridge.online = False
    world.until(lambda: not one.connected, 6_000)
    assert one.joined
    world.bridge.online = True
    world.until(lambda: one.connected, 6_000)


def test_the_last_will_is_told_when_a_leaf_is_gone() -> None:
    world = World(Air(4), "a", "b")
    world.until(lambda: all(one.connected for one in world.leaves.values()))
    del world.leaves["a"]
    world.until(lambda: world.bridge.wills, 60_000)
    assert world.bridge.wills == [("a", b"will of a")]
    assert world.bridge.leaves == ["b"]


def test_nobody_without_the_key_of_the_hop_gets_a_session_or_takes_room() -> None:
    world = World(Air(5), "a")
    world.leaves["b"] = world.new_leaf("b", key=bytes(32))
    for index in range(20):
        world.leaves[f"c{index}"] = world.new_leaf(f"c{index}", key=b"x" * 32)
    world.until(lambda: world.leaves["a"].connected)
    world.run(5_000)
    assert world.bridge.leaves == ["a"] and len(world.bridge._peers) == 1


def test_more_leaves_than_there_is_room_for_stay_out_and_harm_nobody() -> None:
    world = World(Air(6), *(f"la-{index}" for index in range(relay.MAX_LEAVES + 2)))
    world.run(20_000)
    assert sum(one.connected for one in world.leaves.values()) == relay.MAX_LEAVES


def test_what_was_recorded_is_worth_nothing_later() -> None:
    world = World(Air(7), "a")
    one = world.leaves["a"]
    world.until(lambda: one.connected)
    one.publish("readings", b"r" * 900)
    world.until(lambda: not one.queued)
    assert world.bridge.send("a", "command", b"open")
    world.until(lambda: one.came)
    recorded, count = list(world.air.recorded), len(world.took)
    for again in range(2):
        for data in recorded:
            world.bridge.heard(b"robber", data, world.now_ms)
            one.heard(b"robber", data, world.now_ms)
        world.run(500)
        assert len(world.took) == count and len(one.came) == 1
        assert one.connected and one.joined, "a JOIN that is repeated ends no session"
        one.publish("readings", b"next %d" % again)
        world.until(lambda: not one.queued, 2_000)
        count += 1
    world.start_bridge()
    for data in recorded:
        world.bridge.heard(b"robber", data, world.now_ms)
    assert not world.bridge.leaves and world.bridge.ready() is None


@pytest.mark.parametrize("seed", range(3))
def test_garbage_and_flipped_bits_change_nothing(seed: int) -> None:
    world = World(Air(seed), "a")
    one, draw = world.leaves["a"], random.Random(seed)
    world.until(lambda: one.connected)
    for data in [*world.air.recorded, *(draw.randbytes(draw.randrange(260)) for _ in range(300))]:
        for bad in (data, data[: draw.randrange(len(data) + 1)], flipped(data, draw), bytes([air.MAGIC]) + data[1:]):
            if bad not in world.air.recorded:
                world.bridge.heard(b"noise!", bad, world.now_ms)
                one.heard(b"noise!", bad, world.now_ms)
    world.run(100)
    assert one.connected and world.bridge.leaves == ["a"] and not world.took and not one.came


def flipped(data: bytes, draw: random.Random) -> bytes:
    if not data:
        return data
    changed = bytearray(data)
    changed[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def test_good_tags_around_bad_bodies_change_nothing() -> None:
    world = World(Air(8), "a")
    one = world.leaves["a"]
    world.until(lambda: one.connected)
    hop = Sealer(relay.hop_key(BRIDGE_KEY, "a"))
    draw = random.Random(8)
    for kind in range(8):
        for _ in range(200):
            body = draw.randbytes(draw.randrange(30))
            if kind in (air.JOIN, air.WELCOME) or air.split_part(body) is None:
                data = air.packet(hop, one._name, kind, relay.address("a"), body)
                world.bridge.heard(b"a", data, world.now_ms)
                one.heard(BRIDGE_MAC, data, world.now_ms)
    world.until(lambda: one.connected)
    one.publish("readings", b"still here")
    world.until(lambda: not one.queued)
    assert world.took == [("a", "readings", b"still here")]


def test_the_longest_sealed_frame_fits() -> None:
    assert air.MAX_PARTS * air.MAX_CHUNK >= 1024 + 16
    assert air.MAX_PARTS <= 8, "a bitmap is one byte"


def test_a_newer_message_pushes_out_one_that_is_not_whole() -> None:
    receiver = parts.Receiver()
    assert receiver.take(air.part(1, 1, 0, 2, b"x")) is None
    assert receiver.take(air.part(2, 1, 0, 1, b"y")) == (2, 1, air.BUSY)
    assert receiver.ready == (1, b"y")
    receiver.accept()
    assert receiver.take(air.part(1, 1, 1, 2, b"x")) is None
    assert receiver.take(air.part(2, 1, 0, 1, b"y")) == (2, 0, air.DONE)
    assert receiver.ready is None


def test_a_leaf_tells_what_happens_by_the_numbers_of_any_link() -> None:
    def numbers(path: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for statement in ast.parse((RELAY.parent / path).read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.Assign):
                names = [node.id for node in ast.walk(statement.targets[0]) if isinstance(node, ast.Name)]
                constants = [node.value for node in ast.walk(statement.value) if isinstance(node, ast.Constant)]
                values = [value for value in constants if isinstance(value, int)]
                found |= {n: v for n, v in zip(names, values, strict=False) if n in ("CONNECTED", "MESSAGE", "LOST")}
        return found

    assert numbers("relay/leaf_link.py") == numbers("node/link.py") == {"CONNECTED": 1, "MESSAGE": 2, "LOST": 3}
