"""Children: started again with growing pauses, stopped in order, and none outlives its parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.supervisor import Program, Restart, Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""
QUICK = Restart(first_s=0.05, longest_s=0.2, healthy_s=60, limit=None)


def eventually(condition: Callable[[], bool], supervisor: Supervisor | None = None, within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        if supervisor is not None:
            supervisor.poll()
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_pauses_double_up_to_the_longest() -> None:
    rule = Restart(first_s=0.5, longest_s=30)
    assert [rule.pause_s(n) for n in (1, 2, 3, 7, 8, 10_000)] == [0.5, 1.0, 2.0, 30.0, 30.0, 30.0]


def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    events: list[tuple[str, str]] = []
    with Supervisor(report=lambda event, name, _facts: events.append((event, name))) as supervisor:
        first = supervisor.start(Program(name="control", argv=SLEEP, restart=QUICK, log=tmp_path / "control.log"))
        supervisor.kill("control")
        eventually(lambda: supervisor.pid("control") not in (None, first), supervisor)
        assert supervisor.starts("control") == 2
        assert supervisor.exit_code("control") == -signal.SIGKILL
        second = supervisor.pid("control")
    assert second is not None
    assert not is_alive(first)
    assert not is_alive(second)
    assert [event for event, _ in events] == ["started", "ended", "started", "stopped"]


def test_a_child_that_never_lasts_is_given_up() -> None:
    rule = Restart(first_s=0.01, longest_s=0.02, healthy_s=60, limit=3)
    with Supervisor() as supervisor:
        supervisor.start(Program(name="web", argv=[sys.executable, "-c", "raise SystemExit(3)"], restart=rule))
        supervisor.start(Program(name="control", argv=SLEEP))
        control = supervisor.pid("control")
        assert supervisor.run() == 1
        assert supervisor.gave_up() == ("web",)
        assert supervisor.starts("web") == 4
        assert supervisor.exit_code("web") == 3
        assert control is not None
        assert not is_alive(control)


def test_a_child_that_lasted_starts_from_the_first_pause() -> None:
    rule = Restart(first_s=0.02, longest_s=60, healthy_s=0.0, limit=1)  # every run counts as healthy
    with Supervisor() as supervisor:
        supervisor.start(Program(name="web", argv=[sys.executable, "-c", ""], restart=rule))
        eventually(lambda: supervisor.starts("web") >= 4, supervisor)
        assert supervisor.gave_up() == ()


def test_a_program_that_runs_once_is_not_started_again() -> None:
    with Supervisor() as supervisor:
        supervisor.start(Program(name="provision", argv=[sys.executable, "-c", ""], restart=None))
        eventually(lambda: supervisor.exit_code("provision") == 0, supervisor)
        supervisor.poll()
        assert supervisor.starts("provision") == 1


def test_a_stubborn_child_is_killed_at_the_deadline(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Supervisor(deadline_s=0.3) as supervisor:
        pid = supervisor.start(Program(name="stubborn", argv=[sys.executable, "-c", STUBBORN], log=log))
        eventually(lambda: "ready" in log.read_text())
        began = time.monotonic()
        supervisor.stop()
        assert 0.2 < time.monotonic() - began < 3
    assert not is_alive(pid)
    assert supervisor.exit_code("stubborn") == -signal.SIGKILL


def test_grandchildren_go_with_the_child(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"
    with Supervisor() as supervisor:
        supervisor.start(Program(name="node", argv=[sys.executable, "-c", code], log=log))
        eventually(lambda: log.read_text().endswith("\n"))
        grandchild = int(log.read_text())
        supervisor.end("node")
    eventually(lambda: not is_alive(grandchild))


def test_the_same_name_cannot_run_twice() -> None:
    with Supervisor() as supervisor:
        supervisor.start(Program(name="web", argv=SLEEP))
        with pytest.raises(ValueError, match="running already"):
            supervisor.start(Program(name="web", argv=SLEEP))


def test_a_missing_program_is_an_error_and_leaves_the_others_stopped() -> None:
    with Supervisor() as supervisor:
        other = supervisor.start(Program(name="web", argv=SLEEP))
        with pytest.raises(FileNotFoundError):
            supervisor.start(Program(name="x", argv=["/nonexistent/program"]))
    assert not is_alive(other)


PARENT = """
import sys
from kit.supervisor import Program, Supervisor
sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
def report(event, name, facts):
    if event == "started":
        print(facts["pid"], flush=True)
with Supervisor(deadline_s=5, report=report) as supervisor:
    sys.exit(supervisor.run(*(Program(name=name, argv=sleep) for name in ("ingest", "control"))))
"""


@pytest.mark.parametrize(("number", "code"), [
    (signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -signal.SIGKILL),
])
def test_no_orphan_however_the_parent_ends(number: signal.Signals, code: int) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        pids = [int(parent.stdout.readline()) for _ in range(2)]
    assert all(is_alive(pid) for pid in pids)
    parent.send_signal(number)
    assert parent.wait(10) == code
    eventually(lambda: not any(is_alive(pid) for pid in pids))


def test_run_ends_when_told_and_puts_the_signal_handlers_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    done = threading.Event()
    threading.Timer(0.2, done.set).start()
    with Supervisor() as supervisor:
        pid = supervisor.start(Program(name="web", argv=SLEEP))
        assert supervisor.run(until=done.is_set) == 0
        assert not is_alive(pid)
    assert signal.getsignal(signal.SIGTERM) is before


def test_environment_folder_and_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    code = "import os; print(os.environ['HOIQUAN_HOME'], os.getcwd(), flush=True)"
    env = {**os.environ, "HOIQUAN_HOME": "/somewhere"}
    with Supervisor() as supervisor:
        argv = [sys.executable, "-c", code]
        supervisor.start(Program(name="x", argv=argv, env=env, cwd=tmp_path, log=log, restart=None))
        eventually(lambda: supervisor.exit_code("x") == 0, supervisor)
    assert log.read_text() == f"before\n/somewhere {tmp_path}\n"
