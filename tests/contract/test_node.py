"""The node's pure parts answer the same in CPython and, as built bytecode with an ESP32's heap, in MicroPython."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from cli import firmware_build, firmware_names, firmware_shrink
from cli.firmware_build import MANIFEST, BuildFailed, build
from tests.support.mp import REPOSITORY, run_micropython

RUNNER = Path(__file__).parent / "node_runner.py"
WAKES = Path(__file__).parent / "wake_runner.py"
CYCLES = Path(__file__).parent / "cycles_runner.py"


def test_both_interpreters_live_the_same_life(tmp_path: Path) -> None:
    folders = [tmp_path / "cpython", tmp_path / "micropython"]
    for folder in folders:
        folder.mkdir()
    command = [sys.executable, str(RUNNER), str(folders[0])]
    ours = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY,
                          env={"PYTHONPATH": str(REPOSITORY)}).stdout.splitlines()  # fmt: skip
    theirs = _in_micropython(folders[1], tmp_path)
    assert len(ours) > 1000 and ours == theirs


def _in_micropython(folder: Path, tmp_path: Path) -> list[str]:
    path = (build(tmp_path / "build", also=RUNNER),)
    return run_micropython(RUNNER, path=path, arguments=(str(folder),)).stdout.splitlines()


def test_a_wake_that_does_not_talk_takes_a_kilobyte_of_heap_at_most(tmp_path: Path) -> None:
    """Four probes read, six times in all, stored in RTC memory; on a machine whose pointers are twice as long."""
    path = (build(tmp_path / "build", also=WAKES),)
    taken = [int(line) for line in run_micropython(WAKES, path=path).stdout.split()]
    assert len(taken) == 10 and max(taken) <= 1_000


def test_ten_thousand_publishes_leave_nothing_on_the_heap(tmp_path: Path) -> None:
    path = (REPOSITORY / "simulators" / "node_hal", build(tmp_path / "build", also=CYCLES))
    arguments = ("10000", str(tmp_path / "flash"))
    published, early, late = run_micropython(CYCLES, path=path, arguments=arguments, timeout=180).stdout.split()
    print(published, early, late)
    assert int(published) >= 10_000 and int(late) <= int(early)


def test_the_build_is_done_once_and_again_when_something_is_missing(tmp_path: Path) -> None:
    out = build(tmp_path / "node")
    manifest = json.loads((out / MANIFEST).read_text())
    assert {"boot.py", "main.py", "node/core.mpy", "wire/frames.mpy", "hal/__init__.mpy"} <= set(manifest["files"])
    assert "wire/columns.mpy" not in manifest["files"]
    stamp = (out / "node/core.mpy").stat().st_mtime_ns
    build(out)
    assert (out / "node/core.mpy").stat().st_mtime_ns == stamp, "nothing changed, nothing done"
    (out / "node/core.mpy").write_bytes(b"half a fi")
    (out / "node/gone.mpy").write_bytes(b"")
    build(out)
    assert sha256((out / "node/core.mpy").read_bytes()).hexdigest() == manifest["files"]["node/core.mpy"]
    assert not (out / "node/gone.mpy").exists() and not list(out.glob(".build-*"))
    sizes = {path.relative_to(out).as_posix(): path.stat().st_size for path in out.rglob("*.mpy")}
    beside = sum(size for name, size in sizes.items() if name.startswith("enrol/") or name == "loader.mpy")
    assert sum(sizes.values()) - beside < 80_000, "the bundle of all types (test_bundle.py: each type's own)"
    assert beside < 15_000, "what a board keeps beside its slots"
    assert sum(sizes.values()) < 90_000, "all of it"


def test_only_what_a_node_uses_of_the_contract_goes_along() -> None:
    """The shaken module is the module without what nothing names, line for line."""
    module = "wire/frames.mpy"
    source = (REPOSITORY / "wire" / "frames.py").read_text()
    user = "from wire import frames\nframes.encode_gone(1)\n"
    shaken = firmware_shrink.shaken({module: source, "node/x.mpy": user})[module].split("\n")
    assert len(shaken) == len(source.split("\n"))
    kept = "\n".join(shaken)
    assert "def encode_gone" in kept and "def pack(" in kept and "GONE_BODY =" in kept
    assert "def decode_gone" not in kept and "class Readings" not in kept


def test_names_that_nobody_else_knows_become_short_and_nothing_else_changes() -> None:
    source = """import _thread
class Pump:
    def __init__(self, rate, _limit=3):
        self._rate = rate  # a comment on _rate
        self._limit = _limit
        self.shared._state = rate
    def _litres(self, seconds, text="rate"):
        return [self._rate * seconds for _ in range(self._limit)] + [_thread, self._foreign, {"_named": seconds}]
def run(seconds, pump, run=3):
    _named = pump._litres(seconds=1)
    return lambda pump, more: (pump.seconds, more, _named)
"""
    other = "def f(x):\n    x._state = 1\n"
    short = firmware_names.renamed(
        {"node/pump.mpy": source, "node/x.mpy": "def g(pump):\n    return pump._state\n"}, other
    )
    assert (
        short["node/pump.mpy"]
        == """import _thread
class Pump:
    def __init__(self, key, value=3):
        self._c = key  # a comment on _rate
        self._a = value
        self.shared._state = key
    def _b(self, seconds, key="rate"):
        return [self._c * seconds for _ in range(self._a)] + [_thread, self._foreign, {"_named": seconds}]
def run(seconds, key, value=3):
    _named = key._b(seconds=1)
    return lambda key, index: (key.seconds, index, _named)
"""
    )
    with pytest.raises(firmware_names.CannotRename, match="f-string"):
        firmware_names.renamed({"node/x.mpy": "def f(x):\n    return f'{x}'\n"})


def test_a_source_that_does_not_compile_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=r"node/bad\.mpy"):
        firmware_build._make("node/bad.mpy", "def (:\n", tmp_path)
