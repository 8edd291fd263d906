"""Shorter names and left-out definitions make no other program of a node: opcode by opcode, with a map of names."""

from __future__ import annotations

import ast
import dis
import types
from collections.abc import Callable

import pytest

from cli import firmware_build, firmware_names, firmware_shrink

_CELLS = {"MAKE_CELL", "COPY_FREE_VARS", "LOAD_CLOSURE", "BUILD_TUPLE"}


def _code(text: str) -> types.CodeType:
    return compile(text, "node", "exec", dont_inherit=True, optimize=1)


def _bare(text: str) -> str:
    """Without annotations, which a node does not compile."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
    return ast.unparse(tree)


class _Differs(AssertionError):
    """Two programs are not the same but for names."""


class _Names:
    """Old name -> new one: one to one, and only what may change has changed."""

    def __init__(self, where: str, may_change: Callable[[str], bool]) -> None:
        self.where, self._may_change = where, may_change
        self.new: dict[str, str] = {}

    def see(self, old: str, new: str) -> None:
        if self.new.setdefault(old, new) != new or (old != new and not self._may_change(old)):
            raise _Differs(f"{self.where}: {old} became {new}, {self.new[old]} elsewhere")
        if len(set(self.new.values())) != len(self.new):
            raise _Differs(f"{self.where}: two names have become one: {self.new}")

    def count(self) -> int:
        return sum(old != new for old, new in self.new.items())


def _steps(code: types.CodeType) -> list[dis.Instruction]:
    """Without what puts cells in order: that order is the one of their names."""
    return [step for step in dis.get_instructions(code) if step.opname not in _CELLS]


def _same(before: types.CodeType, after: types.CodeType, module: _Names, where: str) -> int:
    """How many names are others, where both do the same."""
    own = _Names(where, lambda _: True)
    pairs = zip(before.co_varnames[: before.co_argcount], after.co_varnames[: after.co_argcount], strict=True)
    for old, new in pairs:
        own.see(old, new)
    ours, theirs = _steps(before), _steps(after)
    if [step.opcode for step in ours] != [step.opcode for step in theirs]:
        raise _Differs(f"{where}: other code")
    changed = 0
    for a, b in zip(ours, theirs, strict=True):
        if isinstance(a.argval, types.CodeType):
            changed += _same(a.argval, b.argval, module, f"{where}.{a.argval.co_name}")
        elif a.opcode in dis.hasname:
            module.see(a.argval, b.argval)
        elif a.opcode in dis.haslocal or a.opcode in dis.hasfree:
            own.see(a.argval, b.argval)
        elif a.argval != b.argval and not _is_a_name(a, b, module):
            raise _Differs(f"{where}: {a.argval!r} became {b.argval!r}")
    return changed + own.count()


def _is_a_name(a: dis.Instruction, b: dis.Instruction, module: _Names) -> bool:
    """Whether a constant that is another one is only what a function calls itself."""
    if not isinstance(a.argval, str) or not isinstance(b.argval, str):
        return False
    paths = [path.split(".") for path in (a.argval, b.argval)]
    return len(paths[0]) == len(paths[1]) and all(
        old == new or old.startswith("_") or module.new.get(old) == new for old, new in zip(*paths, strict=True)
    )


def _whole() -> dict[str, str]:
    return {name: source.read_text(encoding="utf-8") for name, source in firmware_build._sources().items()}


def test_every_module_of_a_node_does_the_same_with_short_names() -> None:
    shaken = firmware_shrink.shaken(firmware_shrink.inlined(_whole()))
    short = firmware_names.renamed(shaken)
    changed = 0
    for name in sorted(shaken):
        module = _Names(name, lambda old: old.startswith("_"))
        changed += _same(_code(_bare(shaken[name])), _code(_bare(short[name])), module, name) + module.count()
    assert changed > 500, "or this test sees nothing"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("def f(a, b):\n    return a, a\n", "became"),
        ("def f(b, a):\n    return b, a\n", ""),
        ("def f(len, b):\n    return len, b\n", ""),
        ("def f(a, b):\n    return b, a\n", "became"),
        ("def f(a, b):\n    return a, 1\n", "other code"),
        ("def f(a, a_):\n    return a, b\n", "other code"),
    ],
)
def test_the_comparison_sees_what_is_not_the_same(wrong: str, why: str) -> None:
    right = "def f(a, b):\n    return a, b\n"
    if not why:
        _same(_code(right), _code(wrong), _Names("", lambda _: True), "m")
        return
    with pytest.raises(_Differs, match=why):
        _same(_code(right), _code(wrong), _Names("", lambda _: True), "m")


def test_a_parameter_of_an_inner_function_may_be_called_as_what_is_called_beside_it() -> None:
    sources = {"node/x.mpy": "def f(rows, seconds):\n    return later(rows), (lambda later: later + seconds)\n"}
    _same(
        _code(sources["node/x.mpy"]),
        _code(firmware_names.renamed(sources)["node/x.mpy"]),
        _Names("", lambda old: old.startswith("_")),
        "m",
    )
