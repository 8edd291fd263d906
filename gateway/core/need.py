"""Whether a garden's soil asks for water, how much of it, and when it has had enough: by its estimate, or by the vote.

Rules
1. *Sure dry* asks for what is missing to the garden's target. *Perhaps* asks for nothing by itself, and is looked at
   again soon. *Wet* asks for nothing.
2. *Blind* lives on the weather: it asks when the reckoned depletion is beyond the mark, and for no more than what the
   crop has used since the last watering (S12). Less than ``LEAST_DOSE_MM`` is kept for later.
3. Rain that is expected, weighed by its chance, may delay it: only while the depletion stays inside RAW with a margin
   for what is not known, only if it would give ``RAIN_PART`` of the dose, and for ``LONGEST_DELAY_MS`` at most. It is
   asked anew in every step, so a measurement or a new forecast takes it back at once; it is never counted (D3).
4. A run ends when its dose is given, or before when the probes agree, are believed, and are at the target.
5. A garden whose ground is not known is a thermostat: water is wanted when a sure vote is at or below ``dry``, and no
   longer when it is at or above ``target``. An unsure or blind vote never starts water (S12).
6. Where the water that was given contradicts the probes (``doubt``), it is watered in doses of ``SMALL_PART`` of RAW,
   to nearer below field capacity than else: perhaps the pipe leaks, and it is drier than it is reckoned. Without a sure
   vote of which the change is believed no dose is more than the crop has used (S12).
"""

from __future__ import annotations

from gateway.core import weather
from gateway.core.estimate import UM
from gateway.core.moist import Judged, Moist
from gateway.core.probes import Trust, Vote
from gateway.core.rules import Rule, Verdict
from gateway.core.state import Run
from gateway.core.turn import Finding, Turn
from gateway.core.types import DAY_MS, ZoneSettings

LEAST_DOSE_MM = 3.0
RAIN_PART = 0.5
LONGEST_DELAY_MS = 2 * DAY_MS
SMALL_PART = 0.15  # of RAW
NEAR_PART = 0.4  # of what is left to field capacity else
MARGIN_SD = 1.3  # nine in ten
MINUTE_MS = 60_000


# What a plan lets through of what the soil asks for ends as the soil's own would.
_DOSED = (Rule.DEPLETED, Rule.MODEL_DRY, Rule.BALANCE_DRY, Rule.KEEP_WET, Rule.PART_DOSE, Rule.LOCK_OVER)


def by_soil(turn: Turn, zone: ZoneSettings) -> Finding:
    """Whether the soil asks for water: by its estimate if it has one, else by the vote."""
    return by_vote(zone, turn.votes[zone.id]) if zone.ground is None else need(turn, zone)


def by_vote(zone: ZoneSettings, vote: Vote) -> Finding:
    """Whether a vote asks for water: verdict START or NO."""
    if vote.trust is Trust.BLIND or vote.soil_e4 is None:
        return Finding(Verdict.NO, Rule.PROBES_BLIND)
    if vote.trust is Trust.UNSURE:
        return Finding(Verdict.NO, Rule.PROBES_UNSURE)
    if vote.soil_e4 > zone.dry_e4:
        return Finding(Verdict.NO, Rule.SOIL_OK)
    return Finding(Verdict.START, Rule.SOIL_DRY)


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
    if judged.known.doubt is not None:
        return _by_balance(turn, zone, judged)
    dose_mm = min(missing_mm, judged.known.asked_um / UM)
    if judged.known.depletion_mm < judged.dry_mm or dose_mm < LEAST_DOSE_MM:
        unheard = judged.known.believed_at_ms is None
        return Finding(Verdict.NO, Rule.PROBES_BLIND if unheard else Rule.MODEL_WET)
    return _or_rain(turn, zone, judged, dose_mm) or _start(Rule.MODEL_DRY, dose_mm)


def _by_balance(turn: Turn, zone: ZoneSettings, judged: Judged) -> Finding:
    """Rule 6."""
    believed_at_ms = judged.known.believed_at_ms
    is_heard = believed_at_ms is not None and turn.now_ms - believed_at_ms <= turn.limits.believe_ms
    dose_mm = judged.known.depletion_mm - NEAR_PART * judged.refill_mm
    if not is_heard or turn.votes[zone.id].trust is not Trust.SURE:
        dose_mm = min(dose_mm, judged.known.asked_um / UM)
    if dose_mm < max(LEAST_DOSE_MM, min(SMALL_PART * judged.raw_mm, judged.dry_mm - judged.refill_mm)):
        return Finding(Verdict.NO, Rule.BALANCE_WET)
    return _or_rain(turn, zone, judged, dose_mm) or _start(Rule.BALANCE_DRY, dose_mm)


def planned_ms(zone: ZoneSettings, finding: Finding) -> int | None:
    """How long what a finding asks for takes to flow: by its dose, or as it says itself."""
    dose_um, run_ms = finding.inputs.get("dose_um"), finding.inputs.get("run_ms")
    if finding.rule is Rule.CALENDAR_DUE and isinstance(run_ms, int):
        return run_ms
    if zone.ground is None or not isinstance(dose_um, int) or zone.flow_ml_min <= 0:
        return None
    return max(1, round(dose_um * zone.ground.area_m2 / zone.flow_ml_min * MINUTE_MS))


def enough(turn: Turn, zone: ZoneSettings, run: Run) -> Finding | None:
    """Why a run has to end before its time is over, or None."""
    vote = turn.votes[zone.id]
    if zone.ground is None:
        return _vote_stops(zone, vote, run)
    judged = turn.judged.get(zone.id)
    if run.why not in _DOSED or judged is None or judged.known.refused or judged.known.doubt:
        return None
    if vote.trust is Trust.SURE and vote.soil_e4 is not None and vote.soil_e4 >= zone.target_e4:
        return Finding(Verdict.STOP, Rule.TARGET_REACHED)
    return None


def _vote_stops(zone: ZoneSettings, vote: Vote, run: Run) -> Finding | None:
    """Rule 5. What was given to save trees ends at the dry mark."""
    if vote.trust is Trust.BLIND or vote.soil_e4 is None:
        return Finding(Verdict.STOP, Rule.PROBES_BLIND)
    target_e4 = zone.dry_e4 if run.why is Rule.WILTING else zone.target_e4
    return Finding(Verdict.STOP, Rule.TARGET_REACHED) if vote.soil_e4 >= target_e4 else None


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
