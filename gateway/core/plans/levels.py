"""The vote of the water tubes in a rice field, as ``gateway.core.probes`` has it for soil.

Rules
1. A tube has no vote when it was never heard, is older than its plan allows, says itself that it is faulty, or shows
   a level that no tube of a field can show.
2. More than half of the tubes must be able to vote; one alone counts only where there is only one. Of two that agree
   the mean counts, of more the median.
3. Tubes that lie further apart than ``spread_mm`` disagree: two, or more of which none is near the median.
4. Only a *sure* vote starts water (S12).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.plans.kinds import Rice
from gateway.core.probes import Trust
from gateway.core.state import Latest
from wire import fields

_FIT = (fields.GOOD, fields.NOT_EVALUATED)


@dataclass(frozen=True, slots=True)
class LevelVote:
    """``newest_at_ms`` is when the last of the tubes that vote was measured; 0 where none does."""

    trust: Trust
    level_mm: int | None
    fit: int
    asked: int
    dropped: tuple[str, ...] = ()
    newest_at_ms: int = 0


def vote(plan: Rice, latest: Mapping[str, Latest], now_ms: int) -> LevelVote:
    """What the tubes say together."""
    values: list[int] = []
    dropped: list[str] = []
    newest_at_ms = 0
    for tube in plan.tubes:
        reading = latest.get(tube.key)
        fault = _fault(plan, reading, now_ms)
        if fault or reading is None or reading.value is None:
            dropped.append(f"{tube.node}/{tube.channel} {fault or 'missing'}")
        else:
            values.append(reading.value)
            newest_at_ms = max(newest_at_ms, reading.measured_at_ms)
    values.sort()
    trust, level_mm = _agree(values, len(plan.tubes), plan.spread_mm)
    return LevelVote(trust, level_mm, len(values), len(plan.tubes), tuple(dropped), newest_at_ms)


def _fault(plan: Rice, reading: Latest | None, now_ms: int) -> str | None:
    if reading is None:
        return "missing"
    if now_ms - reading.measured_at_ms > plan.max_age_ms:
        return "stale"
    if reading.value is None or reading.quality not in _FIT:
        return "faulty"
    return None if abs(reading.value) <= plan.range_mm else "impossible"


def _agree(values: list[int], asked: int, spread_mm: int) -> tuple[Trust, int | None]:
    n = len(values)
    if n == 0:
        return Trust.BLIND, None
    half = n // 2
    middle = values[half] if n % 2 else (values[half - 1] + values[half]) // 2
    if 2 * n <= asked:
        return Trust.UNSURE, middle
    if n % 2:
        gaps = [abs(middle - other) for place, other in enumerate(values) if place != half]
    else:
        gaps = [values[half] - values[half - 1]]
    apart = bool(gaps) and min(gaps) > spread_mm
    return (Trust.UNSURE if apart else Trust.SURE), middle
