"""The node's pure parts answer the same in CPython and, as built bytecode with an ESP32's heap, in MicroPython."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from cli import firmware_build
from cli.firmware_build import MANIFEST, BuildFailed, build
from tests.support.mp import REPOSITORY, run_micropython

RUNNER = Path(__file__).parent / "node_runner.py"


def test_both_interpreters_live_the_same_life(tmp_path: Path) -> None:
    folders = [tmp_path / "cpython", tmp_path / "micropython"]
    for folder in folders:
        folder.mkdir()
    command = [sys.executable, str(RUNNER), str(folders[0])]
    ours = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY,
                          env={"PYTHONPATH": str(REPOSITORY)}).stdout.splitlines()  # fmt: skip
    theirs = run_micropython(RUNNER, path=(REPOSITORY, build()), arguments=(str(folders[1]),)).stdout.splitlines()
    assert len(ours) > 1000 and ours == theirs


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
    assert sum(path.stat().st_size for path in out.rglob("*.mpy")) < 90_000


def test_only_what_a_node_uses_of_the_contract_goes_along() -> None:
    """The shaken module is the module without what nothing names, line for line."""
    module = "wire/frames.mpy"
    source = (REPOSITORY / "wire" / "frames.py").read_text()
    user = "from wire import frames\nframes.encode_gone(1)\n"
    shaken = firmware_build._shaken({module: source, "node/x.mpy": user})[module].split("\n")
    assert len(shaken) == len(source.split("\n"))
    kept = "\n".join(shaken)
    assert "def encode_gone" in kept and "def pack(" in kept and "GONE_BODY =" in kept
    assert "def decode_gone" not in kept and "class Readings" not in kept


def test_a_source_that_does_not_compile_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=r"node/bad\.mpy"):
        firmware_build._make("node/bad.mpy", "def (:\n", tmp_path)
