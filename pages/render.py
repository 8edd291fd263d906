"""The pages as HTML: one answer each, nothing loaded from elsewhere, every foreign text escaped.

Rules
1. Style and script stand inside the page; the content security policy allows exactly these two, by their hashes.
2. Whoever calls decides *whether* something may be done (``Controls``); a page without controls has no buttons.
3. A message after an action is chosen by a code (``said``), so that no text from an address is ever shown. What came
   of an order is on the card of its garden, because that is what the gateway knows.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pages import words
from pages.i18n import LANGUAGES, Language
from pages.plan import Change, plan_line, plan_page
from pages.plot import moisture_plot
from pages.sentences import (
    Card,
    Past,
    consequence,
    garden_card,
    gate_line,
    reason_text,
    reason_time,
    simulated_notice,
    source_card,
    told_waterings,
)
from pages.view import Garden, Village, activity, is_pending, is_stale, shown_source_state

REFRESH_S = 30
REFRESH_SPED_UP_S = 5
REFRESH_WATERING_S = 10  # nothing but minutes passes; in a sped-up village they pass at once
REFRESH_WATERING_SPED_UP_S = 2
REFRESH_WAITING_S = 1  # somebody has pressed a button and waits for the answer
CHOICES_MINUTES = (5, 10, 20, 30)
USUAL_MINUTES = 10

_environment = Environment(
    loader=PackageLoader("pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


def _asset(name: str) -> Markup:
    """A file of ours that stands inside the page, without its indentation and comment lines."""
    source, _, _ = _environment.loader.get_source(_environment, name)  # type: ignore[union-attr]
    lines = (line.strip() for line in source.splitlines())
    return Markup("\n".join(line for line in lines if line and not line.startswith("//")))


_STYLE = _asset("style.css")
_SCRIPT = _asset("refresh.js")


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src {_hash(_STYLE)}",
        f"script-src {_hash(_SCRIPT)}",
        "img-src data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
# same-origin and not no-referrer: with the latter a browser sends "Origin: null" along with our own forms.
SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True)
class Controls:
    """What the buttons of a page need. ``form_id`` makes two taps on one button one order."""

    csrf: str
    form_id: str


SAID: Mapping[str, str] = {"again": "Lệnh này đã gửi rồi. Máy chỉ làm một lần."}
SAID_OF_PLAN: Mapping[str, str] = {**SAID, "sent": "Đã gửi. Máy đang ghi."}
REFRESH_SENT_S = 3


@dataclass(frozen=True)
class _Why:
    at: str
    text: str


@dataclass(frozen=True)
class _Row:
    card: Card
    stoppable: bool
    can_water: bool
    plot: Markup
    waterings: tuple[Past, ...]
    why: tuple[_Why, ...]
    plan: str
    locked: bool
    doubted: bool


def _page(template: str, language: Language, **values: Any) -> str:
    other = next(code for code in LANGUAGES if code != language.code)
    return _environment.get_template(template).render(
        say=language.say,
        language=language,
        style=_STYLE,
        other_language=other,
        other_language_name=LANGUAGES[other],
        **values,
    )


def render_home(
    village: Village,
    now_ms: int,
    language: Language,
    *,
    csrf: str,
    controls: Controls | None = None,
    said: str | None = None,
) -> str:
    """The first page. Without ``controls`` (in the cloud) it shows, and does not steer."""
    rows = [_row(garden, village, now_ms, language) for garden in village.gardens]
    return _page(
        "home.html",
        language,
        script=_SCRIPT,
        village=village,
        now=words.clock(now_ms),
        notice=simulated_notice(village, language),
        said=language.say(SAID[said]) if said and said in SAID else None,
        alerts=[_Alert(a.level, language.say_again(a.text)) for a in village.alerts]
        + _silence(village, now_ms, language),
        gardens=rows,
        sources=[source_card(source, village, now_ms, language) for source in village.sources],
        gates={source.id: gate_line(source, village, now_ms, language) for source in village.sources},
        stoppable=[row for row in rows if row.stoppable] if controls else [],
        csrf=csrf,
        controls=controls,
        refresh_s=_refresh_s(village, now_ms),
    )


def _refresh_s(village: Village, now_ms: int) -> int:
    doing = {activity(garden, village, now_ms) for garden in village.gardens}
    if doing & {"opening", "closing"}:
        return REFRESH_WAITING_S
    sped_up = village.speed > 1
    if "watering" in doing:
        return REFRESH_WATERING_SPED_UP_S if sped_up else REFRESH_WATERING_S
    return REFRESH_SPED_UP_S if sped_up else REFRESH_S


@dataclass(frozen=True)
class _Alert:
    level: str
    text: str


def _silence(village: Village, now_ms: int, language: Language) -> list[_Alert]:
    """The village itself has not been heard of: said once on top, besides every garden's own "mất sóng"."""
    if not is_stale(village.now_ms, now_ms):
        return []
    at = words.clock_and_day(village.now_ms, now_ms)
    return [_Alert("warning", language.say("Mất sóng với làng từ {time}. Số liệu cũ.", time=at))]


