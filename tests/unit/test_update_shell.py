"""The update process: no report and no order is lost while an order or a database cannot be used."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import releases as held
from gateway import secrets, update
from gateway.home import Home
from gateway.mqtt import link as mqtt
from gateway.provision import provision
from gateway.store.update import UpdateReader, UpdateWriter
from kit.clock import SystemClock
from tests.support import releases, village
from tests.support.ports import free_port
from wire import topics, updates
from wire.seal import Sealer

NODE = "van-1"


class Shell:
    """The process's own object, whose broker is not there: messages are handed to it."""

    def __init__(self, home: Home, writer: UpdateWriter) -> None:
        self.home = home
        found = provision(home)
        self._keys = secrets.load(home.secrets, found.nodes).keys
        link = mqtt.Link(found.broker, home.ca, "gateway.update", "x")
        self.update = update.Update(home, found, self._keys, link, writer, SystemClock())

    def say(self, status: int) -> None:
        report = updates.Report(status, bytes(16), (0, 1, 0), (1, 26, 1), 1, 1, 0, 0, "sim", "")
        topic = topics.topic("thu", NODE, topics.UP, topics.REPORT)
        sealed = Sealer(self._keys[NODE]).seal(topic, updates.encode_report(report))
        self.update._take(mqtt.Message(topic, sealed, 1, 1, 1))

    def ask(self, release: bytes, item: int, offset: int) -> bytes:
        """What the node is given of a release."""
        sent: list[bytes] = []
        self.update._send = lambda *words: sent.append(words[2])  # type: ignore[method-assign]
        topic = topics.topic("thu", NODE, topics.UP, topics.ASK)
        frame = updates.encode_ask(updates.Ask(release, item, offset, 100))
        self.update._take(mqtt.Message(topic, Sealer(self._keys[NODE]).seal(topic, frame), 1, 1, 1))
        return updates.decode_chunk(sent.pop()).data

    def told(self) -> list[int]:
        with UpdateReader(self.home.update) as reader:
            return [status for _, _, status, _, _ in reversed(reader.events(10_000))]

    def turn_of(self) -> int:
        with UpdateReader(self.home.update) as reader:
            found = reader.rollout()
        return 0 if found is None else found[1]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    for name in ("POLL_S", "TURN_S", "PAUSE_S"):
        monkeypatch.setattr(update, name, 0.001)
    home = Home(tmp_path / "home")
    home.root.mkdir()
    text = village.text(broker_port=free_port(), web_port=free_port())
    home.registry.write_text(text, encoding="utf-8")
    provision(home)
    with UpdateWriter(home.update) as writer:
        yield Shell(home, writer)


def ordered(shell: Shell, tmp_path: Path) -> Path:
    held.pin(shell.home, releases.public())
    made = held.put(shell.home, releases.small(tmp_path / "b", "0.2.0", {"a.mpy": b"a"}).folder)
    held.give_order(shell.home, made.id.hex(), "start")
    return shell.home.releases / made.id.hex()


@pytest.mark.parametrize("damage", ["order", "release"])
def test_an_order_that_cannot_be_used_loses_no_report(shell: Shell, tmp_path: Path, damage: str) -> None:
    folder = ordered(shell, tmp_path)
    if damage == "order":
        (shell.home.releases / "order.json").write_text("{")
    else:
        (folder / "a.mpy").write_bytes(b"b")
    shell.say(updates.ROLLED_BACK)
    shell.update.turn()
    assert shell.told() == [updates.ROLLED_BACK] and shell.turn_of() == 0
    (folder / "a.mpy").write_bytes(b"a")
    held.give_order(shell.home, folder.name, "start") if damage == "release" else ordered_again(shell, folder)
    shell.update.turn()
    assert shell.turn_of() > 0


def ordered_again(shell: Shell, folder: Path) -> None:
    (shell.home.releases / "order.json").unlink()
    held.give_order(shell.home, folder.name, "start")


def test_reports_wait_while_the_readings_cannot_be_read(shell: Shell, tmp_path: Path) -> None:
    ordered(shell, tmp_path)
    shell.update.turn()
    away = shell.home.data.with_suffix(".away")
    shell.home.data.rename(away)
    shell.say(updates.HEALTHY)
    shell.update.turn()
    assert shell.told() == []
    away.rename(shell.home.data)
    shell.update.turn()
    assert shell.told() == [updates.HEALTHY]


def test_an_order_waits_while_nothing_can_be_written(shell: Shell, tmp_path: Path) -> None:
    """It would else be forgotten until the process is started again."""
    ordered(shell, tmp_path)
    with sqlite3.connect(shell.home.update) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON rollout BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    shell.update.turn()
    assert shell.turn_of() == 0
    with sqlite3.connect(shell.home.update) as other:
        other.execute("DROP TRIGGER full")
    shell.update.turn()
    assert shell.turn_of() == 1


def test_a_node_that_reports_without_end_takes_bounded_memory(shell: Shell) -> None:
    for _ in range(update.MAX_KEPT + 100):
        shell.say(updates.RUNS)
    assert len(shell.update._said) == update.MAX_KEPT


def test_who_takes_up_an_offer_of_a_stopped_release_is_told_and_who_loads_goes_on(shell: Shell, tmp_path: Path) -> None:
    release = bytes.fromhex(ordered(shell, tmp_path).name)
    assert shell.ask(release, 0, 0) == b"", "nobody has been offered it yet"
    shell.update.turn()
    assert len(shell.ask(release, 0, 0)) == 100 and shell.ask(release, 1, 0) == b"a"
    held.give_order(shell.home, release.hex(), "stop")
    shell.update.turn()
    assert shell.ask(release, 0, 0) == b"" and len(shell.ask(release, 0, 100)) == 100
    assert shell.ask(release, 1, 0) == b"a"
