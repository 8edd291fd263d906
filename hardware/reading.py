"""Reading the hardware's files: tables into frozen dataclasses, and the one error that a mistake in a file can raise.

Rules
1. Strict: an unknown key, a missing one, or a value of another type is a HardwareError that names its place.
2. One line says the file or the place, what stands there, and what should.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

WORDS = {str: "a text", int: "a whole number", float: "a number", list: "a list", tuple: "a list", dict: "a table"}

Made = TypeVar("Made")


class HardwareError(Exception):
    """A file of the hardware cannot be read; one line."""


def read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise HardwareError(f"{path.name}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HardwareError(f"{path.name}: {error}") from error


def make(made: type[Made], row: object, where: str) -> Made:
    """One dataclass of a table."""
    if not isinstance(row, Mapping):
        raise HardwareError(f"{where}: {row!r} is not a table")
    try:
        thing = made(**row)
    except TypeError as error:
        raise HardwareError(f"{where}: {str(error).removeprefix(made.__name__ + '.__init__() ')}") from error
    for name, hint in get_type_hints(made).items():
        if name in row and not fits(row[name], hint):
            raise HardwareError(f"{where}.{name}: {row[name]!r} is not {_words(hint)}")
    return thing


def make_all(made: type[Made], rows: Mapping[str, Any], where: str) -> dict[str, Made]:
    return {name: make(made, row, f"{where}.{name}") for name, row in rows.items()}


def split(text: object, separator: str, count: int, where: str) -> list[str]:
    """The words of a text that must be so many."""
    found = text.split(separator) if isinstance(text, str) else []
    if len(found) != count:
        raise HardwareError(f"{where}: {text!r} is not {count} words with {separator!r} between them")
    return found


def number(text: str, where: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise HardwareError(f"{where}: {text!r} is not a whole number") from error


def fits(value: object, hint: Any) -> bool:
    """Whether a value is what a dataclass says; a whole number is a number as well, a truth value is none."""
    if hint is Any:
        return True
    if isinstance(value, bool):
        return hint is bool
    kind, inner = get_origin(hint), get_args(hint)
    if kind in (UnionType, Union):
        return any(fits(value, one) for one in inner)
    if kind in (list, tuple):
        return isinstance(value, kind) and all(fits(one, inner[0]) for one in value)
    if kind is dict:
        return isinstance(value, dict) and all(fits(one, inner[1]) for one in value.values())
    return isinstance(value, (int, float) if hint is float else hint)


def _words(hint: Any) -> str:
    if get_origin(hint) in (UnionType, Union):
        return " or ".join(_words(one) for one in get_args(hint) if one is not type(None))
    kind = get_origin(hint) or hint
    word = WORDS.get(kind, "a table" if dataclasses.is_dataclass(kind) else kind.__name__)
    inside = [one for one in get_args(hint) if one not in (Any, ...)]
    return f"{word} of {_words(inside[-1]).removeprefix('a ')}s" if inside else word
