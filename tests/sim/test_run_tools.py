"""What a run of the village needs around it: the line that can be cut, the faults' times, memory, the picture."""

from __future__ import annotations

import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.faults import DAY_MS, Fault, Faults, plan
from simulators.link import Link
from simulators.memory import PeakMemory, name_of
from simulators.plot import Panel, Picture, Series, svg
from simulators.watch import Watch
from tests.support.ports import free_port


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(1024):
            self.request.sendall(data)


class EchoServer(socketserver.ThreadingTCPServer):
    daemon_threads = True


@pytest.fixture
def echo_port() -> Iterator[int]:
    with EchoServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def says(line: socket.socket, words: bytes) -> bytes:
    line.settimeout(5.0)
    line.sendall(words)
    return line.recv(100)


def is_dead(line: socket.socket) -> bool:
    try:
        return says(line, b"con do khong?") == b""
    except ConnectionError:
        return True


def test_a_link_passes_on_is_cut_and_mended(echo_port: int) -> None:
    port = free_port()
    with Link(port, echo_port) as link:
        with socket.create_connection(("127.0.0.1", port)) as line:
            assert says(line, b"xin chao") == b"xin chao"
            link.cut()
            assert is_dead(line)
        with socket.create_connection(("127.0.0.1", port)) as line:
            assert is_dead(line)
        link.mend()
        with socket.create_connection(("127.0.0.1", port)) as line:
            assert says(line, b"co lai") == b"co lai"
        assert link.cuts == 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1.0)


def test_a_busy_port_is_an_error(echo_port: int) -> None:
    with pytest.raises(OSError, match="in use"), Link(echo_port, echo_port):
        raise AssertionError


@pytest.mark.parametrize("days", [1, 2, 4, 30])
def test_each_fault_happens_once_at_its_time(days: int) -> None:
    faults = Faults(list(plan(0, days * DAY_MS)))
    seen: list[Fault] = []
    for minute in range(days * 1440):
        seen += faults.due(minute * 60_000, watering=minute > 900)
    assert sorted(seen) == sorted(Fault)
    assert faults.waiting == []
    times = dict(faults.happened)
    assert times[Fault.MEND_CLOUD] - times[Fault.CUT_CLOUD] == (
        DAY_MS if days > 2 else pytest.approx(DAY_MS / 2, rel=0.7)
    )
    assert times[Fault.KILL_GATEWAY] == 901 * 60_000


def test_the_gateway_is_spared_while_no_valve_is_open() -> None:
    faults = Faults(list(plan(0, 4 * DAY_MS)))
    for hour in range(96):
        assert Fault.KILL_GATEWAY not in faults.due(hour * 3_600_000, watering=False)
    assert [due.fault for due in faults.waiting] == [Fault.KILL_GATEWAY]


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["/usr/bin/python", "-m", "gateway", "control", "--home", "/x"], "control"),
        (["/usr/bin/python", "-m", "gateway", "run"], "gateway"),
        (["/usr/bin/python", "-m", "cloud", "serve"], "cloud"),
        (["/lib/ld.so", "--library-path", "/l", "/t/micropython", "-X", "heapsize=112k"], "node"),
        (["/usr/sbin/mosquitto", "-c", "m.conf"], "broker"),
        (["/usr/bin/python", "-m", "pytest"], ""),
        (["sh"], ""),
        ([], ""),
    ],
)
def test_a_process_is_known_by_its_command_line(command: list[str], name: str) -> None:
    assert name_of(command) == name


def test_memory_is_seen_for_descendants_only() -> None:
    code = "import sys; held = bytearray(40_000_000); print('x', flush=True); sys.stdin.read()"
    argv = [sys.executable, "-c", code, "-m", "gateway", "control"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"x\n"
        ours, others = PeakMemory(os.getpid()), PeakMemory(process.pid + 10_000_000)
        ours.look()
        others.look()
    assert ours.peaks_mb()["control"] > 40.0
    assert others.peaks_mb() == {}


def test_the_watch_reads_on_from_where_it_was(tmp_path: Path) -> None:
    witness = tmp_path / "witness.jsonl"
    watch = Watch(witness, tmp_path / "data.db", tmp_path / "cloud.db", "v")
    watch.follow()
    output = {"kind": "output", "node": "valve-1", "output": 1, "on": True}
    stored = {"kind": "stored", "node": "soil-1", "boot": 7, "first": 1, "last": 3}
    witness.write_text(json.dumps(output) + "\n" + json.dumps(stored)[:20], encoding="utf-8")
    watch.follow()
    assert watch.on == {("valve-1", 1)} and watch.measured == set()
    witness.write_text(json.dumps(output) + "\n" + json.dumps(stored) + "\n", encoding="utf-8")
    watch.follow()
    watch.follow()
    assert watch.measured == {("soil-1", 7, seq) for seq in (1, 2, 3)}
    assert not watch.drained()
    assert watch.at_gateway() == watch.at_cloud() == 0


def test_the_picture_is_well_formed_and_names_everything() -> None:
    picture = Picture(
        "Bốn ngày <khô>", 0, 4 * DAY_MS,
        [
            Panel("Độ ẩm đất", "%", [Series("Vườn xoài", [(0, 30.0), (DAY_MS, 29.0)])], [("khô", 28.0)], [(0, 900, 0)]),
            Panel("Mực nước", "mm", [Series("Mương", [])]),
        ],
        [("cắt mạng", DAY_MS)],
    )  # fmt: skip
    text = svg(picture)
    root = ET.fromstring(text)
    words = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Bốn ngày <khô>", "Độ ẩm đất (%)", "━ Vườn xoài", "khô", "cắt mạng", "02/01"} <= words
    assert "nan" not in text
