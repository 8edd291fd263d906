"""Numbers and times in the words of a farmer of the delta: ``12,5 %``, ``5 phút trước``, ``0,40 g/l``.

Rules
1. A number is never shown without its unit or word, and with no more digits than it is worth.
2. Decimal comma in Vietnamese, decimal point in English.
3. Times are civil times of Vietnam (+07:00), without seconds.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from pages.i18n import Language
from wire.salt import GRAMS_PER_LITRE_PER_US_CM, LEAST_DECIMALS

VIETNAM = timezone(timedelta(hours=7))
NBSP = "\u00a0"  # between a number and its unit, so that a line never ends between them
WEEKDAYS = ("thứ hai", "thứ ba", "thứ tư", "thứ năm", "thứ sáu", "thứ bảy", "chủ nhật")
_MINUTE_S = 60
_HOUR_S = 3600
_DAY_S = 86_400


def number(value: float, decimals: int, language: Language) -> str:
    """``1250.5`` → ``1.250,5``."""
    text = f"{value:,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    marks = {",": language.thousands_mark, ".": language.decimal_mark}
    return "".join(marks.get(letter, letter) for letter in text)


def percent(value: float, language: Language) -> str:
    return f"{number(value, 1 if round(value, 1) % 1 else 0, language)}{NBSP}%"


def salt(conductivity_us_cm: float, language: Language, decimals: int = LEAST_DECIMALS) -> str:
    """Grams of salt in a litre, as farmers know salinity (``wire.salt``)."""
    return f"{number(conductivity_us_cm * GRAMS_PER_LITRE_PER_US_CM, decimals, language)}{NBSP}g/l"


def level(level_mm: int, language: Language) -> str:
    """A water level to the centimetre: what a staff gauge shows."""
    return f"{number(level_mm / 10, 0, language)}{NBSP}cm"


def litres(amount: float, language: Language) -> str:
    """In tens of litres, and from 10.000 l on in m³."""
    if amount >= 10_000:
        return f"{number(amount / 1000, 1, language)}{NBSP}m³"
    if amount >= 100:
        amount = round(amount, -1)
    return language.say("{amount} lít", amount=number(amount, 0, language))


def age(seconds: int | None, language: Language) -> str:
    """``5 phút trước``: rounded down, because news should not look older than it is by more than its unit."""
    if seconds is None:
        return language.say("chưa có số liệu")
    if seconds < _MINUTE_S:
        return language.say("vừa xong")
    if seconds < _HOUR_S:
        return language.count("{n} phút trước", seconds // _MINUTE_S)
    if seconds < 2 * _DAY_S:
        return language.count("{n} giờ trước", seconds // _HOUR_S)
    return language.count("{n} ngày trước", seconds // _DAY_S)


def minutes(milliseconds: int, language: Language) -> str:
    """How long it still takes; rounded up, because what is still on must not be said to be over."""
    return language.count("{n} phút", max(1, -(-milliseconds // 60_000)))


def lasted(milliseconds: int, language: Language) -> str:
    """How long it was."""
    return language.count("{n} phút", max(1, round(milliseconds / 60_000)))


def local(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, VIETNAM)


def clock(ms: int) -> str:
    """``7:05``."""
    moment = local(ms)
    return f"{moment.hour}:{moment.minute:02d}"


def day(ms: int, now_ms: int | None = None) -> str:
    """``24/11``; where it is said what is now, with the year when that is another one."""
    moment = local(ms)
    year = f"/{moment.year}" if now_ms is not None and local(now_ms).year != moment.year else ""
    return f"{moment.day:02d}/{moment.month:02d}{year}"


def date(ms: int) -> str:
    """``24/11/2026``."""
    return f"{day(ms)}/{local(ms).year}"


def weekday(ms: int, language: Language) -> str:
    return language.say(WEEKDAYS[local(ms).weekday()])


def clock_and_day(ms: int, now_ms: int) -> str:
    """The time, and the day too when it is not today."""
    return clock(ms) if local(ms).date() == local(now_ms).date() else f"{clock(ms)} {day(ms, now_ms)}"


def speed(factor: float, language: Language) -> str:
    return number(factor, 0 if factor >= 10 or factor == int(factor) else 1, language)
