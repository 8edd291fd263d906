"""``python -m gateway web``: serve the pages of the village on the address of ``[web]``."""

from __future__ import annotations

import signal
import socket
import sys

import uvicorn

from gateway import registry
from gateway.home import Home
from gateway.process import ProcessError
from gateway.web.app import create_app
from gateway.web.house import House
from kit import log
from kit.clock import Clock

MAX_CONNECTIONS = 64
KEEP_ALIVE_S = 5
SHUTDOWN_S = 3
MAX_HEAD_BYTES = 16 * 1024


def run(home: Home, clock: Clock) -> None:
    """Serve until the process is asked to end. Raises RegistryError, StoreError or ProcessError at the start."""
    village = registry.load(home.registry)
    with _listen(village.web.host, village.web.port) as listener, House(home, village, clock) as house:
        config = uvicorn.Config(
            create_app(house),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # nobody stands before us: who claims another address is lying
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=SHUTDOWN_S,
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            lifespan="off",
        )
        # uvicorn raises the signal again after it has stopped; to be told to stop is not a failure.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        host, port = listener.getsockname()[:2]
        log.get().info("pages", address=f"http://{host}:{port}")
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, so that a busy port is one clear line before anything else has begun."""
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, number)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(MAX_CONNECTIONS)
    except OSError as error:
        why = error.strerror or error
        raise ProcessError(f"cannot listen on {host} port {port}: {why}; change [web] in village.toml") from error
    return listener
