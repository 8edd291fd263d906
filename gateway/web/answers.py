"""From the shared answers of ``pages`` to those of the web library."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from kit.web import send
from pages import answers
from pages.answers import Header, Reader

SESSION_COOKIE = "hoiquan_gateway"


def reader_of(request: Request) -> Reader:
    return answers.reader_of(request.query_params, request.cookies, request.headers)


def page(request: Request, html: str, status: int = 200, headers: Sequence[Header] = ()) -> Response:
    return send(answers.page(reader_of(request), html, status, headers))


def error(request: Request, status: int, code: str) -> Response:
    return send(answers.error(reader_of(request), status, code))


def go_to(address: str, headers: Sequence[Header] = ()) -> Response:
    return send(answers.go_to(address, headers))


def json_text(text: str, status: int = 200) -> Response:
    return send(answers.json_text(text, status))
