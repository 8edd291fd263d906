"""A gateway's home that looks as if its village had run for three days, and the real web process on it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from gateway import registry
from gateway.core.rows import Boot, Reading
from gateway.core.rules import Rule, Verdict
from gateway.core.state import Run as ZoneRun
from gateway.core.state import State, ZoneState
from gateway.core.types import OutputRef
from gateway.home import Home
from gateway.store.control import ControlWriter, Decision, Run
from gateway.store.control import State as StateRow
from gateway.store.data import Batch, DataWriter
from gateway.store.village import VillageReader, VillageWriter
from gateway.web.users import add_user
from kit.clock import CLOCK_ENV
from tests.support.ports import free_port
from wire import fields

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
STEP_MS = 15 * MINUTE_MS
STEPS = 3 * 24 * 4
NAME, PASSWORD = "Bà Tư", "xoài chín cây"
GARDENS: Mapping[str, str] = {"xoai": "Vườn xoài Cát Chu", "rau": "Vườn rau", "cam": "Vườn cam"}
# what each garden's probe shows last, in ten-thousandths
LAST_E4: Mapping[str, int] = {"xoai": 1990, "rau": 2650, "cam": 2810}

_HEAD = """
[village]
id = "tan-thuan"
name = {name}
latitude = 10.45
longitude = 105.63
elevation_m = 1.5
[broker]
host = "127.0.0.1"
port = 18883
[web]
host = "127.0.0.1"
port = {port}

[[node]]
id = "kinh-1"
model = "level"
name = "Máy đo kinh"
sample_s = 60
[[node.sensor]]
field = "water_level"
channel = 0
[[node.sensor]]
field = "conductivity_25"
channel = 0

