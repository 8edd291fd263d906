"""How much water a garden's root zone lacks, and how sure that is: FAO-56 predicts, probes that agree correct.

Rules
1. The state is the depletion Dr (FAO-56 Eq. 85-87) and its variance, in whole µm and µm². Between two looks it grows by
   what the crop uses, Ks Kc ET0 (Eq. 66, 81-84), shared out over the day by the sun's course; variance grows with it,
   and with each millimetre of rain and irrigation.
2. Every µm is counted once, and ``Sums`` shows it exactly: depletion = start + used - rain - irrigation + percolated +
   corrected. 0 <= Dr <= TAW: what is more than field capacity percolates.
3. A vote is one measurement z of Dr, weighed by its variance against the estimate's (Kalman): innovation v = z - Dr,
   S = P + R, K = P / S. R is the soil's own unevenness over the probes that agree, with their distance and age. P never
   falls below ``FLOOR`` of that unevenness, because probes that stay where they are do not average it out.
4. |v| > ``GATE`` √S is further than crop, rain and irrigation can have taken the soil since: not believed, counted, and
   P grows, so that a disagreement that lasts is believed in the end (the further off, the later). The first
   vote of all is believed, and wetter where water may have come that nobody counted. A slow disagreement to one side
   lets P grow as well.
5. ``asked_um`` is what the crop has used since the last watering: all that may be given without probes (S12).
6. Pure. ``advance`` takes all gardens at once, as arrays; the rest is one garden's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gateway.core.fao56 import water
from gateway.core.fao56.atmosphere import Array, floats
from gateway.core.ground import Ground, Plots
from gateway.core.quick import changed
from gateway.core.weather import DAY_MS, DOUBT, Et0, day_begins_at_ms, local_day

UM = 1000  # in a millimetre
UM2 = 1_000_000
RAIN_DOUBT_MM2 = 0.3  # variance that a millimetre of rain brings: 30 mm are known to 3 mm
POUR_DOUBT_MM2 = 0.2  # and one of irrigation
SOIL_SD = 0.010  # how moisture differs from place to place in a garden, m³/m³
FLOOR = 0.3
GATE = 3.0
REFUSED_PART = 1.0 / 80.0  # of TAW: the standard deviation that a vote adds which is not believed
LEAN_PART = 0.1  # how much of a disagreement is remembered from vote to vote
BEGIN_PART = 0.25  # of TAW: one standard deviation of a soil of which nothing is known
SLACK = 0.5  # so much of the crop's use may be wrong, or be lost on the way, for ever
DOUBT_SLACK = 1.2  # and so much once that is known: half of the water may run off through a broken pipe
MOST_DAYS = 60  # further back nothing is reckoned: the soil is unknown anyhow
SUNRISE, SUNSET = 0.25, 0.75


@dataclass(frozen=True, slots=True)
class Sums:
    """Rule 2, since the estimate began."""

    start_um: int
    used_um: int = 0
    rain_um: int = 0
    irrigation_um: int = 0
    percolated_um: int = 0
    corrected_um: int = 0

    @property
    def depletion_um(self) -> int:
        gone = self.used_um + self.percolated_um + self.corrected_um
        return self.start_um + gone - self.rain_um - self.irrigation_um


@dataclass(frozen=True, slots=True)
class Doubt:
    """Of probes that the water balance contradicts (``gateway.core.doubt``): how much drier than it they are, which is
    learnt until an instant, and how many votes in a row have said that this is over."""

    since_at_ms: int
    learns_until_at_ms: int
    gap_um: int
    votes: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """``lean_e3`` is the remembered disagreement in thousandths of its standard deviation; ``refused`` counts votes in
    a row that were not believed. ``fresh_um`` is what was given and should still be there, ``lost_um`` what of it the
    probes have not shown (``gateway.core.doubt``)."""

    reckoned_at_ms: int
    depletion_um: int
    variance_um2: int
    sums: Sums
    asked_um: int = 0
    weighed_at_ms: int | None = None
    believed_at_ms: int | None = None
    wetted_at_ms: int | None = None
    refused: int = 0
    lean_e3: int = 0
    fresh_um: int = 0
    lost_um: int = 0
    doubt: Doubt | None = None

    @property
    def depletion_mm(self) -> float:
        return self.depletion_um / UM

    @property
    def sd_mm(self) -> float:
        return math.sqrt(self.variance_um2) / UM

    def chance_beyond(self, depletion_mm: float) -> float:
        """Probability that the root zone lacks more than this."""
        return 0.5 * math.erfc((depletion_mm - self.depletion_mm) / (self.sd_mm * math.sqrt(2.0)))


@dataclass(frozen=True, slots=True)
class Seen:
    """A vote as a measurement: how many probes agree, how far apart they are, and how much of their longest age
    they have."""

    soil_e4: int
    probes: int
    gap_e4: int = 0
    age_part: float = 0.0
    wet_may_come: bool = field(default=False, kw_only=True)  # water may have come that nobody has counted


def begin(ground: Ground, now_ms: int) -> Estimate:
    """Nothing is known: in the middle of what the crop takes without stress."""
    depletion_um = round(ground.p * ground.taw_mm / 2.0 * UM)
    variance = (BEGIN_PART * ground.taw_mm) ** 2
    return Estimate(now_ms, depletion_um, round(variance * UM2), Sums(depletion_um))


# ---- what comes in


def rained(before: Estimate, ground: Ground, um: int, at_ms: int) -> Estimate:
    return _wetted(before, ground, um, RAIN_DOUBT_MM2, at_ms, rain_um=um)


def poured(before: Estimate, ground: Ground, um: int, at_ms: int) -> Estimate:
    """Irrigation; negative takes back what was counted and did not come."""
    return _wetted(before, ground, um, POUR_DOUBT_MM2, at_ms, irrigation_um=um)


def watered(before: Estimate) -> Estimate:
    """A watering is over: what the crop asks for is counted anew."""
    return replace(before, asked_um=0)


def _wetted(
    before: Estimate, ground: Ground, um: int, doubt_mm2: float, at_ms: int, rain_um: int = 0, irrigation_um: int = 0
) -> Estimate:
    left_um = before.depletion_um - um
    depletion_um = min(_taw_um(ground), max(0, left_um))
    old = before.sums
    kept_um = irrigation_um - max(0, depletion_um - left_um)  # what runs off below could not be held
    return replace(
        before,
        fresh_um=max(0, before.fresh_um + kept_um) if irrigation_um else before.fresh_um,
        depletion_um=depletion_um,
        variance_um2=before.variance_um2 + round(abs(um) / UM * doubt_mm2 * UM2),
        sums=Sums(
            old.start_um,
            old.used_um,
            old.rain_um + rain_um,
            old.irrigation_um + irrigation_um,
            old.percolated_um + depletion_um - left_um,
            old.corrected_um,
        ),
        wetted_at_ms=at_ms,
    )


def _taw_um(ground: Ground) -> int:
    return round(ground.taw_mm * UM)


# ---- what goes out


def advance(before: Sequence[Estimate], plots: Plots, to_ms: int, et0: Callable[[int], Et0]) -> list[Estimate]:
    """All gardens, dried by what their crops use until an instant; ``et0`` is asked for each local day once."""
    since = [estimate.reckoned_at_ms for estimate in before]
    first_ms = min(since)
    together = max(since) == first_ms  # as a rule: one course of the sun for all
    from_ms = [first_ms] if together else since
    dr = floats([estimate.depletion_um for estimate in before]) / UM
    begun, variance, asked = dr, np.zeros(dr.shape), np.zeros(dr.shape)
    last = local_day(to_ms)
    for day in range(max(local_day(first_ms), last - MOST_DAYS), last + 1):
        told = et0(day)
        today = plots.on(day, told.mm)
        wanted = today.etc_mm * _share(day, from_ms, to_ms)
        used = water.stress(dr, plots.taw_mm, today.p) * wanted
        dr = dr + np.minimum(used, plots.taw_mm - dr)
        variance = variance + DOUBT[told.origin] ** 2 * today.etc_mm * wanted
        asked = asked + used
    figures = np.rint(np.array([(dr - begun) * UM, asked * UM, variance * UM2])).astype(np.int64)
    used_um, asked_um, grown_um2 = figures.tolist()
    return [_dried(*each, to_ms) for each in zip(before, plots.grounds, used_um, asked_um, grown_um2, strict=True)]


def _dried(before: Estimate, ground: Ground, used_um: int, asked_um: int, grown_um2: int, to_ms: int) -> Estimate:
    depletion_um = min(_taw_um(ground), before.depletion_um + used_um)
    used_um = depletion_um - before.depletion_um
    old = before.sums
    sums = Sums(  # faster than replace, and this is done for every garden at every tick
        old.start_um, old.used_um + used_um, old.rain_um, old.irrigation_um, old.percolated_um, old.corrected_um
    )
    return Estimate(
        max(before.reckoned_at_ms, to_ms),
        depletion_um,
        min(before.variance_um2 + grown_um2, round((ground.taw_mm * UM) ** 2)),
        sums,
        min(before.asked_um + asked_um, _taw_um(ground)),
        before.weighed_at_ms,
        before.believed_at_ms,
        before.wetted_at_ms,
        before.refused,
        before.lean_e3,
        max(0, before.fresh_um - asked_um),
        max(0, before.lost_um - round((SLACK if before.doubt is None else DOUBT_SLACK) * asked_um)),
        before.doubt,
    )


def _share(day: int, from_ms: Sequence[int], to_ms: int) -> Array:
    """The part of a day's evapotranspiration between two instants: half a sine from sunrise to sunset."""
    begin_ms = day_begins_at_ms(day)
    end = _course((to_ms - begin_ms) / DAY_MS)
    return floats([max(0.0, end - _course((at_ms - begin_ms) / DAY_MS)) for at_ms in from_ms])


