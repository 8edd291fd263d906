"""``hoiquan bench``: what our guarantees cost on this machine, as ratios of two things measured in the same
run.

Rules of this module:
- Both sides of a ratio take the same readings, made by the simulated field, and take turns; the median of
  ROUNDS counts. Absolute times are shown but mean nothing on another machine.
- Ingest is whole on our side: unseal, decode, validate, calibrate, dedupe, COMMIT with synchronous=FULL. The
  other side is SQLite's own executemany of the rows that came out, into the same table under the same PRAGMAs,
  committed as often.
- The water balance of a season is measured against pyfao56 (see peer and bench_balance), a step of the irrigation
  against its budget (see bench_step).
- Bytes are counted for the same batches of as many rows as the uplink sends at once: ours as it sends them, line
  protocol as InfluxDB takes it, with gzip -6. The goal is held against the same data, that is all columns of a reading;
  the line without a goal gives the other side the rounded value alone, without raw, identity, quality and times.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import random
import sqlite3
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from cli.arguments import Parser, new_file, whole
from gateway.core.boots import Arrival, Boots
from gateway.core.ingest import Judge, learn
from gateway.core.rows import Reading
from gateway.core.sync import MAX_ROWS
from gateway.core.village import Node, Sensor, Village
from gateway.core.watch import Watch
from gateway.registry import load
from gateway.store.data import SCHEMA, Batch, DataWriter
from gateway.uplink.batch import pack
from kit.clock import real_mono_s
from kit.files import write_atomic
from simulators import bench_step, peer
from simulators.field.generator import generate
from simulators.field.layout import layout
from simulators.field.weather import DAY_MS, local_date, local_midnight_ms
from simulators.field.world import World
from simulators.ratio import Ratio, all_met, table
from simulators.stage import HERE
from wire import fields, frames, topics
from wire.seal import KEY_BYTES, seal

ROUNDS = 5
LATE_MS = 25  # a node reads up to so long after the point of its grid
GROUP = 100  # readings a commit, as ingest does under load
START_MS = local_midnight_ms(local_date(1_709_251_200_000))  # 2024-03-01, in the dry season
GOALS = {"ingest": 0.35, "bytes": 0.5}


@dataclass(frozen=True)
class Message:
    topic: str
    payload: bytes
    arrival: Arrival


def main(argv: list[str]) -> int:
    parser = Parser(prog="hoiquan bench", description="Measure ratios on this machine, in one run.")
    parser.add_argument("--days", type=whole(1, 30), default=4, help="village days of readings, 1 to 30 (default: 4)")
    parser.add_argument("--seed", type=whole(0, 2**32 - 1), default=1, help="seed of the readings (default: 1)")
    parser.add_argument("--json", type=new_file, metavar="FILE", help="write the figures to this JSON file")
    parser.add_argument("--offline", action="store_true", help="leave out what would first have to be installed by pip")
    args = parser.parse_args(argv)
    village = load(HERE / "village.toml")
    keys = {node: random.Random(f"{args.seed}/{node}").randbytes(KEY_BYTES) for node in village.nodes}
    messages = list(simulate(village, keys, args.days, args.seed))
    readings = judged(village, keys, messages)
    print(f"machine  {machine()}")
    nodes = len(village.nodes)
    print(f"data     {len(readings):,} readings of {nodes} nodes in {args.days} simulated days, seed {args.seed}")
    ratios = [
        ingest(village, keys, messages, readings),
        *size(readings),
        *bench_step.measure(),
        *balance(offline=args.offline),
    ]
    for line in table(ratios):
        print(line)
    if args.json is not None:
        write_atomic(args.json, json.dumps(figures(ratios, len(readings), args), indent=2) + "\n")
    return 0 if all_met(ratios) else 1


def balance(*, offline: bool) -> Iterator[Ratio]:
    """A season of many gardens, in a process of its own: pyfao56 brings packages that are none of ours."""
    try:
        environment = {**os.environ, "PYTHONPATH": peer.search_path(offline=offline)}
        order = [sys.executable, "-m", "simulators.bench_balance"]
        done = subprocess.run(order, cwd=peer.ROOT, env=environment, check=True, capture_output=True, text=True)
    except peer.NoPeerError as error:
        print(f"peer     not measured: {error}")
        return
    found = json.loads(done.stdout)
    rate = found["zones"] * found["days"]
    yield Ratio(
        f"season of {found['zones']:,} gardens against pyfao56", rate / found["together_s"], rate / found["pyfao56_s"],
        "zone-days/s", found["ratio"], found["goal"],
    )  # fmt: skip


def machine() -> str:
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"{os.cpu_count()} cores, {platform.machine()}, {versions}"


def simulate(village: Village, keys: dict[str, bytes], days: int, seed: int) -> Iterator[Message]:
    """The messages that the village's nodes would send, sealed, in the order in which they arrive."""
    truth = tomllib.loads((HERE / "field.toml").read_text(encoding="utf-8"))
    world = World(layout(village, truth, seed), generate(seed, local_date(START_MS), days + 1), seed, START_MS)
    delay = random.Random(f"delay/{seed}")
    senders = {node.id: _Sender(village, node, keys[node.id]) for node in village.nodes.values()}
    tick_ms = 60_000
    for at_ms in range(START_MS, START_MS + days * DAY_MS, tick_ms):
        world.advance(at_ms)
        for node in village.nodes.values():
            if due := [s for s in node.sensors if (at_ms - START_MS) % (node.every_s(s.field, s.channel) * 1000) == 0]:
                measured_ms = at_ms + delay.randrange(LATE_MS)
                yield senders[node.id].message(world, due, measured_ms, measured_ms + delay.randrange(40, 400))


