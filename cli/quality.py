"""``hoiquan quality``: one QARTOD flag, and the tests it failed, for every value of a table of readings.

Rules
1. The limits file has one table for each column to be judged; what its keys are is told in docs/interfaces.md.
2. Behind each value column X come ``X_flag`` and ``X_failed`` (names joined by "+"), in place of columns so
   named. Values are never changed.
3. A column without limits is not evaluated (2); limits for a column that is not there are refused.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from cli import tables, toml_tables
from cli.arguments import Parser
from cli.refusal import Refused, deliver, input_file, output_file, run
from cli.tables import Limits, Table
from cli.toml_tables import Toml
from gateway.core.fao56.atmosphere import Array, floats
from gateway.core.quality import DAY_S, SeriesLimits, Verdict, judge, names_of
from wire import fields

NAME = "quality"
ANY = Limits(-1e12, 1e12, "")
POSITIVE = Limits(1e-9, 1e12, "")
SECONDS = Limits(0, 1e9, "s")
FLAGS = (
    (fields.GOOD, "tốt / good"),
    (fields.NOT_EVALUATED, "chưa xét / not evaluated"),
    (fields.SUSPECT, "đáng ngờ / suspect"),
    (fields.FAIL, "hỏng / fail"),
    (fields.MISSING, "thiếu / missing"),
)


def main(argv: list[str]) -> int:
    """Read table and limits, judge every column, write the table, show the counts."""
    parser = Parser(prog="hoiquan quality", description="Quality flags by QARTOD of a CSV of readings.",
                    epilog="The limits are described in docs/interfaces.md.")  # fmt: skip
    parser.add_argument("input", metavar="IN.csv", type=input_file, help="'time' and columns of values")
    parser.add_argument(
        "--limits", required=True, metavar="LIMITS.toml", type=input_file, help="a table for each column"
    )
    parser.add_argument("-o", dest="output", metavar="OUT.csv", type=output_file, help="default: the screen")
    args = parser.parse_args(argv)
    return run(NAME, lambda: _work(args))


def _work(args: argparse.Namespace) -> int:
    table = tables.read(args.input, None, ("time",))
    results = _results(table)
    names = [name for name in table.header if name != "time" and name not in results]
    if not names:
        raise Refused(
            table.name, "dòng 1: không có cột giá trị nào ngoài time", "row 1: no column of values beside time"
        )
    limits, neighbours = _limits(args.limits, names)
    time_s = _seconds(table)
    values = {name: table.numbers(name, ANY) for name in names}
    alone = {name: judge(time_s, values[name], limits[name]) for name in names}
    trusted = {name: np.where(alone[name].flags == fields.FAIL, np.nan, values[name]) for name in names}
    found = {
        name: judge(time_s, values[name], limits[name], [trusted[other] for other in neighbours[name]])
        if neighbours[name]
        else alone[name]
        for name in names
    }
    deliver(_text(table, found), args.output, args.input, args.limits)
    print("\n".join(_counts(found)), file=sys.stdout if args.output else sys.stderr)
    return 0


def _limits(path: Path, names: list[str]) -> tuple[dict[str, SeriesLimits], dict[str, tuple[str, ...]]]:
    """The limits and the neighbours of each column; none for columns that the file does not name."""
    limits = {name: SeriesLimits() for name in names}
    neighbours: dict[str, tuple[str, ...]] = dict.fromkeys(names, ())
    with toml_tables.read(path) as top:
        for name in top.keys():  # noqa: SIM118 - not a dict
            if name not in limits:
                raise Refused(
                    top.file,
                    f"[{name}]: không có cột này, các cột là {', '.join(names)}",
                    f"[{name}]: there is no such column, the columns are {', '.join(names)}",
                )
            with top.table(name) as column:
                limits[name], neighbours[name] = _column(column, name, names)
    return limits, neighbours


def _column(table: Toml, name: str, names: list[str]) -> tuple[SeriesLimits, tuple[str, ...]]:
    resolution = table.number("resolution", POSITIVE) if table.has("resolution") else None
    neighbours = table.texts("neighbours") if table.has("neighbours") else ()
    if any(other == name or other not in names for other in neighbours):
        raise table.refused("neighbours", f"phải là các cột khác trong {', '.join(names)}",
                            f"must be other columns of {', '.join(names)}")  # fmt: skip
    if table.has("drift") != bool(neighbours):
        raise table.refused("drift", "drift và neighbours đi cùng nhau", "drift and neighbours go together")
    found = SeriesLimits(
        fail_range=_range(table, "range"),
        suspect_range=_range(table, "suspect_range"),
        resolution=resolution,
        on_grid=table.flag("on_grid", False),
        period_s=table.number("period_s", POSITIVE) if table.has("period_s") else None,
        largest_step=table.number("largest_step", POSITIVE) if table.has("largest_step") else None,
        stuck_s=table.number("stuck_s", SECONDS, DAY_S if resolution else 0.0),
        drift=table.number("drift", POSITIVE) if neighbours else None,
        drift_window_s=table.number("drift_window_s", Limits(1, 1e8, "s"), DAY_S),
    )
    if found.on_grid and resolution is None:
        raise table.refused("on_grid", "cần resolution", "needs resolution")
    return found, neighbours


def _range(table: Toml, key: str) -> tuple[float, float] | None:
    if not table.has(key):
        return None
    low, high = table.numbers(key, 2, ANY, "[low, high]")
    if low >= high:
        raise table.refused(key, "số đầu phải nhỏ hơn số sau", "the first must be below the second")
    return low, high


def _seconds(table: Table) -> Array:
    """The times as seconds; all with an offset, or all without. Raises Refused."""
    found: list[float] = []
    aware = True
    for row, cell in enumerate(table.cells("time")):
        try:
            moment = datetime.fromisoformat(cell)
        except ValueError:
            raise table.refused(row, "time", "không phải là giờ, ghi như 2024-03-01T14:00+07:00",
                                "is not a time, write it like 2024-03-01T14:00+07:00") from None  # fmt: skip
        if row and (moment.tzinfo is not None) != aware:
            raise table.refused(row, "time", "chỗ có múi giờ chỗ không, hãy ghi giống nhau",
                                "some times have an offset and some not, write all alike")  # fmt: skip
        aware = moment.tzinfo is not None
        seconds = (moment if aware else moment.replace(tzinfo=UTC)).timestamp()
        if row and seconds <= found[-1]:
            raise table.out_of_order(row, "time", seconds == found[-1])
        found.append(seconds)
    return floats(found)


def _results(table: Table) -> set[str]:
    """Columns of an earlier run; new ones take their place."""
    return {f"{name}_{what}" for name in table.header for what in ("flag", "failed")}


def _text(table: Table, found: dict[str, Verdict]) -> str:
    header: list[str] = []
    columns: list[list[str]] = []
    words = {
        bits: "+".join(names_of(bits)) for verdict in found.values() for bits in np.unique(verdict.failed).tolist()
    }
    results = _results(table)
    for place, name in enumerate(table.header):
        if name in results:
            continue
        header.append(name)
        columns.append([row[place] for row in table.rows])
        if name in found:
            header += [f"{name}_flag", f"{name}_failed"]
            columns.append([str(flag) for flag in found[name].flags.tolist()])
            columns.append([words[bits] for bits in found[name].failed.tolist()])
    return tables.written(header, iter(zip(*columns, strict=True)))


def _counts(found: dict[str, Verdict]) -> Iterator[str]:
    for name, verdict in found.items():
        parts = [f"{count} {words}" for flag, words in FLAGS if (count := int((verdict.flags == flag).sum()))]
        yield f"{name}: {', '.join(parts)}"
