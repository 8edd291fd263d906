"""Makes the sources of a node smaller before they are compiled: heap is dear on a node, and names are most of it.

Rules
1. Lines stay where they are: what goes becomes blank, so that a line number that is kept is the one of the source.
2. Constants that are whole numbers are written in where they are named, also in another module; so are short texts of
   what is a node's logic, and not of a board.
3. A definition at the top of a module (of the packages of _SHAKEN), or a method of a class there, goes along only if
   something that goes along names it; for a method, any attribute of that name counts. Asserts and annotations do not
   count, they are not compiled. Special methods stay, but for those that compare and show, which nothing on a node
   asks for.
4. Everything else (``hal``, drivers) keeps its public functions and classes: a node gets it as a value, or loads it by
   a name from its config; of its constants it keeps those that any attribute names. ``hal/board`` is left as it is,
   because each type of node brings its own.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

Value = int | str
Name = tuple[str, str]  # (module, what it defines); METHOD is the module of all methods and attributes
METHOD = ""
_Imports = tuple[dict[str, str], dict[str, Name]]
BOARD = "hal/board.mpy"
_CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")
SHORT = 16  # a text of so many letters takes no more room than its name
_SPECIAL = re.compile(r"__\w+__")
_NOT_ON_A_NODE = {"__eq__", "__hash__", "__repr__"}
_NAMED_BY_TEXT = {"getattr", "hasattr", "setattr", "delattr"}
_BUNDLED = {"wire", "node", "hal", "drivers", "enrol", "relay", "update", "loader"}
_SHAKEN = ("wire/", "node/", "enrol/", "update/", "relay/")
_LOGIC = (*_SHAKEN, "loader")


@dataclass(frozen=True)
class _Definition:
    """A statement that gives names, and the names that it needs itself."""

    module: str
    statement: ast.stmt
    defines: frozenset[Name]
    uses: frozenset[Name]


def inlined(sources: dict[str, str]) -> dict[str, str]:
    """The same sources with the value of every small constant in place of its name (rule 2)."""
    trees = {name: ast.parse(text) for name, text in sources.items()}
    values: dict[Name, Value] = {}
    for name, tree in trees.items():
        for statement in tree.body if name != BOARD else ():
            value = _value(statement, name, values)
            if type(value) is int or (isinstance(value, str) and name.startswith(_LOGIC)):
                values.update(((name, defined), value) for defined in _defines(statement))
    return {name: _written_in(text, name, trees[name], values) for name, text in sources.items()}


class _Asking(ast.NodeTransformer):
    """Makes expressions of asserts: in code beside the node's they are run."""

    def visit_Assert(self, node: ast.Assert) -> ast.Expr:
        return ast.Expr(node.test)


def shaken(sources: dict[str, str], also: str = "") -> dict[str, str]:
    """The same sources with every definition blanked that nothing kept uses (rule 3); ``also`` is code beside them."""
    kept: set[Name] = {(METHOD, name) for name in _NOT_ON_A_NODE if also}
    waiting: list[_Definition] = []
    for name, text in {**sources, "": also}.items():
        tree = ast.parse(text) if name else _Asking().visit(ast.parse(text))
        imports = _imports(tree, name)
        for statement in tree.body:
            for part in _parts(name, statement, imports):
                if _may_go(part):
                    waiting.append(part)
                else:
                    kept |= part.uses
    while wanted := [part for part in waiting if part.defines & kept]:
        waiting = [part for part in waiting if not part.defines & kept]
        kept.update(*(part.uses for part in wanted))
    lines = {name: text.split("\n") for name, text in sources.items()}
    for unused in waiting:
        _blank(lines[unused.module], unused.statement)
    return {name: _without_idle_imports("\n".join(text)) for name, text in lines.items()}


def _parts(module: str, statement: ast.stmt, imports: _Imports) -> Iterator[_Definition]:
    """A top-level statement; a class is its head and each of its methods apart."""

    def uses(*nodes: ast.AST) -> frozenset[Name]:
        return frozenset(name for node in nodes for name in _uses(node, module, imports))

    defines = frozenset((module, name) for name in _defines(statement))
    if (
        not module.startswith(_SHAKEN)
        and isinstance(statement, ast.Assign)
        and all(_CONSTANT.fullmatch(name) for _, name in defines)
    ):
        defines |= {(METHOD, name) for _, name in defines}  # of a module that is had as a value
    if not isinstance(statement, ast.ClassDef):
        yield _Definition(module, statement, defines, uses(statement))
        return
    rest: list[ast.AST] = [*statement.bases, *statement.decorator_list]
    for part in statement.body:
        special = isinstance(part, ast.FunctionDef) and _SPECIAL.fullmatch(part.name)
        if isinstance(part, ast.FunctionDef) and (not special or part.name in _NOT_ON_A_NODE):
            yield _Definition(module, part, frozenset({(METHOD, part.name)}), uses(part))
        else:
            rest.append(part)
    yield _Definition(module, statement, defines, uses(*rest))


