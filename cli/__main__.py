"""``hoiquan COMMAND``: finds the command and runs it.

Rules
1. A command is imported only when it is asked for, so that ``--help`` is instant.
2. What a person did wrong or what the machine lacks is told in one line; a traceback means a bug of ours.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from dataclasses import dataclass

from kit.arguments import MAX_SHOWN, WRONG_USAGE
from kit.pipe import until_reader_leaves
from kit.toolchain import MISSING_EXIT_CODE, ToolMissing

CTRL_C_EXIT_CODE = 130
VERSION = "0.1.0"


@dataclass(frozen=True)
class Command:
    """A command and the module whose ``main(argv)`` runs it."""

    name: str
    module: str
    summary: str


COMMANDS = (
    Command("demo", "cli.demo", "run a whole village on a simulated field and show its page"),
    Command("test", "cli.test", "check the code and run all tests, installing the tools that they need"),
    Command("bench", "simulators.bench", "measure this machine and print ratios"),
    Command("listen", "cli.listen", "show the frames of the village in readable form"),
    Command("et0", "cli.et0", "reference evapotranspiration by FAO-56 from a CSV of weather"),
    Command("balance", "cli.balance", "daily soil water balance by FAO-56 of a scenario"),
    Command("quality", "cli.quality", "quality flags by QARTOD of a CSV of readings"),
    Command("simulate", "cli.simulate", "a season of the irrigation on a simulated field, beside other ways"),
    Command("what-if", "cli.what_if", "what other settings of a garden would have changed, on a gateway's record"),
    Command("docs", "cli.docs", "write the documents that are generated from the wire contract"),
    Command("firmware", "cli.firmware", "build, sign, flash and release what runs on the nodes"),
    Command("gateway", "gateway.__main__", "a village's gateway: provision, cards, calibrate, status, run and more"),
    Command("hardware", "cli.hardware", "make and check all that follows from hardware/pins.toml"),
    Command("lock", "cli.lock", "write locked.txt and constraints.txt anew from pyproject.toml"),
)


def main(argv: list[str]) -> int:
    """Run one command and return its exit code."""
    commands = available()
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(usage(commands), file=sys.stdout if argv else sys.stderr)
        return 0 if argv else WRONG_USAGE
    if argv[0] == "--version":
        print(f"hoiquan {VERSION}")
        return 0
    command = commands.get(argv[0])
    if command is None:
        print(f"hoiquan: {_unknown(argv[0], commands)}", file=sys.stderr)
        return WRONG_USAGE
    return run(command, argv[1:])


def run(command: Command, argv: list[str]) -> int:
    """Run the command; turn what stopped it into an exit code and one line."""
    try:
        return int(importlib.import_module(command.module).main(argv))
    except ToolMissing as error:
        print(f"hoiquan {command.name}: {error}", file=sys.stderr)
        return MISSING_EXIT_CODE
    except KeyboardInterrupt:
        print(f"hoiquan {command.name}: stopped", file=sys.stderr)
        return CTRL_C_EXIT_CODE


def available() -> dict[str, Command]:
    """The commands of this version, in the order of the table."""
    return {command.name: command for command in COMMANDS if importlib.util.find_spec(command.module)}


def usage(commands: dict[str, Command]) -> str:
    """The help text."""
    lines = ["usage: hoiquan COMMAND [OPTIONS]", "", "An open system for the smart villages of the Mekong Delta.", ""]
    lines += [f"  {command.name:9}{command.summary}" for command in commands.values()]
    lines += [
        "",
        "hoiquan COMMAND --help tells the options. Exit codes: 0 done, 1 failed, 2 wrong usage,",
        "69 something is missing on this machine, 130 stopped by Ctrl-C.",
    ]
    return "\n".join(lines)


def _unknown(name: str, commands: dict[str, Command]) -> str:
    """One line about a command that is not there, with the nearest one that is."""
    near, shown = difflib.get_close_matches(name, commands, n=1), repr(name[:MAX_SHOWN])
    if near:
        vi, en = f"có phải {near[0]!r} không?", f"did you mean {near[0]!r}?"
        return f"không có lệnh {shown}, {vi} / there is no command {shown}: {en}"
    known = ", ".join(commands)
    return f"không có lệnh {shown}; chỉ có: {known} / there is no command {shown}: the commands are {known}"


if __name__ == "__main__":
    sys.exit(until_reader_leaves(lambda: main(sys.argv[1:])))
