"""The line between nodes and field: what it answers, and what the witness keeps of it."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import simulators
from gateway.registry import load
from kit.clock import ManualClock, sped_clock_from
from simulators.field.generator import generate
from simulators.field.layout import layout
from simulators.field.weather import local_midnight_ms, write_csv
from simulators.field.world import World
from simulators.field_server import FieldServer, Witness
from tests.support.mp import run_micropython
from wire.fields import FLOW, SOIL_MOISTURE

HERE = Path(simulators.__file__).parent
FIRST = dt.date(2024, 3, 1)
START = local_midnight_ms(FIRST)
MINUTE = 60_000


class Bench:
    """A server on a clock that the test moves."""

    def __init__(self, folder: Path, end_ms: int | None = None) -> None:
        truth = tomllib.loads((HERE / "field.toml").read_text(encoding="utf-8"))
        plan = layout(load(HERE / "village.toml"), truth, 1)
        self.world = World(plan, generate(1, FIRST, 3), 1, START)
        self.clock = ManualClock(START)
        self.folder = folder
        self.witness = Witness(folder)
        self.server = FieldServer(self.world, self.witness, self.clock, end_ms)
        self.line = object()

    def ask(self, line: str) -> str:
        return self.server.request(line, self.line)

    def events(self, kind: str) -> list[dict[str, Any]]:
        lines = (self.folder / "witness.jsonl").read_text(encoding="utf-8").splitlines()
        return [event for event in map(json.loads, lines) if event["kind"] == kind]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, end_ms=START + 60 * MINUTE)
    yield made
    made.witness.close()


def test_the_guard_switches_all_off_in_time_and_tells_it_once(bench: Bench) -> None:  # P3
    bench.ask(f"hello valve-1 {START - 5000}")
    assert bench.ask("arm valve-1 65000") == "ok"
    for output in (0, 1):
        bench.ask(f"set valve-1 {output} 1")
    bench.clock.advance_ms(60_499)
    bench.server.tick()
    assert [bench.world.outputs["valve-1", output] for output in (0, 1)] == [True, True]
    bench.clock.advance_ms(3_000)
    bench.server.tick()
    assert [bench.world.outputs["valve-1", output] for output in (0, 1)] == [False, False]
    assert [(e["output"], e["at_ms"] - START, e["why"]) for e in bench.events("output") if not e["on"]] == [
        (0, 60_500, "guard"), (1, 60_500, "guard"),
    ]  # fmt: skip
    assert bench.ask("arm valve-1 none") == "fired 65500"
    assert bench.ask("arm valve-1 none") == "ok"


def test_a_guard_that_is_armed_anew_or_without_power_does_not_fire(bench: Bench) -> None:
    bench.ask(f"hello valve-1 {START}")
    bench.ask("arm valve-1 1000")
    bench.ask("set valve-1 1 1")
    bench.ask("arm valve-1 90000")
    bench.clock.advance_ms(60_000)
    bench.server.tick()
    assert bench.world.outputs["valve-1", 1]
    bench.server.closed(bench.line)
    bench.ask(f"hello valve-1 {START + 60_000}")
    bench.ask("set valve-1 1 1")
    bench.clock.advance_ms(60_000)
    bench.server.tick()
    assert bench.world.outputs["valve-1", 1], "the guard of the boot before"


def test_a_node_says_hello_before_anything_else(bench: Bench) -> None:
    assert bench.ask(f"read soil-1 {SOIL_MOISTURE} 0") == "err say hello first"
    assert bench.ask(f"hello soil-1 {START - 5000}") == "ok"
    answer = bench.ask(f"read soil-1 {SOIL_MOISTURE} 0").split(" ")
    assert answer[0] == "v" and 1_000_000 < int(answer[1]) < 2_600_000
    assert bench.ask("read soil-1 99 0") == "none"
    assert bench.ask(f"read soil-2 {SOIL_MOISTURE} 0") == "err say hello first"


@pytest.mark.parametrize(
    "line",
    ["", " ", "hello", "hello soil-1", "hello soil-1 soon", "set valve-1 0 2", "set valve-1 7 1", "set valve-1 0",
     "trace valve-1 stored 1 2", "trace valve-1 lease 0 x", "dance valve-1", "read valve-1 a b"],
)  # fmt: skip
def test_a_wrong_request_is_answered_and_changes_nothing(bench: Bench, line: str) -> None:
    bench.ask(f"hello valve-1 {START}")
    assert bench.ask(line).startswith("err ")
    assert not any(bench.world.outputs.values())
    assert len(bench.events("err")) == 1
    assert bench.events("stored") == bench.events("lease") == []


def test_outputs_move_water_and_end_with_the_power(bench: Bench) -> None:
    bench.ask(f"hello valve-1 {START}")
    bench.clock.advance_ms(20 * MINUTE)
    assert [bench.ask(f"set valve-1 {output} 1") for output in (1, 0)] == ["ok", "ok"]
    assert bench.ask(f"read valve-1 {FLOW} 0") == "v 250000"
    bench.clock.advance_ms(10 * MINUTE)
    bench.server.closed(bench.line)
    assert not any(bench.world.outputs.values())
    bench.clock.advance_ms(10 * MINUTE)
    bench.server.finish()
    kept = [(event["at_ms"] - START, event["output"], event["on"], event["why"]) for event in bench.events("output")]
    assert kept == [
        (20 * MINUTE, 1, True, "set"),
        (20 * MINUTE, 0, True, "set"),
        (30 * MINUTE, 0, False, "no power"),
        (30 * MINUTE, 1, False, "no power"),
    ]
    water = {event["zone"]: event["litres"] for event in bench.events("water")}
    assert water == {"vuon-xoai": pytest.approx(2500.0), "liep-rau": 0.0, "vuon-quyt": 0.0}


def test_a_new_line_of_the_same_node_replaces_the_old_one(bench: Bench) -> None:
    bench.ask(f"hello valve-1 {START}")
    bench.ask("set valve-1 1 1")
    newer = object()
    assert bench.server.request(f"hello valve-1 {START}", newer) == "ok"
    assert not any(bench.world.outputs.values())
    assert bench.ask("set valve-1 1 1") == "err say hello first"
    bench.server.request("set valve-1 1 1", newer)
    assert bench.ask("trace valve-1 stored 7 1 2") == "ok"  # said before it hung up, read late: still evidence
    bench.server.closed(bench.line)  # the old one goes at last: nothing happens to the new one
    assert bench.ask("trace valve-1 stored 7 3 4") == "err say hello first"
    assert bench.world.outputs[("valve-1", 1)]
    assert len(bench.events("boot")) == 1


def test_traces_become_evidence(bench: Bench) -> None:
    bench.ask(f"hello valve-1 {START - 1000}")
    for text in ("stored 77 1 20", "lease 1 121000", "heap 43210", "ready 77 50000"):
        assert bench.ask(f"trace valve-1 {text}") == "ok"
    assert [(e["boot"], e["first"], e["last"]) for e in bench.events("stored")] == [(77, 1, 20)]
    assert bench.events("lease")[0]["until_ms"] == START + 120_000
    assert bench.events("heap")[0]["free"] == 43210
    assert bench.events("said")[0]["text"] == "ready 77 50000"


def test_measuring_begins_and_ends_with_the_run(bench: Bench) -> None:
    bench.clock.advance_ms(-MINUTE)
    bench.ask(f"hello soil-1 {START}")
    assert bench.ask("measuring soil-1") == "0"
    bench.clock.advance_ms(MINUTE)
    assert bench.ask("measuring soil-1") == "1"
    bench.clock.advance_ms(60 * MINUTE)
    assert bench.ask("measuring soil-1") == "0"


def test_the_truth_is_noted_at_intervals_also_when_nobody_asks(bench: Bench) -> None:
    bench.clock.advance_ms(35 * MINUTE)
    bench.server.tick()
    lines = [json.loads(line) for line in (bench.folder / "truth.jsonl").read_text().splitlines()]
    assert [(line["at_ms"] - START) // MINUTE for line in lines] == [0, 10, 20, 30]
    assert set(lines[0]["vwc"]) == {"vuon-xoai", "liep-rau", "vuon-quyt"}


def test_the_process_serves_a_real_line_and_ends_with_last_words(tmp_path: Path) -> None:
    write_csv(generate(1, FIRST, 3), tmp_path / "weather.csv")
    (tmp_path / "clock.json").write_text(sped_clock_from(START, 600.0).to_json())
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    argv = [sys.executable, "-m", "simulators.field_server", "--village", str(HERE / "village.toml")]
    argv += ["--truth", str(HERE / "field.toml"), "--weather", str(tmp_path / "weather.csv"), "--port", str(port)]
    argv += ["--witness", str(tmp_path / "witness"), "--start-ms", str(START)]
    process = subprocess.Popen(argv, env={**os.environ, "HOIQUAN_CLOCK": str(tmp_path / "clock.json")}, cwd=HERE.parent)
    try:
        with connect(port) as line, line.makefile("rw", encoding="ascii", newline="\n") as talk:
            answers = []
            for request in (f"hello valve-1 {START}", "set valve-1 1 1", "read valve-1 7 0"):
                talk.write(request + "\n")
                talk.flush()
                answers.append(talk.readline().split(" ")[0].strip())
            assert answers == ["ok", "ok", "v"]
            talk.write("x" * 5000 + "\n")  # longer than any line may be: the server hangs up
            talk.flush()
            assert talk.readline() == ""
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
    events = [json.loads(line) for line in (tmp_path / "witness" / "witness.jsonl").read_text().splitlines()]
    assert [event["on"] for event in events if event["kind"] == "output"] == [True, False]
    assert sum(event["kind"] == "water" for event in events) == 3


def connect(port: int) -> socket.socket:
    deadline = time.monotonic() + 10.0
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5.0)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Moody(socketserver.StreamRequestHandler):
    """Hangs up on the first trace without an answer, and answers everything else."""

    def handle(self) -> None:
        heard: list[str] = self.server.heard  # type: ignore[attr-defined]
        for line in self.rfile:
            heard.append(line.decode().strip())
            if line.startswith(b"trace") and sum(told.startswith("trace") for told in heard) == 1:
                return
            self.wfile.write(b"ok\n")


def test_a_trace_without_an_answer_is_told_again() -> None:
    code = (
        "import time; from field_line import FieldLine; line = FieldLine('127.0.0.1:%d', 'n1', 5, [])\n"
        "line.tell('stored 7 1 2'); line.tell('stored 7 3 4')\n"
        "for _ in range(60):\n    line.retry(); time.sleep_ms(50)\n"
    )
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Moody) as server:
        server.heard = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            run_micropython(code % server.server_address[1], path=(HERE / "node_hal",))
        finally:
            server.shutdown()
            thread.join()
        told = [line for line in server.heard if line.startswith("trace")]  # type: ignore[attr-defined]
    assert told == ["trace n1 stored 7 1 2", "trace n1 stored 7 1 2", "trace n1 stored 7 3 4"]
