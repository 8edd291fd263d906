"""The routes of a garden's plan: the page of its phase, the question, and the two orders.

Rules
1. As everywhere (``app``): a session to look, a form of our own page with csrf and id to change something.
2. A phase can be asked for by its id only when it is one of the garden's plan; a pause for the days that are offered.
3. The name of whoever has told it is a person's text: short, printable, never shown as anything but text.
"""

from __future__ import annotations

import re

import structlog
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from gateway.core.plans.kinds import phases_of
from gateway.web.answers import go_to, page, reader_of
from gateway.web.forms import Refusal, controls_of, form_id_of, ordered, require_session, zones_of
from gateway.web.house import House
from pages.plan import PAUSES_DAYS, pause_change, phase_change
from pages.render import render_change, render_plan
from pages.view import Garden

MAX_NAME = 40
_DAYS = re.compile(r"[0-9]{1,2}")
_log = structlog.get_logger(__name__)


def install(app: FastAPI, house: House) -> None:
    """Add the routes to the application."""

    @app.get("/plan")
    def plan_page(request: Request) -> Response:
        token = require_session(request, house)
        garden = _garden(house, request.query_params.get("zone", ""))
        language, now_ms = reader_of(request).language, house.clock.now_ms()
        change = None
        if "phase" in request.query_params:
            change = phase_change(garden, request.query_params["phase"], language)
            if change is None:
                raise Refusal(404, "no_phase")
        elif "pause" in request.query_params:
            change = pause_change(garden, _days(request.query_params["pause"]), now_ms, language)
        if change is not None:
            return page(request, render_change(garden, change, language, controls_of(token)))
        said = request.query_params.get("said")
        return page(request, render_plan(garden, now_ms, language, controls_of(token), said=said))

    @app.post("/phase")
    async def phase(request: Request) -> Response:
        user, form = await ordered(request, house)
        (zone,) = zones_of(house, [form.one("zone")])
        wanted, told_by = form.one("phase"), _name(form.one("told_by"))
        phases = phases_of(house.village.zones[zone].plan)
        if phases is None or phases.of(wanted) is None:
            raise Refusal(404, "no_phase")
        new = await run_in_threadpool(house.phase, user, zone, wanted, told_by, form_id_of(form))
        _log.info("phase told", user=user, zone=zone, phase=wanted, told_by=told_by, new=new)
        return go_to(f"/plan?zone={zone}&said={'sent' if new else 'again'}")

    @app.post("/pause")
    async def pause(request: Request) -> Response:
        user, form = await ordered(request, house)
        (zone,) = zones_of(house, [form.one("zone")])
        days = _days(form.one("days"))
        new = await run_in_threadpool(house.pause, user, zone, days, form_id_of(form))
        _log.info("pause asked for", user=user, zone=zone, days=days, new=new)
        return go_to(f"/plan?zone={zone}&said={'sent' if new else 'again'}")


def _garden(house: House, zone: str) -> Garden:
    garden = next((garden for garden in house.view().gardens if garden.id == zone), None)
    if garden is None or garden.plan is None:
        raise Refusal(404, "no_zone")
    return garden


def _days(text: str) -> int:
    """0 ends a pause; otherwise one of those that are offered."""
    if not _DAYS.fullmatch(text) or int(text) not in (0, *PAUSES_DAYS):
        raise Refusal(400, "bad_days")
    return int(text)


def _name(text: str) -> str:
    """A person's name as it was typed, in one line."""
    tidy = " ".join(text.split())
    if len(tidy) > MAX_NAME or not tidy.isprintable():
        raise Refusal(400, "bad_form")
    return tidy
