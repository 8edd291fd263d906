"""How the interface says no: a status, a code for machines and a sentence for people, and nothing else.

Rules
1. Every refusal is ``{"code": …, "message": …}``; a message never repeats a credential or names another tenant.
2. What the caller cannot mend is 5xx with no detail; the detail is in the log.
"""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

_log = structlog.get_logger(__name__)

_CODES = {404: "not_found", 405: "method_not_allowed"}


class Refusal(Exception):
    """An answer other than yes."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def _answer(status: int, code: str, message: str) -> JSONResponse:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"code": code, "message": message}, status_code=status, headers=headers)


def install(app: FastAPI) -> None:
    """Give every error of the application its shape."""

    @app.exception_handler(Refusal)
    async def _refusal(_request: Request, error: Refusal) -> JSONResponse:
        return _answer(error.status, error.code, error.message)

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> JSONResponse:
        return _answer(error.status_code, _CODES.get(error.status_code, "http_error"), str(error.detail))

    @app.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return _answer(422, "bad_parameter", f"{where}: {first['msg']}")

    @app.exception_handler(SQLAlchemyError)
    async def _database(request: Request, error: SQLAlchemyError) -> JSONResponse:
        return await database(request, error)


async def database(_request: Request, error: SQLAlchemyError) -> JSONResponse:
    """What the interface says while the database is away."""
    _log.error("database", error=type(error).__name__, detail=" ".join(str(error).split())[:300])
    return _answer(503, "database", "The database does not answer; nothing was stored. Try again.")
