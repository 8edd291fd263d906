"""A page as an answer of the web: status, headers and bytes, the same from gateway and cloud.

Rules
1. Every answer carries the security headers, whatever has happened.
2. A page is compressed here, once, when the phone takes it so: on a thin line bytes are seconds.
3. A session's cookie is for the browser only (HttpOnly), for our own pages only (SameSite=Strict), and where there is
   TLS for TLS only. The language that was asked for is kept in another cookie for a year.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pages import i18n
from pages.render import SECURITY_HEADERS, render_error

LANGUAGE_COOKIE = "hoiquan_language"
_YEAR_S = 365 * 86_400
_SMALL = 600  # compressing less than a packet gains nothing
_COOKIE_VALUE = re.compile(r"[A-Za-z0-9_.-]*")

Header = tuple[str, str]


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: tuple[Header, ...]


@dataclass(frozen=True)
class Reader:
    """Who reads the answer: in which language, whether compressed, and the language to keep from now on."""

    language: i18n.Language
    gzip: bool
    keep: str | None


def reader_of(query: Mapping[str, str], cookies: Mapping[str, str], headers: Mapping[str, str]) -> Reader:
    """The reader of a request; ``headers`` have lower-case names."""
    asked = query.get("lang")
    code = i18n.choose(asked, cookies.get(LANGUAGE_COOKIE), headers.get("accept-language"))
    takes_gzip = re.search(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", headers.get("accept-encoding", "")) is not None
    return Reader(i18n.language(code), takes_gzip, code if asked == code else None)


def page(reader: Reader, html: str, status: int = 200, headers: Sequence[Header] = ()) -> Answer:
    body = html.encode()
    own: list[Header] = [("Content-Type", "text/html; charset=utf-8"), ("Vary", "Accept-Encoding"), *headers]
    if reader.gzip and len(body) > _SMALL:
        body = gzip.compress(body, 6, mtime=0)
        own.append(("Content-Encoding", "gzip"))
    if reader.keep is not None:
        own.append(("Set-Cookie", cookie(LANGUAGE_COOKIE, reader.keep, _YEAR_S, secure=False)))
    return Answer(status, body, (*SECURITY_HEADERS.items(), *own))


def error(reader: Reader, status: int, code: str) -> Answer:
    """What went wrong and what to do; ``code`` is a key of ``pages.render.ERRORS``."""
    return page(reader, render_error(code, reader.language), status)


def go_to(address: str, headers: Sequence[Header] = ()) -> Answer:
    """The next page, fetched with GET."""
    return Answer(303, b"", (*SECURITY_HEADERS.items(), ("Location", address), *headers))


def json_text(text: str, status: int = 200) -> Answer:
    return Answer(status, text.encode(), (*SECURITY_HEADERS.items(), ("Content-Type", "application/json")))


def cookie(name: str, value: str, max_age_s: int, *, secure: bool) -> str:
    """The value of a Set-Cookie header; ``max_age_s`` 0 takes the cookie away."""
    assert _COOKIE_VALUE.fullmatch(value)
    flags = "; Secure" if secure else ""
    return f"{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{flags}"
