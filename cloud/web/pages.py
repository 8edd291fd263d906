"""The farmer's page in the cloud: the village's own page as it was last sent, and how old it is.

Rules
1. It shows what the village showed and steers nothing: watering and stopping are done on the village's own Wi-Fi.
2. Whose page it is follows from the login alone; no address names a village.
3. Ages grow with the cloud's clock from the moment the page came in, so a gateway whose clock is wrong cannot make
   an old page look fresh.
4. Guessing is slowed as in the village (``kit.login``), counted by village and name, and by address.
"""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from cloud.store.people import SESSION_MS, People
from cloud.web import errors
from cloud.web.auth import SESSION_COOKIE, MaybePerson, TheClock, TheLedger, ThePeople
from kit.clock import Clock
from kit.forms import Form, FormError, from_own_page, read_form
from kit.login import Door, Refused, csrf_fits, csrf_token, tidy_name
from kit.web import send
from pages import answers
from pages.answers import Header, Reader
from pages.render import render_home, render_login
from pages.view import ViewError, Village

TITLE = "Hội Quán"
_PATHS = ("/", "/login", "/logout")

router = APIRouter(include_in_schema=False)


class _PageRefusal(Exception):
    """A page that is not shown; ``code`` is a key of ``pages.render.ERRORS``."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


def install(app: FastAPI) -> None:
    """Give the application its pages. Needs ``app.state.clock``."""
    app.state.door = Door(speed=app.state.clock.speed)
    app.include_router(router)

    @app.exception_handler(_PageRefusal)
    async def _refused(request: Request, refusal: _PageRefusal) -> Response:
        return send(answers.error(_reader(request), refusal.status, refusal.code))

    @app.exception_handler(SQLAlchemyError)
    async def _database(request: Request, error: SQLAlchemyError) -> Response:
        """A person gets a page, a machine the answer of the interface."""
        for_machines = await errors.database(request, error)
        if request.url.path not in _PATHS:
            return for_machines
        return send(answers.error(_reader(request), for_machines.status_code, "broken"))

    @app.exception_handler(FormError)
    async def _bad_form(request: Request, error: FormError) -> Response:
        return send(answers.error(_reader(request), error.status, "bad_form"))


@router.get("/")
def home(request: Request, person: MaybePerson, ledger: TheLedger, clock: TheClock) -> Response:
    """What the village last showed."""
    if person is None:
        return send(answers.go_to("/login"))
    kept = ledger.snapshot(person.tenant)
    if kept is None:
        raise _PageRefusal(200, "no_data")
    stored_ms, text = kept
    try:
        village = Village.from_json(text)
    except ViewError as error:  # of an older cloud; the village sends the next one within minutes
        raise _PageRefusal(200, "no_data") from error
    now_ms = village.now_ms + max(0, clock.now_ms() - stored_ms)
    reader = _reader(request)
    html = render_home(village, now_ms, reader.language, csrf=csrf_token(_token(request)))
    return send(answers.page(reader, html))


@router.get("/login")
def login_page(request: Request, person: MaybePerson) -> Response:
    if person is not None:
        return send(answers.go_to("/"))
    reader = _reader(request)
    return send(answers.page(reader, render_login(TITLE, reader.language, with_village=True)))


@router.post("/login")
async def login(request: Request, people: ThePeople, clock: TheClock) -> Response:
    _require_own_page(request)
    form = await _form(request)
    address = request.client.host if request.client else ""
    outcome = await run_in_threadpool(_come_in, request.app.state.door, people, clock, form, address)
    if isinstance(outcome, Refused):
        return _login_refused(_reader(request), outcome)
    return send(answers.go_to("/", [_session_cookie(request, outcome, SESSION_MS // 1000)]))


@router.post("/logout")
async def logout(request: Request, person: MaybePerson, people: ThePeople) -> Response:
    if person is None:
        return send(answers.go_to("/login"))
    _require_own_page(request)
    form = await _form(request)
    if not csrf_fits(_token(request), form.one("csrf")):
        raise _PageRefusal(403, "old_page")
    await run_in_threadpool(people.close_session, _token(request))
    return send(answers.go_to("/login", [_session_cookie(request, "", 0)]))


def _come_in(door: Door, people: People, clock: Clock, form: Form, address: str) -> str | Refused:
    """The token of a new session, or why there is none."""
    village, name = form.one("village").strip().lower(), tidy_name(form.one("name"))
    password = form.one("password")

    def check() -> str | None:
        person = people.verify(village, name, password)
        return None if person is None else people.open_session(person, clock.now_ms())

    account = f"{village}/{name}" if village and name else ""
    return door.knock(account, password, address, clock.mono_ms(), check)


def _login_refused(reader: Reader, refused: Refused) -> Response:
    status = {"empty": 400, "wrong": 401, "locked": 429}[refused.problem]
    html = render_login(
        TITLE, reader.language, message=refused.problem, wait_minutes=refused.wait_minutes, with_village=True
    )
    headers: Sequence[Header] = (
        [("Retry-After", str(-(-refused.wait_ms // 1000)))] if refused.problem == "locked" else []
    )
    return send(answers.page(reader, html, status, headers))


def _reader(request: Request) -> Reader:
    return answers.reader_of(request.query_params, request.cookies, request.headers)


def _token(request: Request) -> str:
    return request.cookies.get(SESSION_COOKIE, "")


def _session_cookie(request: Request, token: str, max_age_s: int) -> Header:
    value = answers.cookie(SESSION_COOKIE, token, max_age_s, secure=request.url.scheme == "https")
    return "Set-Cookie", value


def _require_own_page(request: Request) -> None:
    if not from_own_page(request.headers):
        raise _PageRefusal(403, "old_page")


async def _form(request: Request) -> Form:
    try:
        return await read_form(request.headers.get("content-type", ""), request.stream())
    except ClientDisconnect as gone:
        raise _PageRefusal(400, "bad_form") from gone
