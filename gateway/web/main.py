"""``python -m gateway web``: serve the pages of the village on the address of ``[web]``."""

from __future__ import annotations

import signal
import sys

import uvicorn

from gateway import in_force
from gateway.home import Home
from gateway.process import ProcessError
from gateway.web.app import create_app
from gateway.web.house import House
from kit import log
from kit.clock import Clock
from kit.web import ListenError, listen, uvicorn_settings

MAX_CONNECTIONS = 64
KEEP_ALIVE_S = 5
SHUTDOWN_S = 3


def run(home: Home, clock: Clock) -> None:
    """Serve until the process is asked to end. Raises RegistryError, StoreError or ProcessError at the start."""
    village = in_force.load(home).village
    # nobody stands before us: who claims another address is lying
    settings = uvicorn_settings(
        connections=MAX_CONNECTIONS, keep_alive_s=KEEP_ALIVE_S, shutdown_s=SHUTDOWN_S, proxied=False
    )
    try:
        listener = listen(village.web.host, village.web.port, MAX_CONNECTIONS)
    except ListenError as error:
        raise ProcessError(f"{error}; change [web] in village.toml") from error
    with listener, House(home, village, clock) as house:
        config = uvicorn.Config(create_app(house), **settings)
        # uvicorn raises the signal again after it has stopped; to be told to stop is not a failure.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        host, port = listener.getsockname()[:2]
        log.get().info("pages", address=f"http://{host}:{port}")
        uvicorn.Server(config).run(sockets=[listener])