def _may_go(part: _Definition) -> bool:
    if not part.defines or part.module == BOARD or not part.module.endswith(".mpy"):
        return False
    whole = part.module.startswith(_SHAKEN)
    return whole or all(name.startswith("_") or _CONSTANT.fullmatch(name) for _, name in part.defines)


def _blank(lines: list[str], statement: ast.stmt) -> None:
    decorators = getattr(statement, "decorator_list", ())
    first = min([statement.lineno, *(decorator.lineno for decorator in decorators)])
    for number in range(first - 1, statement.end_lineno or statement.lineno):
        lines[number] = ""


def _without_idle_imports(text: str) -> str:
    """Names that a module imports and does not use any more go, too."""
    tree = ast.parse(text)
    named = {node.id for node in _compiled(tree) if isinstance(node, ast.Name)}
    lines = text.split("\n")
    for statement in ast.walk(tree):
        if not isinstance(statement, ast.ImportFrom) or (statement.module or "").split(".")[0] == "__future__":
            continue
        kept = [alias for alias in statement.names if (alias.asname or alias.name) in named]
        if len(kept) == len(statement.names) or (not kept and statement.col_offset):
            continue
        indent = lines[statement.lineno - 1][: statement.col_offset]
        _blank(lines, statement)
        if kept:
            line = indent + ast.unparse(ast.ImportFrom(statement.module, kept, statement.level))
            lines[statement.lineno - 1] = line
    return "\n".join(lines)


def _value(statement: ast.stmt, own: str, values: dict[Name, Value]) -> Value | None:
    """The value of ``NAME = whole number or short text``, also when it is reckoned from constants above it."""
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
    return value if type(value) is int or (type(value) is str and len(value) <= SHORT) else None


def _written_in(text: str, own: str, tree: ast.Module, values: dict[Name, Value]) -> str:
    modules, names = _imports(tree, own)
    spots: list[tuple[int, int, int, Value]] = []  # line, first byte, end, value
    for node in ast.walk(tree):
        found: Name | None = None
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found = names.get(node.id, (own, node.id))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found = (modules[node.value.id], node.attr)
        if found in values and isinstance(node, ast.expr) and node.lineno == node.end_lineno:
            spots.append((node.lineno - 1, node.col_offset, node.end_col_offset or 0, values[found]))
    lines = [line.encode() for line in text.split("\n")]
    for line, first, end, value in sorted(spots, reverse=True):
        shown = repr(value) if isinstance(value, str) or value >= 0 else f"({value})"
        lines[line] = lines[line][:first] + shown.encode() + lines[line][end:]
    return "\n".join(line.decode() for line in lines)


def _imports(tree: ast.Module, own: str) -> _Imports:
    """What a module calls which other module of the bundle, and which name of one: {"fields": "wire/fields.mpy"},
    {"ProtocolError": ("node/packets.mpy", "ProtocolError")}."""
    modules: dict[str, str] = {}
    names: dict[str, Name] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules.update((alias.name, f"{alias.name}.mpy") for alias in node.names if alias.name in _BUNDLED)
        if not isinstance(node, ast.ImportFrom):
            continue
        package = own.split("/")[0] + "." if node.level else ""
        path = (package + (node.module or "")).strip(".").removeprefix("firmware.").split(".")
        if path[0] not in _BUNDLED:
            continue
        for alias in node.names:
            if len(path) == 1:
                modules[alias.asname or alias.name] = f"{path[0]}/{alias.name}.mpy"
            else:
                names[alias.asname or alias.name] = (f"{path[0]}/{path[1]}.mpy", alias.name)
    return modules, names


def _defines(statement: ast.stmt) -> set[str]:
    """The names that a function, a class or a plain assignment gives to its module; nothing for the rest."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Assign) and all(isinstance(target, ast.Name) for target in statement.targets):
        return {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return set()


def _compiled(node: ast.AST) -> Iterator[ast.AST]:
    """Like ast.walk, without what is not compiled: asserts and annotations."""
    yield node
    if isinstance(node, ast.Assert):
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, ast.Assert):
                yield from _compiled(child)


def _uses(statement: ast.AST, own: str, imports: _Imports) -> Iterator[Name]:
    """All that a statement can mean."""
    modules, names = imports
    for node in _compiled(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield names.get(node.id, (own, node.id))
        elif isinstance(node, ast.Attribute):
            yield METHOD, node.attr
            if isinstance(node.value, ast.Name) and node.value.id in modules:
                yield modules[node.value.id], node.attr
        elif isinstance(node, ast.Global):
            yield from ((own, name) for name in node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _NAMED_BY_TEXT:
            texts = (text.value for text in node.args if isinstance(text, ast.Constant))
            yield from ((METHOD, text) for text in texts if isinstance(text, str))
