"""How a web process listens and answers, on the village's Wi-Fi as in the cloud.

Rules
1. The address is bound before anything else starts, so that a busy port is one clear line.
2. uvicorn logs nothing of its own: an access log would hold addresses of people, and whatever stands in a URL.
3. Everything that one connection can hold is limited: how many there are, how long they idle, how long a head is.
4. HEAD is answered like GET, without the body: what watches over a page asks that way.
"""

from __future__ import annotations

import socket
from typing import Any, Protocol

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_PORT = 65535
MAX_HEAD_BYTES = 16 * 1024


class ListenError(Exception):
    """The address cannot be listened on; one line that says why."""


class Answer(Protocol):
    """A ready answer, such as ``pages.answers`` makes."""

    @property
    def status(self) -> int: ...

    @property
    def body(self) -> bytes: ...

    @property
    def headers(self) -> tuple[tuple[str, str], ...]: ...


def listen(host: str, port: int, connections: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises ListenError."""
    if not 0 <= port <= MAX_PORT:
        raise ListenError(f"the port {port} is not in 0..{MAX_PORT}")
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, number)
    except OSError as error:
        raise ListenError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(connections)
    except OSError as error:
        listener.close()
        raise ListenError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    return listener


def uvicorn_settings(*, connections: int, keep_alive_s: int, shutdown_s: int, proxied: bool) -> dict[str, Any]:
    """The arguments of ``uvicorn.Config``. ``proxied``: a proxy on this machine may say whose request it is."""
    return {
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": proxied,
        "limit_concurrency": connections,
        "timeout_keep_alive": keep_alive_s,
        "timeout_graceful_shutdown": shutdown_s,
        "h11_max_incomplete_event_size": MAX_HEAD_BYTES,
        "lifespan": "off",
    }


class HeadLikeGet:
    """Middleware: the application sees GET, the asker of HEAD gets its status and headers.

    Not for what is ``beside`` the pages, such as "/api/": an export would be made only to be thrown away.
    """

    def __init__(self, app: ASGIApp, beside: str | None = None) -> None:
        self._app = app
        self._beside = beside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_head = scope["type"] == "http" and scope["method"] == "HEAD"
        if not is_head or (self._beside is not None and scope["path"].startswith(self._beside)):
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self._app({**scope, "method": "GET"}, receive, without_body)


def send(answer: Answer) -> Response:
    """A ready answer as the web library wants it."""
    response = Response(answer.body, answer.status)
    for name, value in answer.headers:
        response.headers.append(name, value)
    return response
