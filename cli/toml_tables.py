"""TOML files that are read strictly: every key is asked for with its type and range, and what is left is refused.

Rules
1. Every mistake is one line: file, key with its table, value found, what is allowed, what to do (cli.refusal).
2. Numbers may be whole or decimal; days are TOML days or texts like "2024-03-01".
"""

from __future__ import annotations

import difflib
import sys
import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from cli.refusal import Refused, shown
from cli.tables import Limits

MAX_BYTES = 1_000_000


class Toml:
    """One table of a file. Used as a context: on leaving, keys that nobody asked for are refused."""

    def __init__(self, file: str, found: object, where: str = "") -> None:
        self.file, self.where = file, where
        if not isinstance(found, dict):
            raise Refused(file, f"{where} = {shown(found)}: phải là bảng", f"{where} = {shown(found)}: must be a table")
        self._found: dict[str, object] = found
        self._asked: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        unknown = [key for key in self._found if key not in self._asked]
        if kind is None and unknown:
            near = difflib.get_close_matches(unknown[0], self._asked, n=1, cutoff=0.5)
            allowed = near[0] if near else ", ".join(self._asked)
            place = self.place(unknown[0])
            raise Refused(
                self.file,
                f"{place}: không biết khóa này; có phải {allowed}?",
                f"{place}: unknown key; did you mean {allowed}?",
            )

    def place(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key

    def refused(self, key: str, vi: str, en: str) -> Refused:
        """The refusal of a key's value; raise it."""
        place = self.place(key)
        if key not in self._found:
            return Refused(self.file, f"thiếu {place}: {vi}", f"{place} is missing: {en}")
        value = shown(self._found[key])
        return Refused(self.file, f"{place} = {value}: {vi}", f"{place} = {value}: {en}")

    def keys(self) -> tuple[str, ...]:
        """The keys that are there, in the order of the file."""
        return tuple(self._found)

    def has(self, key: str) -> bool:
        self._asked.append(key)
        return key in self._found

    def _get(self, key: str) -> object:
        return self._found[key] if self.has(key) else None

    def number(self, key: str, limits: Limits, default: float | None = None) -> float:
        value = self._get(key)
        if value is None and default is not None:
            return default
        return self._number(key, value, limits)

    def _number(self, key: str, value: object, limits: Limits) -> float:
        allowed = f"{limits.low:g}..{limits.high:g} {limits.unit}".rstrip()
        good = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
        if not isinstance(value, int | float) or not good:
            raise self.refused(key, f"phải là số trong {allowed}", f"must be a number in {allowed}")
        if not limits.low <= value <= limits.high:
            vi, en = limits.hint(float(value))
            raise self.refused(key, f"phải trong {allowed}{vi}", f"must be in {allowed}{en}")
        return float(value)

    def numbers(self, key: str, count: int, limits: Limits, what: str) -> list[float]:
        """``count`` numbers of the same range; ``what`` names them, such as "[ini, mid, end]"."""
        value = self._get(key)
        if not isinstance(value, list) or len(value) != count:
            raise self.refused(key, f"phải là {count} số {what}", f"must be {count} numbers {what}")
        return [self._number(key, entry, limits) for entry in value]

    def is_list(self, key: str) -> bool:
        return isinstance(self._found.get(key), list)

    def is_text(self, key: str) -> bool:
        return isinstance(self._found.get(key), str)

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self._get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.refused(key, f"phải là số nguyên {low}..{high}", f"must be a whole number {low}..{high}")
        return value

    def text(self, key: str) -> str:
        value = self._get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.refused(key, "phải là một chuỗi chữ", "must be a text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._get(key)
        if not isinstance(value, list) or not value or not all(isinstance(entry, str) for entry in value):
            raise self.refused(key, "phải là danh sách các chuỗi chữ", "must be a list of texts")
        return tuple(value)

    def choice(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        value = self._get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or value not in choices:
            allowed = ", ".join(choices)
            raise self.refused(key, f"phải là một trong {allowed}", f"must be one of {allowed}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self._get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.refused(key, "phải là true hoặc false", "must be true or false")
        return value

    def day(self, key: str, default: date | None = None) -> date:
        value = self._get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, str):
            try:
                value = date.fromisoformat(value)
            except ValueError:
                value = None
        if not isinstance(value, date) or isinstance(value, datetime):
            raise self.refused(key, "phải là ngày như 2024-03-01", "must be a day like 2024-03-01")
        return value

    def table(self, key: str) -> Toml:
        value = self._get(key)
        if value is None:
            raise self.refused(key, "cần một bảng", "a table is needed")
        return Toml(self.file, value, self.place(key))

    def tables(self, key: str, low: int, high: int) -> Iterator[Toml]:
        """The tables of an array; each says its place in it, counted from 1."""
        value = self._get(key)
        if not isinstance(value, list) or not low <= len(value) <= high:
            raise self.refused(key, f"phải là {low} đến {high} bảng", f"must be {low} to {high} tables")
        for place, entry in enumerate(value, start=1):
            yield Toml(self.file, entry, f"{self.place(key)}[{place}]")


def read(path: Path) -> Toml:
    """The file's outermost table. Raises Refused."""
    name = str(path)
    if path.stat().st_size > MAX_BYTES:
        raise Refused(name, "tệp quá lớn", f"larger than {MAX_BYTES} bytes")
    try:
        return Toml(name, tomllib.loads(path.read_bytes().decode("utf-8-sig")))
    except UnicodeDecodeError:
        raise Refused(name, "không phải UTF-8, hãy lưu lại là UTF-8", "is not UTF-8, save it as UTF-8") from None
    except RecursionError:
        raise Refused(name, "quá nhiều ngoặc lồng nhau", "brackets are nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError is one, and so is a number of thousands of digits
        raise Refused(name, f"không đọc được TOML, sửa chỗ này: {error}", f"is not TOML, mend this: {error}") from None
