"""``hoiquan listen``: shows what goes through the village's broker, one readable line a message.

It has a user of its own that can read and never write, so it can stay open beside a running gateway.
"""

from __future__ import annotations

import sys

from cli.arguments import Parser, whole
from gateway import registry, secrets
from gateway.core.readable import line
from gateway.home import Home, home_from
from gateway.mqtt import users
from gateway.mqtt.link import Link
from gateway.process import ProcessError, Stop
from kit import log
from kit.clock import clock_from_environment, real_mono_s, vietnam_time
from wire import topics

FAILED = 1
POLL_S = 0.2


def main(argv: list[str]) -> int:
    """Print messages until Ctrl-C, ``--count`` messages or ``--seconds``."""
    parser = Parser(prog="hoiquan listen", description="Show the frames of the village in readable form.")
    parser.add_argument(
        "--home",
        metavar="FOLDER",
        help="the gateway's folder, or the one given to demo --home (default: HOIQUAN_HOME, else .)",
    )
    parser.add_argument("--count", type=whole(1, 1_000_000), metavar="N", help="end after N messages")
    parser.add_argument("--seconds", type=whole(1, 86_400), metavar="S", help="end after S seconds")
    args = parser.parse_args(argv)
    home = _gateway(home_from(args.home))
    clock = clock_from_environment()
    log.configure("listen", clock)
    try:
        village = registry.load(home.registry)
        secret = secrets.load(home.secrets, village.nodes)
        user = users.LISTEN
        link = Link(
            village.broker, home.ca, user, users.passwords(secret)[user], filters=[f"{topics.ROOT}/{village.id}/#"]
        )
    except registry.RegistryError as error:
        print(f"hoiquan listen: {error.on_screen}", file=sys.stderr)
        return FAILED
    except (secrets.SecretsError, ProcessError) as error:
        print(f"hoiquan listen: {error}", file=sys.stderr)
        return FAILED
    stop, shown = Stop().on_signals(), 0
    end_s = real_mono_s() + args.seconds if args.seconds else None
    while not stop and (end_s is None or real_mono_s() < end_s):
        for message in link.poll(POLL_S):
            link.acknowledge(message)
            at = vietnam_time(clock.now_ms()).strftime("%d/%m %H:%M:%S")
            print(at, line(message.topic, message.payload, secret.keys), flush=True)
            shown += 1
            if shown == args.count:
                link.close()
                return 0
    link.close()
    return 0


def _gateway(named: Home) -> Home:
    """The gateway's own folder, also when the one around it was named."""
    inside = Home(named.root / "gateway")
    return inside if inside.registry.is_file() and not named.registry.is_file() else named


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
