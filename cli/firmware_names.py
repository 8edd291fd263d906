"""Gives short names, shared by all modules, to what only one module or one function knows of.

MicroPython keeps every different name of a program in RAM, in tables that double: that is a sixth of a node's heap.

Rules
1. Private names (``_name``) that a module itself gives are renamed in that module, each to another short one. One that
   a second module or a text uses as well keeps its name everywhere.
2. Parameters are renamed within their function, to words that need no room and mean nothing else in their module; but
   for ``self`` and those that a call may give by name: there is a keyword argument that reads the same, or a text in a
   module that calls with **.
3. Tokens are replaced in their lines, so line numbers stay true. A traceback then names functions by their short
   names; module and line say which one it is.
4. What cannot be followed is refused: an f-string, because a name inside it would not be seen.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

# Words that MicroPython has anyway and .mpy files name by a number; none is a builtin that a function could call.
_WORDS = (
    "key", "value", "index", "start", "stop", "step", "end", "count", "args", "copy", "clear", "find", "get", "items",
    "keys", "values", "pop", "insert", "remove", "replace", "format", "join", "split", "strip", "lower", "upper",
)  # fmt: skip
_PRIVATE = re.compile(r"_[A-Za-z]\w*")
_Spot = tuple[int, int, int, str]  # line, first column, end, new name


class CannotRename(Exception):
    """A source uses something that renaming would break; the message says what and where."""


def renamed(sources: dict[str, str], also: str = "") -> dict[str, str]:
    """The same sources with short names; ``also`` is code beside them whose names must stay."""
    trees = {name: ast.parse(text) for name, text in sources.items() if name.endswith(".mpy")}
    for name, tree in trees.items():
        if any(isinstance(node, ast.JoinedStr) for node in ast.walk(tree)):
            raise CannotRename(f"{name}: an f-string")
    given = {name: _given(tree) for name, tree in trees.items()}
    others = [ast.parse(also), *(ast.parse(text) for name, text in sources.items() if name not in trees)]
    fixed = {used for other in others for used in _used(other)}
    texts: set[str] = set()
    for name, tree in trees.items():
        fixed |= set(_used(tree)) - given[name] | set(_imported(tree)) | set(_inherited(tree))
        fixed |= {text for text in _texts(tree) if _PRIVATE.fullmatch(text)}
        if any(word.arg is None for word in ast.walk(tree) if isinstance(word, ast.keyword)):
            texts |= set(_texts(tree))  # what is given by ** may be named by any text
    by_name = texts | {word for tree in (*trees.values(), *others) for word in _keywords(tree)}
    out = dict(sources)
    for name, tree in trees.items():
        out[name] = _apply(sources[name], tree, _shorts(given[name] - fixed - by_name, fixed), by_name)
    return out


def _shorts(names: set[str], taken: set[str]) -> dict[str, str]:
    free = (letters for letters in _letters() if letters not in taken)
    return dict(zip(sorted(names), free, strict=False))


def _letters() -> Iterator[str]:
    """_a, _b, … _z, _aa, _ab, …"""
    first = "abcdefghijklmnopqrstuvwxyz"
    yield from (f"_{a}" for a in first)
    yield from (f"_{a}{b}" for a in first for b in first)


def _given(tree: ast.Module) -> set[str]:
    """Private names that a module defines or assigns."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
    return {name for name in found if _PRIVATE.fullmatch(name)}


def _used(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield from (alias.asname or alias.name).split(".")


def _inherited(tree: ast.Module) -> Iterator[str]:
    """Private names of classes whose base may be another module's: the base may know them, too."""
    own = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and any(getattr(base, "id", None) not in own for base in node.bases):
            yield from _used(node)
            yield from (part.name for part in node.body if isinstance(part, ast.FunctionDef))


def _keywords(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from (word.arg for word in node.keywords if word.arg)


def _texts(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Top-level functions and methods; what is nested in them belongs to them."""
    for statement in tree.body:
        for part in statement.body if isinstance(statement, ast.ClassDef) else [statement]:
            if isinstance(part, ast.FunctionDef):
                yield part


def _plain(tree: ast.AST) -> Iterator[str]:
    """Every name that is not an attribute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


def _parameters(function: ast.FunctionDef, by_name: set[str], words: list[str]) -> dict[str, str]:
    """Old -> new for one function; none where a name of it means something else as well (rule 2)."""
    inner = list(ast.walk(function))
    names = [node.arg for node in inner if isinstance(node, ast.arg) and node.arg not in by_name | {"self"}]
    if any(isinstance(node, ast.ClassDef | ast.Global | ast.Nonlocal) for node in inner):
        return {}
    outside = {
        node.id
        for inside in inner
        if isinstance(inside, ast.FunctionDef | ast.Lambda)
        for default in (*inside.args.defaults, *inside.args.kw_defaults)
        if default is not None
        for node in ast.walk(default)
        if isinstance(node, ast.Name)
    }
    imported = {alias.asname or alias.name for node in inner if isinstance(node, ast.Import | ast.ImportFrom)
                for alias in node.names}  # fmt: skip
    own = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    for nested in inner:
        if isinstance(nested, ast.FunctionDef | ast.Lambda) and nested is not function:
            within = list(ast.walk(nested))
            beside = {node.id for node in inner if isinstance(node, ast.Name) and node not in within}
            outside |= beside & {node.arg for node in within if isinstance(node, ast.arg)} - own
    wanted = [name for name in dict.fromkeys(names) if name not in outside | imported]
    spare = (f"_{number}" for number in range(len(wanted)))
    return dict(zip(wanted, (*words, *spare), strict=False))


def _apply(text: str, tree: ast.Module, shorts: dict[str, str], by_name: set[str]) -> str:
    taken = by_name | set(_plain(tree)) | set(_imported(tree))
    words = [word for word in _WORDS if word not in taken]
    parameters = [
        ((function.lineno, function.end_lineno or function.lineno), _parameters(function, by_name, words))
        for function in _functions(tree)
    ]
    spots: list[_Spot] = []
    before = ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            new = shorts.get(token.string)
            if before not in (".", "def"):  # an attribute, or a method that is called as its parameter is
                for (first, last), names in parameters:
                    if first <= token.start[0] <= last:
                        new = names.get(token.string, new)
            if new is not None:
                spots.append((token.start[0] - 1, token.start[1], token.end[1], new))
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            before = token.string
    lines = text.split("\n")
    for line, start, end, new in reversed(spots):
        lines[line] = lines[line][:start] + new + lines[line][end:]
    return "\n".join(lines)
