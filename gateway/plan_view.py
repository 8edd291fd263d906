"""A garden's plan as its farmer sees it: the phase in his words, what it does to the water, what comes next.

Rules
1. Everything is Vietnamese and made of the sentences of ``SENTENCES``, each of which has its English in ``pages``.
2. What the irrigation remembers is taken from its state: nothing is judged a second time.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from gateway.core.plans.calendar import NOWHERE, next_window_at_ms
from gateway.core.plans.force import phase_of
from gateway.core.plans.kinds import Calendar, Manual, Orchard, Phase, Rice, phases_of
from gateway.core.plans.memory import PlanState
from gateway.core.reasons_plans import PHASES_VI
from gateway.core.state import State
from gateway.core.types import Settings, ZoneSettings
from gateway.core.weather import day_begins_at_ms
from pages import view

SENTENCES = {
    "locked": "Máy khóa nước, khô quá mới tưới cứu cây.",
    "wet": "{n} ngày đầu giữ đất ướt, sau đó khóa nước.",
    "part": "Máy chỉ cho {n} % nước cây cần.",
    "whole": "Đất khô là máy tưới đủ.",
    "field": "Nước xuống {low} cm thì cho vô, tới {high} cm thì ngưng.",
    "drained": "Máy không cho nước vô ruộng nữa.",
    "salt": "Đang mùa mặn. Xử lý ra hoa lúc này dễ hư bông.",
    "calendar": "Máy tưới theo lịch trong sổ, không theo đất.",
    "manual": "Vườn này có người bấm mới tưới.",
}
INDUCTION = "induce"
VIETNAM = timezone(timedelta(hours=7))


def plan(zone: ZoneSettings, state: State, settings: Settings, level_mm: int | None, now_ms: int) -> view.Plan:
    """The plan of a garden, and the level of a rice field; a garden that is watered by its soil can be paused too."""
    memory = state.zones[zone.id].plan if zone.id in state.zones else PlanState()
    pause = memory.pause if memory.pause and now_ms < memory.pause.until_at_ms else None
    phases, phase = phases_of(zone.plan), phase_of(zone, memory)
    known = memory.phase if memory.phase and phases and memory.phase.file_day == phases.since_day else None
    stage, following, before = phase, None, None
    if phases is not None and phase is not None:
        following, before = phases.after(phase.id), phases.before(phase.id)
    saline = _is_saline(zone, state, settings, now_ms)
    return view.Plan(
        now=_stage(zone, stage, saline) if stage else None,
        next=_stage(zone, following, saline) if following else None,
        before=_stage(zone, before, saline) if before and before != following else None,
        since_ms=known.since_at_ms if known else day_begins_at_ms(phases.since_day) if phases else None,
        usual_days=phase.days if phase else 0,
        told_by=(known.told_by or known.user) if known else "",
        about=_about(zone, phase),
        paused_until_ms=pause.until_at_ms if pause else None,
        paused_by=pause.user if pause else "",
        is_field=isinstance(zone.plan, Rice),
        level_mm=level_mm,
        next_ms=_next_ms(zone, settings, now_ms),
        season_ms=_season_ms(zone),
    )


def _next_ms(zone: ZoneSettings, settings: Settings, now_ms: int) -> int | None:
    """When a calendar gives water next; not in a month that it leaves out."""
    if not isinstance(zone.plan, Calendar):
        return None
    return next_window_at_ms(zone.plan, settings.place or NOWHERE, now_ms, dry_months=False)


def _season_ms(zone: ZoneSettings) -> tuple[int, int] | None:
    if not isinstance(zone.plan, Calendar) or zone.plan.season is None:
        return None
    first_day, last_day = zone.plan.season
    return day_begins_at_ms(first_day), day_begins_at_ms(last_day + 1) - 1


def marks_mm(zone: ZoneSettings, state: State) -> tuple[int, int] | None:
    """Between what a rice field's water is kept now; None while it is drained."""
    phase = phase_of(zone, state.zones[zone.id].plan if zone.id in state.zones else PlanState())
    return phase.flood_mm if phase else None


def _stage(zone: ZoneSettings, phase: Phase, saline: bool) -> view.Stage:
    warning = SENTENCES["salt"] if saline and phase.id == INDUCTION else ""
    return view.Stage(phase.id, PHASES_VI[phase.id], _effect(zone, phase), warning)


def _effect(zone: ZoneSettings, phase: Phase) -> str:
    if isinstance(zone.plan, Rice):
        if phase.flood_mm is None:
            return SENTENCES["drained"]
        low_mm, high_mm = phase.flood_mm
        return SENTENCES["field"].format(low=_centimetres(low_mm), high=_centimetres(high_mm))
    if phase.water_pct == 100:
        return SENTENCES["whole"]
    if phase.wet_days:
        return SENTENCES["wet"].format(n=phase.wet_days)
    return SENTENCES["locked"] if phase.water_pct == 0 else SENTENCES["part"].format(n=phase.water_pct)


def _about(zone: ZoneSettings, phase: Phase | None) -> str:
    if isinstance(zone.plan, Rice) and phase is not None:
        return _effect(zone, phase)
    if isinstance(zone.plan, Calendar):
        return SENTENCES["calendar"]
    if isinstance(zone.plan, Manual):
        return SENTENCES["manual"]
    return ""


def _is_saline(zone: ZoneSettings, state: State, settings: Settings, now_ms: int) -> bool:
    """As the irrigation itself will say when it is confirmed."""
    if not isinstance(zone.plan, Orchard):
        return False
    water = state.sources.get(settings.water_of(zone))
    month = datetime.fromtimestamp(now_ms / 1000, VIETNAM).month
    return month in zone.plan.saline_months or (water is not None and water.salt)


def _centimetres(mm: int) -> str:
    return f"{mm / 10:g}".replace(".", ",")
