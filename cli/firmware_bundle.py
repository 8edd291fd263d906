"""From a built tree to what is put on a node: the bundle of a slot with its manifest, and the tree of a whole flash.

Rules
1. A bundle is one folder: the files of a slot, and ``manifest`` (unsigned: wire.manifest, canonical bytes; signed:
   with the signature behind it). It fits every board of the hardware that it names: what hangs on how a board is
   wired is ``board.py`` beside the slots, which updates never touch.
2. It has at most MAX_BYTES of bytecode, and no file that a node could not take. What none of its node types can use is
   left out: outputs are for valve and pump, sensors for all but a relay (gateway/registry_boards.py, rule 3).
3. A bundle is made beside its place and replaces there a bundle only.
4. A flash is loader, board file, config, the maker's public key, slot ``a``, and its part that loads releases as
   ``rescue``. What sets a new node up lies beside the slots too: it is needed once, and an update need not carry it.
"""

from __future__ import annotations

import ast
import hashlib
import shutil
from pathlib import Path

from cli import firmware_build
from cli.firmware_build import BuildFailed
from gateway.registry_boards import WITH_OUTPUTS
from kit.files import PRIVATE, write_atomic
from wire import manifest
from wire.errors import WireError

ROOT = Path(__file__).resolve().parents[1]
BOARDS = ROOT / "firmware" / "hal" / "boards"
MANIFEST = "manifest"
PUBLIC_KEY = "maker.pub"
MAX_BYTES = 90_000
HARDWARE = ("s3", "sim", "wroom32e")
MODELS = ("level", "pump", "relay", "salinity", "soil", "valve", "weather")
INTERPRETER = (1, 26, 0)
# What lies beside the slots, and is never changed over the air.
BESIDE = ("boot.py", "main.py", "safe.py", "loader.mpy")
BESIDE_FOLDERS = ("enrol",)  # a node is set up by what it was flashed with
_RESCUE_FOLDERS = ("hal", "update", "wire")
_OUTPUTS_ONLY = ("drivers/latch.mpy", "hal/latching.mpy", "node/local.mpy")
_SENSORS_ONLY = tuple(f"hal/{bus}.mpy" for bus in ("sensors", "uart", "one_wire", "i2c", "counter", "adc"))
_BOARD = "hal/board.mpy"
_BOARD_SHIM = '"""The board file lies beside the slots."""\n\nfrom board import *\n'


def bundle(
    out: Path,
    version: str,
    *,
    hardware: tuple[str, ...] = HARDWARE,
    models: tuple[str, ...] = MODELS,
    min_firmware: str = "0.0.0",
    tree: Path | None = None,
) -> manifest.Manifest:
    """Make ``out`` a bundle of this version, unsigned. ``tree`` is a built one, else the sources are built now. Raises
    BuildFailed, and WireError for a version or name that cannot be."""
    number = manifest.version_of(version)
    least = manifest.version_of(min_firmware)
    may_replace(out)
    built = tree or firmware_build.build(ROOT / "build" / "firmware" / f"tree-{version}", version=version)
    new = out.with_name(f".{out.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    for path in sorted(built.rglob("*.mpy")):
        name = path.relative_to(built).as_posix()
        beside = name in BESIDE or name.split("/")[0] in BESIDE_FOLDERS
        if not beside and not name.startswith(".") and _needed(name, models):
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, new / name)
    firmware_build._make(_BOARD, _BOARD_SHIM, new)
    (new / _BOARD).with_suffix(".py").unlink()
    made = manifest.Manifest(
        manifest.KIND_APP,
        number,
        least,
        INTERPRETER,
        tuple(sorted(set(hardware))),
        tuple(sorted(set(models))),
        files_of(new),
    )
    _check(made)
    write_atomic(new / MANIFEST, manifest.encode(made))
    if out.exists():
        shutil.rmtree(out)
    new.replace(out)
    return made


