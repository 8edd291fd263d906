"""The routes of the village's pages.

Rules
1. Every route but /login and /health needs a session, also on the village's own Wi-Fi.
2. What changes something is a POST from our own page (``kit.forms``) with the word of its session (``csrf``) and the
   id of its form, so that a double tap is one order. Then the browser is sent to a page that says what happens next.
3. What is wrong is told in one short sentence with the right status; nothing is half done.
4. Nothing of a request is shown on a page but codes and names that we know.
"""

from __future__ import annotations

import re
import secrets

import structlog
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.store.common import StoreError
from gateway.web.answers import SESSION_COOKIE, error, go_to, json_text, page, reader_of
from gateway.web.house import MAX_MINUTES, House
from kit.forms import Form, FormError, from_own_page, read_form
from kit.login import SESSION_MS, Refused, csrf_fits, csrf_token
from kit.web import HeadLikeGet
from pages.answers import Header, cookie
from pages.render import Controls, render_home, render_login, render_water
from pages.view import ViewError

_FORM_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
_WHOLE = re.compile(r"[0-9]{1,3}")
_log = structlog.get_logger(__name__)


class _Refusal(Exception):
    """A request that is not done; ``code`` is a key of ``pages.render.ERRORS``."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class _NoSession(Exception):
    """Somebody who has to log in first."""


def create_app(house: House) -> FastAPI:
    """The application of one village."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.add_middleware(HeadLikeGet)
    _install_errors(app, house)
    _install_login(app, house)
    _install_pages(app, house)
    _install_orders(app, house)
    return app


def _install_errors(app: FastAPI, house: House) -> None:
    @app.exception_handler(_Refusal)
    async def _refused(request: Request, refusal: _Refusal) -> Response:
        return error(request, refusal.status, refusal.code)

    @app.exception_handler(_NoSession)
    async def _no_session(request: Request, _error: _NoSession) -> Response:
        if request.method == "GET":
            return go_to("/login")
        return page(request, render_login(house.village.name, reader_of(request).language), 401)

    @app.exception_handler(FormError)
    async def _bad_form(request: Request, form_error: FormError) -> Response:
        return error(request, form_error.status, "bad_form")

    @app.exception_handler(HTTPException)
    async def _http(request: Request, http_error: HTTPException) -> Response:
        code = "not_found" if http_error.status_code in (404, 405) else "bad_form"
        return error(request, http_error.status_code, code)

    @app.exception_handler(StoreError)
    async def _store(request: Request, store_error: StoreError) -> Response:
        _log.error("store", error=str(store_error))
        return error(request, 503, "not_sent" if request.method == "POST" else "broken")

    @app.exception_handler(ViewError)
    async def _view(request: Request, view_error: ViewError) -> Response:
        _log.error("no page can be shown: is the clock of the gateway right?", why=str(view_error))
        return error(request, 503, "broken")

    @app.exception_handler(Exception)
    async def _broken(request: Request, unexpected: Exception) -> Response:
        _log.error("request failed", path=request.url.path, exc_info=unexpected)
        return error(request, 500, "broken")


