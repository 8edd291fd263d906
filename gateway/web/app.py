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

import structlog
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.store.common import StoreError
from gateway.web import plans, reports
from gateway.web.answers import error, go_to, json_text, page, reader_of
from gateway.web.forms import (
    NoSession,
    Refusal,
    controls_of,
    form_id_of,
    form_of,
    ordered,
    require_own_page,
    require_session,
    session_cookie,
    token_of,
    zones_of,
)
from gateway.web.house import MAX_MINUTES, House
from kit.forms import FormError
from kit.login import SESSION_MS, Refused, csrf_token
from kit.web import HeadLikeGet
from pages.render import render_home, render_login, render_water
from pages.view import ViewError

_WHOLE = re.compile(r"[0-9]{1,3}")
_log = structlog.get_logger(__name__)


def create_app(house: House) -> FastAPI:
    """The application of one village."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.add_middleware(HeadLikeGet)
    _install_errors(app, house)
    _install_login(app, house)
    _install_pages(app, house)
    _install_orders(app, house)
    plans.install(app, house)
    reports.install(app, house)
    return app


def _install_errors(app: FastAPI, house: House) -> None:
    @app.exception_handler(Refusal)
    async def _refused(request: Request, refusal: Refusal) -> Response:
        return error(request, refusal.status, refusal.code)

    @app.exception_handler(NoSession)
    async def _no_session(request: Request, _error: NoSession) -> Response:
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
        if house.who(token_of(request)):
            return go_to("/")
        return page(request, render_login(house.village.name, reader_of(request).language))

    @app.post("/login")
    async def login(request: Request) -> Response:
        require_own_page(request)
        form = await form_of(request)
        address = request.client.host if request.client else ""
        outcome = await run_in_threadpool(house.come_in, form.one("name"), form.one("password"), address)
        if isinstance(outcome, Refused):
            return _login_refused(request, house, outcome)
        return go_to("/", [session_cookie(outcome, SESSION_MS // 1000)])

    @app.post("/logout")
    async def logout(request: Request) -> Response:
        token = token_of(request)
        await ordered(request, house)
        await run_in_threadpool(house.leave, token)
        return go_to("/login", [session_cookie("", 0)])


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
        if house.who(token_of(request)) is None:
            return json_text('{"error":"login"}', 401)
        return json_text(house.view().to_json())

    @app.get("/")
    def home(request: Request) -> Response:
        token = require_session(request, house)
        seen = house.view()
        html = render_home(
            seen,
            house.clock.now_ms(),
            reader_of(request).language,
            csrf=csrf_token(token),
            controls=controls_of(token),
            said=request.query_params.get("said"),
        )
        return page(request, html)

    @app.get("/water")
    def water_page(request: Request) -> Response:
        token = require_session(request, house)
        seen = house.view()
        zone = request.query_params.get("zone", "")
        garden = next((garden for garden in seen.gardens if garden.id == zone), None)
        if garden is None:
            raise Refusal(404, "no_zone")
        if not garden.can_water:
            return go_to("/")
        html = render_water(seen, garden, house.clock.now_ms(), reader_of(request).language, controls_of(token))
        return page(request, html)


def _install_orders(app: FastAPI, house: House) -> None:
    @app.post("/water")
    async def water(request: Request) -> Response:
        user, form = await ordered(request, house)
        (zone,) = zones_of(house, [form.one("zone")])
        minutes = _minutes(form.one("minutes"))
        new = await run_in_threadpool(house.water, user, zone, minutes, form_id_of(form))
        _log.info("water asked for", user=user, zone=zone, minutes=minutes, new=new)
        return go_to(f"/#g-{zone}" if new else "/?said=again")

    @app.post("/stop")
    async def stop(request: Request) -> Response:
        user, form = await ordered(request, house)
        zones = zones_of(house, form.all("zone"), ditches_too=True)
        new = await run_in_threadpool(house.stop, user, zones, form_id_of(form))
        _log.info("stop asked for", user=user, zones=zones, new=new)
        return go_to("/")

    @app.post("/unlock")
    async def unlock(request: Request) -> Response:
        user, form = await ordered(request, house)
        (zone,) = zones_of(house, [form.one("zone")])
        new = await run_in_threadpool(house.unlock, user, zone, form_id_of(form))
        _log.info("unlock asked for", user=user, zone=zone, new=new)
        return go_to(f"/#g-{zone}")


def _minutes(text: str) -> int:
    if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= MAX_MINUTES:
        raise Refusal(400, "bad_minutes")
    return int(text)