def _course(fraction: float) -> float:
    light = min(1.0, max(0.0, (min(1.0, max(0.0, fraction)) - SUNRISE) / (SUNSET - SUNRISE)))
    return (1.0 - math.cos(math.pi * light)) / 2.0


# ---- what the probes say


def weigh(before: Estimate, ground: Ground, seen: Seen, now_ms: int) -> Estimate:
    """The estimate after a vote, whether it was believed or not."""
    unevenness_mm = 1000.0 * ground.root_m * SOIL_SD
    noise = _noise_mm2(ground, seen, unevenness_mm)
    floor = (FLOOR * unevenness_mm) ** 2
    known = max(before.variance_um2 / UM2, floor)
    innovation = ground.depletion_mm(seen.soil_e4) - before.depletion_mm
    if innovation**2 > GATE**2 * (known + noise):
        may_be = before.believed_at_ms is None or (innovation < 0.0 and seen.wet_may_come)
        if not may_be:
            return _refused(before, ground, now_ms)
        known = max(known, innovation**2)
    spread = known + noise
    gain = known / spread
    lean = before.lean_e3 / 1000.0
    lean += LEAN_PART * (innovation / math.sqrt(spread) - lean)
    slow = max(0.0, abs(lean) - 1.0) ** 2 * spread
    left_um = before.depletion_um + round(gain * innovation * UM)
    depletion_um = min(_taw_um(ground), max(0, left_um))
    old = before.sums
    corrected_um = old.corrected_um + depletion_um - before.depletion_um
    return changed(
        before,
        depletion_um=depletion_um,
        variance_um2=round(max((1.0 - gain) * known + slow, floor) * UM2),
        sums=changed(old, corrected_um=corrected_um),
        weighed_at_ms=now_ms,
        believed_at_ms=now_ms,
        refused=0,
        lean_e3=round(lean * 1000.0),
    )


def _refused(before: Estimate, ground: Ground, now_ms: int) -> Estimate:
    grown = before.variance_um2 + round((REFUSED_PART * ground.taw_mm) ** 2 * UM2)
    most = round((ground.taw_mm * UM) ** 2)
    return replace(before, variance_um2=min(grown, most), weighed_at_ms=now_ms, refused=before.refused + 1)


def _noise_mm2(ground: Ground, seen: Seen, unevenness_mm: float) -> float:
    apart_mm = 1000.0 * ground.root_m * seen.gap_e4 / 10_000.0
    return float((unevenness_mm**2 / max(1, seen.probes) + (apart_mm / 2.0) ** 2) * (1.0 + max(0.0, seen.age_part)))
