"""SKiDL and WireViz, in a folder of their own: only the checks and drawings of the hardware need them.

Rules
1. ``tools.txt`` locks them by hash. They are unpacked once under .tools, from the package index that this machine is
   set up with, and never into the environment of the project (docs/adr, tools of the hardware).
2. They run in a process of their own, in a folder that is thrown away: both write logs and caches where they stand.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hardware.circuit import Circuit
from hardware.generate import wiring
from hardware.model import HERE
from kit.debian import install, say
from kit.toolchain import ToolMissing, tools_folder

LOCK = HERE / "tools.txt"
STAMP = "tools.sha256"
RUN_S = 120.0
INSTALL_S = 600.0


def folder() -> Path:
    """Where the tools are; unpacks them when they are missing or the lock has changed. Raises ToolMissing."""
    target = tools_folder() / "hardware"
    digest = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    stamp = target / STAMP
    if stamp.is_file() and stamp.read_text(encoding="ascii") == digest:
        return target
    say(f"unpacking SKiDL and WireViz into {target} (netlist check and harness drawings; once)")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".hardware.", dir=target.parent) as scratch:
        made = Path(scratch) / "made"
        command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-input"]
        command += ["--no-deps", "--no-compile", "--require-hashes", "--target", str(made), "-r", str(LOCK)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
        if done.returncode != 0:
            raise ToolMissing("pip could not install SKiDL and WireViz: is the network up? Then run again")
        (made / STAMP).write_text(digest, encoding="ascii")
        _replace(made, target)
    return target


def _replace(made: Path, target: Path) -> None:
    """Put the new folder in the place of the old one; two at once end with one of them, whole."""
    if target.exists():
        target.rename(made.parent / "old")
    made.rename(target)


def skidl(circuits: list[Circuit]) -> dict[str, dict[str, Any]]:
    """What SKiDL says of each circuit: {"errors", "warnings", "nets"}. Raises ToolMissing when it does not run."""
    described = {
        circuit.name: [
            {"ref": part.ref, "part": part.part, "value": part.value or part.part, "footprint": part.kind.footprint,
             "pins": [[pin.number, pin.name, pin.type, net] for pin, net in part.pins()]}
            for part in circuit.parts
        ]
        for circuit in circuits
    }
    rails = sorted({rail for circuit in circuits for rail in circuit.rails})
    told = json.dumps({"circuits": described, "rails": rails})
    done = _run([str(HERE / "skidl_erc.py")], told)
    heard: dict[str, dict[str, Any]] = json.loads(done)
    return heard


def draw(yaml: str) -> str:
    """WireViz's drawing of a harness, as SVG. Needs Graphviz, which apt brings."""
    with tempfile.TemporaryDirectory(prefix="hoiquan-wireviz.") as where:
        source = Path(where) / "harness.yml"
        source.write_text(yaml, encoding="utf-8")
        _run(["-c", "from wireviz.wv_cli import wireviz; wireviz()", "-f", "s", str(source), "-o", where], "")
        return wiring.stamped((Path(where) / "harness.svg").read_text(encoding="utf-8"), yaml)


def graphviz() -> None:
    """Install Graphviz unless it is there."""
    try:
        subprocess.run(["dot", "-V"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        install(["graphviz"], "it draws the harnesses")


def _run(arguments: list[str], told: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder()), "PYTHONWARNINGS": "ignore", "PYTHONSAFEPATH": "1"}
    with tempfile.TemporaryDirectory(prefix="hoiquan-hardware.") as where:
        done = subprocess.run(
            [sys.executable, *arguments], input=told, cwd=where, env=environment, capture_output=True, text=True,
            timeout=RUN_S, check=False,
        )
    if done.returncode != 0:
        raise ToolMissing(f"SKiDL or WireViz did not run: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
    return done.stdout
