"""When a garden is watered, when it is not, and when to stop: a thermostat with guards.

Rules
1. Water is wanted when a sure vote is at or below ``dry``; no longer when it is at or above ``target``. Between the
   two nothing begins (hysteresis). An unsure or blind vote never starts water (S12).
2. Whoever wants it, the same guards hold, in this order: the source is fresh and full (S5); no person's stop holds;
   valve and pump answer (S9); their node was heard lately; not too many runs in 24 hours; valve, zone and pump
   have rested (S7); the pump serves nobody else. A guard names itself, and when it may change.
3. A run ends when its time is over, when its source closes (S5), at the target, or when all probes fall silent. A
   person's run ends by its minutes, not by the target: the person has decided.
4. Gardens of one pump are watered one after another; the one that has been dry longest comes first.
"""

from __future__ import annotations

from gateway.core import guards
from gateway.core.probes import Trust, Vote
from gateway.core.rules import Rule, Verdict
from gateway.core.state import Run
from gateway.core.turn import Finding, Turn
from gateway.core.types import ZoneSettings


def need(zone: ZoneSettings, vote: Vote) -> Finding:
    """Whether the soil asks for water: verdict START or NO."""
    if vote.trust is Trust.BLIND or vote.soil_e4 is None:
        return Finding(Verdict.NO, Rule.PROBES_BLIND)
    if vote.trust is Trust.UNSURE:
        return Finding(Verdict.NO, Rule.PROBES_UNSURE)
    if vote.soil_e4 > zone.dry_e4:
        return Finding(Verdict.NO, Rule.SOIL_OK)
    return Finding(Verdict.START, Rule.SOIL_DRY)


def guard(turn: Turn, zone: ZoneSettings, *, manual: bool) -> Finding | None:
    """The first guard that says no, or None."""
    return (
        _source_guard(turn, zone)
        or (None if manual else _stop_guard(turn, zone))
        or guards.ready(turn, zone)
    )


def longest_run_ms(turn: Turn, zone: ZoneSettings) -> int:
    """The longest run that the zone and the hard limits of its node allow."""
    return min(zone.max_run_ms, guards.hard_max_ms(turn, zone))


def why_stop(turn: Turn, zone: ZoneSettings | None, run: Run) -> Finding | None:
    """Why a run that goes on has to end now, or None."""
    if zone is None:
        return Finding(Verdict.STOP, Rule.ZONE_REMOVED)
    closed_by = _closed_by(turn, zone)
    if closed_by:
        return Finding(Verdict.STOP, closed_by)
    if turn.now_ms >= run.ends_at_ms:
        return guards.planned_end(run)
    vote = turn.votes[zone.id]
    if run.why is Rule.MANUAL_WATER:
        return None
    if vote.trust is Trust.BLIND or vote.soil_e4 is None:
        return Finding(Verdict.STOP, Rule.PROBES_BLIND)
    if vote.soil_e4 >= zone.target_e4:
        return Finding(Verdict.STOP, Rule.TARGET_REACHED)
    return None


# ---- guards


def _closed_by(turn: Turn, zone: ZoneSettings) -> Rule | None:
    view = turn.views.get(turn.settings.water_of(zone))
    return Rule.SOURCE_MISSING if view is None else view.closed_by


def _source_guard(turn: Turn, zone: ZoneSettings) -> Finding | None:
    closed_by = _closed_by(turn, zone)
    return guards.refused(turn, turn.settings.water_of(zone), closed_by) if closed_by else None


def _stop_guard(turn: Turn, zone: ZoneSettings) -> Finding | None:
    held_until_at_ms = turn.zone(zone.id).held_until_at_ms
    if held_until_at_ms is None or turn.now_ms >= held_until_at_ms:
        return None
    return guards.until(Verdict.REFUSED, Rule.HELD_BY_STOP, held_until_at_ms)
