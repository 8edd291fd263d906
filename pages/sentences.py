"""The sentences of the first page: for each garden and source one word, one picture, one reason.

Rules
1. At most twelve words a sentence; southern words; no abbreviation but units that farmers use.
2. A state is a word *and* a picture *and* a colour.
3. A number that is old is told as "last time", with its time, and never in the first line.
4. Whoever has pressed a button is answered on the card itself: that it waits, what came of it, and why not.
5. While water runs its reason is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pages import words
from pages.i18n import Language
from pages.view import (
    Garden,
    GardenState,
    Reason,
    Source,
    SourceState,
    Village,
    Watering,
    activity,
    age_s,
    is_pending,
    is_stale,
    news_ms,
    shown_source_state,
    shown_state,
)
from wire import salt

Picture = Literal["dry", "ok", "wet", "opening", "watering", "closing", "unsure", "blind", "low", "salt"]

GARDEN_WORDS: Mapping[GardenState, str] = {
    "dry": "Đất khô",
    "ok": "Đất đủ ẩm",
    "wet": "Đất ướt",
    "opening": "Đang mở van",
    "watering": "Đang tưới",
    "closing": "Đang tắt",
    "unsure": "Chưa rõ",
    "blind": "Mất sóng",
    "none": "Không đo đất",
}
FIELD_WORDS: Mapping[GardenState, str] = {"dry": "Ruộng cạn", "ok": "Ruộng đủ nước", "wet": "Ruộng đầy nước"}
SOURCE_WORDS: Mapping[SourceState, str] = {
    "ok": "Nước tốt",
    "low": "Nước cạn",
    "salt": "Nước mặn",
    "blind": "Mất sóng",
}


@dataclass(frozen=True)
class Card:
    """A garden or a source as it is printed: already words of one language."""

    id: str
    name: str
    picture: Picture
    word: str
    age: str
    stale: bool
    answer: str | None
    doing: str
    facts: tuple[str, ...]


def garden_card(garden: Garden, village: Village, now_ms: int, language: Language) -> Card:
    state = shown_state(garden, village, now_ms)
    stale = is_stale(garden.measured_ms, now_ms)
    return Card(
        id=garden.id,
        name=garden.name,
        picture="unsure" if state == "none" else state,
        word=language.say(_garden_word(garden, state)),
        age="" if state == "none" else words.age(age_s(garden.measured_ms, now_ms), language),
        stale=stale,
        answer=_answer(garden, village, now_ms, language),
        doing=_doing(garden, village, now_ms, language),
        facts=_garden_facts(garden, stale, now_ms, language),
    )


def _garden_word(garden: Garden, state: GardenState) -> str:
    is_field = garden.plan is not None and garden.plan.is_field
    return FIELD_WORDS.get(state, GARDEN_WORDS[state]) if is_field else GARDEN_WORDS[state]


def _doing(garden: Garden, village: Village, now_ms: int, language: Language) -> str:
    """What the system does about this garden, in one sentence."""
    doing, run = activity(garden, village, now_ms), garden.running
    why = reason_text(run.why, language) if run and run.why else ""
    if doing == "watering" and run:
        left = words.minutes(run.ends_ms - now_ms, language)
        return f"{language.say('Còn {left}, rồi tự tắt.', left=left)} {why}".strip()
    if doing == "opening" and why and not is_pending(garden, now_ms):
        return why
    if doing == "opening":
        return language.say("Máy đang nhận lệnh. Chờ van trả lời.")
    if is_pending(garden, now_ms) and doing == "closing":
        return language.say("Máy đang nhận lệnh DỪNG.")
    if is_stale(village.now_ms, now_ms):
        return language.say("Chưa nhận được tin mới từ làng.")
    if garden.why:
        return reason_text(garden.why[0], language)
    if is_stale(garden.measured_ms, now_ms):
        return language.say("Máy đo im tiếng, nên chưa biết đất khô hay ướt.")
    return language.say("Máy đang theo dõi đất.")


def _answer(garden: Garden, village: Village, now_ms: int, language: Language) -> str | None:
    """What came of the last request or watering, while that is news."""
    if activity(garden, village, now_ms) is not None:
        return None
    asked = garden.asked
    if asked and asked.answer is None and asked.expires_ms < village.now_ms:
        return language.say("Máy không trả lời lệnh lúc {time}. Bấm lại, hoặc ra tủ.", time=words.clock(asked.at_ms))
    told = asked.answer if asked and asked.answer and asked.answer.verdict != "start" else None
    over = next((w for w in garden.waterings if w.off_ms is not None), None)
    if over and over.off_ms is not None and (told is None or told.at_ms < over.off_ms):
        fresh = 0 <= now_ms - over.off_ms <= news_ms(village.speed)
        return _just_watered(over, over.off_ms, language) if fresh else None
    if told is None or now_ms - told.at_ms > news_ms(village.speed):
        return None
    if garden.why and garden.why[0].text == told.text:  # it is told right below
        return language.say("Trả lời lúc {time}:", time=words.clock(told.at_ms))
    return f"{words.clock(told.at_ms)}: {reason_text(told, language)}"


def _just_watered(over: Watering, off_ms: int, language: Language) -> str:
    lasted = words.lasted(off_ms - over.on_ms, language)
    if over.litres is None:
        return language.say("Vừa tưới xong {lasted} lúc {time}.", lasted=lasted, time=words.clock(off_ms))
    amount = words.litres(over.litres, language)
    return language.say(
        "Vừa tưới xong {lasted}, {amount} lúc {time}.", lasted=lasted, amount=amount, time=words.clock(off_ms)
    )


@dataclass(frozen=True)
class Past:
    """A watering that is told: when and how much, and its reasons."""

    when: str
    why: str


def told_waterings(garden: Garden, now_ms: int, language: Language) -> tuple[Past, ...]:
    """The last waterings whose reasons are known."""
    return tuple(_past(w, now_ms, language) for w in garden.waterings if w.began or w.ended)


def _past(watering: Watering, now_ms: int, language: Language) -> Past:
    when = words.clock_and_day(watering.on_ms, now_ms)
    if watering.off_ms is not None:
        when = f"{words.clock(watering.on_ms)}–{words.clock_and_day(watering.off_ms, now_ms)}"
        when += f", {words.lasted(watering.off_ms - watering.on_ms, language)}"
    if watering.litres is not None:
        when += f", {words.litres(watering.litres, language)}"
    return Past(when, " ".join(reason_text(r, language) for r in (watering.began, watering.ended) if r))


def reason_time(reason: Reason, now_ms: int, language: Language) -> str:
    """When it was said: at one time, or from the first to the last."""
    last = words.clock_and_day(reason.at_ms, now_ms)
    if reason.at_ms - reason.since_ms < 60_000:
        return last
    return language.say("từ {first} tới {last}", first=words.clock_and_day(reason.since_ms, now_ms), last=last)


def reason_text(reason: Reason, language: Language) -> str:
    """A kept decision, in English when it has its English."""
    if language.code == "en" and reason.english:
        return reason.english
    return language.say_again(reason.text)


def _garden_facts(garden: Garden, stale: bool, now_ms: int, language: Language) -> tuple[str, ...]:
    facts: list[str] = []
    if garden.moisture_pct is not None and garden.measured_ms is not None:
        amount = words.percent(garden.moisture_pct, language)
        if stale:
            at = words.clock_and_day(garden.measured_ms, now_ms)
            facts.append(language.say("Lần đo cuối lúc {time}: độ ẩm đất {amount}.", time=at, amount=amount))
        else:
            facts.append(language.say("Độ ẩm đất: {amount}.", amount=amount))
    if garden.plan and garden.plan.level_mm is not None and not stale:
        facts.append(language.say("Nước ruộng: {level}.", level=words.level(garden.plan.level_mm, language)))
    if garden.moisture_pct is None and garden.plan is not None and garden.plan.about:
        return (*facts, language.say_again(garden.plan.about))
    facts.append(
        language.say(
            "Dưới {dry} là khô. Tưới tới {target} thì ngưng.",
            dry=words.percent(garden.band.dry_pct, language),
            target=words.percent(garden.band.target_pct, language),
        )
    )
    return tuple(facts)


def source_card(source: Source, village: Village, now_ms: int, language: Language) -> Card:
    state = shown_source_state(source, village, now_ms)
    facts: list[str] = []
    if state != "blind":
        if source.level_mm is not None:
            facts.append(language.say("Mực nước {level}", level=words.level(source.level_mm, language)))
        if source.conductivity_us_cm is not None:
            shown = words.salt(source.conductivity_us_cm, language, _salt_decimals(source))
            facts.append(language.say("{place} mặn {salt}", place=source.salt_place, salt=shown))
    return Card(
        id=source.id,
        name=source.name,
        picture=state,
        word=language.say(SOURCE_WORDS[state]),
        age=words.age(age_s(source.measured_ms, now_ms), language),
        stale=state == "blind",
        answer=None,
        doing=" – ".join(facts) if facts else language.say("Không biết mực nước và độ mặn lúc này."),
        facts=_limit_fact(source, language),
    )


def gate_line(source: Source, village: Village, now_ms: int, language: Language) -> str | None:
    """What is done with the gate of a ditch, while we heard of the village lately."""
    if source.gate == "shut" or source.gate_ends_ms is None or is_stale(village.now_ms, now_ms):
        return None
    ends = words.clock(source.gate_ends_ms)
    if source.gate == "draining":
        return language.say("Đang xả bớt nước, trễ nhất {time} tự đóng.", time=ends)
    return language.say("Đang lấy nước vô, trễ nhất {time} tự đóng.", time=ends)


def _limit_fact(source: Source, language: Language) -> tuple[str, ...]:
    if source.limit_us_cm is None:
        return ()
    limit = words.salt(source.limit_us_cm, language, _salt_decimals(source))
    return (language.say("Mặn từ {salt} thì không tưới.", salt=limit),)


def _salt_decimals(source: Source) -> int:
    return salt.decimals([us for us in (source.conductivity_us_cm, source.limit_us_cm) if us is not None])


def simulated_notice(village: Village, language: Language) -> str | None:
    """Says so when the village is not a real one, or its clock is not the real one."""
    if not village.simulated and village.speed == 1:
        return None
    parts = [language.say("Làng mô phỏng")] if village.simulated else []
    if village.speed != 1:
        factor = words.speed(village.speed, language)
        parts.append(language.say("thời gian chạy nhanh {factor} lần", factor=factor))
    return " – ".join(parts)


def consequence(garden: Garden, minutes: int, now_ms: int, language: Language) -> str:
    """What follows from pressing TƯỚI with this many minutes."""
    ends = words.clock(now_ms + minutes * 60_000)
    if garden.litres_per_minute:
        amount = words.litres(garden.litres_per_minute * minutes, language)
        return language.say("Máy bơm chạy, tưới khoảng {amount}, tự tắt lúc {time}.", amount=amount, time=ends)
    return language.say("Máy bơm chạy, tự tắt lúc {time}.", time=ends)
