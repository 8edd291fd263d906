"""``hoiquan demo``: reads and checks the arguments, then hands over to the simulated village.

Everything is checked before anything starts, so that a long run does not fail at its end for want of a folder.
"""

from __future__ import annotations

import argparse

from cli.arguments import (
    Parser,
    day,
    first_free_port,
    folder,
    free_port,
    new_file,
    port_problem,
    readable_file,
    real,
    whole,
)
from kit.clock import MAX_SPEED

WATCHING_SPEED = 60.0  # an hour of the village in a minute: a person can follow it
RUNNING_SPEED = 600.0  # a day in 144 s
DEFAULT_PORT = 8080

EPILOG = """\
Without --days the village runs until Ctrl-C. With --days it runs that many days with faults (the cloud link cut,
the broker and the gateway killed), checks that nothing was lost, doubled or left open, and ends by itself:
exit code 0 only if all of it held."""


def parse(argv: list[str]) -> argparse.Namespace:
    """The checked arguments, with defaults filled in."""
    parser = Parser(
        prog="hoiquan demo",
        description="Run a whole village on this machine and print the address of its page.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--days", type=whole(1, 366), metavar="N", help="run N days, check them and end; 1 to 366")
    add("--start", type=day, metavar="YYYY-MM-DD",
        help="first day of the village (default: the first of the file, else two weeks ago)")
    add("--weather", type=readable_file, metavar="CSV",
        help="daily weather (default: from the Internet, else generated)")
    add("--summary", type=new_file, metavar="FILE", help="write the figures of the run to this JSON file")
    add("--speed", type=real(1, MAX_SPEED), metavar="X",
        help=f"village seconds in a second, 1 to {MAX_SPEED:g} "
             f"(default: {WATCHING_SPEED:g}, with --days {RUNNING_SPEED:g})")
    add("--port", type=free_port, metavar="PORT",
        help=f"port of the village's page (default: {DEFAULT_PORT}, or the next free)")
    add("--home", type=folder, metavar="FOLDER",
        help="keep the village's files here (default: a folder that is removed)")
    add("--seed", type=whole(0, 2**32 - 1), default=1, metavar="N", help="seed of everything random (default: 1)")
    args = parser.parse_args(argv)
    if args.summary and not args.days:
        parser.error("--summary ghi lúc chạy xong, phải có --days / "
                     "--summary is written at the end of a run: give --days too")  # fmt: skip
    if args.speed is None:
        args.speed = RUNNING_SPEED if args.days else WATCHING_SPEED
    if args.port is None:
        args.port = DEFAULT_PORT if port_problem(DEFAULT_PORT) is None else first_free_port(DEFAULT_PORT + 1)
    return args


def main(argv: list[str]) -> int:
    """Check the arguments and run the village."""
    args = parse(argv)
    from simulators.demo import main as run  # only now: --help and mistakes must not wait for numpy

    return run(args)
