"""The real control process on a real broker: real ingest, sealed commands, a node whose lease code is the real one.

P3: what is open closes by the node's own lease, also when control is dead. P4: a command is done at most once. P10:
there is no Internet in here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.node.lease import Leases, outputs_of
from gateway.core.rules import Rule
from gateway.store.control import ControlReader
from gateway.store.village import Intent, VillageWriter
from kit.clock import real_mono_s, sped_clock_from
from tests.support.gateway_home import REPOSITORY, GatewayHome, now_ms, wait_for
from wire import commands, fields, frames, topics
from wire.seal import Sealer

START_UPTIME_MS = 600_000
PUMP, VALVE = 0, 1
MAX_RSS_KB = 80_000


class Node:
    """A node of the test village: the real lease code behind a real connection."""

    def __init__(self, gateway: GatewayHome, id: str, speed: float = 1.0) -> None:
        self.id, self.boot, self.speed = id, 0x0001_4242, speed
        self._gateway = gateway
        self._began_s = real_mono_s()
        self._seq = 0
        self._lock = threading.Lock()
        self._sealer = Sealer(gateway.secrets.nodes[id].key)
        config = [
            {"index": o.index, "kind": o.kind, "hard_max_s": o.hard_max_s, "min_rest_s": o.min_rest_s}
            for o in gateway.village.nodes[id].outputs
        ]
        self.leases = Leases(outputs_of({"outputs": config}), self.boot, b"nonce--1")
        self.orders: list[commands.Command] = []
        self.silent = False
        self._peer = gateway.peer(id)
        self._peer.client.on_message = self._on_message
        self._peer.subscribe(gateway.topic(id, topics.COMMAND), gateway.topic(id, topics.ACK))
        hello = frames.Hello(self.boot, b"nonce--1", self.uptime_ms(), 1, frames.BOOT_POWER, 0, 90_000, "0.1.0", "x")
        self._publish(topics.HELLO, frames.encode_hello(hello))

    def uptime_ms(self) -> int:
        return START_UPTIME_MS + int((real_mono_s() - self._began_s) * 1000 * self.speed)

    def measure(self, *values: tuple[int, int, int]) -> None:
        """Send readings: (field, channel, raw) each."""
        packed = b""
        for field, channel, raw in values:
            self._seq += 1
            packed += frames.pack_record((self._seq, self.uptime_ms(), field, channel, fields.GOOD, 0, raw))
        frame = frames.encode_readings(self.boot, self.uptime_ms(), 0, fields.CLOCK_NONE, packed)
        self._publish(topics.READINGS, frame)

    @property
    def mask(self) -> int:
        with self._lock:
            self.leases.tick(self.uptime_ms())
            self._tell_ended()
            return self.leases.mask()

    def _on_message(self, _client: object, _data: object, message: object) -> None:
        topic, payload = message.topic, bytes(message.payload)  # type: ignore[attr-defined]
        if not topic.endswith(topics.COMMAND) or self.silent:
            return
        order = commands.decode_command(self._sealer.unseal(topic, payload))
        with self._lock:
            self.orders.append(order)
            receipt = self.leases.command(order, message.retain, self.uptime_ms())  # type: ignore[attr-defined]
            self._tell_ended()
        self._publish(topics.RECEIPT, commands.encode_receipt(receipt))

    def _tell_ended(self) -> None:
        self.leases.take_changes()
        for receipt in self.leases.take_ended():
            self._publish(topics.RECEIPT, commands.encode_receipt(receipt))

    def _publish(self, kind: str, frame: bytes) -> None:
        self._peer.publish(*self._gateway.seal(self.id, kind, frame))


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayHome]:
    with GatewayHome(tmp_path / "home") as gateway:
        gateway.start_ingest()
        yield gateway


def rules(gateway: GatewayHome, zone: str = "xoai") -> list[str]:
    with ControlReader(gateway.home.control) as reader:
        return [decision.rule for decision in reversed(reader.decisions(zone, 100))]


def soil(percent: float) -> tuple[tuple[int, int, int], ...]:
    """Readings of both probes of garden "xoai": its calibration goes through 5 % at 2.8 V and 45 % at 1.2 V."""
    raw = round(2_800_000 - (percent - 5) / 40 * 1_600_000)
    return (fields.SOIL_MOISTURE, 0, raw), (fields.SOIL_MOISTURE, 1, raw)


def water(level_mm: int = 500, salt_us_cm: int = 400) -> tuple[tuple[int, int, int], ...]:
    return (fields.WATER_LEVEL, 0, level_mm), (fields.CONDUCTIVITY_25, 0, salt_us_cm)


def start_control(gateway: GatewayHome, environment: dict[str, str] | None = None) -> None:
    before = gateway.log("control").count("broker link up")
    gateway.start("control", environment)
    wait_for(lambda: gateway.log("control").count("broker link up") > before)


def ask(gateway: GatewayHome, kind: str, minutes: int = 0) -> None:
    now = now_ms()
    with VillageWriter(gateway.home.village) as writer:
        writer.add_intent(Intent(0, now, now + 60_000, kind, "xoai", minutes, "chú Sáu"))


def test_dry_soil_is_watered_through_a_killed_control_until_the_canal_is_salt(gateway: GatewayHome) -> None:
    # P3, P4, P10
    valves, soils, levels = (Node(gateway, id) for id in ("van-1", "dat-1", "kinh-1"))
    start_control(gateway)
    levels.measure(*water())
    soils.measure(*soil(18))
    wait_for(lambda: valves.mask == 1 << PUMP | 1 << VALVE)
    assert [(o.action, o.output) for o in valves.orders] == [(commands.QUERY, 255)] * (
        len(valves.orders) - 2
    ) + [(commands.OPEN, VALVE), (commands.OPEN, PUMP)]
    assert all(o.duration_ms <= 120_000 for o in valves.orders)
    wait_for(lambda: Rule.WATER_ON in rules(gateway))

    gateway.kill("control")
    start_control(gateway)
    wait_for(lambda: valves.orders[-1].action == commands.QUERY)
    wait_for(lambda: rules(gateway)[-1] == Rule.WATER_ON)
    assert valves.mask == 1 << PUMP | 1 << VALVE

    levels.measure(*water(salt_us_cm=2500))
    wait_for(lambda: valves.mask == 0)
    assert [(o.action, o.output) for o in valves.orders[-2:]] == [(commands.CLOSE, PUMP), (commands.CLOSE, VALVE)]
    wait_for(lambda: rules(gateway)[-3:] == [Rule.SOURCE_SALT, Rule.RUN_ENDED, Rule.SOURCE_SALT])
    counters = [order.counter for order in valves.orders]
    assert counters == sorted(set(counters))
    with ControlReader(gateway.home.control) as reader:
        (run,) = reader.runs()
        assert run.ended_ms is not None and (run.why_start, run.why_stop) == (Rule.SOIL_DRY, Rule.SOURCE_SALT)
        assert {command.state for command in reader.commands()} == {"answered"}
        assert all(decision.text_vi for decision in reader.decisions())
    status = Path(f"/proc/{gateway.pid('control')}/status").read_text()
    peak_kb = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
    assert peak_kb <= MAX_RSS_KB
    assert gateway.stop("control") == 0 and "Traceback" not in gateway.log("control")
    command = [sys.executable, "-m", "gateway", "replay", "--home", str(gateway.home.root)]
    replayed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)  # P15, D6
    assert replayed.returncode == 0 and "giống hệt" in replayed.stdout, replayed.stdout + replayed.stderr


def test_a_wrong_village_toml_leaves_the_running_plan_as_it_was(gateway: GatewayHome) -> None:
    valves, soils, levels = (Node(gateway, id) for id in ("van-1", "dat-1", "kinh-1"))
    start_control(gateway)
    levels.measure(*water())
    soils.measure(*soil(23))
    wait_for(lambda: rules(gateway)[-1:] == [Rule.SOIL_OK])
    good = gateway.home.registry.read_text(encoding="utf-8")
    gateway.home.registry.write_text(good.replace("dry_vwc = 0.22", "dry_vwc = 2300"), encoding="utf-8")
    soils.measure(*soil(18))
    wait_for(lambda: valves.mask == 1 << PUMP | 1 << VALVE)  # at 22 %, as before

    gateway.kill("control")  # and what starts it again finds the wrong file
    start_control(gateway)
    wait_for(lambda: rules(gateway)[-1] == Rule.WATER_ON)
    assert "the plan stays as it was" in gateway.log("control") and "dry_vwc = 2300" in gateway.log("control")
    with ControlReader(gateway.home.control) as reader:
        marks = json.loads(reader.decisions("xoai", 1)[0].limits)
    assert (marks["dry_e4"], marks["target_e4"]) == (2200, 3200)
    ask(gateway, "stop")
    wait_for(lambda: valves.mask == 0)


def test_a_person_waters_and_stops_within_a_second(gateway: GatewayHome) -> None:  # P10, D7
    valves, soils, levels = (Node(gateway, id) for id in ("van-1", "dat-1", "kinh-1"))
    start_control(gateway)
    levels.measure(*water())
    soils.measure(*soil(30))
    wait_for(lambda: rules(gateway)[-1:] == [Rule.SOIL_OK])
    ask(gateway, "water", 5)
    wait_for(lambda: valves.mask == 1 << PUMP | 1 << VALVE)
    wait_for(lambda: rules(gateway)[-1] == Rule.WATER_ON)
    ask(gateway, "stop")
    asked_s = real_mono_s()
    wait_for(lambda: valves.mask & 1 << PUMP == 0)
    assert real_mono_s() - asked_s <= 1.0
    wait_for(lambda: valves.mask == 0)


def test_a_node_that_does_not_answer_is_quarantined(gateway: GatewayHome, tmp_path: Path) -> None:  # P3
    clock = tmp_path / "clock.json"
    speed = 60.0
    clock.write_text(sped_clock_from(now_ms(), speed).to_json())
    gateway.kill("ingest")
    environment = {"HOIQUAN_CLOCK": str(clock)}
    gateway.start_ingest(environment)
    valves, soils, levels = (Node(gateway, id, speed) for id in ("van-1", "dat-1", "kinh-1"))
    start_control(gateway, environment)
    levels.measure(*water())
    soils.measure(*soil(18))
    wait_for(lambda: valves.mask == 1 << PUMP | 1 << VALVE)
    valves.silent = True
    wait_for(lambda: Rule.VALVE_QUARANTINED in rules(gateway))
    assert Rule.NO_ANSWER in rules(gateway)
    wait_for(lambda: valves.mask == 0)
    with ControlReader(gateway.home.control) as reader:
        assert sum(c.state == "unanswered" for c in reader.commands()) >= 2 * 4


def test_control_waters_on_without_the_database_of_web(gateway: GatewayHome) -> None:
    valves, soils, levels = (Node(gateway, id) for id in ("van-1", "dat-1", "kinh-1"))
    gateway.home.village.write_bytes(b"this is no database" * 1000)
    start_control(gateway)
    levels.measure(*water())
    soils.measure(*soil(18))
    wait_for(lambda: valves.mask == 1 << PUMP | 1 << VALVE)
    assert "requests of people cannot be read" in gateway.log("control")


def test_control_without_a_registry_says_one_line(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "gateway", "control", "--home", str(tmp_path)]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "village.toml" in done.stderr
