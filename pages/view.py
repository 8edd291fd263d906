"""What a farmer's page shows, as plain facts: the one shape that gateway, uplink and cloud hand to each other.

Rules
1. A view holds facts with the time they were measured, never an age: the same view gets older on its way to the
   cloud, and whoever shows it says how old it is (``shown_state``).
2. A reading older than ``STALE_MS`` of village time is not news any more: its garden is *blind*.
3. Sentences in a view are Vietnamese; a decision brings its English along, all else is translated when it is shown.
4. A garden's own state is what its soil is, or its field's water; ``none`` where neither is measured. That water runs,
   opens or closes is told apart (``running``, ``asked``), because it passes with time.
5. JSON is read strictly: an unknown, missing or wrong key, a number out of range or a list that is too long is a
   ``ViewError`` that names the place. What was read is as good as what was built here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pages.strict_json import StrictJsonError, decode, encode

STALE_MS = 30 * 60_000
NEWS_MS = 15 * 60_000
NEWS_REAL_MS = 30_000
CLEAR_PCT = 0.5
MAX_GARDENS = 200
MAX_SOURCES = 50
MAX_ALERTS = 20
MAX_REASONS = 12
MAX_HISTORY = 120
MAX_WATERINGS = 120
MAX_TEXT = 400
MAX_JSON_BYTES = 2 * 1024 * 1024
MAX_TIME_MS = 32_503_680_000_000  # the year 3000: no clock of Linux can be set so far, and a date can be written

SoilState = Literal["dry", "ok", "wet", "unsure", "blind", "none"]
Activity = Literal["opening", "watering", "closing"]
GardenState = SoilState | Activity
RunPhase = Literal["opening", "on", "closing"]
SourceState = Literal["ok", "low", "salt", "blind"]
AlertLevel = Literal["info", "warning", "danger"]


class ViewError(Exception):
    """A view that cannot be shown; the text names the place and what was expected there."""


def _require(condition: bool, place: str, expected: str) -> None:
    if not condition:
        raise ViewError(f"{place}: expected {expected}")


def _require_text(text: str, place: str, *, empty: bool = False) -> None:
    _require(len(text) <= MAX_TEXT, place, f"at most {MAX_TEXT} characters")
    _require(empty or bool(text.strip()), place, "a text that is not empty")


def _require_number(number: float | None, low: float, high: float, place: str) -> None:
    if number is not None:
        _require(math.isfinite(number) and low <= number <= high, place, f"a number in {low:g}..{high:g}")


def _require_time(ms: int | None, place: str) -> None:
    _require(ms is None or 0 <= ms <= MAX_TIME_MS, place, f"milliseconds in 0..{MAX_TIME_MS}")


@dataclass(frozen=True)
class Reason:
    """One kept decision of the irrigation: when, what came of it, and why. English may be missing (empty).

    It was said at ``at_ms`` as it stands, and much the same since ``since_ms``.
    """

    since_ms: int
    at_ms: int
    verdict: str
    text: str
    english: str

    def __post_init__(self) -> None:
        _require_time(self.since_ms, "reason.since_ms")
        _require_time(self.at_ms, "reason.at_ms")
        _require(self.since_ms <= self.at_ms, "reason.since_ms", "a time before at_ms")
        _require_text(self.text, "reason.text")
        _require_text(self.english, "reason.english", empty=True)
        _require_text(self.verdict, "reason.verdict")


@dataclass(frozen=True)
class Running:
    """A watering that goes on now, and its reason. It ends by itself at ``ends_ms``, whatever happens to this page.

    While it is ``opening`` no water flows yet, and ``started_ms`` is when that began.
    """

    phase: RunPhase
    started_ms: int
    ends_ms: int
    why: Reason | None

    def __post_init__(self) -> None:
        _require_time(self.started_ms, "running.started_ms")
        _require_time(self.ends_ms, "running.ends_ms")


@dataclass(frozen=True)
class Asked:
    """The last thing that a person asked for. Without an ``answer`` it waits until ``expires_ms``, and is lost then."""

    kind: Literal["water", "stop"]
    at_ms: int
    expires_ms: int
    minutes: int
    answer: Reason | None

    def __post_init__(self) -> None:
        _require_time(self.at_ms, "asked.at_ms")
        _require_time(self.expires_ms, "asked.expires_ms")
        _require_number(self.minutes, 0, 24 * 60, "asked.minutes")


@dataclass(frozen=True)
class Band:
    """Between what the soil moisture is kept: watered below ``dry_pct``, up to ``target_pct``."""

    dry_pct: float
    target_pct: float

    def __post_init__(self) -> None:
        _require_number(self.dry_pct, 0, 100, "band.dry_pct")
        _require_number(self.target_pct, 0, 100, "band.target_pct")
        _require(self.dry_pct < self.target_pct, "band", "dry_pct below target_pct")


@dataclass(frozen=True)
class Watering:
    """A past or present watering; ``off_ms`` is None while it runs. Of older ones the reasons are left out."""

    on_ms: int
    off_ms: int | None
    litres: float | None
    began: Reason | None
    ended: Reason | None

    def __post_init__(self) -> None:
        _require_time(self.on_ms, "watering.on_ms")
        _require_time(self.off_ms, "watering.off_ms")
        _require_number(self.litres, 0, 1e9, "watering.litres")


@dataclass(frozen=True)
class Stage:
    """A phase of a plan as a farmer hears of it, in Vietnamese: its name, what it does to the water, and what it may
    spoil now (empty: nothing)."""

    id: str
    name: str
    effect: str
    warning: str

    def __post_init__(self) -> None:
        _require_text(self.id, "stage.id")
        _require_text(self.name, "stage.name")
        _require_text(self.effect, "stage.effect")
        _require_text(self.warning, "stage.warning", empty=True)


@dataclass(frozen=True)
class Plan:
    """What is wanted of a garden over the season. ``now`` is there when it has phases, since ``since_ms``, and usually
    lasts ``usual_days``; ``told_by`` said so. ``about`` tells of what does not follow the soil; a calendar waters next
    at ``next_ms``, and for a season only. A pause has an end. A rice field (``is_field``) is dry, ok or wet by the
    level of its water over the soil."""

    now: Stage | None
    next: Stage | None
    before: Stage | None
    since_ms: int | None
    usual_days: int
    told_by: str
    about: str
    paused_until_ms: int | None
    paused_by: str
    is_field: bool = False
    level_mm: int | None = None
    next_ms: int | None = None
    season_ms: tuple[int, int] | None = None  # its first moment and its last

    def __post_init__(self) -> None:
        _require_time(self.since_ms, "plan.since_ms")
        for at_ms in (self.next_ms, *(self.season_ms or ())):
            _require_time(at_ms, "plan.next_ms, plan.season_ms")
        _require_number(self.level_mm, -10_000, 100_000, "plan.level_mm")
        _require_time(self.paused_until_ms, "plan.paused_until_ms")
        _require_number(self.usual_days, 0, 10_000, "plan.usual_days")
        _require_text(self.told_by, "plan.told_by", empty=True)
        _require_text(self.paused_by, "plan.paused_by", empty=True)
        _require_text(self.about, "plan.about", empty=True)


@dataclass(frozen=True)
class Garden:
    """One zone as its farmer sees it. ``why`` are its last decisions, newest first: the first is what is done now.
    ``waterings`` are newest first as well."""

    id: str
    name: str
    state: SoilState
    moisture_pct: float | None
    measured_ms: int | None
    why: tuple[Reason, ...]
    running: Running | None
    asked: Asked | None
    can_water: bool
    litres_per_minute: float | None
    max_minutes: int
    band: Band
    history: tuple[tuple[int, float], ...]
    waterings: tuple[Watering, ...]
    plan: Plan | None = None
    locked: bool = False  # what it is watered by is not used before a person has looked at it
    doubted: bool = False  # its probes, or that its water arrives, until a person has looked

    def __post_init__(self) -> None:
        _require_text(self.id, "garden.id")
        _require_text(self.name, "garden.name")
        _require_number(self.moisture_pct, 0, 100, "garden.moisture_pct")
        _require_number(self.litres_per_minute, 0, 1e6, "garden.litres_per_minute")
        _require_number(self.max_minutes, 1, 24 * 60, "garden.max_minutes")
        _require(len(self.why) <= MAX_REASONS, "garden.why", f"at most {MAX_REASONS} reasons")
        _require(len(self.history) <= MAX_HISTORY, "garden.history", f"at most {MAX_HISTORY} points")
        _require(len(self.waterings) <= MAX_WATERINGS, "garden.waterings", f"at most {MAX_WATERINGS} waterings")
        _require_time(self.measured_ms, "garden.measured_ms")
        for at_ms, percent in self.history:
            _require_time(at_ms, "garden.history")
            _require_number(percent, 0, 100, "garden.history")


@dataclass(frozen=True)
class Source:
    """Where the water comes from: a ditch or canal, its level, and the worst of its salt with where that is. Of a ditch
    that is being filled, or let out, until when at the latest."""

    id: str
    name: str
    state: SourceState
    level_mm: int | None
    conductivity_us_cm: float | None
    salt_place: str
    limit_us_cm: float | None
    measured_ms: int | None
    gate: Literal["shut", "filling", "draining"] = "shut"
    gate_ends_ms: int | None = None

    def __post_init__(self) -> None:
        _require_time(self.gate_ends_ms, "source.gate_ends_ms")
        _require_text(self.id, "source.id")
        _require_text(self.name, "source.name")
        _require_number(self.level_mm, -10_000, 100_000, "source.level_mm")
        _require_text(self.salt_place, "source.salt_place")
        _require_number(self.conductivity_us_cm, 0, 200_000, "source.conductivity_us_cm")
        _require_number(self.limit_us_cm, 0, 200_000, "source.limit_us_cm")
        _require_time(self.measured_ms, "source.measured_ms")


@dataclass(frozen=True)
class Alert:
    """Something that a person should know now."""

    code: str
    level: AlertLevel
    text: str

    def __post_init__(self) -> None:
        _require_text(self.code, "alert.code")
        _require_text(self.text, "alert.text")


@dataclass(frozen=True)
class Village:
    """Everything on the first page, as known at ``now_ms`` (village time, UTC)."""

    id: str
    name: str
    now_ms: int
    gardens: tuple[Garden, ...]
    sources: tuple[Source, ...]
    alerts: tuple[Alert, ...]
    simulated: bool
    speed: float

    def __post_init__(self) -> None:
        _require_text(self.id, "village.id")
        _require_text(self.name, "village.name")
        _require(len(self.gardens) <= MAX_GARDENS, "village.gardens", f"at most {MAX_GARDENS} gardens")
        _require(len(self.sources) <= MAX_SOURCES, "village.sources", f"at most {MAX_SOURCES} sources")
        _require(len(self.alerts) <= MAX_ALERTS, "village.alerts", f"at most {MAX_ALERTS} alerts")
        _require_time(self.now_ms, "village.now_ms")
        _require_number(self.speed, 0.001, 100_000, "village.speed")
        ids = [garden.id for garden in self.gardens]
        _require(len(ids) == len(set(ids)), "village.gardens", "every id once")

    def to_json(self) -> str:
        return encode(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> Village:
        """Read what ``to_json`` wrote. Raises ViewError for anything else."""
        if len(text) > MAX_JSON_BYTES:
            raise ViewError(f"village: expected at most {MAX_JSON_BYTES} bytes")
        try:
            return decode(cls, text)
        except StrictJsonError as error:
            raise ViewError(str(error)) from error


def age_s(measured_ms: int | None, now_ms: int) -> int | None:
    """How old a reading is; one from the future (a clock was set back) counts as just measured."""
    return None if measured_ms is None else max(0, now_ms - measured_ms) // 1000


def is_stale(measured_ms: int | None, now_ms: int) -> bool:
    """Too old, or never measured: then no number of it may be shown as if it were now."""
    return measured_ms is None or now_ms - measured_ms > STALE_MS


def news_ms(speed: float) -> int:
    """How long an answer stays: a quarter of an hour, and long enough for eyes in a sped-up village."""
    return max(NEWS_MS, int(NEWS_REAL_MS * speed))


def is_pending(garden: Garden, now_ms: int) -> bool:
    """Whether a person's request still waits for its answer."""
    return garden.asked is not None and garden.asked.answer is None and now_ms <= garden.asked.expires_ms


