"""One HTTP connection to the cloud.

Rules
1. Whatever goes wrong on the way is an Answer without a status, never an exception: the caller decides by policy.
2. HTTPS is verified against the pinned CA of the home (``tls/cloud_ca.crt``) if there is one, else the system's. Plain
   HTTP is for loopback only, because the token would be readable on the way.
3. The token is never logged and never part of an address.
4. What is sent is counted, headers included and TLS not, since the village pays for it.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from gateway.process import ProcessError

CONNECT_S = 10.0
ANSWER_S = 30.0
MAX_ANSWER_BYTES = 1024 * 1024
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class ClientError(ProcessError):
    """The cloud's address or certificate cannot be used; one line that says why."""


@dataclass(frozen=True)
class Answer:
    """What came back: no status when nothing did, and then ``why``."""

    status: int | None
    body: Mapping[str, object] = field(default_factory=dict)
    bytes_out: int = 0
    why: str = ""


class Poster(Protocol):
    """CloudClient, or what a test puts in its place."""

    def post(self, path: str, body: bytes) -> Answer: ...


def _trust(url: str, pinned_ca: Path) -> ssl.SSLContext | bool:
    parts = urlsplit(url)
    if parts.scheme == "http":
        if parts.hostname not in _LOOPBACK:
            raise ClientError(f"the cloud's address {url} must be https: the token would be readable on the way")
        return False
    try:
        return ssl.create_default_context(cafile=str(pinned_ca) if pinned_ca.exists() else None)
    except (ssl.SSLError, OSError) as error:
        raise ClientError(f"{pinned_ca} is not a certificate in PEM form: {error}") from error


class CloudClient:
    """Posts to one cloud with one token."""

    def __init__(self, *, url: str, token: str, pinned_ca: Path) -> None:
        headers = {"Authorization": f"Bearer {token}", "Content-Encoding": "zstd"}
        self._http = httpx.Client(
            base_url=url,
            verify=_trust(url, pinned_ca),
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            trust_env=False,  # a proxy variable in somebody's shell must not see the village's data
            follow_redirects=False,
        )
        for name in ("accept", "accept-encoding", "user-agent"):
            del self._http.headers[name]
        self._http.headers.update(headers)

    def post(self, path: str, body: bytes) -> Answer:
        """Send a zstd body. Never raises for what the network or the cloud do."""
        request = self._http.build_request("POST", path, content=body)
        size = _size(request)
        try:
            answer = self._http.send(request, stream=True)
            try:
                text = _read(answer)
            finally:
                answer.close()
        except (httpx.HTTPError, OSError) as error:
            return Answer(None, bytes_out=size, why=f"{type(error).__name__}: {error}")
        return Answer(answer.status_code, _object(text), size)

    def close(self) -> None:
        self._http.close()


def _size(request: httpx.Request) -> int:
    head = len(request.method) + len(request.url.raw_path) + len(" HTTP/1.1\r\n") + 3
    return head + sum(len(name) + len(value) + 4 for name, value in request.headers.raw) + len(request.content)


def _read(answer: httpx.Response) -> bytes:
    text = bytearray()
    for chunk in answer.iter_bytes():
        text += chunk
        if len(text) > MAX_ANSWER_BYTES:
            raise httpx.DecodingError("the answer is longer than any of the cloud's")
    return bytes(text)


def _object(text: bytes) -> dict[str, object]:
    """A JSON object, or nothing: a portal in between may answer with anything."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
