"""The demonstration itself: real processes, all its faults in a few village hours, and nothing left behind.

The run is the one that `hoiquan demo --days N` makes, only shorter. In it a watering is refused because the ditch is
low, the gateway is killed while water flows, the garden is watered from dry to target after that, the cloud's line is
cut and mended, the broker is killed, and the audit at the end must pass.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from simulators import demo
from simulators.field.generator import generate
from simulators.field.weather import write_csv
from tests.support.ports import free_port
from tests.support.waiting import eventually

REPOSITORY = Path(__file__).parents[2]
FIRST = dt.date(2024, 3, 1)
HOURS = 6
SPEED = 600.0


def processes(word: str) -> list[str]:
    """The command lines of all processes that name this word."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_text(errors="replace").replace("\0", " ")
            except OSError:
                continue
            if word in command:
                found.append(command)
    return found


@pytest.fixture
def signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals")
def test_a_short_run_with_all_its_faults_passes_its_own_audit(tmp_path: Path) -> None:
    weather, home, summary = tmp_path / "weather.csv", tmp_path / "home", tmp_path / "out.json"
    write_csv(generate(1, FIRST, 2), weather)
    asked = argparse.Namespace(
        days=HOURS / 24, start=FIRST, weather=weather, summary=summary, speed=SPEED, port=free_port(), home=home, seed=1
    )
    code = demo.main(asked)
    found = json.loads(summary.read_text(encoding="utf-8"))
    assert found["failures"] == []
    assert code == 0
    assert processes(str(home)) == []

    readings = found["readings"]
    assert readings["measured"] == readings["gateway"] == readings["cloud"] > 1000
    assert readings["lost"] == readings["duplicated"] == 0
    assert found["outputs"]["beyond_lease"] == 0
    assert found["irrigation"]["dry_to_target"] >= 1
    assert found["irrigation"]["refused_low"] >= 1
    assert len(found["faults"]) == 4
    assert found["restarts"] == {"gateway": 1, "broker": 1}
    assert found["water_by_zone"]["liep-rau"]["litres"] > 1000
    assert found["lowest_free_heap_bytes"] > 4096
    ET.parse(summary.with_suffix(".svg"))
    assert secrets_in_logs(home) == []


def secrets_in_logs(home: Path) -> list[str]:
    """Which secrets of the run stand in a log of any process.  # P14"""
    kept = json.loads((home / "gateway" / "secrets.json").read_text(encoding="utf-8"))
    secrets = {*kept["mqtt"].values(), kept["cloud_token"]}
    secrets |= {node[name] for node in kept["nodes"].values() for name in ("key", "password")}
    logs = "\n".join(path.read_text(errors="replace") for path in (home / "logs").iterdir())
    assert len(logs) > 1000
    return [secret for secret in secrets if secret in logs]


def test_the_village_shows_its_page_and_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    port = free_port()
    argv = [
        sys.executable,
        "-m",
        "cli",
        "demo",
        "--port",
        str(port),
        "--weather",
        str(tmp_path / "w.csv"),
        "--speed",
        "120",
    ]
    write_csv(generate(1, FIRST, 3), tmp_path / "w.csv")
    environment = {**os.environ, "TMPDIR": str(tmp_path)}  # its folder is made here, where nobody else looks
    with subprocess.Popen(argv, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            said = re.fullmatch(r"page +(http://\S+) +name (.+?) +password (.+)\n", line)
            assert said is not None, line
            address, name, password = said.groups()
            with httpx.Client(base_url=address, headers={"origin": address}, follow_redirects=True) as phone:
                phone.post("/login", data={"name": name, "password": password})
                eventually(lambda: shows_live_gardens(phone.get("/").text), within_s=60.0)
            assert len(processes("hoiquan-demo-")) > 5
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()
    assert [command for command in processes(str(tmp_path)) if "pytest" not in command] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.csv"]


def shows_live_gardens(html: str) -> bool:
    gardens = ("Vườn xoài chú Sáu", "Liếp rau cô Ba", "Vườn quýt anh Tư")
    return all(garden in html for garden in gardens) and "%" in html
