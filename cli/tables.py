"""CSV tables that are read strictly: a header of known names, numbers with their allowed range, days in order.

Rules
1. UTF-8 with or without a mark, commas, one header row; empty lines are skipped, an empty cell is a missing value.
2. Rows are counted as lines of the file, the header being row 1, so that an editor finds them.
3. A number uses a decimal point; nan, inf and 1_000 are no numbers.
4. At most ``MAX_BYTES``: a year of minutes fits.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from cli.refusal import Refused, shown
from gateway.core.fao56.atmosphere import Array, floats

MAX_BYTES = 200_000_000
MAX_ROWS = 2_000_000
DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")  # and no other of the forms that ISO 8601 has


@dataclass(frozen=True, slots=True)
class Hint:
    """What a value outside of its range most likely is, when it is in ``low`` to ``high``."""

    low: float
    high: float
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers that a column may hold."""

    low: float
    high: float
    unit: str
    hints: tuple[Hint, ...] = ()

    def hint(self, value: float) -> tuple[str, str]:
        """More words about a value out of range, in both languages; empty when there is nothing to say."""
        for hint in self.hints:
            if hint.low <= value <= hint.high:
                return f"; {hint.vi}", f"; {hint.en}"
        return "", ""


@dataclass(frozen=True)
class Table:
    """A table as text: ``lines`` holds the number in the file of each row."""

    name: str
    header: tuple[str, ...]
    rows: tuple[list[str], ...]
    lines: tuple[int, ...]

    def has(self, column: str) -> bool:
        return column in self.header

    def cells(self, column: str) -> list[str]:
        place = self.header.index(column)
        return [row[place].strip() for row in self.rows]

    def refused(self, row: int, column: str, vi: str, en: str) -> Refused:
        """The refusal of one cell; ``row`` counts from 0."""
        value = shown(self.rows[row][self.header.index(column)])
        line = self.lines[row]
        return Refused(self.name, f"dòng {line}, {column} = {value}: {vi}", f"row {line}, {column} = {value}: {en}")

    def numbers(self, column: str, limits: Limits) -> Array:
        """The column as numbers, NaN where it is empty or not there. Raises Refused."""
        if not self.has(column):
            return np.full(len(self.rows), np.nan)
        cells = self.cells(column)
        try:
            values = floats([float(cell) if cell else np.nan for cell in cells])
        except ValueError:
            values = None
        plain = values is not None and not any("_" in cell for cell in cells)
        if values is None or not plain or np.count_nonzero(~np.isfinite(values)) > cells.count(""):
            raise self._no_number(column, cells)
        outside = np.flatnonzero((values < limits.low) | (values > limits.high))
        if outside.size:
            vi, en = limits.hint(float(values[outside[0]]))
            allowed = f"{limits.low:g}..{limits.high:g} {limits.unit}".rstrip()
            raise self.refused(int(outside[0]), column, f"phải trong {allowed}{vi}", f"must be in {allowed}{en}")
        return values

    def _no_number(self, column: str, cells: Sequence[str]) -> Refused:
        for row, cell in enumerate(cells):
            if cell and not _is_number(cell):
                comma = "," in cell
                return self.refused(
                    row, column,
                    "không phải là số; dùng dấu chấm thập phân" if comma else "không phải là số; để trống nếu thiếu",
                    "is not a number; use a decimal point" if comma else "is not a number; leave it empty if missing",
                )  # fmt: skip
        raise AssertionError(f"{column}: every cell is a number")

    def days(self, column: str = "date") -> tuple[date, ...]:
        """The column as days, each later than the one before. Raises Refused."""
        found: list[date] = []
        for row, cell in enumerate(self.cells(column)):
            try:
                found.append(date.fromisoformat(cell if DAY.fullmatch(cell) else ""))
            except ValueError:
                raise self.refused(row, column, "không phải là ngày, ghi như 2024-03-01",
                                   "is not a day, write it like 2024-03-01") from None  # fmt: skip
            if row and found[row] <= found[row - 1]:
                raise self.out_of_order(row, column, found[row] == found[row - 1])
        return tuple(found)

    def out_of_order(self, row: int, column: str, same: bool) -> Refused:
        line = self.lines[row - 1]
        if same:
            return self.refused(
                row, column, f"trùng với dòng {line}, hãy bỏ một dòng", f"is also on row {line}, drop one"
            )
        return self.refused(
            row, column, f"phải sau dòng {line}, hãy sắp xếp lại", f"must be later than row {line}, sort the rows"
        )


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell))) and "_" not in cell
    except ValueError:
        return False


