"""The route of the weekly report: the newest page that lies in the home, as it is.

Rules
1. A session to look, as everywhere. The page was made by ``gateway.reports``; here nothing is reckoned.
2. Only a file that is named like a week is handed out, and what anybody asks for names no file.
"""

from __future__ import annotations

import re
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.web.forms import require_session
from gateway.web.house import House
from pages import sheet
from pages.render import SECURITY_HEADERS

_WEEK = re.compile(r"[0-9]{4}-W[0-9]{2}")
HEADERS = {**SECURITY_HEADERS, "Content-Security-Policy": sheet.CONTENT_SECURITY_POLICY}
NONE_YET = sheet.told(
    "Chưa có báo cáo tuần nào. Sau tuần đầu sẽ có.", "There is no report yet. It comes after the first whole week."
)


def install(app: FastAPI, house: House) -> None:
    """Add the route to the application."""

    @app.get("/report")
    def report(request: Request) -> Response:
        require_session(request, house)
        found = newest(house.reports)
        html = sheet.sheet("Báo cáo tuần", [NONE_YET]) if found is None else found.read_text(encoding="utf-8")
        return HTMLResponse(html, headers=HEADERS)


def newest(folder: Path) -> Path | None:
    """The page of the last week that has one."""
    pages = [path for path in folder.glob("*.html") if _WEEK.fullmatch(path.stem)]
    return max(pages, key=lambda path: path.stem, default=None)
