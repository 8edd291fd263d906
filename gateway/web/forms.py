"""What is asked of a request before anything is done: a session, our own page, a form with the word of its session.

Rules
1. ``require_session`` to look at something, ``ordered`` to change something: it checks all that orders have in common.
2. What is wrong is a ``Refusal`` with a code of ``pages.render.ERRORS``, or ``NoSession``; ``app`` answers them.
"""

from __future__ import annotations

import re
import secrets

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from gateway.web.answers import SESSION_COOKIE
from gateway.web.house import House
from kit.forms import Form, from_own_page, read_form
from kit.login import csrf_fits, csrf_token
from pages.answers import Header, cookie
from pages.render import Controls

_FORM_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")


class Refusal(Exception):
    """A request that is not done; ``code`` is a key of ``pages.render.ERRORS``."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class NoSession(Exception):
    """Somebody who has to log in first."""


async def ordered(request: Request, house: House) -> tuple[str, Form]:
    """Who sends this form, and the form, after everything has been checked that is common to all orders."""
    token = token_of(request)
    user = await run_in_threadpool(house.who, token)
    if user is None:
        raise NoSession
    require_own_page(request)
    form = await form_of(request)
    if not csrf_fits(token, form.one("csrf")):
        raise Refusal(403, "old_page")
    return user, form


def session_cookie(token: str, max_age_s: int) -> Header:
    # The village's own Wi-Fi has no TLS that a phone knows, so the cookie cannot ask for it.
    return "Set-Cookie", cookie(SESSION_COOKIE, token, max_age_s, secure=False)


def token_of(request: Request) -> str:
    return request.cookies.get(SESSION_COOKIE, "")


def require_session(request: Request, house: House) -> str:
    token = token_of(request)
    if house.who(token) is None:
        raise NoSession
    return token


def require_own_page(request: Request) -> None:
    if not from_own_page(request.headers):
        raise Refusal(403, "old_page")


async def form_of(request: Request) -> Form:
    try:
        return await read_form(request.headers.get("content-type", ""), request.stream())
    except ClientDisconnect as gone:
        raise Refusal(400, "bad_form") from gone


def controls_of(token: str) -> Controls:
    return Controls(csrf=csrf_token(token), form_id=secrets.token_urlsafe(16))


def form_id_of(form: Form) -> str:
    found = form.one("form")
    if not _FORM_ID.fullmatch(found):
        raise Refusal(400, "old_page")
    return found


def zones_of(house: House, asked: list[str], *, ditches_too: bool = False) -> list[str]:
    ditches = {source.id for source in house.village.sources.values() if source.fill} if ditches_too else set()
    if not asked or not set(asked) <= house.village.zones.keys() | ditches:
        raise Refusal(404, "no_zone")
    return sorted(set(asked))
