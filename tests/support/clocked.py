"""A whole gateway on a clock that anybody may set, for tests of time: the real ingest, control, dispatch and databases,
and nodes with the real lease code, around a queue that plays the broker.

Rules
1. True time moves by TICK_MS. The gateway sees it through its wall clock, which is ``ahead_ms`` wrong, and its steady
   clock, which begins anew with the machine. A node sees its uptime, and the time that it was told.
2. The broker keeps what nodes send until ingest has acknowledged it, and what is sent to a node that is cut off until
   that is back: for hours, if need be. Nothing overtakes.
3. Ingest, control, machine and nodes die and come back at any time. A node keeps its readings until they are
   acknowledged, and sends readings and hello again when they are not.
4. What the gateway believes is held against the truth in every tick (``Clocked.check``).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TypeVar

from firmware.node.lease import Leases, outputs_of
from gateway.control import Control
from gateway.core.boots import Boots
from gateway.core.ingest import Judge
from gateway.core.types import OutputRef
from gateway.core.watch import Watch
from gateway.dispatch import Dispatch
from gateway.inbox import People
from gateway.mqtt.echo import Echo
from gateway.mqtt.ingest import Ingest
from gateway.mqtt.link import Message
from gateway.settings import limits_of, settings_of
from gateway.store.common import Writer
from gateway.store.control import ControlWriter
from gateway.store.data import DataReader, DataWriter
from gateway.store.village import Intent, VillageWriter
from kit.clock import ManualClock
from tests.support.sealed import KEYS, VILLAGE
from wire import commands, fields, frames, topics
from wire.seal import Sealer

START_MS = 1_709_247_600_000
TICK_MS = 4_000
AGAIN_MS = 60_000
TOLERANCE_MS = 5_000
W = TypeVar("W", bound=Writer)
ECHO = topics.echo_topic(VILLAGE.id)


class Broker:
    """The queue of ingest; as its link it is given to the real Ingest."""

    def __init__(self) -> None:
        self.queue: list[Message] = []
        self.down: list[tuple[str, bytes]] = []
        self._taken = self._numbered = 0

    def up(self, topic: str, payload: bytes) -> None:
        self._numbered += 1
        self.queue.append(Message(topic, payload, self._numbered, 1, 1))

    def begin(self) -> None:
        """Ingest is new: what it has not acknowledged comes again."""
        self._taken = 0

    def poll(self, _seconds: float) -> list[Message]:
        came = self.queue[self._taken : 200]
        self._taken += len(came)
        return came

    def acknowledge(self, message: Message) -> None:
        self.queue.remove(message)
        self._taken -= 1

    def publish(self, topic: str, payload: bytes, _qos: int = 0) -> bool:
        if topic == ECHO:
            self.up(topic, payload)
        else:
            self.down.append((topic, payload))
        return True


class Node:
    """One node: its real lease code, its uptime, its readings, and what it believes of the time."""

    def __init__(self, id: str, boot: int, now_ms: int, kept: list[tuple[int, int, bytes]] | None = None) -> None:
        self.id, self.boot, self.began_ms = id, boot, now_ms
        self.node = VILLAGE.nodes[id]
        self.nonce = boot.to_bytes(8, "big")
        outputs = [
            {"index": o.index, "kind": o.kind, "hard_max_s": o.hard_max_s, "min_rest_s": o.min_rest_s}
            for o in self.node.outputs
        ]
        self.leases = Leases(outputs_of({"outputs": outputs}), boot, self.nonce)
        self.cut = False
        self.held: list[tuple[str, bytes, int]] = []
        self.journal = kept or []  # (boot, seq, packed record), oldest first
        self.seq = 0
        self.clock = (0, fields.CLOCK_NONE)
        self.next_sample_ms = now_ms + 7_000
        self.hello_at_ms: int | None = now_ms + 2_000
        self.again_ms = 0
        self.sealer = Sealer(KEYS[id])


class Clocked:
    """See the head of the module. ``tick`` lets TICK_MS pass."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_ms = START_MS
        self.ahead_ms = 0
        self._machine_ms = START_MS - 60_000
        self.clock = ManualClock(START_MS)
        self.off = False
        self.broker = Broker()
        self.world = {"dat-1": 2600, "dat-2": 2600, "level": 500, "salt": 400}
        self.sampled: dict[str, list[int]] = defaultdict(list)  # the true times, by node
        self.numbered: set[tuple[str, int, int]] = set()
        self.switched: list[tuple[int, OutputRef, bool]] = []
        self.refused: list[tuple[int, int]] = []  # (when, status)
        self.faults: list[str] = []
        self._published: dict[tuple[str, int], int] = {}
        self._hellos: dict[str, int] = {}
        self.nodes = {id: Node(id, 1 << 16, self.now_ms - 60_000) for id in VILLAGE.nodes}
        self._people = _unsynced(VillageWriter(folder / "village.db"))
        self.ingest: Ingest | None = None
        self.control: Control | None = None
        self._of_ingest = ExitStack()
        self._of_control = ExitStack()
        self.start_ingest()
        self.start_control()

    # ---- processes

    def start_ingest(self) -> None:
        if self.ingest is not None or self.off:
            return
        writer = _unsynced(DataWriter(self.folder / "data.db"))
        with DataReader(self.folder / "data.db") as reader:
            boots = Boots(reader.boots())
        self.broker.begin()
        echo = Echo(ECHO, self.clock)
        judge, watch = Judge(VILLAGE, KEYS), Watch(VILLAGE)
        self.ingest = Ingest(self.broker, echo, judge, watch, writer, boots, self.clock)  # type: ignore[arg-type]
        self._of_ingest.enter_context(closing(writer))

    def kill_ingest(self) -> None:
        self.ingest = None
        self._of_ingest.close()

    def start_control(self) -> None:
        if self.control is not None or self.off:
            return
        data, people = DataReader(self.folder / "data.db"), People(self.folder / "village.db")
        writer = _unsynced(ControlWriter(self.folder / "control.db"))
        settings, limits = settings_of(VILLAGE, self.clock), limits_of(self.clock)
        dispatch = Dispatch(VILLAGE.id, KEYS, self._command)
        self.control = Control(settings, limits, data, people, writer, dispatch, self.clock)
        for part in (data, people, writer):
            self._of_control.enter_context(closing(part))

    def kill_control(self) -> None:
        self.control = None
        self._of_control.close()

    def kill_machine(self) -> None:
        self.off = True
        self.kill_ingest()
        self.kill_control()

    def start_machine(self) -> None:
        """The machine is back, with another steady clock."""
        if not self.off:
            return
        self.off = False
        self._machine_ms = self.now_ms - 20_000
        self.clock.steady_id += 1
        self._show()
        self.start_ingest()
        self.start_control()

    def set_clock(self, by_ms: int) -> None:
        self.ahead_ms += by_ms
        self._show()

    def _show(self) -> None:
        self.clock.wall_ms = self.now_ms + self.ahead_ms
        self.clock.monotonic_ms = self.now_ms - self._machine_ms

    def close(self) -> None:
        self.kill_machine()
        self._people.close()

    # ---- time

    def tick(self) -> None:
        self.now_ms += TICK_MS
        self._show()
        for node in self.nodes.values():
            self._live(node)
        if self.ingest is not None:
            self.ingest.step()
            while self.ingest._messages or self.broker.queue:
                self.ingest.step()
        if self.control is not None:
            self.control.turn()
            self.check()
        self._route()

    def run(self, ms: int) -> None:
        for _ in range(ms // TICK_MS):
            self.tick()

    def check(self) -> None:
        """What control believes of its sensors was measured just then, and not in the future."""
        assert self.control is not None
        for key, latest in self.control.state.latest.items():
            node = key.split("/")[0]
            true_ms = latest.measured_at_ms - self.ahead_ms
            times = self.sampled[node]
            at = bisect_left(times, true_ms - TOLERANCE_MS)
            if at == len(times) or times[at] > true_ms + TOLERANCE_MS:
                self.faults.append(f"{key} was not measured {(self.now_ms - true_ms) / 1000} s ago")

    # ---- people

    def ask(self, kind: str, zone: str, minutes: int = 0) -> None:
        at_ms = self.clock.now_ms()
        self._people.add_intent(Intent(0, at_ms, at_ms + 60_000, kind, zone, minutes, "chú Sáu"))

    # ---- nodes

    def restart(self, id: str) -> None:
        old = self.nodes[id]
        old.leases.close_all(self._uptime(old))
        self._collect(old)
        self.nodes[id] = Node(id, old.boot + (1 << 16), self.now_ms, old.journal)
        self.nodes[id].cut = old.cut

    def join(self, id: str) -> None:
        """The link of a node is back: it says hello, and what was kept for it arrives."""
        node = self.nodes[id]
        if node.cut:
            node.cut, node.hello_at_ms, node.again_ms = False, self.now_ms, 0
            held, node.held = node.held, []
            for kind, payload, _ in held:
                self._take(node, kind, payload)

    def _uptime(self, node: Node) -> int:
        return self.now_ms - node.began_ms

    def _live(self, node: Node) -> None:
        node.leases.tick(self._uptime(node))
        self._collect(node)
        if self.now_ms >= node.next_sample_ms:
            node.next_sample_ms += node.node.sample_s * 1000
            self._sample(node)
        if node.cut:
            return
        if node.hello_at_ms is not None and self.now_ms >= node.hello_at_ms:
            node.hello_at_ms = self.now_ms + AGAIN_MS
            hello = frames.Hello(
                node.boot, node.nonce, self._uptime(node), node.seq + 1, frames.BOOT_POWER, node.leases.mask(), 90_000,
                "0.1.0", node.node.model,
            )  # fmt: skip
            self._send(node, topics.HELLO, frames.encode_hello(hello))
        if node.journal and self.now_ms >= node.again_ms:
            node.again_ms = self.now_ms + AGAIN_MS
            self._send_readings(node)

    def _sample(self, node: Node) -> None:
        self.sampled[node.id].append(self.now_ms)
        for sensor in node.node.sensors:
            raw = 0
            if sensor.field == fields.SOIL_MOISTURE:
                raw = round(2_800_000 - (self.world[node.id] / 100 - 5) / 40 * 1_600_000)
            elif sensor.field == fields.WATER_LEVEL:
                raw = self.world["level"]
            elif sensor.field == fields.CONDUCTIVITY_25:
                raw = self.world["salt"]
            node.seq += 1
            row = (node.seq, self._uptime(node), sensor.field, sensor.channel, fields.GOOD, 0, raw)
            node.journal.append((node.boot, node.seq, frames.pack_record(row)))
            self.numbered.add((node.id, node.boot, node.seq))
        node.again_ms = min(node.again_ms, self.now_ms)

    def _send_readings(self, node: Node) -> None:
        """This boot first, with the clock as it is known; then the oldest, with none."""
        mine = [packed for boot, _, packed in node.journal if boot == node.boot][-80:]
        for at in range(0, len(mine), frames.MAX_RECORDS):
            packed = b"".join(mine[at : at + frames.MAX_RECORDS])
            frame = frames.encode_readings(node.boot, self._uptime(node), *node.clock, packed)
            self._send(node, topics.READINGS, frame)
        older = [entry for entry in node.journal if entry[0] != node.boot]
        if older:
            boot = older[0][0]
            packed = b"".join(e[2] for e in older[: frames.MAX_RECORDS] if e[0] == boot)
            last_ms = frames.unpack_record(packed, len(packed) - frames.RECORD_BYTES)[1]
            frame = frames.encode_readings(boot, last_ms, 0, fields.CLOCK_NONE, packed)
            self._send(node, topics.READINGS, frame)

    def _collect(self, node: Node) -> None:
        for index, on in node.leases.take_changes():
            self.switched.append((self.now_ms, OutputRef(node.id, index), on))
        for receipt in node.leases.take_ended():
            self._send(node, topics.RECEIPT, commands.encode_receipt(receipt))

    def _send(self, node: Node, kind: str, frame: bytes) -> None:
        topic = topics.topic(VILLAGE.id, node.id, topics.UP, kind)
        if not node.cut:
            self.broker.up(topic, node.sealer.seal(topic, frame))
            if kind == topics.HELLO:
                self._hellos[node.id] = node.boot

    # ---- down

    def _command(self, topic: str, payload: bytes, _qos: int) -> bool:
        _, id, _, _ = topics.parse(topic)
        node = self.nodes[id]
        order = commands.decode_command(node.sealer.unseal(topic, payload))
        self._published[id, order.counter] = self.now_ms
        if order.nonce == node.nonce:
            late_ms = order.expires_uptime_ms - self._uptime(node) - limits_of(self.clock).answer_ms
            if late_ms > TOLERANCE_MS:
                self.faults.append(f"a command to {id} expires {late_ms / 1000} s too late")
        elif self.ingest is not None and not node.cut and self._hellos[id] == node.boot:
            self.faults.append(f"a command to {id} is for boot {order.nonce.hex()}, {node.nonce.hex()} has said hello")
        return self.broker.publish(topic, payload)

    def _route(self) -> None:
        sent, self.broker.down = self.broker.down, []
        for topic, payload in sent:
            _, id, _, kind = topics.parse(topic)
            node = self.nodes[id]
            if not node.cut:
                self._take(node, kind, payload)
            elif kind == topics.COMMAND:
                node.held.append((kind, payload, self.now_ms))

    def _take(self, node: Node, kind: str, payload: bytes) -> None:
        frame = node.sealer.unseal(topics.topic(VILLAGE.id, node.id, topics.DOWN, kind), payload)
        if kind == topics.COMMAND:
            self._obey(node, commands.decode_command(frame))
        else:
            self._hear(node, frames.decode_ack(frame))

    def _obey(self, node: Node, order: commands.Command) -> None:
        receipt = node.leases.command(order, False, self._uptime(node))
        if receipt.status != commands.ACCEPTED:
            self.refused.append((self.now_ms, receipt.status))
        elif order.action == commands.OPEN:
            age_ms = self.now_ms - self._published[node.id, order.counter]
            if age_ms > limits_of(self.clock).answer_ms + TOLERANCE_MS:
                self.faults.append(f"{node.id} has opened by a command of {age_ms / 1000} s ago")
        self._collect(node)
        self._send(node, topics.RECEIPT, commands.encode_receipt(receipt))

    def _hear(self, node: Node, ack: frames.Ack) -> None:
        if ack.boot_id == node.boot and not ack.ranges:
            node.hello_at_ms = None
        gone = {(ack.boot_id, seq) for first, last in ack.ranges for seq in range(first, last + 1)}
        if gone:
            node.journal = [entry for entry in node.journal if entry[:2] not in gone]
            node.again_ms = min(node.again_ms, self.now_ms) if node.journal else 0
        if ack.clock_quality != fields.CLOCK_NONE:
            offset_ms = ack.now_ms - self._uptime(node)
            known_ms, known_q = node.clock
            if known_q == fields.CLOCK_NONE or not 0 <= known_ms - offset_ms < 2_000:
                node.clock = (offset_ms, fields.CLOCK_GATEWAY)


def _unsynced(writer: W) -> W:
    """A power cut is no part of this: what is committed need not reach the disk."""
    writer._db.execute("PRAGMA synchronous = OFF")
    return writer