def may_replace(out: Path) -> None:
    """Only a bundle, or an empty folder, makes way for a new bundle: what else a person names by mistake stays."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    path = out / MANIFEST
    if not path.is_file() or path.read_bytes()[: len(manifest.MAGIC)] != manifest.MAGIC:
        raise BuildFailed(f"{out}: có thứ khác ở đây, không ghi đè; ghi tên thư mục khác / "
                          "something else is there and is not overwritten; name another folder")  # fmt: skip


def _needed(name: str, models: tuple[str, ...]) -> bool:
    """Whether one of these node types can use a file (rule 2)."""
    if name in _OUTPUTS_ONLY:
        return not set(models).isdisjoint(WITH_OUTPUTS)
    return set(models) != {"relay"} or not (name.startswith("drivers/") or name in _SENSORS_ONLY)


def files_of(folder: Path) -> tuple[tuple[str, int, bytes], ...]:
    """(path, bytes, SHA-256) of every file of a bundle but its manifest."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST:
            data = path.read_bytes()
            found.append((name, len(data), hashlib.sha256(data).digest()))
    return tuple(sorted(found))


def _check(made: manifest.Manifest) -> None:
    total = sum(size for _, size, _ in made.files)
    if total > MAX_BYTES:
        raise BuildFailed(f"{total} bytes of bytecode, a bundle has at most {MAX_BYTES}")


def matches(folder: Path, made: manifest.Manifest) -> bool:
    """Whether a bundle holds what its manifest says, and nothing else."""
    return files_of(folder) == made.files


def flash_tree(out: Path, signed: Path, config: Path, public_key: Path, board: Path, tree: Path) -> Path:
    """Make ``out`` what a node's file system holds when it is new; ``signed`` is a signed bundle, ``tree`` the built
    one that the loader comes from."""
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(mode=0o700, parents=True)
    for name in BESIDE:
        shutil.copyfile(tree / name, out / name)
    for name in BESIDE_FOLDERS:
        shutil.copytree(tree / name, out / name)
    shutil.copyfile(board, out / "board.py")
    write_atomic(out / "node.json", config.read_bytes(), mode=PRIVATE)
    shutil.copyfile(public_key, out / PUBLIC_KEY)
    shutil.copytree(signed, out / "a")
    copy_rescue(signed, out / "rescue")
    return out


def copy_rescue(signed: Path, out: Path) -> None:
    """The part of a bundle that loads a release: link, hal and update, without sensors, leases and journal."""
    needed = {f"node/{name}.mpy" for name in _rescue_needs()}
    for path in signed.rglob("*.mpy"):
        name = path.relative_to(signed).as_posix()
        if name in needed or name.split("/")[0] in _RESCUE_FOLDERS:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, out / name)


def _rescue_needs() -> set[str]:
    """The modules of ``node`` that hal and update import, and all that those need."""
    known: set[str] = set()
    for folder in ("hal", "update"):
        for source in (ROOT / "firmware" / folder).glob("*.py"):
            for name in _of_node(source):
                _imported_by(name, known)
    return known


def _imported_by(module: str, known: set[str]) -> None:
    source = ROOT / "firmware" / "node" / f"{module}.py"
    if module in known or not source.is_file():
        return
    known.add(module)
    for name in _of_node(source):
        _imported_by(name, known)


def _of_node(source: Path) -> list[str]:
    """The modules of ``node`` that a file imports."""
    found = []
    inside = source.parent.name == "node"
    for statement in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.ImportFrom):
            path = (statement.module or "").split(".")
            if path[0] == "node" or (inside and statement.level):
                inner = path[1:] if path[0] == "node" and not statement.level else [part for part in path if part]
                found += inner[:1] or [alias.name for alias in statement.names]
    return found


def board_file(model: str, mcu: str) -> Path | None:
    """The board file of a node type on a module; None when there is none."""
    found = BOARDS / f"{model}_{mcu}.py"
    return found if found.is_file() else None


__all__ = ["BuildFailed", "WireError", "board_file", "bundle", "flash_tree", "matches"]
