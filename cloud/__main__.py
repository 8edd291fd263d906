"""``python -m cloud``: serve the interface, keep tenants and users, feed the projections.

Rules
1. What is wrong with the arguments or the environment is one line on stderr and exit code 2; never a traceback.
2. A secret is printed once, when it is made, on stdout and alone, so that a script can take it.
3. The database is that of ``--database``, else DATABASE_URL, else a SQLite file in the working directory.
"""

from __future__ import annotations

import argparse
import getpass
import os
import secrets
import signal
import sys
from collections.abc import Sequence

from cloud.store.database import DEFAULT_URL, Database, DatabaseError, open_database
from cloud.store.people import ROLES, SCOPES, People, PeopleError, Scope
from kit import log
from kit.arguments import Parser
from kit.clock import Clock, ClockFileError, clock_from_environment
from kit.pipe import until_reader_leaves
from kit.web import ListenError, listen, uvicorn_settings

MAX_CONNECTIONS = 128
KEEP_ALIVE_S = 30
SHUTDOWN_S = 5


class UsageError(Exception):
    """Something that the person who started this can mend; the text says what."""


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m cloud", description="The cloud of many villages.")
    address = os.environ.get("DATABASE_URL") or DEFAULT_URL
    # no %(default)s in the help: the address may hold a password
    about = f"sqlite:///FILE or postgresql://USER@HOST/NAME (default: DATABASE_URL, else {DEFAULT_URL})"
    parser.add_argument("--database", default=address, metavar="URL", help=about)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="answer gateways, farmers and researchers")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8090, help="0 takes a free one (default: %(default)s)")

    tenant = commands.add_parser("tenant", help="villages, the tokens of their gateways and of those who may read")
    actions = tenant.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("add", help="add a village and print its gateway's token").add_argument("village")
    for name, text, readers in (
        ("token", "print another token for its gateway, which only adds", "for a reader instead, which only reads"),
        ("revoke", "take back all tokens", "only those of readers"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("village")
        action.add_argument("--reader", action="store_true", help=readers)
    actions.add_parser("list", help="print the villages")

    user = commands.add_parser("user", help="people who may log in")
    add = user.add_subparsers(dest="action", required=True, metavar="ACTION").add_parser("add", help="add a person")
    add.add_argument("village")
    add.add_argument("name")
    add.add_argument("--role", choices=ROLES, default="farmer")
    how = add.add_mutually_exclusive_group()
    how.add_argument("--generate", action="store_true", help="make a password and print it")
    how.add_argument("--password-stdin", action="store_true", help="read the password from the first line of stdin")

    project = commands.add_parser("project", help="copy the ledger into InfluxDB or VictoriaMetrics (INFLUX_URL)")
    project.add_argument("--once", action="store_true", help="stop when everything is there")
    project.add_argument("--rebuild", action="store_true", help="start again from the first reading")
    return parser


def serve(database: Database, clock: Clock, host: str, port: int) -> None:
    """Answer until told to stop (SIGTERM, SIGINT). Raises ListenError."""
    import uvicorn

    from cloud.web.app import create_app

    settings = uvicorn_settings(
        connections=MAX_CONNECTIONS, keep_alive_s=KEEP_ALIVE_S, shutdown_s=SHUTDOWN_S, proxied=True
    )
    with listen(host, port, MAX_CONNECTIONS) as listener:
        config = uvicorn.Config(create_app(database, clock), **settings)
        # uvicorn raises the signal again when it has stopped; being told to stop is not a failure
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        print(f"http://{host}:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run(sockets=[listener])


def _password(arguments: argparse.Namespace) -> str:
    if arguments.generate:
        return secrets.token_urlsafe(12)
    if arguments.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    try:
        return getpass.getpass(f"Password for {arguments.name}: ")
    except EOFError as error:
        raise UsageError("no terminal to ask for a password: use --generate or --password-stdin") from error


def _tenant(people: People, arguments: argparse.Namespace, now_ms: int) -> None:
    if arguments.action == "add":
        print(people.add_tenant(arguments.village, now_ms))
    elif arguments.action == "token":
        print(people.add_token(arguments.village, "read" if arguments.reader else "add", now_ms))
    elif arguments.action == "revoke":
        scopes: tuple[Scope, ...] = ("read",) if arguments.reader else SCOPES
        print(f"{people.revoke_tokens(arguments.village, *scopes)} tokens revoked", file=sys.stderr)
    else:
        print("\n".join(people.tenants()))


def _user(people: People, arguments: argparse.Namespace, now_ms: int) -> None:
    password = _password(arguments)
    people.add_user(arguments.village, arguments.name, password, arguments.role, now_ms)
    if arguments.generate:
        print(password)


def _project(database: Database, clock: Clock, *, once: bool, rebuild: bool) -> None:
    from cloud.store import projector
    from cloud.store.influx import ServerError

    try:
        settings = projector.settings_from(os.environ)
    except projector.SettingsError as error:
        raise UsageError(str(error)) from error
    try:
        projector.run(database, clock, settings, once=once, rebuild=rebuild)
    except ServerError as error:
        raise UsageError(str(error)) from error


def _run(arguments: argparse.Namespace) -> None:
    clock = clock_from_environment()
    log.configure("cloud", clock)
    database = open_database(arguments.database)
    try:
        if arguments.command == "serve":
            serve(database, clock, arguments.host, arguments.port)
        elif arguments.command == "tenant":
            _tenant(People(database), arguments, clock.now_ms())
        elif arguments.command == "user":
            _user(People(database), arguments, clock.now_ms())
        else:
            _project(database, clock, once=arguments.once, rebuild=arguments.rebuild)
    finally:
        database.close()


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        _run(arguments)
    except ListenError as error:
        print(f"cloud: {error}; choose another address with --host and --port", file=sys.stderr)
        return 2
    except (UsageError, DatabaseError, PeopleError, ClockFileError) as error:
        print(f"cloud: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(until_reader_leaves(main))
