"""Whether a garden with an estimate needs water, how much of it, and when it has had enough.

Rules
1. *Sure dry* asks for what is missing to the garden's target. *Perhaps* asks for nothing by itself, and is looked at
   again soon. *Wet* asks for nothing.
2. *Blind* lives on the weather: it asks when the reckoned depletion is beyond the mark, and for no more than what the
   crop has used since the last watering (S12). Less than ``LEAST_DOSE_MM`` is kept for later.
3. Rain that is expected, weighed by its chance, may delay it: only while the depletion stays inside RAW with a margin
   for what is not known, only if it would give ``RAIN_PART`` of the dose, and for ``LONGEST_DELAY_MS`` at most. It is
   asked anew in every step, so a measurement or a new forecast takes it back at once; it is never counted (D3).
4. A run ends when its dose is given, or before when the probes agree, are believed, and are at the target.
"""

from __future__ import annotations

from gateway.core import weather
from gateway.core.estimate import UM
from gateway.core.moist import Judged, Moist
from gateway.core.probes import Trust
from gateway.core.rules import Rule, Verdict
from gateway.core.state import Run
from gateway.core.turn import Finding, Turn
from gateway.core.types import DAY_MS, ZoneSettings

LEAST_DOSE_MM = 3.0
RAIN_PART = 0.5
LONGEST_DELAY_MS = 2 * DAY_MS
MARGIN_SD = 1.3  # nine in ten
MINUTE_MS = 60_000


def need(turn: Turn, zone: ZoneSettings) -> Finding:
    """Whether the estimate asks for water: START with its dose, WAIT for rain, or NO."""
    judged = turn.judged[zone.id]
    if judged.moist is Moist.WET:
        return Finding(Verdict.NO, Rule.STILL_MOIST)
    if judged.moist is Moist.PERHAPS:
        again_at_ms = turn.now_ms + turn.limits.perhaps_check_ms
        return Finding(Verdict.NO, Rule.PERHAPS_DRY, {"until_at_ms": again_at_ms}, until_at_ms=again_at_ms)
    missing_mm = judged.known.depletion_mm - judged.refill_mm
    if judged.moist is Moist.SURE_DRY:
        return _or_rain(turn, zone, judged, missing_mm) or _start(Rule.DEPLETED, missing_mm)
    dose_mm = min(missing_mm, judged.known.asked_um / UM)
    if judged.known.depletion_mm < judged.dry_mm or dose_mm < LEAST_DOSE_MM:
        unheard = judged.known.believed_at_ms is None
        return Finding(Verdict.NO, Rule.PROBES_BLIND if unheard else Rule.MODEL_WET)
    return _or_rain(turn, zone, judged, dose_mm) or _start(Rule.MODEL_DRY, dose_mm)


def planned_ms(zone: ZoneSettings, finding: Finding) -> int | None:
    """How long the dose of a finding takes to flow."""
    dose_um = finding.inputs.get("dose_um")
    if zone.ground is None or not isinstance(dose_um, int) or zone.flow_ml_min <= 0:
        return None
    return max(1, round(dose_um * zone.ground.area_m2 / zone.flow_ml_min * MINUTE_MS))


def enough(turn: Turn, zone: ZoneSettings, run: Run) -> Finding | None:
    """Rule 4, before the time of the dose is over."""
    vote, judged = turn.votes[zone.id], turn.judged.get(zone.id)
    if run.why not in (Rule.DEPLETED, Rule.MODEL_DRY) or judged is None or judged.known.refused:
        return None
    if vote.trust is Trust.SURE and vote.soil_e4 is not None and vote.soil_e4 >= zone.target_e4:
        return Finding(Verdict.STOP, Rule.TARGET_REACHED)
    return None


def _start(rule: Rule, dose_mm: float) -> Finding:
    return Finding(Verdict.START, rule, {"dose_um": round(dose_mm * UM)})


def _or_rain(turn: Turn, zone: ZoneSettings, judged: Judged, dose_mm: float) -> Finding | None:
    room_mm = judged.raw_mm - judged.known.depletion_mm - MARGIN_SD * judged.known.sd_mm
    if room_mm <= 0.0 or judged.etc_mm <= 0.0:
        return None
    since_at_ms = turn.zone(zone.id).dry_since_at_ms
    latest_at_ms = (turn.now_ms if since_at_ms is None else since_at_ms) + LONGEST_DELAY_MS
    until_at_ms = min(latest_at_ms, turn.now_ms + round(room_mm / judged.etc_mm * DAY_MS))
    expected_mm = weather.rain_ahead_mm(turn.outlook, turn.now_ms, until_at_ms, turn.now_ms)
    if until_at_ms <= turn.now_ms or expected_mm < RAIN_PART * dose_mm:
        return None
    facts = {"expected_um": round(expected_mm * UM), "dose_um": round(dose_mm * UM), "until_at_ms": until_at_ms}
    return Finding(Verdict.WAIT, Rule.RAIN_COMING, facts, until_at_ms=until_at_ms)