class _Sender:
    """A node reduced to what it sends."""

    def __init__(self, village: Village, node: Node, key: bytes) -> None:
        self._node = node
        self._key = key
        self._topic = topics.topic(village.id, node.id, topics.UP, topics.READINGS)
        self._boot = (1 << 16) | (sum(node.id.encode()) & 0xFFFF)
        self._seq = 0

    def message(self, world: World, due: Iterable[Sensor], at_ms: int, received_ms: int) -> Message:
        uptime_ms = at_ms - START_MS + 5_000
        packed = b""
        for sensor in due:
            raw = world.read(self._node.id, sensor.field, sensor.channel)
            quality = fields.GOOD if raw is not None else fields.MISSING
            fault = fields.FAULT_NONE if raw is not None else fields.FAULT_NO_ANSWER
            self._seq += 1
            packed += frames.pack_record((self._seq, uptime_ms, sensor.field, sensor.channel, quality, fault, raw or 0))
        frame = frames.encode_readings(self._boot, uptime_ms + 20, at_ms - uptime_ms, fields.CLOCK_GATEWAY, packed)
        return Message(self._topic, seal(self._key, self._topic, frame), Arrival(received_ms, received_ms, 1, True))


def judged(village: Village, keys: dict[str, bytes], messages: Iterable[Message]) -> list[Reading]:
    """The rows that ingest makes of the messages; every one of them must be good."""
    judge, known = Judge(village, keys), Boots()
    rows: list[Reading] = []
    for message in messages:
        verdict = judge.judge(message.topic, message.payload, message.arrival, known)
        assert not verdict.quarantine, verdict.quarantine
        learn(known, verdict)
        rows += verdict.readings
    return rows


def ingest(village: Village, keys: dict[str, bytes], messages: Sequence[Message], readings: Sequence[Reading]) -> Ratio:
    """Readings a second, ours against raw SQLite."""
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory(prefix="hoiquan-bench-") as folder:
        for turn in range(ROUNDS):
            raw, own = Path(folder, f"raw-{turn}.db"), Path(folder, f"ours-{turn}.db")
            theirs.append(_timed(partial(_raw, raw, readings)))
            ours.append(_timed(partial(_ingest, own, village, keys, messages)))
    count = len(readings)
    return Ratio(
        "durable ingest against raw SQLite", count / median(ours), count / median(theirs), "readings/s",
        median(raw / own for raw, own in zip(theirs, ours, strict=True)), GOALS["ingest"],
    )  # fmt: skip


def _timed(work: Callable[[], None]) -> float:
    began_s = real_mono_s()
    work()
    return real_mono_s() - began_s


def _ingest(path: Path, village: Village, keys: dict[str, bytes], messages: Iterable[Message]) -> None:
    judge, watch, known, batch = Judge(village, keys), Watch(village), Boots(), Batch()
    with closing(DataWriter(path)) as writer:
        for message in messages:
            verdict = judge.judge(message.topic, message.payload, message.arrival, known)
            learn(known, verdict)
            readings, failed = watch.look(verdict.readings)
            batch.readings += readings
            batch.failed += failed
            batch.counts[verdict.count] += 1
            if verdict.boot is not None:
                batch.boots[(verdict.boot.node, verdict.boot.boot)] = verdict.boot
            if len(batch.readings) >= GROUP:
                writer.commit(batch)
                batch = Batch()
        writer.commit(batch)


def _raw(path: Path, readings: Sequence[Reading]) -> None:
    insert = f"INSERT INTO readings({', '.join(Reading._fields)}) VALUES({', '.join('?' * len(Reading._fields))})"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        for script in SCHEMA.migrations:
            db.executescript(script)
        for first in range(0, len(readings), GROUP):
            db.execute("BEGIN IMMEDIATE")
            db.executemany(insert, readings[first : first + GROUP])
            db.execute("COMMIT")


def size(readings: Sequence[Reading]) -> Iterator[Ratio]:
    """Bytes a value on the way to the cloud."""
    batches = [readings[first : first + MAX_ROWS] for first in range(0, len(readings), MAX_ROWS)]
    ours = sum(len(pack(batch)) for batch in batches) / len(readings)
    for name, line_of, goal in (
        ("bytes against gzip line protocol, same data", _whole_line, GOALS["bytes"]),
        ("bytes against gzip line protocol, value alone", _value_line, None),
    ):
        theirs = sum(len(gzip.compress("\n".join(map(line_of, batch)).encode(), 6)) for batch in batches)
        yield Ratio(
            name, ours, theirs / len(readings), "B/value", ours / (theirs / len(readings)), goal, at_least=False
        )


def _value_line(row: Reading) -> str:
    field = fields.field(row.field)
    value = 0 if row.value is None else row.value / 10**field.decimals
    return f"{field.name},node={row.node},channel={row.channel} value={value:g} {row.measured_ms}"


def _whole_line(row: Reading) -> str:
    more = f"raw={row.raw}i,flag={row.flag}i,calibration={row.calibration}i,boot={row.boot}i,seq={row.seq}i"
    times = f"uptime_ms={row.uptime_ms}i,time_q={row.time_q}i,received_ms={row.received_ms}i"
    head, stamp = _value_line(row).rsplit(" ", 1)
    return f"{head},{more},{times} {stamp}"


def figures(ratios: Iterable[Ratio], count: int, args: argparse.Namespace) -> dict[str, object]:
    return {
        "machine": machine(),
        "readings": count,
        "days": args.days,
        "seed": args.seed,
        "rounds": ROUNDS,
        "ratios": [ratio.plain() for ratio in ratios],
    }