[[node]]
id = "van-1"
model = "valve"
name = "Trạm bơm"
sample_s = 900
[[node.output]]
index = 0
kind = "pump"
hard_max_s = 3600
min_rest_s = 60
"""

_SOURCE = """
[[source]]
id = "kinh"
name = "Kinh Ông Kho"
level = { node = "kinh-1", channel = 0 }
min_level_mm = 300
reopen_level_mm = 350
conductivity = [{ node = "kinh-1", channel = 0 }]
limit_us_cm = 2000
reopen_us_cm = 1600
max_age_s = 180
"""

_OUTPUT = """
[[node.output]]
index = {index}
kind = "valve"
hard_max_s = 3600
min_rest_s = 60
"""

_NODE = """
[[node]]
id = "dat-{zone}"
model = "soil"
name = "Máy đo đất {zone}"
sample_s = 900
[[node.sensor]]
field = "soil_moisture"
channel = 0
[[node.sensor.calibration]]
id = 1
raw = [2800000, 1200000]
value = [0.05, 0.45]
"""

_ZONE = """
[[zone]]
id = "{zone}"
name = {name}
crop = "mango"
area_m2 = 1000
probes = [{{ node = "dat-{zone}", channel = 0 }}]
valve = {{ node = "van-1", output = {index} }}
pump = {{ node = "van-1", output = 0 }}
source = "kinh"
dry_vwc = 0.22
target_vwc = 0.30
max_run_s = 1800
min_rest_s = 3600
flow_lpm = 30
"""


def village_toml(*, port: int = 18080, name: str = "Hội quán Tân Thuận", gardens: Mapping[str, str] = GARDENS) -> str:
    """A registry of one canal, one pump, and a soil node and a valve for each garden."""
    quoted = {zone: json.dumps(title, ensure_ascii=False) for zone, title in gardens.items()}
    parts = [_HEAD.format(name=json.dumps(name, ensure_ascii=False), port=port)]
    parts += [_OUTPUT.format(index=n) for n in range(1, len(gardens) + 1)]
    parts += [_NODE.format(zone=zone) for zone in gardens]
    parts.append(_SOURCE)
    parts += [_ZONE.format(zone=zone, name=quoted[zone], index=n) for n, zone in enumerate(gardens, 1)]
    return "".join(parts)


def seed(
    root: Path,
    now_ms: int,
    *,
    port: int = 18080,
    name: str = "Hội quán Tân Thuận",
    gardens: Mapping[str, str] = GARDENS,
    silent: tuple[str, ...] = ("cam",),
    running: str | None = "rau",
    salt_us_cm: int = 620,
) -> Home:
    """Fill a home: ``silent`` gardens were last heard two hours ago, ``running`` is being watered."""
    home = Home(root)
    home.registry.write_text(village_toml(port=port, name=name, gardens=gardens), encoding="utf-8")
    village = registry.load(home.registry)
    with DataWriter(home.data) as data:
        for node in village.nodes:
            zone = node.removeprefix("dat-")
            last_ms = now_ms - (2 * HOUR_MS if zone in silent else 4 * MINUTE_MS)
            data.commit(Batch(readings=_readings(node, zone, last_ms, salt_us_cm), boots=_boots(node, last_ms)))
    with ControlWriter(home.control) as control, control.transaction():
        for zone, title in gardens.items():
            _decide(control, zone, title, now_ms, running)
        control.set_state(StateRow(1, now_ms, _state(running, now_ms).to_json()))
    VillageWriter(home.village).close()
    return home


def _readings(node: str, zone: str, last_ms: int, salt_us_cm: int) -> list[Reading]:
    """Three days, the last at ``last_ms``."""
    made: list[Reading] = []

    def add(at_ms: int, field: int, value: int) -> None:
        seq = len(made) + 1
        made.append(Reading(node, 1, seq, field, 0, seq * 1000, at_ms, 2, at_ms + 900, value, value, fields.GOOD, 0))

    for n in range(STEPS):
        at_ms = last_ms - (STEPS - 1 - n) * STEP_MS
        if node.startswith("dat-"):
            last_e4 = LAST_E4.get(zone, 2500)
            # drying for a day, then watered: a saw that ends at the garden's last value
            add(at_ms, fields.SOIL_MOISTURE, last_e4 + 9 * ((STEPS - 1 - n + len(zone) * 9) % 96) - len(zone) * 81)
        elif node == "kinh-1":
            add(at_ms, fields.WATER_LEVEL, 850 + round(300 * math.sin((STEPS - 1 - n) / 8)))
            add(at_ms, fields.CONDUCTIVITY_25, salt_us_cm)
    return made


def _boots(node: str, last_ms: int) -> dict[tuple[str, int], Boot]:
    return {(node, 1): Boot(node, 1, b"12345678", 0, last_ms - 72 * HOUR_MS, last_ms, 9, "1.0", "soil", 1, 0)}


def _decide(control: ControlWriter, zone: str, title: str, now_ms: int, running: str | None) -> None:
    soil_e4 = LAST_E4.get(zone, 2500)
    inputs = json.dumps({"garden": title, "soil_e4": soil_e4, "other_garden": "Vườn rau", "ends_at_ms": now_ms})
    limits = json.dumps({"dry_e4": 2200, "target_e4": 3000})
    for days in (2, 1):
        start_ms = now_ms - days * 24 * HOUR_MS - 3 * HOUR_MS
        end_ms = start_ms + 30 * MINUTE_MS
        why = f"Tưới {title[:1].lower()}{title[1:]}: đất khô (21,8 %, ngưỡng 22 %)."
        stop = "Ngưng tưới: đất đủ ẩm (30 %, cần 30 %)."
        for at_ms, verdict, rule, text in (
            (start_ms, Verdict.START, Rule.SOIL_DRY, why),
            (end_ms, Verdict.STOP, Rule.TARGET_REACHED, stop),
        ):
            control.add_decision(Decision(0, at_ms, zone, verdict, rule, inputs, limits, at_ms + HOUR_MS, text))
        control.add_run(Run(0, zone, start_ms, end_ms, 900.0, "soil_dry", "target_reached"))
    told = [(Verdict.NO, Rule.SOIL_OK, "Không tưới: đất còn ẩm (26,5 %, dưới 22 % mới tưới).")] * 3
    if zone == "xoai":
        told.append((Verdict.WAIT, Rule.PUMP_BUSY, "Chưa tưới: máy bơm đang tưới vườn rau."))
    elif zone == running:
        told.append((Verdict.WATERING, Rule.WATER_ON, "Nước đang chảy, trễ nhất 9:20 tự tắt."))
    else:
        told.append((Verdict.NO, Rule.PROBES_BLIND, "Không tưới: máy đo đất im tiếng hoặc bị hư."))
    if zone == running:
        text = f"bà tư bấm tưới {title[:1].lower()}{title[1:]} trong 10 phút."
        at_ms = now_ms - 2 * MINUTE_MS
        control.add_decision(
            Decision(0, at_ms, zone, Verdict.START, Rule.MANUAL_WATER, inputs, limits, at_ms + HOUR_MS, text)
        )
    for hours, (verdict, rule, text) in zip(range(len(told) - 1, -1, -1), told, strict=True):
        at_ms = now_ms - hours * HOUR_MS
        control.add_decision(Decision(0, at_ms, zone, verdict, rule, inputs, limits, at_ms + HOUR_MS, text))
    if zone == running:
        control.add_run(Run(0, zone, now_ms - 2 * MINUTE_MS, None, 60.0, "manual_water", None))


def _state(running: str | None, now_ms: int) -> State:
    if running is None:
        return State(at_ms=now_ms)
    run = ZoneRun(
        number=1,
        why=Rule.MANUAL_WATER,
        user="bà tư",
        valve=OutputRef("van-1", 2),
        pump=OutputRef("van-1", 0),
        asked_at_ms=now_ms - 2 * MINUTE_MS,
        ends_at_ms=now_ms + 8 * MINUTE_MS,
        flow_ml_min=30_000,
        started_at_ms=now_ms - 2 * MINUTE_MS,
    )
    return State(at_ms=now_ms, zones={running: ZoneState(run=run)})


@dataclass(frozen=True)
class Web:
    """A running web process."""

    home: Home
    url: str
    pid: int

    def orders(self) -> list[tuple[str, str, int, str]]:
        """What people have asked for so far: kind, zone, minutes, user."""
        with VillageReader(self.home.village) as reader:
            return [(intent.kind, intent.zone, intent.minutes, intent.user) for intent in reader.intents_after(0)]


@contextmanager
def serving(home: Home, *, clock_file: Path | None = None, wait_s: float = 20.0) -> Iterator[Web]:
    """The real web process on a seeded home; it is ended at the end, and must end by itself within seconds."""
    port = free_port()
    text = home.registry.read_text(encoding="utf-8")
    home.registry.write_text(text.replace("port = 18080", f"port = {port}"), encoding="utf-8")
    add_user(home, NAME, PASSWORD)
    environment = {key: value for key, value in os.environ.items() if key != CLOCK_ENV}
    if clock_file is not None:
        environment[CLOCK_ENV] = str(clock_file)
    log = home.root / "web.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "web", "--home", str(home.root)],
            stdout=output,
            stderr=output,
            env=environment,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_healthy(url, process, log, wait_s)
        yield Web(home, url, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
            raise
    assert process.returncode == 0, log.read_text(encoding="utf-8")
    assert "Traceback" not in log.read_text(encoding="utf-8")


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            if httpx.get(f"{url}/health", timeout=1).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"web was not there within {wait_s:g} s: {log.read_text(encoding='utf-8')}")
