"""Views of a village as its farmers would see them, for tests of the pages."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from pages.view import Alert, Band, Garden, Reason, Running, Source, Village, Watering

NOW_MS = 1_709_259_000_000  # 1 March 2024, 9:10 in Vietnam
MINUTE_MS = 60_000
DAY_MS = 86_400_000


def reason(text: str, english: str = "Not watering: soil is still moist.", at_ms: int = NOW_MS) -> Reason:
    return Reason(at_ms, at_ms, "no", text, english)


def watering(on_ms: int, minutes: int | None = 30, litres: float = 900.0) -> Watering:
    """One that goes on when ``minutes`` is None."""
    began = Reason(on_ms, on_ms, "start", "Tưới vườn xoài: đất khô (21,8 %, ngưỡng 22 %).", "Watering: soil is dry.")
    if minutes is None:
        return Watering(on_ms, None, None, began, None)
    off_ms = on_ms + minutes * MINUTE_MS
    ended = Reason(off_ms, off_ms, "stop", "Ngưng tưới: đất đủ ẩm (30 %, cần 30 %).", "Stopped: soil is moist enough.")
    return Watering(on_ms, off_ms, litres, began, ended)


def garden(id: str = "xoai", name: str = "Vườn xoài Cát Chu", **changes: Any) -> Garden:
    """A garden with three days of history, measured five minutes ago; ``changes`` replace its facts."""
    usual = Garden(
        id=id,
        name=name,
        state="ok",
        moisture_pct=26.4,
        measured_ms=NOW_MS - 5 * MINUTE_MS,
        why=tuple(
            reason(f"Không tưới: đất còn ẩm (2{n},5 %, dưới 22 % mới tưới).", at_ms=NOW_MS - n * 3_600_000)
            for n in range(1, 6)
        ),
        running=None,
        asked=None,
        can_water=True,
        litres_per_minute=30.0,
        max_minutes=30,
        band=Band(22.0, 30.0),
        history=tuple(
            (NOW_MS - (119 - n) * 36 * MINUTE_MS, round(26 + 4 * math.sin(n / 9 + len(id)) + n * 7 % 5 / 10, 1))
            for n in range(120)
        ),
        waterings=tuple(watering(NOW_MS - n * DAY_MS) for n in (1, 2)),
    )
    return replace(usual, **changes)


def source(**changes: Any) -> Source:
    usual = Source(
        id="kinh",
        name="Kinh Ông Kho",
        state="ok",
        level_mm=850,
        conductivity_us_cm=620.0,
        salt_place="nước kinh Ông Kho",
        limit_us_cm=2000.0,
        measured_ms=NOW_MS - 2 * MINUTE_MS,
    )
    return replace(usual, **changes)


def village(*gardens: Garden, **changes: Any) -> Village:
    """Three gardens: a dry one, one that is being watered, one that is silent for two hours."""
    asked = reason("bà tư bấm tưới vườn rau trong 10 phút.", "bà tư asked to water vườn rau for 10 min.")
    running = Running("on", NOW_MS - 2 * MINUTE_MS, NOW_MS + 8 * MINUTE_MS, asked)
    waits = reason("Chưa tưới: máy bơm đang tưới vườn rau.", "Not yet: the pump is busy.")
    three = (
        garden(moisture_pct=20.1, state="dry", why=(waits,)),
        garden("rau", "Vườn rau", running=running, can_water=False),
        garden("cam", "Vườn cam", state="blind", measured_ms=NOW_MS - 120 * MINUTE_MS, why=()),
    )
    usual = Village(
        id="tan-thuan",
        name="Hội quán Tân Thuận",
        now_ms=NOW_MS,
        gardens=gardens or three,
        sources=(source(),),
        alerts=(Alert("salt", "danger", "Nước kinh đang mặn. Đang ngưng lấy nước."),),
        simulated=False,
        speed=1.0,
    )
    return replace(usual, **changes)