def read(path: Path, known: Sequence[str] | None, required: Sequence[str]) -> Table:
    """Read a table whose columns are among ``known`` (None: any) and hold all of ``required``. Raises Refused."""
    name = str(path)
    lines, rows = _rows(name, _text(path, name))
    if not rows:
        raise Refused(name, "tệp trống, dòng 1 phải là tên cột", "the file is empty, row 1 must name the columns")
    header = tuple(cell.strip() for cell in rows[0])
    _check_header(name, header, known, required)
    if len(rows) == 1:
        raise Refused(name, "không có dòng số liệu nào sau tên cột", "there is no row of data below the header")
    for line, row in zip(lines[1:], rows[1:], strict=True):
        if len(row) != len(header):
            raise Refused(name, f"dòng {line} có {len(row)} ô, phải có {len(header)}",
                          f"row {line} has {len(row)} cells, must have {len(header)}")  # fmt: skip
    return Table(name, header, tuple(rows[1:]), tuple(lines[1:]))


def header(path: Path) -> tuple[str, ...]:
    """The names of the columns, before anything is asked of them; none of an empty file. Raises Refused."""
    name = str(path)
    _, rows = _rows(name, _text(path, name).partition("\n")[0])
    return tuple(cell.strip() for row in rows for cell in row)


def _text(path: Path, name: str) -> str:
    if path.stat().st_size > MAX_BYTES:
        raise Refused(
            name, f"tệp lớn hơn {MAX_BYTES // 10**6} MB, hãy chia nhỏ", f"larger than {MAX_BYTES // 10**6} MB, split it"
        )
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Refused(name, f"dòng {line}: không phải UTF-8, hãy lưu lại là CSV UTF-8",
                      f"row {line}: is not UTF-8, save it as CSV UTF-8") from None  # fmt: skip


def _rows(name: str, text: str) -> tuple[list[int], list[list[str]]]:
    """The rows that hold anything, with their line numbers."""
    lines: list[int] = []
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if row and any(cell.strip() for cell in row):
                lines.append(reader.line_num)
                rows.append(row)
            if len(rows) > MAX_ROWS:
                raise Refused(name, f"hơn {MAX_ROWS} dòng, hãy chia nhỏ", f"more than {MAX_ROWS} rows, split it")
    except csv.Error as error:
        raise Refused(name, f"dòng {reader.line_num}: không phải CSV ({error})",
                      f"row {reader.line_num}: is not CSV ({error})") from None  # fmt: skip
    return lines, rows


def _check_header(name: str, header: Sequence[str], known: Sequence[str] | None, required: Sequence[str]) -> None:
    if len(header) == 1 and ";" in header[0]:
        raise Refused(
            name,
            "các cột cách nhau bằng dấu chấm phẩy, phải là dấu phẩy",
            "columns are split by semicolons, must be commas",
        )
    for place, column in enumerate(header):
        if column in header[:place]:
            raise Refused(
                name, f"dòng 1: cột {shown(column)} có hai lần", f"row 1: column {shown(column)} is there twice"
            )
        if known is not None and column not in known:
            near = difflib.get_close_matches(column, known, n=1, cutoff=0.5)
            allowed = near[0] if near else ", ".join(known)
            raise Refused(name, f"dòng 1: không biết cột {shown(column)}; có phải {allowed}?",
                          f"row 1: unknown column {shown(column)}; did you mean {allowed}?")  # fmt: skip
        if not column:
            raise Refused(name, f"dòng 1: cột thứ {place + 1} không có tên", f"row 1: column {place + 1} has no name")
    for column in required:
        if column not in header:
            raise Refused(name, f"dòng 1: thiếu cột {column}", f"row 1: column {column} is missing")


def gaps(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """First and last missing day of each gap."""
    for before, after in pairwise(days):
        if after - before > timedelta(days=1):
            yield before + timedelta(days=1), after - timedelta(days=1)


def written(header: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """A table as CSV text."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def figure(value: float, decimals: int) -> str:
    """A number of a result; empty when it is NaN, and never -0."""
    if np.isnan(value):
        return ""
    text = f"{value:.{decimals}f}"
    return text if float(text) else text.lstrip("-")