def activity(garden: Garden, village: Village, now_ms: int) -> Activity | None:
    """What is done with the water; a request counts from the moment it was kept. Water is shown as on only while it
    can be on, and all of it only while we heard of the village lately."""
    if is_stale(village.now_ms, now_ms):
        return None
    run = garden.running
    pending = garden.asked.kind if garden.asked and is_pending(garden, now_ms) else None
    if pending == "stop" or (run and run.phase == "closing"):
        return "closing"
    if run and run.phase == "on" and now_ms < run.ends_ms:
        return "watering"
    return "opening" if pending or (run and now_ms < run.ends_ms) else None


def shown_state(garden: Garden, village: Village, now_ms: int) -> GardenState:
    """The state to show at ``now_ms``, which may be long after the view was made."""
    doing = activity(garden, village, now_ms)
    if doing is not None:
        return doing
    unheard = garden.state != "none" and is_stale(garden.measured_ms, now_ms)
    return "blind" if unheard or is_stale(village.now_ms, now_ms) else garden.state


def soil_state(moisture_pct: float | None, band: Band, before: SoilState | None = None) -> SoilState:
    """Khô, vừa or ướt: what the soil is, apart from whether it is watered.

    ``before`` is what it was called last. The word changes only when the soil has changed clearly, by CLEAR_PCT, so
    that it does not flip with the last digit of a probe: wet from above the target on until it is back at the
    target, dry from the mark on at which it is watered until it is above it.
    """
    if moisture_pct is None:
        return "blind"
    if moisture_pct <= band.dry_pct + (CLEAR_PCT if before == "dry" else 0):
        return "dry"
    return "wet" if moisture_pct > band.target_pct + (0 if before == "wet" else CLEAR_PCT) else "ok"


def shown_source_state(source: Source, village: Village, now_ms: int) -> SourceState:
    """A source that was not measured lately is blind, whatever it was before."""
    if is_stale(source.measured_ms, now_ms) or is_stale(village.now_ms, now_ms):
        return "blind"
    return source.state
