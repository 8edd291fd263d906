"""The vote of a garden's moisture probes.

Rules
1. A probe has no vote when it was never heard, is older than its garden allows, says itself that it is faulty or
   doubtful, or shows what no soil can show (D1). Where the soil water is reckoned, it has none either when it has not
   moved at all for ``frozen_ms``: a crop drinks every day.
2. A majority of the garden's probes must be able to vote. With fewer the vote is *unsure*, with none it is *blind*.
3. Of one fit probe (in a garden that has only one) its own value counts; of two that agree their mean; of more the
   median, so that one wrong probe of three never decides (D1).
4. Probes that lie further apart than ``soil_spread_e4`` disagree: two, or more of which none is near the median.
   The vote is then unsure. It keeps its value, because that may stop a run.
5. Only a *sure* vote may start water (S12).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.core.state import Latest
from gateway.core.types import Limits, ZoneSettings
from wire import fields

_FIT = (fields.GOOD, fields.NOT_EVALUATED)


class Trust(StrEnum):
    SURE = "sure"
    UNSURE = "unsure"
    BLIND = "blind"


@dataclass(frozen=True, slots=True)
class Vote:
    """What the probes say together. ``dropped`` names each probe without a vote, and why; ``gap_e4`` is how far the
    middle ones are from each other, ``oldest_at_ms`` when the first of those that vote was measured."""

    trust: Trust
    soil_e4: int | None
    fit: int
    asked: int
    dropped: tuple[tuple[str, str], ...] = ()
    gap_e4: int = 0
    oldest_at_ms: int | None = None


def vote(zone: ZoneSettings, latest: Mapping[str, Latest], now_ms: int, limits: Limits) -> Vote:
    """The vote of the probes of one zone."""
    values: list[int] = []
    times: list[int] = []
    oldest_at_ms = now_ms - zone.probe_max_age_ms
    frozen_ms = limits.frozen_ms if zone.ground else None
    dropped: list[tuple[str, str]] = []
    for probe in zone.probes:
        reading = latest.get(probe.key)
        fault = _fault(reading, oldest_at_ms, limits, frozen_ms)
        if fault or reading is None or reading.value is None:
            dropped.append((f"{probe.node}/{probe.channel}", fault or "missing"))
        else:
            values.append(reading.value)
            times.append(reading.measured_at_ms)
    values.sort()
    gap_e4 = _gap(values)
    trust, soil_e4 = _agree(values, gap_e4, len(zone.probes), limits.soil_spread_e4)
    return Vote(trust, soil_e4, len(values), len(zone.probes), tuple(dropped), gap_e4, min(times, default=None))


def _fault(reading: Latest | None, oldest_at_ms: int, limits: Limits, frozen_ms: int | None) -> str | None:
    if reading is None:
        return "missing"
    if reading.measured_at_ms < oldest_at_ms:
        return "stale"
    if reading.value is None or reading.quality not in _FIT:
        return "faulty"
    if not limits.soil_min_e4 <= reading.value <= limits.soil_max_e4:
        return "impossible"
    if frozen_ms is not None and reading.changed_at_ms is not None:
        return "frozen" if reading.measured_at_ms - reading.changed_at_ms > frozen_ms else None
    return None


def _agree(values: list[int], gap_e4: int, asked: int, spread_e4: int) -> tuple[Trust, int | None]:
    """Trust and value of sorted values from ``asked`` probes, whose middle ones are ``gap_e4`` apart."""
    n = len(values)
    if n == 0:
        return Trust.BLIND, None
    middle = values[n // 2] if n % 2 else (values[n // 2 - 1] + values[n // 2]) // 2
    if 2 * n <= asked:
        return Trust.UNSURE, middle
    if gap_e4 > spread_e4:
        return Trust.UNSURE, middle
    return Trust.SURE, middle


def _gap(values: list[int]) -> int:
    """How far the middle value is from its nearer neighbour; of an even number, the two middle ones from each other."""
    if len(values) < 2:
        return 0
    half = len(values) // 2
    below = values[half] - values[half - 1]
    return min(below, values[half + 1] - values[half]) if len(values) % 2 else below
