"""A TOML table that is read strictly, key by key.

Rules
1. Every key is asked for by its type and allowed range; what was never asked for is refused at the end.
2. Every error is one line: where, key, the value found, and what is allowed; in English for the log, and in
   Vietnamese (``gateway.refusals``) for the person at the screen.
3. Decimal numbers stay exact (``Decimal``) until a caller turns them into the integers that travel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from gateway import refusals
from wire import topics

MAX_TEXT = 80
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")


class RegistryError(Exception):
    """The registry cannot be used. ``field`` is the key with its place, empty when it is the file as a whole;
    ``value`` what was found there, None where that says nothing. As a text it is the English line."""

    def __init__(self, reason: str, field: str = "", value: str | None = None, file: Path | None = None) -> None:
        super().__init__(reason, field, value, file)
        self.reason = reason
        self.field = field
        self.value = value
        self.file = file

    def __str__(self) -> str:
        return self._head(refusals.MISSING) + self.reason

    @property
    def allowed(self) -> str:
        """The allowed range, in English."""
        return self.reason.removeprefix("must be ")

    @property
    def vietnamese(self) -> str:
        """The same line in Vietnamese."""
        return self._head(refusals.MISSING_VI) + refusals.vietnamese(self.reason)

    @property
    def on_screen(self) -> str:
        """Vietnamese first, then English, in one line."""
        return f"{self.vietnamese} / {self}"

    def of(self, file: Path | None) -> RegistryError:
        """The same error, which names the file."""
        return RegistryError(self.reason, self.field, self.value, file)

    def _head(self, missing: str) -> str:
        file = f"{self.file}: " if self.file else ""
        value = missing if self.value == refusals.MISSING else self.value
        if not self.field:
            return file
        return f"{file}{self.field}: " if value is None else f"{file}{self.field} = {value}: "


class Table:
    """One table of the file. Used as a context: on leaving, keys that nobody asked for are refused."""

    def __init__(self, found: object, where: str) -> None:
        if not isinstance(found, dict):
            raise RegistryError("must be a table", where, repr(found))
        self._found: dict[str, object] = found
        self._asked: set[str] = set()
        self.where = where

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        unknown = sorted(set(self._found) - self._asked)
        if kind is None and unknown:
            known = ", ".join(sorted(self._asked))
            raise RegistryError(f"unknown key; allowed here: {known}", self._place(unknown[0]))

    def _place(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key

    def refuse(self, key: str, allowed: str) -> NoReturn:
        """Raise the one-line error of a key whose value is not allowed."""
        shown = plain(self._found[key]) if key in self._found else refusals.MISSING
        raise RegistryError(f"must be {allowed}", self._place(key), shown)

    def has(self, key: str) -> bool:
        self._asked.add(key)
        return key in self._found

    def is_table(self, key: str) -> bool:
        """Whether a key has a table, where a plain value would do too."""
        return isinstance(self._found.get(key), dict)

    def _get(self, key: str, allowed: str) -> object:
        if not self.has(key):
            self.refuse(key, allowed)
        return self._found[key]

    def id(self, key: str) -> str:
        allowed = "an id: 1 to 32 of a-z, 0-9 and -"
        value = self._get(key, allowed)
        if not isinstance(value, str) or not topics.id_ok(value):
            self.refuse(key, allowed)
        return value

    def text(self, key: str) -> str:
        allowed = f"a text of 1 to {MAX_TEXT} printable characters"
        value = self._get(key, allowed)
        if not isinstance(value, str) or not 1 <= len(value) <= MAX_TEXT or not value.isprintable():
            self.refuse(key, allowed)
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        allowed = "one of " + ", ".join(choices)
        value = self._get(key, allowed)
        if not isinstance(value, str) or value not in choices:
            self.refuse(key, allowed)
        return value

    def host(self, key: str) -> str:
        allowed = "a host name or IPv4 address"
        value = self._get(key, allowed)
        if not isinstance(value, str) or not _HOST.fullmatch(value):
            self.refuse(key, allowed)
        return value

    def url(self, key: str) -> str:
        allowed = "an address such as https://cloud.example:8443"
        value = self._get(key, allowed)
        if not isinstance(value, str) or not _URL.fullmatch(value):
            self.refuse(key, allowed)
        return value.rstrip("/")

    def whole(self, key: str, low: int, high: int) -> int:
        allowed = f"a whole number in {low}..{high}"
        value = self._get(key, allowed)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.refuse(key, allowed)
        return value

    def number(self, key: str, low: Decimal | int, high: Decimal | int) -> Decimal:
        allowed = f"a number in {low}..{high}"
        return self._number(key, self._get(key, allowed), Decimal(low), Decimal(high), allowed)

    def _number(self, key: str, value: object, low: Decimal, high: Decimal, allowed: str) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.refuse(key, allowed)
        exact = Decimal(value)
        if not exact.is_finite() or not low <= exact <= high:
            self.refuse(key, allowed)
        return exact

    def pair(self, key: str, low: Decimal | int, high: Decimal | int) -> tuple[Decimal, Decimal]:
        """Two numbers of the same range, in the order given."""
        allowed = f"two numbers in {low}..{high}, such as [{low}, {high}]"
        value = self._get(key, allowed)
        if not isinstance(value, list) or len(value) != 2:
            self.refuse(key, allowed)
        first, second = (self._number(key, v, Decimal(low), Decimal(high), allowed) for v in value)
        return first, second

    def numbers(
        self, key: str, count: int, low: Decimal | int, high: Decimal | int, *, whole: bool = False
    ) -> list[Decimal]:
        """So many numbers of the same range, in the order given."""
        allowed = f"{count} whole numbers in {low}..{high}" if whole else f"{count} numbers in {low}..{high}"
        value = self._get(key, allowed)
        if not isinstance(value, list) or len(value) != count:
            self.refuse(key, allowed)
        found = [self._number(key, v, Decimal(low), Decimal(high), allowed) for v in value]
        if whole and any(number != int(number) for number in found):
            self.refuse(key, allowed)
        return found

    def wholes(self, key: str, least: int, most: int, low: int, high: int) -> list[int]:
        """A list of whole numbers of the same range."""
        allowed = f"{least} to {most} whole numbers in {low}..{high}"
        value = self._get(key, allowed)
        if not isinstance(value, list) or not least <= len(value) <= most:
            self.refuse(key, allowed)
        if not all(isinstance(n, int) and not isinstance(n, bool) and low <= n <= high for n in value):
            self.refuse(key, allowed)
        return value

    def texts(self, key: str, least: int, most: int) -> list[str]:
        """A list of texts."""
        allowed = f"{least} to {most} texts"
        value = self._get(key, allowed)
        if not isinstance(value, list) or not least <= len(value) <= most:
            self.refuse(key, allowed)
        if not all(isinstance(text, str) and text.isprintable() for text in value):
            self.refuse(key, allowed)
        return value

    def day(self, key: str) -> date:
        """A day of the years that a registry may speak of."""
        allowed = "a day such as 2024-03-01, from 1990 to 2100"
        value = self._get(key, allowed)
        if not isinstance(value, date) or isinstance(value, datetime) or not 1990 <= value.year <= 2100:
            self.refuse(key, allowed)
        return value

    def table(self, key: str) -> Table:
        return Table(self._get(key, "a table"), self._place(key))

    def tables(self, key: str, low: int, high: int) -> Iterator[Table]:
        """The tables of an array; each says its place in it, counted from 1."""
        allowed = f"{low} to {high} tables"
        value = self._found.get(key, []) if self.has(key) or low == 0 else self._get(key, allowed)
        if not isinstance(value, list) or not low <= len(value) <= high:
            self.refuse(key, allowed)
        for place, entry in enumerate(value, start=1):
            yield Table(entry, f"{self._place(key)}[{place}]")


def plain(value: object) -> str:
    """A value as a person wrote it, cut to one short line."""
    if isinstance(value, Decimal | date):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(plain(v) for v in value[:4]) + (", …]" if len(value) > 4 else "]")
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…'"
