"""The commands of ``python -m gateway`` that only read, and tell a person something.

Rules
1. Vietnamese first, English below. Exit code 0: all is well; 1: something is not, or cannot be told.
2. Times are those of Vietnam: a day such as 2024-03-01, or 2024-03-01T14:00. A day as the end is that whole day.
"""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from gateway.home import Home, home_from
from gateway.process import ProcessError
from gateway.strict import RegistryError
from kit.arguments import Parser
from kit.clock import clock_from_environment
from kit.files import write_atomic

VIETNAM = timezone(timedelta(hours=7))
ALWAYS_MS = 2**62


def add_commands(commands: Any, home: argparse.ArgumentParser) -> None:
    """Add them to the commands of a parser; ``home`` has the option --home."""
    checked = commands.add_parser("check", parents=[home], help="tell whether village.toml can be used")
    checked.set_defaults(command=_check)
    again = commands.add_parser("replay", parents=[home, span()], help="decide again what was decided, and compare")
    again.set_defaults(command=_replay)
    asked = commands.add_parser("what-if", parents=[home, span()], help="what other settings would have changed")
    asked.add_argument("--set", dest="changes", metavar="zone.ID.KEY=VALUE", action="append", required=True,
                       help="a setting of a garden as in village.toml, such as zone.xoai.dry_vwc=0.25")  # fmt: skip
    asked.add_argument("--report", metavar="FILE.html", help="write the answer with plots to this file")
    asked.set_defaults(command=_what_if)
    made = commands.add_parser(
        "report", parents=[home], help="make the report of a week: what was saved, and how surely"
    )
    made.add_argument("--week", metavar="YEAR-Wnn", help="default: the last week that is over")
    made.add_argument("--whole", action="store_true", help="only if the journal has all but a day of it")
    made.set_defaults(command=_report)


def span() -> argparse.ArgumentParser:
    """The options --from and --to."""
    parser = Parser(add_help=False)
    parser.add_argument("--from", dest="from_ms", metavar="TIME", type=_from, default=0, help="default: the beginning")
    parser.add_argument("--to", dest="to_ms", metavar="TIME", type=_to, default=ALWAYS_MS, help="default: now")
    return parser


def _from(text: str) -> int:
    return _instant(text)[0]


def _to(text: str) -> int:
    return _instant(text)[1]


def _instant(text: str) -> tuple[int, int]:
    """The first and last millisecond of what a text names."""
    try:
        begin = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} không phải ngày giờ, ghi như 2024-03-01 hoặc 2024-03-01T14:00 / "
            f"{text!r} is no time, write it like 2024-03-01 or 2024-03-01T14:00"
        ) from None
    if begin.tzinfo is None:
        begin = begin.replace(tzinfo=VIETNAM)
    first_ms = round(begin.timestamp() * 1000)
    return first_ms, first_ms + (86_400_000 - 1 if len(text) == 10 else 0)


def _check(arguments: argparse.Namespace) -> int:
    from gateway import in_force, registry  # the registry reckons with numpy

    home = home_from(arguments.home)
    try:
        village = registry.load(home.registry)
    except RegistryError as error:
        print(f"{error.vietnamese}\n  {error}")
        return 1
    nodes, zones, sources = len(village.nodes), len(village.zones), len(village.sources)
    print(f"{home.registry}: dùng được: {nodes} hộp, {zones} vườn, {sources} nguồn nước")
    print(f"  can be used: {nodes} nodes, {zones} zones, {sources} sources")
    for remark in in_force.remarks(village, clock_from_environment().now_ms()):
        print(f"chú ý: {remark.on_screen}")
    if in_force.is_edited(home):
        print("Sổ này có hiệu lực khi máy chủ khởi động lại.\n  It takes effect when the gateway is started again.")
    return 0


def _in_order(arguments: argparse.Namespace) -> None:
    if arguments.from_ms > arguments.to_ms:
        raise ProcessError("--from sau --to: hãy đổi lại / --from is later than --to: change them")


def _recorded(home: Home) -> Home:
    if not home.control.exists():
        raise ProcessError(f"{home.control}: không có sổ này, coi lại --home / is not there, look at --home again")
    return home


def _replay(arguments: argparse.Namespace) -> int:
    from gateway.replay import replay  # it needs the irrigation and its numpy

    _in_order(arguments)
    outcome = replay(_recorded(home_from(arguments.home)), arguments.from_ms, arguments.to_ms)
    print(outcome.text())
    return 0 if outcome.is_same and outcome.steps else 1


def _what_if(arguments: argparse.Namespace) -> int:
    from gateway import whatif, whatif_page  # they need the irrigation, its numpy and the words of the pages

    _in_order(arguments)
    if arguments.report and not Path(arguments.report).absolute().parent.is_dir():
        folder = f"'{Path(arguments.report).parent}'"
        raise ProcessError(f"--report: không có thư mục {folder}, hãy tạo trước / make the folder {folder} first")
    changes = [whatif.change(text) for text in arguments.changes]
    outcome = whatif.ask(_recorded(home_from(arguments.home)), arguments.from_ms, arguments.to_ms, changes)
    print(whatif_page.text(outcome))
    if arguments.report:
        write_atomic(Path(arguments.report), whatif_page.page(outcome))
    return 0


def _report(arguments: argparse.Namespace) -> int:
    from gateway import report  # it needs the irrigation, its numpy and the words of the pages

    home, week = home_from(arguments.home), arguments.week
    week = week or report.week_before(clock_from_environment().now_ms())
    try:
        report.week_span(week)
    except ValueError:
        raise RegistryError("must be a week such as 2024-W09", "--week", week) from None
    made = report.make(_recorded(home), week)
    if arguments.whole and not made.is_whole:
        raise ProcessError(
            f"nhật ký chỉ có {made.record.heard_days:.1f} ngày của tuần {week} / the record is not whole"
        )
    report.write(home, made)
    for vi, en in report.sentences(made):
        print(f"{vi}\n  {en}")
    print(home.reports / f"{week}.html")
    return 0
