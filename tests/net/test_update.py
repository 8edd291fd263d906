"""Updates over the air, whole: real MicroPython with a node's heap, real Mosquitto, ingest and update processes.

Promise P9: a node never runs a wrong, old or half release.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway import releases as held
from gateway.store.update import NodeReport, UpdateReader
from tests.support import releases
from tests.support.field_server import FieldServer
from tests.support.gateway_home import GatewayHome
from tests.support.releases import Release, compiled
from tests.support.slot_node import RESTART, SlotNode, live_until
from tests.support.waiting import eventually
from wire import commands, fields, manifest, topics, updates

NODE = "van-1"
FIRST_LOADER = Path(__file__).with_name("first_loader.txt")  # its source as it was when slots began
# A program that fails at its start, and one that never reaches the gateway.
CRASHES = b"""
def run(hal):
    hal.outputs_off()
    hal.reset("a fault of 0.2.0")
"""


@dataclass
class Village:
    folder: Path
    gateway: GatewayHome
    field: FieldServer
    old: Release
    nodes: list[SlotNode]

    def node(self, name: str = NODE, chip: bool = False, **changes: Any) -> SlotNode:
        config = json.loads((self.gateway.home.nodes / f"{name}.json").read_text(encoding="utf-8"))
        made = SlotNode(self.folder / name, {**config, **changes}, self.field.port, self.old, chip)
        self.nodes.append(made)
        return made

    def reports(self) -> list[tuple[str, int]]:
        """(node, status), oldest first."""
        with UpdateReader(self.gateway.home.update) as reader:
            return [(node, status) for _, node, status, _, _ in reversed(reader.events(500))]

    def last(self, name: str = NODE) -> NodeReport | None:
        with UpdateReader(self.gateway.home.update) as reader:
            return reader.reports().get(name)

    def rollout(self) -> dict[str, Any]:
        with UpdateReader(self.gateway.home.update) as reader:
            found = reader.rollout()
        return json.loads(found[0]) if found else {}

    def said(self, status: int, name: str = NODE) -> bool:
        return (name, status) in self.reports()

    def release(self, made: Release) -> str:
        put = held.put(self.gateway.home, made.folder)
        held.give_order(self.gateway.home, put.id.hex(), "start")
        return put.id.hex()

    def offer_unchecked(self, made: Release) -> None:
        """A gateway in wrong hands: it offers and hands out whatever it likes."""
        peer = self.gateway.peer("gateway.update")

        def answer() -> bool:
            for message in peer.received[:]:
                peer.received.remove(message)
                if message.topic != self.gateway.topic(NODE, topics.ASK):
                    continue
                ask = updates.decode_ask(bytes(message.payload)[:-16])
                chunk = updates.Chunk(ask.release, ask.item, ask.offset, made.piece(ask.item, ask.offset, ask.length))
                peer.publish(*self.gateway.seal(NODE, topics.CHUNK, updates.encode_chunk(chunk)))
            return False

        peer.subscribe(self.gateway.topic(NODE, topics.ASK))
        offer = updates.Offer(made.id, len(made.signed), made.manifest.version)
        peer.publish(*self.gateway.seal(NODE, topics.OFFER, updates.encode_offer(offer)))
        self.answer: Callable[[], bool] = answer


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return releases.whole(tmp_path_factory.mktemp("old") / "0.1.0", "0.1.0")


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return releases.whole(tmp_path_factory.mktemp("new") / "0.2.0", "0.2.0", tree_of="0.1.0")


@pytest.fixture
def village(tmp_path: Path, old: Release) -> Iterator[Village]:
    with GatewayHome(tmp_path / "home") as gateway, FieldServer() as field_server:
        field_server.raw[fields.FLOW, 0] = 0
        held.pin(gateway.home, releases.public())
        gateway.start_ingest()
        gateway.start("update")
        eventually(lambda: "broker link up" in gateway.log("update"))
        made = Village(tmp_path, gateway, field_server, old, [])
        try:
            yield made
        finally:
            for node in made.nodes:
                node.kill()


def test_a_release_goes_out_proves_healthy_and_the_next_one_that_crashes_comes_back(
    village: Village, new: Release, tmp_path: Path
) -> None:
    node = village.node()
    live_until(lambda: village.last(), node)
    first = village.last()
    assert first is not None and (first.status, first.firmware, first.slot) == (updates.RUNS, "0.1.0", updates.SLOT_A)
    assert (first.hardware, first.interpreter.split(".")[0], first.release) == ("sim", "1", village.old.id.hex())
    village.release(new)
    live_until(lambda: village.said(updates.HEALTHY), node)
    found = village.last()
    assert found is not None and (found.firmware, found.slot) == ("0.2.0", updates.SLOT_B)
    statuses = [status for _, status in village.reports()]
    assert statuses == [updates.RUNS, updates.LOADING, updates.LOADED, updates.RUNS, updates.HEALTHY]
    assert node.exits == [RESTART, RESTART], "once to load it, once to run it"
    live_until(lambda: village.rollout()["nodes"][NODE]["phase"] == "healthy", node)

    broken = releases.whole(
        tmp_path / "0.3.0", "0.3.0", {"node/start.mpy": releases.compiled(CRASHES)}, tree_of="0.1.0"
    )
    name = village.release(broken)
    live_until(lambda: village.said(updates.ROLLED_BACK), node)
    live_until(lambda: village.rollout().get("standing") == "stopped", node)
    back = village.last()
    assert back is not None and (back.firmware, back.release, back.text) == ("0.2.0", name, "a fault of 0.2.0")
    assert village.rollout()["why"].startswith(f"{NODE}: rolled_back")
    live_until(lambda: village.reports().count((NODE, updates.HEALTHY)) == 2, node)
    node.kill()
    pointer = node.pointer()
    assert (pointer["slot"], pointer["state"], pointer["floor"]) == (1, 1, [0, 2, 0])


def test_an_open_valve_is_not_cut_off_and_the_update_waits_for_it(village: Village, new: Release) -> None:
    node = village.node(outputs=[{"index": 1, "kind": "valve", "hard_max_s": 60, "min_rest_s": 0}])
    live_until(lambda: village.last(), node)
    with village.gateway.reader() as data:
        boot = data.current_boots()[NODE]
    peer = village.gateway.peer("gateway.control")
    opened = commands.Command(1_000_000, boot.nonce, commands.OPEN, 1, 6_000, 2**40)
    peer.publish(*village.gateway.seal(NODE, topics.COMMAND, commands.encode_command(opened)))
    live_until(lambda: village.field.outputs.get(1), node)
    village.release(new)
    live_until(lambda: village.said(updates.BUSY), node)
    assert village.field.outputs[1] and not node.exits, "it goes on watering"


@pytest.mark.parametrize(
    "attack", ["wrong key", "older", "other hardware", "flipped bit", "half a file", "old interpreter"]
)
def test_what_is_wrong_is_refused_and_the_node_goes_on_as_it_was(village: Village, tmp_path: Path, attack: str) -> None:
    """The gateway is in wrong hands here: it holds the node's own key, but not the maker's."""
    files = {"node/core.mpy": bytes(range(250)) * 8, "wire/seal.mpy": b"s" * 700}
    wrong: dict[str, dict[str, Any]] = {
        "other hardware": {"hardware": ("esp32-c3",)},
        "old interpreter": {"min_interpreter": (1, 99, 0)},
    }
    changes = wrong.get(attack, {})
    made = releases.small(tmp_path / "bad", "0.0.9" if attack == "older" else "0.2.0", files, **changes)
    if attack == "wrong key":
        foreign = rsa.generate_private_key(manifest.EXPONENT, 2048)
        packed = made.signed[: -manifest.SIGNATURE_BYTES]
        (made.folder / "manifest").write_bytes(releases.signed(packed, foreign))
    elif attack == "flipped bit":
        (made.folder / "node/core.mpy").write_bytes(b"\1" + (bytes(range(250)) * 8)[1:])
    elif attack == "half a file":
        (made.folder / "node/core.mpy").write_bytes((bytes(range(250)) * 8)[:1_000])
    expected = {
        "wrong key": updates.BAD_SIGNATURE, "older": updates.OLDER, "other hardware": updates.OTHER_HARDWARE,
        "flipped bit": updates.BAD_FILE, "half a file": updates.NO_ANSWER, "old interpreter": updates.OLD_INTERPRETER,
    }[attack]  # fmt: skip
    node = village.node(quiet_s=3)
    live_until(lambda: village.last(), node)
    if attack == "older":
        live_until(lambda: not node.exits and village.said(updates.RUNS), node)
        node.kill()
        node.floor(0, 1, 0)
        live_until(lambda: village.reports().count((NODE, updates.RUNS)) == 2, node)
    village.gateway.kill("update")
    village.offer_unchecked(made)
    got: list[int] = []
    peer = village.gateway.peer("gateway.listen")
    peer.subscribe(village.gateway.topic(NODE, topics.REPORT))

    def refused() -> bool:
        village.answer()
        got.extend(updates.decode_report(bytes(m.payload)[:-16]).status for m in peer.received)
        peer.received.clear()
        return expected in got

    live_until(refused, node)
    live_until(lambda: refused() and (attack == "older" or updates.RUNS in got[got.index(expected) :]), node)
    node.kill()
    pointer = node.pointer()
    assert (pointer["slot"], pointer["state"], pointer["wish"]) == (0, 1, False)
    assert pointer["whole"][0] and not pointer["whole"][1]


def test_a_load_that_is_cut_off_goes_on_where_it_was(village: Village, new: Release) -> None:
    """On a board that was flashed with the first loader: what lies beside the slots never changes over the air."""
    node = village.node()
    (node.folder / "beside" / "loader.mpy").write_bytes(compiled(FIRST_LOADER.read_bytes()))
    live_until(lambda: village.last(), node)
    village.release(new)
    live_until(lambda: village.said(updates.LOADING), node)
    for _ in range(3):
        node.kill()  # the power fails while it loads
        node.start("power")
        live_until(lambda: node.exits or node.running_s() > 0.4, node)
    village.gateway.kill("update")
    village.gateway.start("update")
    live_until(lambda: village.said(updates.HEALTHY), node)
    found = village.last()
    assert found is not None and found.firmware == "0.2.0"


@pytest.mark.parametrize("damage", ["d[: len(d) // 2]", "d[:40] + bytes([d[40] ^ 1]) + d[41:]"])
def test_a_damaged_program_is_never_imported_and_the_rescue_mends_it(
    village: Village, new: Release, damage: str
) -> None:
    """X2: MicroPython's importer would hang on the first, and run the second."""
    node = village.node()
    node.damage("a/node/core.mpy", damage)
    live_until(lambda: village.said(updates.RESCUE), node)
    found = village.last()
    assert found is not None and found.slot == updates.SLOT_RESCUE and not village.field.outputs.get(1)
    village.release(new)
    live_until(lambda: village.said(updates.HEALTHY), node)
    node.kill()
    assert node.pointer()["state"] == 1


