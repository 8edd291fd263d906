"""What a web process believes of a request: a small form, sent from its own page.

Rules
1. A form is ``application/x-www-form-urlencoded``, UTF-8, at most ``MAX_FORM_BYTES`` long, with each field once
   unless it is asked for as a list.
2. A request that changes something comes from our own page: the browser's Origin must be the host that was asked, or
   Sec-Fetch-Site must be same-origin. A request that says neither is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from urllib.parse import parse_qs

MAX_FORM_BYTES = 4096
MAX_FIELDS = 64
FORM_S = 20.0  # a form is one packet; who sends it slower holds a connection


class FormError(Exception):
    """A form that cannot be read; ``status`` is the HTTP status that says so."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Form:
    """The fields of a form."""

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self._fields = fields

    def one(self, name: str) -> str:
        """The field's text; empty when it is missing."""
        values = self._fields.get(name, [])
        if len(values) > 1:
            raise FormError(400, f"field {name!r} is there {len(values)} times")
        return values[0] if values else ""

    def all(self, name: str) -> list[str]:
        return list(self._fields.get(name, []))


def parse_form(content_type: str, body: bytes) -> Form:
    """Read a form's body. Raises FormError."""
    if content_type.split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise FormError(415, "not a form")
    if len(body) > MAX_FORM_BYTES:
        raise FormError(413, f"longer than {MAX_FORM_BYTES} bytes")
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:  # too many fields, or not UTF-8
        raise FormError(400, "not a form") from error
    return Form(fields)


async def read_form(content_type: str, stream: AsyncIterator[bytes]) -> Form:
    """Read a form from a body that arrives in pieces, of which no more than the limit is held. Raises FormError."""
    body = bytearray()
    try:
        async with asyncio.timeout(FORM_S):
            async for chunk in stream:
                body += chunk
                if len(body) > MAX_FORM_BYTES:
                    break
    except TimeoutError as error:
        raise FormError(408, f"did not arrive within {FORM_S:g} s") from error
    return parse_form(content_type, bytes(body))


def from_own_page(headers: Mapping[str, str]) -> bool:
    """Whether a request that changes something was made by our own page (``headers`` have lower-case names)."""
    origin = headers.get("origin")
    site = headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    if origin is not None:
        host = headers.get("host")
        return bool(host) and origin in (f"http://{host}", f"https://{host}")
    return site == "same-origin"