def _install_login(app: FastAPI, house: House) -> None:
    @app.get("/login")
    def login_page(request: Request) -> Response:
        if house.who(_token(request)):
            return go_to("/")
        return page(request, render_login(house.village.name, reader_of(request).language))

    @app.post("/login")
    async def login(request: Request) -> Response:
        _require_own_page(request)
        form = await _form(request)
        address = request.client.host if request.client else ""
        outcome = await run_in_threadpool(house.come_in, form.one("name"), form.one("password"), address)
        if isinstance(outcome, Refused):
            return _login_refused(request, house, outcome)
        return go_to("/", [_session_cookie(outcome, SESSION_MS // 1000)])

    @app.post("/logout")
    async def logout(request: Request) -> Response:
        token = _token(request)
        await _ordered(request, house)
        await run_in_threadpool(house.leave, token)
        return go_to("/login", [_session_cookie("", 0)])


def _login_refused(request: Request, house: House, refused: Refused) -> Response:
    status = {"empty": 400, "wrong": 401, "locked": 429}[refused.problem]
    html = render_login(
        house.village.name, reader_of(request).language, message=refused.problem, wait_minutes=refused.wait_minutes
    )
    headers = [("Retry-After", str(-(-refused.wait_ms // 1000)))] if refused.problem == "locked" else []
    return page(request, html, status, headers)


def _install_pages(app: FastAPI, house: House) -> None:
    @app.get("/health")
    def health() -> Response:
        return json_text('{"ok":true}')

    @app.get("/state.json")
    def state(request: Request) -> Response:
        if house.who(_token(request)) is None:
            return json_text('{"error":"login"}', 401)
        return json_text(house.view().to_json())

    @app.get("/")
    def home(request: Request) -> Response:
        token = _require_session(request, house)
        seen = house.view()
        html = render_home(
            seen,
            house.clock.now_ms(),
            reader_of(request).language,
            csrf=csrf_token(token),
            controls=_controls(token),
            said=request.query_params.get("said"),
        )
        return page(request, html)

    @app.get("/water")
    def water_page(request: Request) -> Response:
        token = _require_session(request, house)
        seen = house.view()
        zone = request.query_params.get("zone", "")
        garden = next((garden for garden in seen.gardens if garden.id == zone), None)
        if garden is None:
            raise _Refusal(404, "no_zone")
        if not garden.can_water:
            return go_to("/")
        html = render_water(seen, garden, house.clock.now_ms(), reader_of(request).language, _controls(token))
        return page(request, html)


def _install_orders(app: FastAPI, house: House) -> None:
    @app.post("/water")
    async def water(request: Request) -> Response:
        user, form = await _ordered(request, house)
        (zone,) = _zones(house, [form.one("zone")])
        minutes = _minutes(form.one("minutes"))
        new = await run_in_threadpool(house.water, user, zone, minutes, _form_id(form))
        _log.info("water asked for", user=user, zone=zone, minutes=minutes, new=new)
        return go_to(f"/#g-{zone}" if new else "/?said=again")

    @app.post("/stop")
    async def stop(request: Request) -> Response:
        user, form = await _ordered(request, house)
        zones = _zones(house, form.all("zone"))
        new = await run_in_threadpool(house.stop, user, zones, _form_id(form))
        _log.info("stop asked for", user=user, zones=zones, new=new)
        return go_to("/")


async def _ordered(request: Request, house: House) -> tuple[str, Form]:
    """Who sends this form, and the form, after everything has been checked that is common to all orders."""
    token = _token(request)
    user = await run_in_threadpool(house.who, token)
    if user is None:
        raise _NoSession
    _require_own_page(request)
    form = await _form(request)
    if not csrf_fits(token, form.one("csrf")):
        raise _Refusal(403, "old_page")
    return user, form


def _session_cookie(token: str, max_age_s: int) -> Header:
    # The village's own Wi-Fi has no TLS that a phone knows, so the cookie cannot ask for it.
    return "Set-Cookie", cookie(SESSION_COOKIE, token, max_age_s, secure=False)


def _token(request: Request) -> str:
    return request.cookies.get(SESSION_COOKIE, "")


def _require_session(request: Request, house: House) -> str:
    token = _token(request)
    if house.who(token) is None:
        raise _NoSession
    return token


def _require_own_page(request: Request) -> None:
    if not from_own_page(request.headers):
        raise _Refusal(403, "old_page")


async def _form(request: Request) -> Form:
    try:
        return await read_form(request.headers.get("content-type", ""), request.stream())
    except ClientDisconnect as gone:
        raise _Refusal(400, "bad_form") from gone


def _controls(token: str) -> Controls:
    return Controls(csrf=csrf_token(token), form_id=secrets.token_urlsafe(16))


def _form_id(form: Form) -> str:
    found = form.one("form")
    if not _FORM_ID.fullmatch(found):
        raise _Refusal(400, "old_page")
    return found


def _zones(house: House, asked: list[str]) -> list[str]:
    if not asked or not set(asked) <= house.village.zones.keys():
        raise _Refusal(404, "no_zone")
    return sorted(set(asked))


def _minutes(text: str) -> int:
    if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= MAX_MINUTES:
        raise _Refusal(400, "bad_minutes")
    return int(text)
