"""`python -m gateway …`: the processes of a gateway, one by one or all together.

Rules
1. A process is imported only when it is asked for, so that each one needs only its own libraries and memory.
2. What a person can mend (a missing registry, a weak secret, a busy port) is one line on stderr and exit code 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from gateway import secrets, tell
from gateway.home import HOME_ENV, Home, home_from
from gateway.process import ProcessError
from gateway.secrets import SecretsError
from gateway.store.common import StoreError
from gateway.strict import RegistryError
from kit import log
from kit.arguments import Parser
from kit.clock import ClockFileError, clock_from_environment, real_mono_s, real_sleep_s
from kit.locks import owner_of
from kit.pipe import until_reader_leaves
from kit.supervisor import Program, Supervisor

# So long may the processes of a gateway that was killed take to be gone.
HANDOVER_S = 3.0
# name: (a module with ``run(home: Home, clock: Clock) -> None``, what it does)
PROCESSES = {
    "ingest": ("gateway.mqtt.ingest", "take readings in from the broker"),
    "control": ("gateway.control", "decide and water"),
    "web": ("gateway.web.main", "serve the pages of the village"),
    "uplink": ("gateway.uplink.main", "send readings to the cloud"),
    "enrol": ("gateway.enrol.main", "give new nodes their config against the code of their card"),
    "reports": ("gateway.reports", "make the report of each week"),
    "update": ("gateway.update", "offer releases to the nodes and hand them out"),
}


def main(argv: Sequence[str]) -> int:
    """Run one command line; the exit code."""
    arguments = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except RegistryError as error:
        print(f"gateway: {error.on_screen}", file=sys.stderr)
        return 1
    except (SecretsError, StoreError, ClockFileError, ProcessError) as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m gateway", description="The gateway of a village.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    home = Parser(add_help=False)
    home.add_argument("--home", metavar="DIR", help=f"the gateway's folder; default: ${HOME_ENV} or the present one")

    made = commands.add_parser("provision", parents=[home], help="make secrets, certificates and configurations")
    made.add_argument(
        "--cloud-token", choices=["-"], metavar="-", help="read the token that the cloud gave us from standard input"
    )
    for option, what in (("--rotate", "new key and password; the board that has the old ones is shut out"),
                         ("--revoke", "shut the node out, without new ones")):  # fmt: skip
        made.add_argument(option, metavar="NODE", action="append", default=[], help=what)
    made.set_defaults(command=_provision)
    card = commands.add_parser("card", parents=[home], help="print the cards with which nodes are set up")
    card.add_argument("node", nargs="+", metavar="NODE")
    card.add_argument("--ssid", default="", help="name of the village's Wi-Fi, to be printed too")
    card.add_argument("--days", type=int, default=7, help="how long the codes are good; default: %(default)s")
    card.add_argument("--out", metavar="FILE", help="where the sheet is written; default: cards.html in the home")
    card.set_defaults(command=_card)
    told = commands.add_parser(
        "calibrate", parents=[home], help="make a calibration of a sensor from two points that were measured"
    )
    told.add_argument("node", metavar="NODE")
    told.add_argument("sensor", metavar="SENSOR", help="as in village.toml: soil_moisture, or soil_moisture/1")
    told.add_argument("--now", metavar="VALUE", nargs="?", const="",
                      help="what the sensor stands in now, in its unit; without a value it is asked for")  # fmt: skip
    told.add_argument("--raw", metavar=("RAW", "VALUE"), nargs=2, action="append", default=[],
                      help="a raw that was written down, and what it stood for; may be given twice")  # fmt: skip
    told.set_defaults(command=_calibrate)
    people = commands.add_parser("user", help="people who may log in").add_subparsers(required=True, metavar="ACTION")
    added = people.add_parser("add", parents=[home], help="add a user, or give one a new password, and print it once")
    added.add_argument("name")
    added.add_argument("--password-stdin", action="store_true", help="take the password from standard input")
    added.set_defaults(command=_add_user)
    tell.add_commands(commands, home)
    plans = commands.add_parser("plan", help="plans of gardens").add_subparsers(required=True, metavar="ACTION")
    shown = plans.add_parser("show", parents=[home], help="show every figure of a garden's plan, and whose it is")
    shown.add_argument("zone")
    shown.set_defaults(command=_show_plan)
    asked = commands.add_parser("status", parents=[home], help="show what is well and what is not; exit code 1 if any")
    asked.add_argument("--all", action="store_true", help="a line for every node, also for those that are well")
    asked.set_defaults(command=_status)
    everything = commands.add_parser("run", parents=[home], help="run all processes and start again what dies")
    everything.set_defaults(command=_run)
    for name, (_, what) in PROCESSES.items():
        one = commands.add_parser(name, parents=[home], help=what)
        one.set_defaults(command=_process, process=name)
    return parser


def _provision(arguments: argparse.Namespace) -> int:
    from gateway import rotate
    from gateway.provision import provision  # only this command needs its cryptography

    home = home_from(arguments.home)
    token = sys.stdin.readline().strip() if arguments.cloud_token else None
    rotate.change(home, arguments.rotate, arguments.revoke)
    village = provision(home, token)
    if rotate.brokers(home.mosquitto_conf) and not rotate.tell_broker(home):
        print("the broker runs but is not ours to signal: send it SIGHUP, so that it reads its files", file=sys.stderr)
    for line in rotate.cut_off(village, arguments.rotate):
        print(line, file=sys.stderr)
    print(f"{village.name}: {len(village.nodes)} nodes, {len(village.zones)} zones; configs in {home.nodes}")
    print(f"broker: mosquitto -c {home.mosquitto_conf}")
    return 0


def _card(arguments: argparse.Namespace) -> int:
    from gateway.enrol.command import card  # only this command draws

    return card(arguments)


def _calibrate(arguments: argparse.Namespace) -> int:
    from gateway import calibrate  # only this command needs it

    return calibrate.command(arguments)


def _add_user(arguments: argparse.Namespace) -> int:
    from gateway.web.users import add_user  # only this command and web hash passwords

    chosen = sys.stdin.readline().rstrip("\n") if arguments.password_stdin else None
    name, password = add_user(home_from(arguments.home), arguments.name, chosen)
    print(f"name: {name}")
    if chosen is None:
        print(f"password: {password}")
    return 0


def _show_plan(arguments: argparse.Namespace) -> int:
    from gateway.plan_show import show  # only this command needs it

    text = show(home_from(arguments.home), arguments.zone, clock_from_environment().now_ms())
    print(text)
    return 0


def _status(arguments: argparse.Namespace) -> int:
    from gateway.status import status  # it knows all databases and the words of the pages

    report = status(home_from(arguments.home), clock_from_environment(), every=arguments.all)
    print(report.text)
    return 1 if report.problems else 0


def _process(arguments: argparse.Namespace) -> int:
    name: str = arguments.process
    home, clock = home_from(arguments.home), clock_from_environment()
    log.configure(name, clock)
    import_module(PROCESSES[name][0]).run(home, clock)
    return 0


def _run(arguments: argparse.Namespace) -> int:
    home, clock = home_from(arguments.home), clock_from_environment()
    log.configure("gateway", clock)
    _ready(home)
    logger = log.get()
    with Supervisor(report=lambda event, name, facts: logger.info(event, child=name, **facts)) as supervisor:
        for name in PROCESSES:
            argv: list[str | Path] = [sys.executable, "-m", "gateway", name, "--home", home.root]
            supervisor.start(Program(name=name, argv=argv))
        return supervisor.run()


def _ready(home: Home) -> None:
    """Find at once what would stop every process again and again."""
    from gateway import in_force  # the registry reckons with numpy, which not every process needs

    village, refused, _ = in_force.load(home)
    secrets.load(home.secrets, village.nodes)
    until_s = real_mono_s() + HANDOVER_S
    for held in home.held.values():
        while owner := owner_of(held):
            if real_mono_s() > until_s:
                raise ProcessError(
                    f"{held}: tiến trình {owner} đang dùng, hãy tắt máy chủ đó trước / is already being written by "
                    f"process {owner}: stop that gateway first"
                )
            real_sleep_s(0.05)
    if refused is None:
        in_force.remember(home)
    else:
        print(f"gateway: chạy theo sổ cũ, sổ mới không dùng được / the plan stays as it was: {refused.on_screen}",
              file=sys.stderr)  # fmt: skip


if __name__ == "__main__":
    sys.exit(until_reader_leaves(lambda: main(sys.argv[1:])))
