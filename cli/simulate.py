"""``hoiquan simulate``: a whole season of the real irrigation on a simulated field, beside other ways of watering.

Rules
1. Everything is read and checked before anything runs; a mistake leaves nothing behind.
2. DIR/report.html and DIR/summary.json are written whole, at the end. The same files and seed give the same summary.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cli.arguments import Parser, day, whole
from cli.refusal import input_file, run

if TYPE_CHECKING:
    from simulators.season.season import Season

NAME = "simulate"
LONGEST_DAYS = 3_660


def main(argv: list[str]) -> int:
    """Read the files, run the season, print the table, write the report."""
    args = _arguments(argv)
    return run(NAME, lambda: _work(args))


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = Parser(
        prog="hoiquan simulate",
        description="Run a season of the real irrigation on a simulated field, beside a timer, an ET bucket and a "
        "moisture switch.",
        epilog="The files and the figures are described in docs/season.md.",
    )
    add = parser.add_argument
    add("--weather", type=input_file, metavar="FILE", help="CSV of daily weather (default: generated from the seed)")
    add("--from", dest="first", type=day, required=True, metavar="D", help="first day, such as 2023-12-01")
    add("--to", dest="last", type=day, required=True, metavar="D", help="last day")
    add("--village", type=input_file, required=True, metavar="FILE", help="the village's registry, village.toml")
    add("--field", type=input_file, metavar="FILE", help="the ground (default: field.toml beside the village)")
    add("--faults", type=input_file, metavar="FILE", help="faults by schedule (default: none)")
    add("--report", type=_folder, required=True, metavar="DIR", help="where report.html and summary.json are written")
    add("--seed", type=whole(0, 2**32 - 1), default=1, metavar="N", help="seed of all that is random (default: 1)")
    args = parser.parse_args(argv)
    days = (args.last - args.first).days + 1
    if not 0 < days <= LONGEST_DAYS:
        parser.error(
            f"--from {args.first} --to {args.last}: đợt chạy phải từ 1 đến {LONGEST_DAYS} ngày / "
            f"the run must have 1 to {LONGEST_DAYS} days"
        )
    return args


def _folder(text: str) -> Path:
    """A folder that is there, or whose parent is."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} không phải là thư mục / {text!r} is not a folder")
    if not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(
            f"không có thư mục {str(path.parent)!r}, hãy tạo trước / make the folder {str(path.parent)!r} first"
        )
    return path.resolve()


def _work(args: argparse.Namespace) -> int:
    from cli import season_files as files  # only now: --help must not wait for numpy
    from simulators.field.generator import generate
    from simulators.season.scenario import Scenario
    from simulators.season.season import run as run_season

    village = files.village(args.village)
    files.plans(args.village, village, args.first)
    weather = (
        files.weather(NAME, args.weather, village.latitude)
        if args.weather
        else generate(args.seed, args.first, (args.last - args.first).days + 1)
    )
    files.covered(args.weather, weather, args.first, args.last)
    truth = files.field(NAME, args.field, args.village, village)
    faults = files.faults(args.faults, village)
    season = run_season(Scenario(village, truth, weather, args.first, args.last, args.seed, faults))
    _deliver(season, args.report)
    print("\n".join(_table(season)))
    print(f"Báo cáo / report: {args.report / 'report.html'}")
    return 0


def _deliver(season: Season, folder: Path) -> None:
    """Both files, each in one step; made first, so that a mistake of ours leaves nothing behind."""
    import json

    from kit.files import write_atomic
    from simulators.season.report import page
    from simulators.season.season import summary

    html, figures = page(season), json.dumps(summary(season), ensure_ascii=False, indent=1) + "\n"
    folder.mkdir(exist_ok=True)
    write_atomic(folder / "report.html", html)
    write_atomic(folder / "summary.json", figures)


def _table(season: Season) -> Iterator[str]:
    """The comparison as lines of text, by part of the year."""
    from simulators.season.figures import PARTS
    from simulators.season.words import COLUMNS, CONTROLLERS, DECIMALS, figure
    from simulators.season.words import PARTS as NAMES

    widths = {column: max(len(words.vi), len(words.en)) for column, words in COLUMNS.items()}
    both = all(season.ours.village[part].days for part in PARTS)
    for part in PARTS if both else PARTS[:1]:
        yield f"{NAMES[part].vi} / {NAMES[part].en}: {season.ours.village[part].days} ngày / days"
        yield " " * 24 + "  ".join(f"{words.vi:>{widths[column]}}" for column, words in COLUMNS.items())
        yield " " * 24 + "  ".join(f"{words.en:>{widths[column]}}" for column, words in COLUMNS.items())
        for name, outcome in season.outcomes.items():
            found = outcome.village[part]
            cells = (
                f"{figure(getattr(found, column), DECIMALS.get(column, 1)):>{widths[column]}}" for column in COLUMNS
            )
            yield f"{CONTROLLERS[name].vi:<24}" + "  ".join(cells)
        yield ""
