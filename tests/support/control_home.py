"""A gateway's home with the control process in it, on a clock of its own, for tests of ``gateway.control``."""

from __future__ import annotations

import shutil
from pathlib import Path

from gateway.control import Control
from gateway.core.rows import Boot, Reading, Receipt
from gateway.dispatch import Dispatch
from gateway.inbox import People
from gateway.settings import limits_of, settings_of
from gateway.store.control import ControlReader, ControlWriter
from gateway.store.data import Batch, DataReader, DataWriter
from gateway.store.village import Intent, VillageWriter
from kit.clock import ManualClock
from tests.support import village as registry_village
from wire import commands, fields
from wire.seal import Sealer

START_MS = 1_709_247_600_000
UPTIME_MS = 600_000
HOUR_MS = 3_600_000
YEAR_MS = 365 * 24 * HOUR_MS
NONCE = b"nonce--1"
VILLAGE = registry_village.village()
KEYS = {node: bytes([number]) * 32 for number, node in enumerate(VILLAGE.nodes, start=1)}
TOPIC = f"hq/1/{VILLAGE.id}/van-1/down/command"


class Home:
    """The databases of a gateway, with ingest and web played by the test."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(START_MS)
        self.data = DataWriter(folder / "data.db")
        self.village = VillageWriter(folder / "village.db")
        self.folder = folder
        self.sent: list[commands.Command] = []
        self.connected = True
        self._seq = 0
        self._open()

    def _open(self) -> None:
        self.writer = ControlWriter(self.folder / "control.db")
        self.reader = DataReader(self.folder / "data.db")
        dispatch = Dispatch(VILLAGE.id, KEYS, self.publish)
        people = People(self.folder / "village.db")
        settings, limits = settings_of(VILLAGE, self.clock), limits_of(self.clock)
        self.control = Control(settings, limits, self.reader, people, self.writer, dispatch, self.clock)

    def crash(self) -> None:
        """Control is gone; a new one opens what it has left."""
        self.writer.close()
        self.reader.close()
        self._open()

    def close(self) -> None:
        for database in (self.data, self.village, self.writer, self.reader):
            database.close()

    def ask(self, kind: str, minutes: int = 0) -> None:
        now_ms = self.clock.now_ms()
        self.village.add_intent(Intent(0, now_ms, now_ms + 60_000, kind, "xoai", minutes, "chú Sáu"))

    def lose(self, name: str, copy: str | None = None) -> None:
        """A database is gone and made anew, or an older copy takes its place; then all processes start again."""
        for database in (self.data, self.village, self.writer, self.reader):
            database.close()
        for path in self.folder.glob(name + "*"):
            path.unlink()
        if copy is not None:
            shutil.copy(self.folder / copy, self.folder / name)
        self.data = DataWriter(self.folder / "data.db")
        self.village = VillageWriter(self.folder / "village.db")
        self._open()

    def publish(self, topic: str, payload: bytes, qos: int) -> bool:
        assert (topic, qos) == (TOPIC, 1)
        if not self.connected:
            return False
        order = commands.decode_command(Sealer(KEYS["van-1"]).unseal(topic, payload))
        with ControlReader(self.folder / "control.db") as reader:  # commit, then send
            assert order.counter in {command.counter for command in reader.commands()}
        self.sent.append(order)
        return True

    def commit(self, *values: tuple[str, int, int, int], receipts: tuple[Receipt, ...] = (), boot: int = 1) -> None:
        """Ingest commits readings (node, field, channel, value), and that the valve node was heard."""
        batch = Batch(receipts=list(receipts))
        now_ms = self.clock.now_ms()
        for node, field, channel, value in values:
            self._seq += 1
            batch.readings.append(
                Reading(
                    node, 1, self._seq, field, channel, self.uptime_ms(), now_ms, fields.CLOCK_BY_GATEWAY, now_ms, 0,
                    value, 1, 0,
                )
            )  # fmt: skip
        for node, life in {**{value[0]: 1 for value in values}, "van-1": boot}.items():
            offset_ms = self.clock.mono_ms() - self.uptime_ms()
            batch.boots[node, life] = Boot(
                node, life, NONCE, offset_ms, now_ms, now_ms, self.uptime_ms(), "", "valve", 1, 0,
                self.clock.steady_id, life,
            )  # fmt: skip
        self.data.commit(batch)

    def uptime_ms(self) -> int:
        return UPTIME_MS + self.clock.mono_ms()

    def dry(self, soil_e4: int = 1800) -> None:
        self.commit(
            ("dat-1", fields.SOIL_MOISTURE, 0, soil_e4),
            ("dat-1", fields.SOIL_MOISTURE, 1, soil_e4),
            ("kinh-1", fields.WATER_LEVEL, 0, 500),
            ("kinh-1", fields.CONDUCTIVITY_25, 0, 400),
        )

    def accept(self, order: commands.Command, mask: int) -> None:
        uptime_ms = self.uptime_ms()
        until_ms = uptime_ms + order.duration_ms
        row = Receipt("van-1", 1, order.counter, commands.ACCEPTED, order.output, mask, until_ms, uptime_ms, 0)
        self.commit(receipts=(row,))

    def ended(self, order: commands.Command, mask: int) -> None:
        status, uptime_ms = commands.ENDED_LEASE, self.uptime_ms()
        self.commit(receipts=(Receipt("van-1", 1, order.counter, status, order.output, mask, 0, uptime_ms, 0),))

    def rows(self) -> ControlReader:
        return ControlReader(self.folder / "control.db")

    def rules(self) -> list[str]:
        with self.rows() as reader:
            return [decision.rule for decision in reversed(reader.decisions("xoai", 50))]


def commands_of(home: Home) -> list[commands.Command]:
    return [order for order in home.sent if order.action != commands.QUERY]
