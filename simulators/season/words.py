"""The words of a season's report and table: Vietnamese, with English beside it."""

from __future__ import annotations

from typing import NamedTuple

from gateway.core.rules import Rule


class Words(NamedTuple):
    vi: str
    en: str


CONTROLLERS = {
    "hoiquan": Words("Hội Quán", "Hội Quán"),
    "timer": Words("Hẹn giờ cố định", "fixed timer"),
    "et": Words("Chỉ tính bốc thoát hơi", "ET only"),
    "probe": Words("Chỉ một đầu đo", "probe only"),
}
PARTS = {
    "whole": Words("cả đợt", "whole run"),
    "dry": Words("mùa khô", "dry months"),
    "rainy": Words("mùa mưa", "rainy months"),
}
COLUMNS = {  # figure -> its words; the order is that of the table
    "irrigation_mm": Words("nước tưới, mm", "irrigation, mm"),
    "water_m3": Words("nước, m³", "water, m³"),
    "pump_h": Words("giờ bơm", "pump hours"),
    "stress_days": Words("ngày cây khát", "stress days"),
    "lost_pct": Words("thấm mất, %", "lost below roots, %"),
    "adequacy_pct": Words("đủ nước, %", "adequacy, %"),
    "efficiency_pct": Words("tưới đúng lúc, %", "scheduling eff., %"),
    "salty_m3": Words("nước mặn, m³", "salty water, m³"),
}
DECIMALS = {"stress_days": 0, "water_m3": 0, "salty_m3": 0}

WATERING = Words("đang tưới", "watering")
WAITING = Words("chờ tới lượt", "waiting its turn")
SALT = Words("nước mặn", "water too salty")
LOW = Words("mương cạn", "ditch too low")
UNSURE = Words("không tin được đầu đo", "probes not trusted")
TROUBLE = Words("máy trục trặc", "something does not answer")
WET = Words("đất đủ ẩm", "soil moist enough")
PLANNED = Words("theo kế hoạch", "as the plan says")
OTHER = Words("lý do khác", "another reason")
REASONS = (WATERING, WAITING, SALT, LOW, UNSURE, TROUBLE, PLANNED, OTHER, WET)  # in the order of a day's bar

_GROUPS: dict[Words, tuple[Rule, ...]] = {
    WATERING: (
        Rule.SOIL_DRY, Rule.MANUAL_WATER, Rule.WATER_ON, Rule.STILL_OPENING, Rule.STILL_CLOSING, Rule.TARGET_REACHED,
        Rule.MAX_RUN, Rule.MANUAL_DONE, Rule.RUN_ENDED, Rule.GATEWAY_RESTARTED, Rule.DEPLETED, Rule.MODEL_DRY,
        Rule.DOSE_GIVEN, Rule.BALANCE_DRY,
    ),
    WAITING: (Rule.HELD_BY_STOP, Rule.RESTING, Rule.DAILY_CAP, Rule.PUMP_BUSY, Rule.PUMP_RESTING, Rule.RAIN_COMING),
    SALT: (Rule.SOURCE_SALT, Rule.SOURCE_SALT_EASING, Rule.SOURCE_SALT_UNKNOWN),
    LOW: (Rule.SOURCE_LOW, Rule.SOURCE_REFILLING, Rule.SOURCE_LEVEL_UNKNOWN, Rule.SOURCE_MISSING),
    UNSURE: (Rule.PROBES_BLIND, Rule.PROBES_UNSURE, Rule.MODEL_WET, Rule.BALANCE_WET),
    TROUBLE: (
        Rule.NODE_SILENT, Rule.VALVE_QUARANTINED, Rule.PUMP_QUARANTINED, Rule.NO_ANSWER, Rule.NODE_REFUSED,
        Rule.NODE_RESTARTED, Rule.LEASE_ENDED, Rule.OUTPUT_STRANGE, Rule.OUTPUT_BACK,
    ),
    PLANNED: (
        Rule.PHASE_LOCKED, Rule.PHASE_PART, Rule.PHASE_BEGUN, Rule.PHASE_DUE, Rule.PHASE_SET, Rule.PHASE_SET_SALT,
        Rule.CALENDAR_WAIT, Rule.CALENDAR_SHORT, Rule.CALENDAR_RAINED, Rule.CALENDAR_ZERO, Rule.SEASON_CAP,
        Rule.SEASON_OVER, Rule.PLAN_MANUAL, Rule.PLAN_PAUSED,
    ),
    WET: (Rule.SOIL_OK, Rule.STILL_MOIST, Rule.PERHAPS_DRY),
}  # fmt: skip
_GROUP_OF = {rule.value: words for words, rules in _GROUPS.items() for rule in rules}


def reason(rule: str) -> Words:
    """The kind of reason that a rule is; a rule that is not known here is another one."""
    return _GROUP_OF.get(rule, OTHER)


def figure(value: float | int | None, decimals: int = 1) -> str:
    """A number as Vietnamese write it; a dash for none."""
    if value is None:
        return "–"
    plain = round(value, decimals) + 0.0  # never -0
    return f"{plain:,.{decimals}f}".translate(str.maketrans(",.", ".,"))
