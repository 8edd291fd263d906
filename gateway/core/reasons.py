"""Decisions in plain words: Vietnamese for the farmer, English beside it, from the same facts.

Rules
1. One or two sentences, at most twelve words each, words of the south; numbers with their unit, in Vietnamese with a
   decimal comma.
2. How a fact is shown follows from the end of its name: ``_e4`` per cent, ``_um`` millimetres of water, ``_mm``
   centimetres, ``_us_cm`` salt in g/l, ``_at_ms`` the time of day in Vietnam, ``_ms`` a length of time, ``_ml`` litres,
   ``_ml_min`` litres a minute.
3. Salt is told by ``wire.salt``, with the name of the place where it was measured, and with enough decimals that a
   refused figure never reads like its limit.
4. Both tables have a sentence for every rule; the tests hold that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Literal

from gateway.core import reasons_delivery, reasons_plans
from gateway.core.rules import Rule, Verdict
from gateway.core.types import Decide, Fact, Facts
from wire import salt

Language = Literal["vi", "en"]

VIETNAM = timezone(timedelta(hours=7))

# What a decision about a ditch begins with instead.
DITCH_LEAD: Mapping[Language, Mapping[Verdict, str]] = {
    "vi": {
        Verdict.START: "Lấy nước",
        Verdict.WATERING: "Đang lấy nước",
        Verdict.STOP: "Ngưng lấy nước",
        Verdict.REFUSED: "Không lấy nước",
        Verdict.WAIT: "Chưa lấy nước",
        Verdict.NO: "Không lấy nước",
        Verdict.FAULT: "Ngưng lấy nước",
    },
    "en": {
        Verdict.START: "Filling",
        Verdict.WATERING: "Filling",
        Verdict.STOP: "Filling stopped",
        Verdict.REFUSED: "Not filling",
        Verdict.WAIT: "Not filling yet",
        Verdict.NO: "Not filling",
        Verdict.FAULT: "Filling stopped",
    },
}

LEAD: Mapping[Language, Mapping[Verdict, str]] = {
    "vi": {
        Verdict.START: "Tưới",
        Verdict.WATERING: "Đang tưới",
        Verdict.STOP: "Ngưng tưới",
        Verdict.REFUSED: "Không tưới",
        Verdict.WAIT: "Chưa tưới",
        Verdict.NO: "Không tưới",
        Verdict.FAULT: "Ngưng tưới",
    },
    "en": {
        Verdict.START: "Watering",
        Verdict.WATERING: "Watering",
        Verdict.STOP: "Stopped",
        Verdict.REFUSED: "Not watering",
        Verdict.WAIT: "Not yet",
        Verdict.NO: "Not watering",
        Verdict.FAULT: "Stopped",
    },
}

VIETNAMESE: Mapping[Rule, str] = {
    Rule.SOIL_DRY: "Tưới {garden}: đất khô ({soil}, ngưỡng {dry}).",
    Rule.DEPLETED: "Tưới {garden}: đất thiếu {depletion} nước, tưới bù {dose}.",
    Rule.MODEL_DRY: "Máy đo hư. Tưới {garden} theo thời tiết ({weather}), bù {dose}.",
    Rule.BALANCE_DRY: "Tưới {garden} bù {dose}. Máy đo báo khô hoài: coi máy đo, coi ống bể.",
    Rule.MANUAL_WATER: "{user} bấm tưới {garden} trong {run}.",
    Rule.WATER_ON: "Nước đang chảy, trễ nhất {ends} tự tắt.",
    Rule.FILL_SLUICE: "Lấy nước vô mương: {source} ngọt {salt}, cao hơn {head}.",
    Rule.FILL_LIFT: "Bơm nước vô mương: {source} ngọt {salt}, mương còn {ditch_level}.",
    Rule.GATEWAY_RESTARTED: "Máy vừa khởi động lại. Đang hỏi van còn mở không.",
    Rule.STILL_OPENING: "Đang mở nước, chờ hộp van trả lời.",
    Rule.STILL_CLOSING: "Đang tắt nước, chờ hộp van trả lời.",
    Rule.DOSE_GIVEN: "{lead}: đã tưới đủ {dose}.",
    Rule.TARGET_REACHED: "{lead}: đất đủ ẩm ({soil}, cần {target}).",
    Rule.MAX_RUN: "{lead}: đã hết {run} cho một lần.",
    Rule.MANUAL_DONE: "{lead}: đã đủ {run} như đã bấm.",
    Rule.MANUAL_STOP: "{user} bấm DỪNG. Tới {until} máy mới tự tưới lại.",
    Rule.ZONE_REMOVED: "{lead}: vườn này không còn trong danh sách.",
    Rule.RUN_ENDED: "Đã tắt nước: tưới được {run}, khoảng {water}.",
    Rule.DITCH_FULL: "{lead}: mương đã đầy {ditch_level}.",
    Rule.HEAD_GONE: "{lead}: {source} gần bằng mương, đóng kẻo nước chảy ngược.",
    Rule.SLUICE_INSTEAD: "{lead}: {source} đã cao, mở cống khỏi tốn điện.",
    Rule.FILL_REMOVED: "{lead}: chỗ lấy nước này không còn khai nữa.",
    Rule.FILL_ENDED: "Đã đóng: lấy nước vô mương được {run}.",
    Rule.DITCH_OK: "{lead}: mương còn {ditch_level}, dưới {start_level} mới lấy.",
    Rule.DITCH_UNKNOWN: "{lead}: máy đo mực nước im tiếng, coi như đầy.",
    Rule.HEAD_SMALL: "{lead}: {source} {level}, mương {ditch_level}. Chờ cao hơn {min_head}.",
    Rule.STILL_MOIST: "{lead}: đất mới thiếu {depletion}, tới {dry_at} mới tưới.",
    Rule.PERHAPS_DRY: "{lead}: đất có thể khô, chưa chắc. {until} coi lại.",
    Rule.MODEL_WET: "{lead}: máy đo hư. Tính theo thời tiết ({weather}) đất còn nước.",
    Rule.BALANCE_WET: "{lead}: tưới đủ mà máy đo báo khô. Coi máy đo, coi ống bể.",
    Rule.RAIN_COMING: "{lead}: sắp có mưa, khoảng {expected}. Chờ tới {until}.",
    Rule.SOIL_OK: "{lead}: đất còn ẩm ({soil}, dưới {dry} mới tưới).",
    Rule.PROBES_BLIND: "{lead}: máy đo đất im tiếng hoặc bị hư.",
    Rule.PROBES_UNSURE: "{lead}: các máy đo đất không khớp nhau.",
    Rule.SOURCE_SALT: "{lead}: {salt_place} mặn {salt}. Từ {limit} là ngưng.",
    Rule.SOURCE_SALT_EASING: "{lead}: {salt_place} bớt mặn, còn {salt}. Chờ {reopen} trở xuống đủ {salt_hold}.",
    Rule.SOURCE_SALT_UNKNOWN: "{lead}: máy đo độ mặn im tiếng, coi như mặn.",
    Rule.SOURCE_LOW: "{lead}: nước cạn, còn {level}, phải có {min_level}.",
    Rule.SOURCE_REFILLING: "{lead}: nước đang lên, {level}, chờ tới {reopen_level}.",
    Rule.SOURCE_LEVEL_UNKNOWN: "{lead}: máy đo mực nước im tiếng, coi như cạn.",
    Rule.SOURCE_MISSING: "{lead}: chưa khai nguồn nước của vườn này.",
    Rule.HELD_BY_STOP: "{lead}: đã có người bấm DỪNG, chờ tới {until}.",
    Rule.RESTING: "{lead}: vừa chạy xong, nghỉ tới {until}.",
    Rule.DAILY_CAP: "{lead}: một ngày đã mở {starts} lần. Chờ tới {until}.",
    Rule.PUMP_BUSY: "{lead}: máy bơm đang tưới {other_garden}.",
    Rule.PUMP_RESTING: "{lead}: máy bơm nghỉ tới {until}.",
    Rule.NODE_SILENT: "{lead}: hộp van {node} mất sóng.",
    Rule.VALVE_QUARANTINED: "{lead}: van không trả lời nên đã khóa. Nhờ thợ coi lại.",
    Rule.PUMP_QUARANTINED: "{lead}: máy bơm không trả lời nên đã khóa. Nhờ thợ coi lại.",
    Rule.INTENT_EXPIRED: "Không làm: lệnh tới trễ quá. Bấm lại nếu còn cần.",
    Rule.INTENT_WRONG: "Không làm: lệnh sai tên vườn hoặc sai số phút.",
    Rule.TAKEN_BACK: "{lead}: đã bấm DỪNG trước khi mở nước.",
    Rule.ALREADY_WATERING: "Vườn đang tưới rồi.",
    Rule.NOTHING_TO_STOP: "Không có gì đang chạy. Tới {until} máy mới tự tưới.",
    Rule.NO_ANSWER: "{lead}: {output} không trả lời sau {answer}. Đã gửi lệnh tắt.",
    Rule.NODE_REFUSED: "{lead}: {output} không nhận lệnh ({status}).",
    Rule.NODE_RESTARTED: "{lead}: hộp van vừa khởi động lại, nước đã tắt.",
    Rule.LEASE_ENDED: "{lead}: {output} hết giờ nên tự tắt.",
    Rule.OUTPUT_STRANGE: "Có van mở mà không ai bấm. Đã gửi lệnh tắt.",
    Rule.OUTPUT_BACK: "Van đã trả lời lại và đang tắt.",
    Rule.PROBES_TRUSTED: "{user} đã coi {garden}. Máy tin lại máy đo.",
    **reasons_plans.VIETNAMESE,
    **reasons_delivery.VIETNAMESE,
}

ENGLISH: Mapping[Rule, str] = {
    Rule.SOIL_DRY: "Watering {garden}: soil is dry ({soil}, threshold {dry}).",
    Rule.DEPLETED: "Watering {garden}: the soil lacks {depletion} of water, {dose} is given.",
    Rule.MODEL_DRY: "Probes are broken: watering {garden} by the weather ({weather}), {dose}.",
    Rule.BALANCE_DRY: "Watering {garden}, {dose}. Probes stay dry: look at them and at the pipe.",
    Rule.MANUAL_WATER: "{user} asked to water {garden} for {run}.",
    Rule.FILL_SLUICE: "Filling the ditch: {source} is fresh, {salt}, and {head} higher.",
    Rule.FILL_LIFT: "Pumping into the ditch: {source} is fresh, {salt}; ditch at {ditch_level}.",
    Rule.DITCH_FULL: "{lead}: the ditch is full, {ditch_level}.",
    Rule.HEAD_GONE: "{lead}: {source} is hardly higher, water would run back.",
    Rule.SLUICE_INSTEAD: "{lead}: {source} is high now, the sluice costs no power.",
    Rule.FILL_REMOVED: "{lead}: this way to fill is no longer set.",
    Rule.FILL_ENDED: "Closed: the ditch was filled for {run}.",
    Rule.DITCH_OK: "{lead}: the ditch has {ditch_level}, filled below {start_level}.",
    Rule.DITCH_UNKNOWN: "{lead}: level probe is silent, so the ditch counts as full.",
    Rule.HEAD_SMALL: "{lead}: {source} {level}, ditch {ditch_level}. Waiting for {min_head} more.",
    Rule.WATER_ON: "Water is flowing and stops by itself at {ends} at the latest.",
    Rule.GATEWAY_RESTARTED: "The gateway has just restarted. It asks whether the valve is open.",
    Rule.STILL_OPENING: "Opening the water, waiting for the valve box to answer.",
    Rule.STILL_CLOSING: "Closing the water, waiting for the valve box to answer.",
    Rule.DOSE_GIVEN: "{lead}: {dose} have been given.",
    Rule.TARGET_REACHED: "{lead}: soil is moist enough ({soil}, target {target}).",
    Rule.MAX_RUN: "{lead}: {run} is the longest for one run.",
    Rule.MANUAL_DONE: "{lead}: the {run} asked for are over.",
    Rule.MANUAL_STOP: "{user} pressed STOP. No automatic watering before {until}.",
    Rule.ZONE_REMOVED: "{lead}: this garden is no longer in the list.",
    Rule.RUN_ENDED: "Water is off: it ran for {run}, about {water}.",
    Rule.STILL_MOIST: "{lead}: the soil lacks only {depletion} of water, watered from {dry_at} on.",
    Rule.PERHAPS_DRY: "{lead}: the soil may be dry, that is not sure. Looking again at {until}.",
    Rule.MODEL_WET: "{lead}: probes are broken. By the weather ({weather}) there is water.",
    Rule.BALANCE_WET: "{lead}: enough was given, probes stay dry. Look at them and the pipe.",
    Rule.RAIN_COMING: "{lead}: rain is coming, about {expected}. Waiting until {until}.",
    Rule.SOIL_OK: "{lead}: soil is still moist ({soil}, watered below {dry}).",
    Rule.PROBES_BLIND: "{lead}: the soil probes are silent or broken.",
    Rule.PROBES_UNSURE: "{lead}: the soil probes do not agree.",
    Rule.SOURCE_SALT: "{lead}: {salt_place} is salty, {salt}. No water from {limit} on.",
    Rule.SOURCE_SALT_EASING: "{lead}: {salt_place} is less salty, {salt}. Waiting for {salt_hold} of {reopen} or less.",
    Rule.SOURCE_SALT_UNKNOWN: "{lead}: salt probe is silent, so water counts as salt.",
    Rule.SOURCE_LOW: "{lead}: water is low, {level}, needed {min_level}.",
    Rule.SOURCE_REFILLING: "{lead}: water is rising, {level}, waiting for {reopen_level}.",
    Rule.SOURCE_LEVEL_UNKNOWN: "{lead}: level probe is silent, so it counts as empty.",
    Rule.SOURCE_MISSING: "{lead}: no water source is set for this garden.",
    Rule.HELD_BY_STOP: "{lead}: somebody pressed STOP, waiting until {until}.",
    Rule.RESTING: "{lead}: just ended, resting until {until}.",
    Rule.DAILY_CAP: "{lead}: opened {starts} times in a day. Waiting until {until}.",
    Rule.PUMP_BUSY: "{lead}: the pump is watering {other_garden}.",
    Rule.PUMP_RESTING: "{lead}: the pump rests until {until}.",
    Rule.NODE_SILENT: "{lead}: valve box {node} is out of reach.",
    Rule.VALVE_QUARANTINED: "{lead}: the valve did not answer and is locked. Call a technician.",
    Rule.PUMP_QUARANTINED: "{lead}: the pump did not answer and is locked. Call a technician.",
    Rule.INTENT_EXPIRED: "Not done: the request came too late. Ask again if needed.",
    Rule.INTENT_WRONG: "Not done: wrong garden or wrong number of minutes.",
    Rule.TAKEN_BACK: "{lead}: STOP was pressed before the water was opened.",
    Rule.ALREADY_WATERING: "The garden is being watered already.",
    Rule.NOTHING_TO_STOP: "Nothing is running. No automatic watering before {until}.",
    Rule.NO_ANSWER: "{lead}: no answer of the {output} within {answer}. It was told to close.",
    Rule.NODE_REFUSED: "{lead}: the {output} refused the command ({status}).",
    Rule.NODE_RESTARTED: "{lead}: the valve box restarted, so water is off.",
    Rule.LEASE_ENDED: "{lead}: the time of the {output} was over, it closed itself.",
    Rule.OUTPUT_STRANGE: "A valve was open though nobody asked. It was told to close.",
    Rule.OUTPUT_BACK: "The valve answers again and is off.",
    Rule.PROBES_TRUSTED: "{user} has looked at {garden}. Its probes are believed again.",
    **reasons_plans.ENGLISH,
    **reasons_delivery.ENGLISH,
}

TABLES: Mapping[Language, Mapping[Rule, str]] = {"vi": VIETNAMESE, "en": ENGLISH}
PHASES: Mapping[Language, Mapping[str, str]] = {"vi": reasons_plans.PHASES_VI, "en": reasons_plans.PHASES_EN}

# What a node says when it refuses, in the farmer's words.
STATUSES_VI: Mapping[str, str] = {
    "bad_nonce": "hộp vừa khởi động lại",
    "replayed": "lệnh cũ",
    "expired": "lệnh tới trễ",
    "retained": "lệnh cũ",
    "unknown_output": "không có van này",
    "too_long": "quá lâu",
    "interlock": "chưa mở van",
    "resting": "đang nghỉ",
    "no_duration": "thiếu số phút",
}
OUTPUTS_VI = {"valve": "van", "pump": "máy bơm", "sluice": "cống", "main": "van tổng"}
FAILED: Mapping[Language, Mapping[str, str]] = {"vi": reasons_delivery.FAILED_VI, "en": reasons_delivery.FAILED_EN}
BECAUSE: Mapping[Language, Mapping[str, str]] = {"vi": reasons_delivery.BECAUSE_VI, "en": reasons_delivery.BECAUSE_EN}
# Where the day's weather came from: a stale source is told as such (D5).
WEATHERS: Mapping[Language, Mapping[str, str]] = {
    "vi": {"outlook": "dự báo", "station": "trạm đo", "old_outlook": "dự báo cũ", "month": "trung bình tháng"},
    "en": {"outlook": "forecast", "station": "own station", "old_outlook": "old forecast", "month": "monthly mean"},
}
NOBODY: Mapping[Language, str] = {"vi": "Có người", "en": "Somebody"}


def vietnamese(decision: Decide) -> str:
    """The sentence that is kept with a decision."""
    return tell("vi", decision.verdict, decision.rule, decision.inputs, decision.limits, decision.at_ms)


def english(decision: Decide) -> str:
    return tell("en", decision.verdict, decision.rule, decision.inputs, decision.limits, decision.at_ms)


def tell(language: Language, verdict: Verdict, rule: Rule, inputs: Facts, limits: Facts, at_ms: int) -> str:
    """The sentence of a rule. ``at_ms`` is when it was decided; a time of another day is shown with its date."""
    words = {"lead": (DITCH_LEAD if "ditch" in inputs else LEAD)[language][verdict]}
    facts = {**limits, **inputs}
    salts = [fact for name, fact in facts.items() if name.endswith("_us_cm") and isinstance(fact, int)]
    salt_decimals = salt.decimals(salts)
    for name, fact in facts.items():
        if name.endswith("_us_cm") and isinstance(fact, int):
            words[name.removesuffix("_us_cm")] = _salt(fact, language, salt_decimals)
        else:
            stem, text = _show(name, fact, language, at_ms)
            words[stem] = text
    text = TABLES[language][rule].format_map(_OrUnknown(words))
    return text[:1].upper() + text[1:]  # a sentence may begin with a name, and names are kept in small letters


class _OrUnknown(dict[str, str]):
    """A decision of an older program may lack a fact: then a question mark, never an error."""

    def __missing__(self, key: str) -> str:
        return "?"


def _show(name: str, fact: Fact, language: Language, at_ms: int) -> tuple[str, str]:
    """The name without its unit, and the fact as people write it."""
    if isinstance(fact, int):
        for suffix, show in _SHOWN_BY_SUFFIX:
            if name.endswith(suffix):
                return name.removesuffix(suffix), show(fact, language, at_ms)
        return name, str(fact)
    stem = next((name.removesuffix(s) for s, _ in _SHOWN_BY_SUFFIX if name.endswith(s)), name)
    if fact is None:
        return stem, "?"
    return stem, _word(name, fact, language)


def _word(name: str, text: str, language: Language) -> str:
    if name in ("user", "who"):
        return text or NOBODY[language]
    if name in ("phase", "next_phase", "before"):
        return PHASES[language].get(text, text)
    if name in ("garden", "source", "ditch", "other_garden", "salt_place"):
        return text[:1].lower() + text[1:]
    if name == "weather":
        return WEATHERS[language].get(text, text)
    if name == "failed":
        return FAILED[language].get(text, FAILED[language]["other"])
    if name == "because":
        return BECAUSE[language].get(text, text)
    if language == "vi" and name == "output":
        return OUTPUTS_VI.get(text, text)
    if name == "status":
        return STATUSES_VI.get(text, text) if language == "vi" else text.replace("_", " ")
    return text


# ---- numbers


def _number(amount: float, language: Language, decimals: int) -> str:
    text = f"{amount:,.{decimals}f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "vi" else text


def _percent(e4: int, language: Language, _at_ms: int) -> str:
    decimals = 0 if e4 % 100 == 0 else 1
    return f"{_number(e4 / 100, language, decimals)} %"


def _centimetres(mm: int, language: Language, _at_ms: int) -> str:
    return f"{_number(mm / 10, language, 0)} cm"


def _water(um: int, language: Language, _at_ms: int) -> str:
    return f"{_number(um / 1000, language, 0)} mm"


def _salt(us_cm: int, language: Language, decimals: int) -> str:
    return f"{_number(us_cm * salt.GRAMS_PER_LITRE_PER_US_CM, language, decimals)} g/l"


def _litres(ml: int, language: Language, _at_ms: int) -> str:
    return f"{_number(ml / 1000, language, 0)} {'lít' if language == 'vi' else 'litres'}"


def _flow(ml_min: int, language: Language, _at_ms: int) -> str:
    return f"{_number(ml_min / 1000, language, 0)} {'lít/phút' if language == 'vi' else 'litres/min'}"


def _clock(instant_ms: int, language: Language, at_ms: int) -> str:
    instant = datetime.fromtimestamp(instant_ms / 1000, VIETNAM)
    now = datetime.fromtimestamp(at_ms / 1000, VIETNAM)
    text = f"{instant.hour}:{instant.minute:02d}"
    if instant.date() == now.date():
        return text
    day = f"{instant.day}/{instant.month}" + (f"/{instant.year}" if instant.year != now.year else "")
    return f"{text} ngày {day}" if language == "vi" else f"{text} on {day}"


def _length(ms: int, language: Language, _at_ms: int) -> str:
    second, minute, hour = ("giây", "phút", "giờ") if language == "vi" else ("s", "min", "h")
    if ms < 60_000:
        return f"{round(ms / 1000)} {second}"
    minutes = round(ms / 60_000)
    if minutes < 120:
        return f"{minutes} {minute}"
    return f"{minutes // 60} {hour}" + (f" {minutes % 60} {minute}" if minutes % 60 else "")


_Show = Callable[[int, Language, int], str]
# The longer suffix first: an instant also ends in _ms.
_SHOWN_BY_SUFFIX: tuple[tuple[str, _Show], ...] = (
    ("_e4", _percent),
    ("_um", _water),
    ("_mm", _centimetres),
    ("_us_cm", lambda us_cm, language, _at_ms: _salt(us_cm, language, salt.LEAST_DECIMALS)),
    ("_at_ms", _clock),
    ("_ms", _length),
    ("_ml", _litres),
    ("_ml_min", _flow),
)
