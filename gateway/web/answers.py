"""What the web process answers with: each answer carries the security headers, whatever has happened."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pages import i18n
from pages.render import SECURITY_HEADERS, render_error

SESSION_COOKIE = "hoiquan_gateway"
LANGUAGE_COOKIE = "hoiquan_language"
_YEAR_S = 365 * 86_400


def language_of(request: Request) -> i18n.Language:
    """The language of the answer."""
    asked, kept = request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)
    return i18n.language(i18n.choose(asked, kept, request.headers.get("accept-language")))


def page(request: Request, html: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A page; a language that was asked for is kept for a year."""
    answer = HTMLResponse(html, status, headers={**SECURITY_HEADERS, **(headers or {})})
    asked = request.query_params.get("lang")
    if asked is not None and asked in i18n.LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, asked, max_age=_YEAR_S, httponly=True, samesite="lax")
    return answer


def error(request: Request, status: int, code: str) -> Response:
    """A page that says what went wrong and what to do; ``code`` is a key of ``pages.render.ERRORS``."""
    return page(request, render_error(code, language_of(request)), status)


def go_to(address: str) -> Response:
    """The next page, fetched with GET."""
    return RedirectResponse(address, 303, headers=dict(SECURITY_HEADERS))


def json_text(text: str, status: int = 200) -> Response:
    return Response(text, status, headers=dict(SECURITY_HEADERS), media_type="application/json")