def test_an_interpreter_goes_out_proves_healthy_and_the_next_one_that_hangs_is_taken_back(
    village: Village, tmp_path: Path
) -> None:
    """The chip's own boot loader takes it back: nothing of ours needs to run for that."""
    node = village.node(chip=True)
    image = b"\xe9" + bytes(range(256)) * 160
    first = releases.interpreter(tmp_path / "1.27.0", "1.27.0", image)
    live_until(lambda: village.last(), node)
    village.release(first)
    live_until(lambda: village.said(updates.HEALTHY), node)
    statuses = [status for _, status in village.reports()]
    assert statuses == [updates.RUNS, updates.LOADING, updates.LOADED, updates.RUNS, updates.HEALTHY]
    live_until(lambda: village.rollout()["standing"] == "done", node)
    assert village.rollout()["version"] == "MicroPython 1.27.0"
    assert node.chip() == (1, "valid") and node.chip_holds(1, image)

    second = village.release(releases.interpreter(tmp_path / "1.28.0", "1.28.0", image))
    live_until(lambda: node.chip() == (0, "pending"), node)
    node.kill()  # the watchdog of a program that hangs
    node.start("watchdog")
    live_until(lambda: village.said(updates.ROLLED_BACK), node)
    live_until(lambda: village.rollout()["standing"] == "stopped", node)
    back = village.last()
    assert back is not None and (back.release, back.firmware) == (second, "0.1.0") and node.chip() == (1, "valid")


def test_a_chip_without_a_second_partition_is_passed_over(village: Village, tmp_path: Path) -> None:
    node = village.node()
    live_until(lambda: village.last(), node)
    village.release(releases.interpreter(tmp_path / "1.27.0", "1.27.0", b"\xe9" * 900))
    live_until(lambda: village.said(updates.NO_PARTITION), node)
    live_until(lambda: village.rollout()["nodes"][NODE]["phase"] == "passed over", node)
    assert village.rollout()["standing"] == "done"
