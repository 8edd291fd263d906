"""Rain from a gauge that counts since its node's boot: each millimetre is taken once.

Rules
1. What fell in a boot is the highest total that the boot has shown. So a total that comes twice, late or out of order
   adds nothing, and what fell while a node could not be reached is there with the first total that arrives.
2. A gauge that is heard for the first time of all tells what fell before we listened: its first total only begins the
   count. A total whose boot is not known (``UNKNOWN_BOOT``) is not counted at all.
3. Rain that is measured longer ago than ``LATE_MS`` when it arrives is counted as seen but not given to the balance:
   the probes have told of it meanwhile.
4. Of so many boots, ``KEPT_BOOTS``, the total is remembered; forgotten is the one that was measured longest ago. A node
   sends its newest boot first, so the one that was heard of last may be the oldest.
5. Faster than ``MOST_MM_H`` it cannot rain: what is beyond is not rain, and not given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

UNKNOWN_BOOT = -1
KEPT_BOOTS = 8
LATE_MS = 6 * 3_600_000
MOST_MM_H = 180.0
LEAST_SPAN_MS = 600_000  # the burst that a bucket may show at once
HOUR_MS = 3_600_000
UM_PER_TOTAL = 10  # a total is in hundredths of a millimetre


@dataclass(frozen=True, slots=True)
class Gauge:
    """``totals`` by boot, as text because they are kept as JSON, and when each was measured."""

    totals: Mapping[str, int] = field(default_factory=dict)
    heard_at_ms: int | None = None
    told_at_ms: Mapping[str, int] = field(default_factory=dict)


def count(gauge: Gauge, boot: int, total: int, measured_at_ms: int, now_ms: int) -> tuple[Gauge, int]:
    """Take in a total; the gauge after it, and how many µm of rain it adds."""
    if boot == UNKNOWN_BOOT:
        return gauge, 0
    key = str(boot)
    known = gauge.totals.get(key)
    before = known if known is not None else 0 if gauge.totals else total
    heard_at_ms = gauge.heard_at_ms
    if known is not None and total <= known:
        return _heard(gauge, key, known, measured_at_ms), 0
    after = _heard(gauge, key, total, measured_at_ms)
    if now_ms - measured_at_ms > LATE_MS:
        return after, 0
    span_ms = max(LEAST_SPAN_MS, measured_at_ms - heard_at_ms) if heard_at_ms is not None else LEAST_SPAN_MS
    most_um = round(MOST_MM_H * 1000.0 * span_ms / HOUR_MS)
    return after, min((total - before) * UM_PER_TOTAL, most_um)


def _heard(gauge: Gauge, key: str, total: int, measured_at_ms: int) -> Gauge:
    newest = measured_at_ms if gauge.heard_at_ms is None else max(gauge.heard_at_ms, measured_at_ms)
    told_at_ms = {**gauge.told_at_ms, key: max(gauge.told_at_ms.get(key, measured_at_ms), measured_at_ms)}
    kept = {**gauge.totals, key: total}
    while len(kept) > KEPT_BOOTS:
        del kept[min(kept.keys() - {key}, key=lambda boot: (told_at_ms.get(boot, 0), int(boot)))]
    return Gauge(kept, newest, {boot: at_ms for boot, at_ms in told_at_ms.items() if boot in kept})
