"""Frozen dataclasses to JSON and back, with nothing taken on trust.

Rules
1. What a class says is what must be there: every key once, no other key, exactly that type (a bool is no number).
2. Not-a-number and infinity are refused both ways; they are not JSON.
3. An error names the place, such as ``village.gardens[2].name: expected text, found a number``.
4. Ranges and lengths belong to the class itself (its ``__post_init__``), not to this reader.
"""

from __future__ import annotations

import dataclasses
import json
import types
from typing import Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

# Deeper nesting than any view has; json.loads itself would go on to the recursion limit.
MAX_LIST = 10_000


class StrictJsonError(Exception):
    """The text is not JSON of the class that was asked for."""


def encode(value: Any) -> str:
    """Compact JSON of a dataclass; text stays readable Vietnamese."""
    return json.dumps(
        dataclasses.asdict(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
    )


def decode(cls: type[T], text: str | bytes) -> T:
    """Read one ``cls``. Raises StrictJsonError, or what the class raises about its ranges."""
    try:
        found = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_unique_keys)
    except StrictJsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise StrictJsonError(f"{cls.__name__.lower()}: not JSON ({error})") from error
    made: T = _read(cls, found, cls.__name__.lower())
    return made


def _no_constant(name: str) -> NoReturn:
    raise StrictJsonError(f"{name} is not a JSON number")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise StrictJsonError("a key is there twice")
    return found


def _read(kind: Any, found: Any, place: str) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _read_object(kind, found, place)
    origin = get_origin(kind)
    if origin is tuple:
        return _read_tuple(get_args(kind), found, place)
    if origin is Literal:
        if found not in get_args(kind) or not isinstance(found, str):
            _refuse(place, "one of " + ", ".join(map(str, get_args(kind))), found)
        return found
    if origin in (Union, types.UnionType):
        if found is None:
            return None
        (other,) = (arg for arg in get_args(kind) if arg is not type(None))
        return _read(other, found, place)
    return _read_scalar(kind, found, place)


def _read_scalar(kind: Any, found: Any, place: str) -> Any:
    if kind is float and type(found) is int:
        if abs(found) > 2**53:
            raise StrictJsonError(f"{place}: the number is too large")
        return float(found)
    if type(found) is not kind:
        _refuse(place, _type_word(kind), found)
    return found


def _read_tuple(kinds: tuple[Any, ...], found: Any, place: str) -> tuple[Any, ...]:
    if not isinstance(found, list):
        _refuse(place, "a list", found)
    if kinds[-1] is Ellipsis:
        if len(found) > MAX_LIST:
            raise StrictJsonError(f"{place}: expected at most {MAX_LIST} items")
        return tuple(_read(kinds[0], item, f"{place}[{index}]") for index, item in enumerate(found))
    if len(found) != len(kinds):
        raise StrictJsonError(f"{place}: expected {len(kinds)} items, found {len(found)}")
    return tuple(
        _read(kind, item, f"{place}[{index}]") for index, (kind, item) in enumerate(zip(kinds, found, strict=True))
    )


def _read_object(cls: type[Any], found: Any, place: str) -> Any:
    if not isinstance(found, dict):
        _refuse(place, "an object", found)
    kinds = _field_kinds(cls)
    missing = sorted(kinds.keys() - found.keys())
    unknown = sorted(found.keys() - kinds.keys())
    if missing or unknown:
        what = [f"missing key {name!r}" for name in missing] + [f"unknown key {name[:40]!r}" for name in unknown]
        raise StrictJsonError(f"{place}: {', '.join(what[:5])}")
    return cls(**{name: _read(kind, found[name], f"{place}.{name}") for name, kind in kinds.items()})


def _field_kinds(cls: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _type_word(kind: Any) -> str:
    return {str: "text", int: "a whole number", float: "a number", bool: "true or false"}.get(kind, str(kind))


def _refuse(place: str, expected: str, found: Any) -> NoReturn:
    words = {
        str: "text",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        list: "a list",
        dict: "an object",
    }
    raise StrictJsonError(f"{place}: expected {expected}, found {words.get(type(found), 'nothing')}")
