"""A garden's plan on the phone: the phase in farmer's words, its day, what comes next, and what a person may do.

Rules
1. Two taps: the first says what one wants, the second, below what follows from it, does it.
2. The first day of a phase is day 1, as people count.
3. What the gateway says of a phase is Vietnamese and is translated when it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from pages import words
from pages.i18n import Language
from pages.view import Garden, Plan, Stage

DAY_MS = 86_400_000
LOCAL_MS = 7 * 3_600_000  # Vietnam, no daylight saving
PAUSES_DAYS = (1, 3, 7, 14)


@dataclass(frozen=True)
class Step:
    """A button of the first step: what it says and where it leads."""

    label: str
    query: str


@dataclass(frozen=True)
class Shown:
    """The first step as it is printed."""

    now: str
    effect: str
    since: str
    due: str
    next: Step | None
    before: Step | None
    pauses: tuple[Step, ...]
    paused: str


@dataclass(frozen=True)
class Change:
    """The second step: a question, what follows, and the form that does it. ``who`` asks who has said so."""

    title: str
    effect: str
    warning: str
    action: str
    name: str
    value: str
    button: str
    who: bool


def day_of(plan: Plan, now_ms: int) -> int:
    """Which day of its phase it is, from 1."""
    since_ms = now_ms if plan.since_ms is None else plan.since_ms
    return max(1, (now_ms + LOCAL_MS) // DAY_MS - (since_ms + LOCAL_MS) // DAY_MS + 1)


def plan_line(garden: Garden, now_ms: int, language: Language) -> str:
    """The one line of the first page; empty for a garden that is only watered by its soil."""
    plan = garden.plan
    if plan is None:
        return ""
    if is_paused(plan, now_ms):
        assert plan.paused_until_ms is not None
        return language.say("Đang nghỉ tưới tới {time}", time=words.clock_and_day(plan.paused_until_ms, now_ms))
    if plan.next_ms is not None:
        return language.say("Tưới theo lịch, lần tới {time}", time=words.clock_and_day(plan.next_ms, now_ms))
    if plan.now is None:
        return language.say_again(plan.about) if plan.about else ""
    name = language.say_again(plan.now.name)
    line = language.say("Giai đoạn: {name}, ngày thứ {n}", name=name, n=day_of(plan, now_ms))
    return f"{line} – {language.say('tới lúc coi lại')}" if _is_due(plan, now_ms) else line


def plan_page(garden: Garden, now_ms: int, language: Language) -> Shown:
    """What the plan's own page says."""
    plan = garden.plan
    assert plan is not None
    paused = is_paused(plan, now_ms)
    pauses = tuple(Step(language.count("{n} ngày", days), f"pause={days}") for days in PAUSES_DAYS if not paused)
    until = words.clock_and_day(plan.paused_until_ms, now_ms) if plan.paused_until_ms else ""
    by = plan.paused_by
    paused_text = language.say("{name} đã cho nghỉ tưới tới {time}.", name=by, time=until) if paused else ""
    if plan.now is None:
        about = language.say_again(plan.about) if plan.about else language.say("Máy tưới theo đất.")
        return Shown("", about, _season(plan, language), _next(plan, now_ms, language), None, None, pauses, paused_text)
    since = words.day(plan.since_ms or now_ms, now_ms)
    told = language.say("Từ ngày {day}, {name} báo.", day=since, name=plan.told_by)
    if not plan.told_by:
        told = language.say("Từ ngày {day}, theo sổ của làng.", day=since)
    due = ""
    if plan.next and plan.usual_days:
        due = language.say("Thường {n} ngày, rồi tới: {name}.", n=plan.usual_days, name=_name(plan.next.name, language))
    return Shown(
        now=language.say("Đang {name}, ngày thứ {n}", name=_name(plan.now.name, language), n=day_of(plan, now_ms)),
        effect=language.say_again(plan.now.effect),
        since=told,
        due=due,
        next=_forth(plan.next, language) if plan.next else None,
        before=_back(plan.before, language) if plan.before else None,
        pauses=pauses,
        paused=paused_text,
    )


def _season(plan: Plan, language: Language) -> str:
    if plan.season_ms is None:
        return ""
    first, last = (words.date(at_ms) for at_ms in plan.season_ms)
    return language.say("Vụ này từ {first} tới {last}.", first=first, last=last)


def _next(plan: Plan, now_ms: int, language: Language) -> str:
    """The next time of a calendar; nothing for what has none."""
    if plan.next_ms is None:
        over = plan.season_ms is not None and plan.season_ms[1] < now_ms
        return language.say("Lịch của vụ này đã hết.") if over else ""
    at, day = words.clock(plan.next_ms), words.day(plan.next_ms, now_ms)
    weekday = words.weekday(plan.next_ms, language)
    return language.say("Lần tưới tới: {time} {weekday} {day}.", time=at, weekday=weekday, day=day)


def phase_change(garden: Garden, phase: str, language: Language) -> Change | None:
    """The second step to another phase; None when it is not the next or the one before."""
    plan = garden.plan
    stage = next((s for s in (plan.next, plan.before) if s and s.id == phase), None) if plan else None
    if stage is None:
        return None
    name = _name(stage.name, language)
    return Change(
        title=language.say("Chuyển {garden} qua {name}?", garden=garden.name, name=name),
        effect=language.say_again(stage.effect),
        warning=language.say_again(stage.warning) if stage.warning else "",
        action="/phase",
        name="phase",
        value=stage.id,
        button=language.say("ĐÚNG, CHUYỂN"),
        who=True,
    )


def pause_change(garden: Garden, days: int, now_ms: int, language: Language) -> Change | None:
    """The second step to a pause, or to its end (0 days); None for a length that is not offered."""
    if days == 0:
        title, effect = language.say("Cho {name} tưới lại?", name=garden.name), language.say("Máy tưới lại như cũ.")
        return Change(title, effect, "", "/pause", "days", "0", language.say("TƯỚI LẠI"), who=False)
    if days not in PAUSES_DAYS:
        return None
    title = language.count("Cho {name} nghỉ tưới {n} ngày?", days, name=garden.name)
    until = words.clock_and_day(now_ms + days * DAY_MS, now_ms)
    effect = language.say("Máy không tự tưới tới {time}, dù đất khô. Bấm tay vẫn được.", time=until)
    return Change(title, effect, "", "/pause", "days", str(days), language.say("CHO NGHỈ"), who=False)


def is_paused(plan: Plan, now_ms: int) -> bool:
    return plan.paused_until_ms is not None and now_ms < plan.paused_until_ms


def _is_due(plan: Plan, now_ms: int) -> bool:
    return plan.next is not None and 0 < plan.usual_days < day_of(plan, now_ms)


def _name(name: str, language: Language) -> str:
    return language.say_again(name)


def _forth(stage: Stage, language: Language) -> Step:
    return Step(language.say("Chuyển qua: {name}", name=_name(stage.name, language)), f"phase={stage.id}")


def _back(stage: Stage, language: Language) -> Step:
    return Step(language.say("Bấm lộn: lui về {name}", name=_name(stage.name, language)), f"phase={stage.id}")