def _row(garden: Garden, village: Village, now_ms: int, language: Language) -> _Row:
    return _Row(
        card=garden_card(garden, village, now_ms, language),
        stoppable=activity(garden, village, now_ms) is not None,
        can_water=garden.can_water and not is_pending(garden, now_ms),
        plot=moisture_plot(garden, now_ms, language),
        waterings=told_waterings(garden, now_ms, language),
        why=tuple(_Why(reason_time(reason, now_ms, language), reason_text(reason, language)) for reason in garden.why),
        plan=plan_line(garden, now_ms, language),
        locked=garden.locked,
        doubted=garden.doubted,
    )


def render_plan(garden: Garden, now_ms: int, language: Language, controls: Controls, *, said: str | None = None) -> str:
    """The phase of a garden, what comes next, and what people may do about it: the first of two steps."""
    sent = said if said in SAID_OF_PLAN else None
    return _page(
        "plan.html",
        language,
        name=garden.name,
        zone=garden.id,
        plan=plan_page(garden, now_ms, language),
        said=language.say(SAID_OF_PLAN[sent]) if sent else None,
        refresh_s=REFRESH_SENT_S if sent else 0,
        controls=controls,
    )


def render_change(garden: Garden, change: Change, language: Language, controls: Controls) -> str:
    """The second step: what follows from it, and who says so."""
    return _page("change.html", language, name=garden.name, zone=garden.id, change=change, controls=controls)


@dataclass(frozen=True)
class _Choice:
    minutes: int
    label: str
    consequence: str
    chosen: bool


def render_water(village: Village, garden: Garden, now_ms: int, language: Language, controls: Controls) -> str:
    """The second step of TƯỚI: how many minutes, and what follows from it."""
    allowed = [n for n in CHOICES_MINUTES if n <= garden.max_minutes] or [garden.max_minutes]
    usual = USUAL_MINUTES if USUAL_MINUTES in allowed else allowed[-1]
    choices = [
        _Choice(n, language.count("{n} phút", n), consequence(garden, n, now_ms, language), n == usual) for n in allowed
    ]
    return _page(
        "water.html",
        language,
        name=garden.name,
        zone=garden.id,
        choices=choices,
        warning=_source_warning(village, now_ms, language),
        controls=controls,
    )


def _source_warning(village: Village, now_ms: int, language: Language) -> str | None:
    """Why the order may be refused, told before it is given; the irrigation itself decides."""
    states = {shown_source_state(source, village, now_ms) for source in village.sources}
    if "salt" in states:
        return language.say("Nước đang mặn. Máy có thể không tưới.")
    if "low" in states:
        return language.say("Nước đang cạn. Máy có thể không tưới.")
    if "blind" in states:
        return language.say("Chưa biết nước mặn hay cạn. Máy có thể không tưới.")
    return None


LOGIN_MESSAGES: Mapping[str, str] = {
    "empty": "Nhập tên và mật khẩu trên thẻ.",
    "wrong": "Tên hoặc mật khẩu chưa đúng. Xem lại thẻ, rồi nhập lại.",
    "locked": "Nhập sai nhiều lần. Chờ {n} phút rồi nhập lại, hoặc gọi kỹ thuật hội quán.",
}


def render_login(
    title: str, language: Language, *, message: str | None = None, wait_minutes: int = 1, with_village: bool = False
) -> str:
    """The login; ``message`` is a key of LOGIN_MESSAGES. The cloud also asks which village."""
    text = None if message is None else language.count(LOGIN_MESSAGES[message], wait_minutes)
    return _page("login.html", language, title=title, message=text, with_village=with_village)


# code → (title, what to do)
ERRORS: Mapping[str, tuple[str, str]] = {
    "not_found": ("Không có trang này", "Bấm TRỞ VỀ để xem vườn."),
    "no_zone": ("Không có vườn này", "Bấm TRỞ VỀ, rồi chọn lại vườn."),
    "no_phase": ("Không có giai đoạn này", "Chưa đổi gì cả. Bấm TRỞ VỀ, rồi chọn lại."),
    "bad_days": ("Số ngày chưa đúng", "Bấm TRỞ VỀ, rồi chọn số ngày có sẵn."),
    "bad_minutes": ("Số phút chưa đúng", "Bấm TRỞ VỀ, rồi chọn số phút có sẵn."),
    "old_page": ("Trang này cũ rồi", "Chưa làm gì cả. Bấm TRỞ VỀ, rồi bấm lại."),
    "bad_form": ("Không hiểu lệnh này", "Chưa làm gì cả. Bấm TRỞ VỀ, rồi bấm lại."),
    "no_data": ("Chưa có tin từ làng", "Chờ vài phút, rồi mở lại trang này."),
    "not_sent": ("Không gửi được", "Ra bấm nút tại tủ, rồi gọi kỹ thuật hội quán."),
    "broken": ("Trang bị trục trặc", "Máy vẫn tự tưới. Chờ một phút rồi bấm TRỞ VỀ."),
}


def render_error(code: str, language: Language) -> str:
    """A page for what went wrong: what it is, and what to do now."""
    title, sentence = ERRORS[code]
    return _page("error.html", language, title=language.say(title), sentence=language.say(sentence))
