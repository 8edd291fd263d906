"""Finds the real components that the demo and the tests run, and installs the ones that are missing.

Rules
1. What the machine has is used; only what is missing is installed, from the machine's own package sources, and
   one line says what and why. A second call installs nothing.
2. A component counts as found only after it has run and told a version that is new enough.
3. What cannot be had is told by ToolMissing: one line that says what to do. Nothing is faked instead.
4. A newer release of Debian is used for single programs only, unpacked under .tools and never installed, so
   that the system stays what it is.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from kit import debian
from kit.debian import MISSING_EXIT_CODE, ToolMissing

__all__ = [
    "MISSING_EXIT_CODE",
    "ToolMissing",
    "browser_driver",
    "chromium",
    "micropython",
    "mosquitto",
    "postgresql",
    "victoria_metrics",
]

TOOLS_ENV = "HOIQUAN_TOOLS"
MICROPYTHON_OLDEST = (1, 26)
MOSQUITTO_OLDEST = (2, 0)
CHROMIUM_OLDEST = (100,)
POSTGRESQL = Path("/usr/lib/postgresql")
MICROPYTHON_ASK = ("-c", "import sys; print(sys.implementation[1])")
RAN = (0, 3)  # 3 is how "mosquitto -h" ends
RUN_S = 60.0


def tools_folder() -> Path:
    """Where programs are unpacked: .tools beside the packages, or the folder named by HOIQUAN_TOOLS."""
    named = os.environ.get(TOOLS_ENV)
    return Path(named) if named else Path(__file__).resolve().parent.parent / ".tools"


def mosquitto() -> Path:
    """The MQTT broker. Its clients come with it."""
    return _system("mosquitto", ["mosquitto", "mosquitto-clients"], ["-h"], MOSQUITTO_OLDEST, "the MQTT broker")


def chromium() -> Path:
    """The browser in which the pages are tested."""
    return _system("chromium", ["chromium"], ["--version"], CHROMIUM_OLDEST, "the browser that tests the pages")


def browser_driver() -> Path:
    """The program between the tests and Chromium: it comes with the Python package, but not the library it needs."""
    found = importlib.util.find_spec("playwright")
    if found is None or found.origin is None:
        raise ToolMissing("the Python package playwright is missing: remove .venv, then run again")
    driver = Path(found.origin).parent / "driver" / "node"
    if _output(driver, ["--version"]) is None:
        debian.install(["libatomic1"], "the driver of the browser tests needs it")
        if _output(driver, ["--version"]) is None:
            raise ToolMissing(f"{driver} does not run: remove .venv, then run again")
    return driver


def micropython() -> Path:
    """The interpreter of the nodes, unix port: the system's if it is new enough, else one from a newer Debian."""
    unpacked = tools_folder() / "micropython" / "micropython"
    for found in (_which("micropython"), unpacked):
        if found is not None and (version_of(found, MICROPYTHON_ASK) or ()) >= MICROPYTHON_OLDEST:
            return found
    debian.unpack("micropython", unpacked.parent, "the interpreter of the nodes")
    _require(unpacked, MICROPYTHON_ASK, MICROPYTHON_OLDEST, f"remove {unpacked.parent}, then run again")
    return unpacked


def victoria_metrics() -> Path:
    """A time-series server with the InfluxDB v2 write API. Debian 12 has one that answers 204 to bad lines."""
    unpacked = tools_folder() / "victoria-metrics" / "victoria-metrics"
    if _output(unpacked, ["--version"]) is None:  # Debian's build tells no version
        debian.unpack("victoria-metrics", unpacked.parent, "the server that the InfluxDB projection is tested against")
        if _output(unpacked, ["--version"]) is None:
            raise ToolMissing(f"{unpacked} does not run: remove {unpacked.parent}, then run again")
    return unpacked


def postgresql() -> Path:
    """The folder of PostgreSQL's programs (initdb, pg_ctl …), which Debian keeps off the PATH."""
    found = _postgresql_folders()
    if not found:
        debian.install(["postgresql"], "the larger of the cloud's two databases")
        found = _postgresql_folders()
    if not found:
        raise ToolMissing("postgresql is installed, but there is no /usr/lib/postgresql/*/bin/initdb: reinstall it")
    return found[-1]


def _postgresql_folders() -> list[Path]:
    return sorted((path.parent for path in POSTGRESQL.glob("*/bin/initdb")), key=lambda path: int(path.parent.name))


def _system(name: str, packages: Sequence[str], ask: Sequence[str], oldest: tuple[int, ...], why: str) -> Path:
    found = _which(name)
    if found is None:
        debian.install(packages, why)
        found = _which(name)
    if found is None:
        raise ToolMissing(f"{' '.join(packages)} is installed, but there is no program {name!r}: check the PATH")
    _require(found, ask, oldest, f"run 'apt-get install {packages[0]}' to update it, then run again")
    return found


def _require(program: Path, ask: Sequence[str], oldest: tuple[int, ...], remedy: str) -> None:
    version = version_of(program, ask)
    if version is None:
        raise ToolMissing(f"{program} does not run: {remedy}")
    if version < oldest:
        raise ToolMissing(f"{program} is version {_dotted(version)}, and {_dotted(oldest)} is needed: {remedy}")


def _which(name: str) -> Path | None:
    """The program on the PATH or in the folders that a person's PATH often lacks."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin")
    return Path(found) if found else None


def version_of(program: Path, ask: Sequence[str]) -> tuple[int, ...] | None:
    """The version that the program tells when it is run, or None when it does not run."""
    return read_version(_output(program, ask) or "")


def _output(program: Path, ask: Sequence[str]) -> str | None:
    """What the program prints, or None when it does not run."""
    try:
        done = subprocess.run([program, *ask], capture_output=True, text=True, timeout=RUN_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout + done.stderr if done.returncode in RAN else None


def read_version(text: str) -> tuple[int, ...] | None:
    """The first thing in the text that looks like a version: ``1.26.1``, ``(1, 26, 1, '')``."""
    found = re.search(r"\d+(?:(?:\.|, )\d+)+", text)
    return tuple(int(part) for part in re.split(r"\.|, ", found.group())) if found else None


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
