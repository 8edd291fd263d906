"""Frozen dataclasses to plain JSON values and back, strictly and without loss.

Rules
1. Known shapes only: int, str, bool, None, StrEnum, ``X | None``, ``tuple[X, ...]``, ``Mapping[str, X]``, dataclass.
2. Reading back checks every type and every key, and names the place of the first that is wrong (ShapeError).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


class ShapeError(Exception):
    """A value that has not the shape of its type."""


def to_plain(value: Any) -> Any:
    """The value as dicts, lists, texts, integers, booleans and None."""
    if isinstance(value, StrEnum):
        return value.value
    if value is None or isinstance(value, int | str):
        return value
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {name: to_plain(getattr(value, name)) for name in _hints(type(value))}
    raise ShapeError(f"{type(value).__name__} has no plain form")


def from_plain(kind: Any, found: Any, place: str) -> Any:
    """The value of type ``kind``. Raises ShapeError."""
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _option(kind, found, place)
    if origin is tuple:
        item = get_args(kind)[0]
        return tuple(from_plain(item, part, f"{place}[{i}]") for i, part in enumerate(_list(found, place)))
    if origin is not None and issubclass(origin, Mapping):
        item = get_args(kind)[1]
        return {key: from_plain(item, part, f"{place}.{key}") for key, part in _dict(found, place).items()}
    if is_dataclass(kind):
        return _record(kind, found, place)
    if issubclass(kind, StrEnum):
        try:
            return kind(found)
        except ValueError as error:
            raise ShapeError(f"{place}: {found!r} is not a {kind.__name__}") from error
    if type(found) is not kind:
        raise ShapeError(f"{place}: expected {kind.__name__}, found {found!r}")
    return found


def _option(kind: Any, found: Any, place: str) -> Any:
    if found is None:
        return None
    (only,) = (part for part in get_args(kind) if part is not type(None))
    return from_plain(only, found, place)


def _record(kind: Any, found: Any, place: str) -> Any:
    hints = _hints(kind)
    given = _dict(found, place)
    if set(given) != set(hints):
        wrong = ", ".join(sorted(set(given) ^ set(hints)))
        raise ShapeError(f"{place}: unknown or missing: {wrong}")
    return kind(**{name: from_plain(hint, given[name], f"{place}.{name}") for name, hint in hints.items()})


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind)}


def _list(found: Any, place: str) -> list[Any]:
    if not isinstance(found, list):
        raise ShapeError(f"{place}: expected a list")
    return found


def _dict(found: Any, place: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ShapeError(f"{place}: expected an object")
    return found
