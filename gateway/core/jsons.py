"""Frozen dataclasses to plain JSON values and back, strictly and without loss.

Rules
1. Known shapes only: int, float, str, bool, bytes, None, StrEnum, ``X | None``, ``tuple[X, ...]``, ``Mapping[str, X]``,
   ``Mapping[int, X]``, dataclass. Bytes are hexadecimal, and keys are texts.
2. Reading back checks every type and every key, and names the place of the first that is wrong (ShapeError).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


class ShapeError(Exception):
    """A value that has not the shape of its type."""


def to_plain(value: Any) -> Any:
    """The value as dicts, lists, texts, numbers, booleans and None."""
    if isinstance(value, StrEnum):
        return value.value
    if value is None or isinstance(value, int | float | str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
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
        name, item = get_args(kind)
        parts = _dict(found, place).items()
        return {_key(name, key, place): from_plain(item, part, f"{place}.{key}") for key, part in parts}
    if is_dataclass(kind):
        return _record(kind, found, place)
    if issubclass(kind, StrEnum):
        try:
            return kind(found)
        except ValueError as error:
            raise ShapeError(f"{place}: {found!r} is not a {kind.__name__}") from error
    if kind is bytes:
        return _bytes(found, place)
    if kind is float and type(found) is int:
        return found  # a whole number is one too, and stays what it was
    if type(found) is not kind:
        raise ShapeError(f"{place}: expected {kind.__name__}, found {found!r}")
    return found


def _key(kind: Any, found: str, place: str) -> Any:
    if kind is not int:
        return found
    try:
        return int(found)
    except ValueError as error:
        raise ShapeError(f"{place}: {found!r} is not a number") from error


def _bytes(found: Any, place: str) -> bytes:
    try:
        return bytes.fromhex(found)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"{place}: expected hexadecimal, found {found!r}") from error


def filled(kind: Any, found: Any) -> Any:
    """Plain values of an older shape, with the defaults of what it did not have yet. What is wrong stays wrong."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        shapes = [part for part in args if part is not type(None)]
        return filled(shapes[0], found) if len(shapes) == 1 and found is not None else found
    if origin is tuple and isinstance(found, list):
        return [filled(args[0], item) for item in found]
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(found, dict):
        return {key: filled(args[1], item) for key, item in found.items()}
    if not is_dataclass(kind) or not isinstance(found, dict):
        return found
    hints = _hints(kind)  # type: ignore[arg-type]
    known = {name: filled(hints[name], item) if name in hints else item for name, item in found.items()}
    for f in fields(kind):
        if f.name not in known and f.default is not MISSING:
            known[f.name] = to_plain(f.default)
        elif f.name not in known and f.default_factory is not MISSING:
            known[f.name] = to_plain(f.default_factory())
    return known


def _option(kind: Any, found: Any, place: str) -> Any:
    if found is None and type(None) in get_args(kind):
        return None
    parts = [part for part in get_args(kind) if part is not type(None)]
    if len(parts) > 1:  # dataclasses, which are told apart by their keys
        given = set(_dict(found, place))
        parts = [part for part in parts if given == set(_hints(part))]
        if len(parts) != 1:
            raise ShapeError(f"{place}: unknown shape with {', '.join(sorted(given)) or 'no key'}")
    return from_plain(parts[0], found, place)


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
