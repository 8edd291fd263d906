"""Whether a source may be drawn from: its level and its salt.

Rules
1. Salt from ``limit_us_cm`` on; fresh again only after it was at most ``reopen_us_cm`` for ``salt_hold_ms`` without
   a break. Of several probes the worst that works counts, because water is only as good as its worst part; the
   place where it is goes along, because a ditch may be sweet while the canal before it is not.
2. Low below ``min_level_mm``; enough again from ``reopen_level_mm`` on.
3. A conductivity that is stale, faulty or missing counts as salt, a level as empty (S5, S12). This does not set
   the memory of the hysteresis: when the probe is back, what it says counts again at once. What S5 keeps is this age:
   a running pump stops with the first step after a reading of the source is older than ``max_age_ms``, which the
   registry bounds. A ditch that empties is seen with the next reading; when none comes, at that age.
4. Conductivity near zero is a probe in the air, not sweet water: it counts as faulty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.core.rules import Rule
from gateway.core.state import Latest, SourceState
from gateway.core.types import Fact, Limits, SensorRef, SourceSettings
from wire import fields


@dataclass(frozen=True, slots=True)
class SourceView:
    """What is known now. ``closed_by`` is None when it may be drawn from."""

    closed_by: Rule | None
    level_mm: int | None
    inputs: Mapping[str, Fact]
    limits: Mapping[str, Fact]


def look(
    source: SourceSettings, before: SourceState, latest: Mapping[str, Latest], now_ms: int, limits: Limits
) -> tuple[SourceState, SourceView]:
    """The new memory and the view of one source."""
    oldest_at_ms = now_ms - source.max_age_ms
    salts = [
        (value, -number)
        for number, ref in enumerate(source.conductivity)
        if (value := _fresh(ref, latest, oldest_at_ms)) is not None and value >= limits.salt_min_us_cm
    ]
    salt_us_cm, place = max(salts, default=(None, 0))
    level_mm = _fresh(source.level, latest, oldest_at_ms)
    after = _remember_level(source, _remember_salt(source, before, salt_us_cm, now_ms, limits), level_mm)
    inputs: dict[str, Fact] = {
        "source": source.name,
        "level_mm": level_mm,
        "salt_us_cm": salt_us_cm,
        "salt_place": source.salt_place(-place),
    }
    bounds: dict[str, Fact] = {
        "min_level_mm": source.min_level_mm,
        "reopen_level_mm": source.reopen_level_mm,
        "limit_us_cm": source.limit_us_cm,
        "reopen_us_cm": source.reopen_us_cm,
        "salt_hold_ms": limits.salt_hold_ms,
        "max_age_ms": source.max_age_ms,
    }
    return after, SourceView(_closed_by(source, after, level_mm, salt_us_cm), level_mm, inputs, bounds)


def _fresh(ref: SensorRef, latest: Mapping[str, Latest], oldest_at_ms: int) -> int | None:
    """The value of a sensor if it may be believed."""
    reading = latest.get(ref.key)
    if reading is None or reading.measured_at_ms < oldest_at_ms:
        return None
    return reading.value if reading.quality in (fields.GOOD, fields.NOT_EVALUATED) else None


def _remember_salt(
    source: SourceSettings, before: SourceState, salt_us_cm: int | None, now_ms: int, limits: Limits
) -> SourceState:
    if salt_us_cm is not None and salt_us_cm >= source.limit_us_cm:
        return replace(before, salt=True, fresh_since_at_ms=None)
    if not before.salt:
        return before
    if salt_us_cm is None or salt_us_cm > source.reopen_us_cm:
        return replace(before, fresh_since_at_ms=None)
    since_at_ms = now_ms if before.fresh_since_at_ms is None else before.fresh_since_at_ms
    if now_ms - since_at_ms >= limits.salt_hold_ms:
        return replace(before, salt=False, fresh_since_at_ms=None)
    return replace(before, fresh_since_at_ms=since_at_ms)


def _remember_level(source: SourceSettings, before: SourceState, level_mm: int | None) -> SourceState:
    if level_mm is None:
        return before
    if level_mm < source.min_level_mm:
        return before if before.low else replace(before, low=True)
    if before.low and level_mm >= source.reopen_level_mm:
        return replace(before, low=False)
    return before


def _closed_by(
    source: SourceSettings, memory: SourceState, level_mm: int | None, salt_us_cm: int | None
) -> Rule | None:
    if salt_us_cm is None:
        return Rule.SOURCE_SALT_UNKNOWN
    if memory.salt:
        return Rule.SOURCE_SALT if salt_us_cm >= source.limit_us_cm else Rule.SOURCE_SALT_EASING
    if level_mm is None:
        return Rule.SOURCE_LEVEL_UNKNOWN
    if memory.low:
        return Rule.SOURCE_LOW if level_mm < source.min_level_mm else Rule.SOURCE_REFILLING
    return None
