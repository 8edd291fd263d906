"""``hoiquan et0``: reference evapotranspiration by FAO-56 of a weather station's rows.

Rules
1. Any subset of the columns will do; each row goes its own way and says in ``method`` which (docs/interfaces.md).
2. The rows come out as they went in, with ``et0_mm`` and ``method`` behind them, or in place of such columns.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from cli import tables, weather
from cli.arguments import Parser, real
from cli.refusal import Refused, deliver, input_file, note, output_file, run
from cli.tables import Limits, Table, figure
from gateway.core.fao56.station import NIGHT_RATIO_HUMID, Reference, Station, daily, hourly

NAME = "et0"
RESULTS = ("et0_mm", "method")
DECIMALS = 3


def main(argv: list[str]) -> int:
    """Read the table, compute ET0 row by row, write the table."""
    args = _arguments(argv)
    return run(NAME, lambda: _work(args))


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = Parser(prog="hoiquan et0", description="Reference evapotranspiration by FAO-56 from a CSV of weather.",
                    epilog="The columns are described in docs/interfaces.md.")  # fmt: skip
    parser.add_argument(
        "input", metavar="IN.csv", type=input_file, help="a row a day with 'date', or an hour with 'time'"
    )
    parser.add_argument("--lat", required=True, type=real(-90, 90), help="latitude in degrees, north positive")
    parser.add_argument("--elevation", required=True, type=real(-430, 6000), help="metres above the sea")
    parser.add_argument("--hourly", action="store_true", help="the rows are hours (FAO-56 Eq. 53)")
    parser.add_argument(
        "--longitude",
        type=real(-180, 180),
        help="degrees, east positive (default: the middle of the time zone); only with --hourly",
    )
    parser.add_argument(
        "--stamp",
        choices=("start", "middle", "end"),
        default="start",
        help="what 'time' is of its hour (default: start); only with --hourly",
    )
    parser.add_argument(
        "--night-ratio",
        type=real(0.3, 1),
        default=NIGHT_RATIO_HUMID,
        help="cloud ratio Rs/Rso of a night after no known day (default: 0.6, humid; arid 0.8)",
    )
    parser.add_argument("--coast", action="store_true", help="estimate radiation with kRs 0.19 instead of 0.16")
    parser.add_argument(
        "--method",
        choices=("auto", "pm", "hargreaves"),
        default="auto",
        help="auto: Hargreaves only for days of which nothing but temperatures is known",
    )
    parser.add_argument("-o", dest="output", metavar="OUT.csv", type=output_file, help="default: the screen")
    args = parser.parse_args(argv)
    if args.hourly and args.method == "hargreaves":
        parser.error(
            "--method hargreaves là cho từng ngày, bỏ --hourly / --method hargreaves is for days, drop --hourly"
        )
    return args


def _work(args: argparse.Namespace) -> int:
    limits = weather.HOURLY if args.hourly else weather.DAILY
    table = _read(args.input, args.hourly, limits)
    table.numbers("rain_mm", weather.RAIN)
    station = Station(args.lat, args.elevation, args.longitude, args.coast, args.night_ratio)
    found = _hours(table, station, args.stamp) if args.hourly else _days(table, station, args.method)
    without = int(np.count_nonzero(np.isnan(found.et0_mm)))
    if without:
        note(NAME, f"{without} dòng không tính được, xem cột method", f"{without} rows have no ET0, see their method")
    deliver(_text(table, found), args.output, args.input)
    return 0


def _read(path: Path, hourly: bool, limits: dict[str, Limits]) -> Table:
    """The table, whose rows are days or hours as was told. Raises Refused."""
    key, other = ("time", "date") if hourly else ("date", "time")
    if other in tables.header(path):
        vi, en = ("bỏ", "drop") if hourly else ("thêm", "add")
        raise Refused(str(path), f"dòng 1: có cột {other}, phải là {key}; {vi} --hourly?",
                      f"row 1: has a column {other}, must be {key}; {en} --hourly?")  # fmt: skip
    return tables.read(path, (key, *limits, "rain_mm", *RESULTS), (key,))


def _days(table: Table, station: Station, method: str) -> Reference:
    days = table.days()
    missing = sum((last - first).days + 1 for first, last in tables.gaps(days))
    if missing:
        first, last = next(tables.gaps(days))
        note(
            NAME,
            f"thiếu {missing} ngày, chỗ đầu tiên {first} đến {last}",
            f"{missing} days are missing, first {first} to {last}",
        )
    day_of_year = weather.days_of_year(days)
    seen = weather.observations(table, day_of_year, weather.DAILY, station.latitude)
    return daily(seen, station, only=None if method == "auto" else method)


def _hours(table: Table, station: Station, stamp: str) -> Reference:
    hours = weather.hours(table, stamp)
    missing = weather.hour_gaps(hours.middle_h - hours.zone_h)
    if missing:
        note(NAME, f"thiếu {missing} giờ", f"{missing} hours are missing")
    seen = weather.observations(table, hours.day_of_year, weather.HOURLY, station.latitude)
    return hourly(seen, station, hours.middle_h, hours.zone_h)


def _text(table: Table, found: Reference) -> str:
    kept = [place for place, name in enumerate(table.header) if name not in RESULTS]
    header = [table.header[place] for place in kept] + list(RESULTS)
    rows = (
        [*(row[place] for place in kept), figure(et0, DECIMALS), method]
        for row, et0, method in zip(table.rows, found.et0_mm.tolist(), found.method, strict=True)
    )
    return tables.written(header, rows)
