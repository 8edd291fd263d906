"""``gateway status`` on real databases: what is wrong is named first, and the exit code says so."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway import status as module
from gateway import status_report
from gateway.__main__ import PROCESSES
from gateway.core.rows import Boot, Failed, Quarantined, Reading
from gateway.core.state import State
from gateway.home import Home
from gateway.process import alone
from gateway.provision import provision
from gateway.status import status
from gateway.status_report import Report
from gateway.store.control import ControlWriter
from gateway.store.control import State as StateRow
from gateway.store.data import Batch, DataWriter
from gateway.store.uplink import UplinkWriter
from kit.clock import ManualClock
from kit.locks import owner_of
from tests.support import village
from wire import fields

NOW_MS = 1_709_259_000_000
NODES = list(village.village().nodes)


def test_a_sensor_whose_readings_fail_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = Batch()
    for seq, flag in ((6, fields.SUSPECT), (7, fields.GOOD)):
        batch.readings.append(battery("dat-1", seq)._replace(flag=flag, measured_ms=NOW_MS + seq))
    batch.failed.append(Failed("dat-1", 1, 6, fields.BATTERY, 0, NOW_MS - 5, fields.SUSPECT, 16))
    commit(home, batch)
    found = report(home, monkeypatch)
    assert not found.problems and "quality: dat-1 battery/0 1" in found.text
    commit(home, Batch(readings=[battery("dat-1", 8)._replace(flag=fields.FAIL, measured_ms=NOW_MS + 8)]))
    assert report(home, monkeypatch).problems == [
        "máy đo dat-1 battery/0: số đo đứng yên\n      sensor dat-1 battery/0: its readings failed stuck"
    ]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A village in which all is well, but that its processes are not started."""
    home = Home(tmp_path)
    home.registry.write_text(village.TEXT, encoding="utf-8")
    provision(home)
    batch = Batch()
    for node in NODES:
        batch.boots[node, 1] = Boot(node, 1, b"12345678", 0, 0, NOW_MS - 90_000, 9, "1", "soil", 1, 0)
        batch.readings += [battery(node, seq) for seq in range(1, 6)]
    commit(home, batch)
    with ControlWriter(home.control) as writer, writer.transaction():
        writer.set_state(StateRow(1, NOW_MS - 20_000, State().to_json()))
    return home


def battery(node: str, seq: int) -> Reading:
    return Reading(node, 1, seq, fields.BATTERY, 0, 0, NOW_MS, 2, NOW_MS, 3_910, 3_910, 1, 0)


def commit(home: Home, batch: Batch) -> None:
    with DataWriter(home.data) as writer:
        writer.commit(batch)


def report(home: Home, monkeypatch: pytest.MonkeyPatch) -> Report:
    """With its processes running."""
    monkeypatch.setattr(module, "owner_of", lambda _: 1)
    return status(home, ManualClock(NOW_MS))


def test_a_village_in_which_all_is_well(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    found = report(home, monkeypatch)
    assert found.problems == [] and found.text.startswith("ỔN / HEALTHY\n")
    assert "hộp: 4 trên 4 còn nghe, pin yếu nhất 3,91 V, ít nhất 100,00 % số đo tới nơi" in found.text
    assert "tưới: quyết định gần nhất 20 giây trước / irrigation: decided 20 s ago" in found.text
    assert "processes: ingest 1 · control 1 · web 1 · uplink 1 · enrol 1 · reports 1 · update 1" in found.text
    assert "quarantine: empty" in found.text and len(found.text.splitlines()) < 12
    for line in found.text.splitlines()[1:]:
        vi, _, en = line.partition(" / ")
        assert vi and en, line
    whole = status(home, ManualClock(NOW_MS), every=True)
    assert all(any(line.startswith(f"  {node} ") for line in whole.lines) for node in NODES)


def test_everything_that_is_wrong_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = Boot(NODES[0], 1, b"12345678", 0, 0, NOW_MS - 3_700_000, 9, "1", "soil", 1, 0)
    bad = Quarantined(NOW_MS - 1000, "t", "bad_seal", "", b"")
    commit(home, Batch(boots={(NODES[0], 1): silent}, readings=[battery(NODES[1], 10)], quarantine=[bad]))
    with ControlWriter(home.control) as writer, writer.transaction():
        writer.set_state(StateRow(1, NOW_MS - 300_000, State().to_json()))
        writer.raise_alarm(NOW_MS - 61_000, "output_strange", NODES[2], 1)
    with UplinkWriter(home.uplink) as uplink, uplink.transaction():
        uplink.set_aside(3, NOW_MS, "bad columns")
    problems = "\n".join(report(home, monkeypatch).problems)
    for what in (
        f"hộp {NODES[0]} (", "im tiếng, nghe lần cuối 61 phút trước", "is silent, last heard 61 min ago",
        f"node {NODES[1]}: 4 readings are missing in 1 gaps", "thiếu 4 số đo, hở 1 chỗ",
        "in the last 24 h: bad_seal", "decided nothing for 5 min", "alarm output_strange", "row 3: bad columns",
        "tưới: 5 phút rồi chưa quyết định gì", "ngõ 1: Có van mở mà không ai bấm. Đã gửi lệnh tắt. Đã 61 giây.",
    ):  # fmt: skip
        assert what in problems


def test_of_many_only_the_worst_are_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = {(node, 1): Boot(node, 1, b"12345678", 0, 0, 0, 9, "1", "soil", 1, 0) for node in NODES}
    commit(home, Batch(boots=silent))
    monkeypatch.setattr(status_report, "MAX_LINES", 2)
    found = report(home, monkeypatch)
    assert sum("is silent" in problem for problem in found.problems) == 2
    assert any("and 2 more of this kind" in problem for problem in found.problems)
    assert any("and 2 more, see --all" in line for line in found.lines)


def test_every_process_can_be_seen_to_run(home: Home) -> None:
    """Also those that write no database: they hold a lock of their own, and there is no second one of them."""
    assert set(home.held) == set(PROCESSES)
    with alone(home.held["reports"]):
        found = status(home, ManualClock(NOW_MS))
        assert "tiến trình đang chạy: 1 trên 7 / processes: reports" in found.text
        assert "ingest, control, web, enrol, update: not running" in "\n".join(found.problems)
        code = (
            "import sys; from pathlib import Path; from gateway.__main__ import main; "
            f"sys.exit(main(['reports', '--home', {str(home.root)!r}]))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 1 and "reports: tiến trình" in done.stderr


def test_old_quarantine_is_shown_and_is_no_problem(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(home, Batch(quarantine=[Quarantined(NOW_MS - 86_400_001, "t", "bad_seal", "", b"")]))
    found = report(home, monkeypatch)
    assert found.problems == [] and "quarantine: bad_seal 1" in found.text


def test_the_command_says_what_does_not_run_and_ends_with_1(home: Home) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "status", "--home", str(home.root)],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and done.stderr == ""
    assert done.stdout.startswith("CHƯA ỔN / NOT HEALTHY\n  ! không chạy: ingest, control, web, enrol, reports, update")
    home.control.unlink()
    assert any("control.db: chưa có" in line for line in status(home, ManualClock(NOW_MS)).problems)


def test_the_owner_of_a_database_is_known_without_taking_its_lock(home: Home) -> None:
    code = (
        "import sys; from pathlib import Path; from gateway.store.data import DataWriter; "
        f"w = DataWriter(Path({str(home.data)!r})); print('ready', flush=True); sys.stdin.read()"
    )
    assert owner_of(home.data) is None
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        )
        stack.callback(process.kill)
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        assert owner_of(home.data) == process.pid
