"""Debian's packages: installed with apt-get, or single programs of newer releases unpacked into a folder of ours.

The address of the mirror is read from the machine's own sources and written nowhere but in a temporary folder.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

MISSING_EXIT_CODE = 69  # EX_UNAVAILABLE of sysexits.h
NEWER_RELEASES = ("trixie", "sid")
RELEASES = ("bookworm", "trixie", "forky", "sid", "stable", "testing", "unstable")
ADD_ONS = ("raspberrypi", "security")  # use Debian's release names for packages of their own
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
APT_S = 900.0
QUIET = ["-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]


class ToolMissing(Exception):
    """A component is not there and could not be installed. The message is one line that says what to do."""


def install(packages: Sequence[str], why: str) -> None:
    """Install packages of the machine's own release; needs root."""
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise ToolMissing(f"{names} is missing ({why}): install it with this system's package manager, then run again")
    if os.geteuid() != 0:
        raise ToolMissing(f"{names} is missing ({why}): run 'sudo apt-get install -y {names}', then run again")
    say(f"installing {names} with apt-get ({why})")
    command = ["apt-get", "install", *QUIET, *packages]
    try:
        _run(command)
    except ToolMissing:  # a machine that never fetched its package lists, or long ago
        _run(["apt-get", "update", "-q"])
        _run(command)


def unpack(name: str, target: Path, why: str) -> None:
    """Unpack a program with all libraries from Debian's newer releases, as ``target/name`` (a start script).

    The folder appears under its final name only when it is whole.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise ToolMissing(f"{name} is missing ({why}): it comes from Debian's packages, so use Debian 12 or later")
    say(f"unpacking {name} from Debian {' or '.join(NEWER_RELEASES)} into {target} ({why})")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=target.parent) as folder:
        work = Path(folder)
        apt = _private_apt(work)
        _run(["apt-get", *apt, "-q", "update"])
        _run(["apt-get", *apt, "-q", "download", *_with_dependencies(name, apt)], cwd=work)
        made = work / "made"
        made.mkdir()
        for package in sorted(work.glob("*.deb")):
            _run(["dpkg", "-x", str(package), str(made / "root")])
        for other in (made / "root/usr/bin").iterdir():
            if other.name != name:
                other.unlink()
        _write_start_script(made, name)
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)


def _private_apt(work: Path) -> list[str]:
    """Options that make apt use a sources list and folders of ours, so that the system's stay as they are."""
    signed = f"Signed-By: {KEYRING}\n" if KEYRING.exists() else ""
    sources = work / "newer.sources"
    suites = " ".join(NEWER_RELEASES)
    sources.write_text(
        f"Types: deb\nURIs: {_mirror()}\nSuites: {suites}\nComponents: main\n{signed}", encoding="utf-8"
    )
    for part in ("lists/partial", "cache/archives/partial"):
        (work / part).mkdir(parents=True)
    options = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::Lists": work / "lists",
        "Dir::Cache": work / "cache",
        "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
        "Acquire::Languages": "none",
    }
    return [word for key, value in options.items() for word in ("-o", f"{key}={value}")]


def _mirror() -> str:
    """The address from which this machine gets Debian itself."""
    shown = _run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"])
    for line in shown.splitlines():
        address, release, component = line.split()
        if component == "main" and release in RELEASES and not any(word in address for word in ADD_ONS):
            return address
    raise ToolMissing("apt has no source of Debian's main packages: use Debian 12 or later, and see its sources.list")


def _with_dependencies(name: str, apt: list[str]) -> list[str]:
    """The package and the libraries that it needs, not the services and settings that come with an installation."""
    unwanted = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
    shown = _run(["apt-cache", *apt, "depends", "--recurse", *(f"--no-{kind}" for kind in unwanted), name])
    return sorted({line for line in shown.splitlines() if line == name or re.match(r"lib(?!c-gconv)\S+$", line)})


def _write_start_script(made: Path, name: str) -> None:
    """A script that starts the program with the unpacked libraries; the loader's name differs by processor."""
    root = made / "root"
    program = next(iter(sorted(root.glob(f"usr/bin/{name}"))), None)
    loader = next(iter(sorted(root.glob("usr/lib/*-linux-gnu*/ld-linux*.so*"))), None)
    if program is None:
        raise ToolMissing(f"Debian's package {name} has no program usr/bin/{name}: install {name} by hand")
    start = f'"$here/{program.relative_to(made)}" "$@"'
    if loader is not None:
        folder = loader.parent.relative_to(made)
        start = f'"$here/{folder}/{loader.name}" --library-path "$here/{folder}" {start}'
    script = made / name
    script.write_text(f'#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\nexec {start}\n', encoding="utf-8")
    script.chmod(0o755)


def _run(command: Sequence[str], cwd: Path | None = None) -> str:
    """Run a command of apt or dpkg and return what it printed; a failure is told in one line."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=APT_S, check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolMissing(f"{command[0]} did not run ({error}): run it by hand, then run again") from error
    if done.returncode != 0:
        problem = _last_error(done.stderr) or _last_error(done.stdout) or f"exit code {done.returncode}"
        raise ToolMissing(f"'{shlex.join(command[:2])}' failed: {problem}: is the network up? Then run again")
    return done.stdout


def _last_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.startswith(("E:", "dpkg", "Err:"))]
    return lines[-1] if lines else ""


def say(text: str) -> None:
    """Tell a person what is going on; stdout stays free for results."""
    print(f"hoiquan: {text}", file=sys.stderr)
