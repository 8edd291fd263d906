"""When a garden is watered and when to stop: as its plan or its soil asks, behind guards.

Rules
1. A garden's plan says what it wants (``plans.want``), or without one its soil (``need``): by an estimate, or as a
   thermostat.
2. Whoever wants it, the same guards hold, in this order: the source is fresh and full (S5); no person's stop holds;
   it is wanted by now, and in the pump's hours; then those of ``guards``. A guard names itself, and when it may change.
3. A run ends when its time is over, when its source closes (S5), at the target, or when all probes fall silent. A
   person's run ends by its minutes, not by the target: the person has decided.
4. Gardens of one pump are watered one after another; the one that has been dry longest comes first.
"""

from __future__ import annotations

from gateway.core import dose as doses
from gateway.core import guards
from gateway.core.moist import Moist
from gateway.core.plans import want
from gateway.core.probes import Trust
from gateway.core.rules import PERSONS, Rule, Verdict
from gateway.core.state import Run
from gateway.core.turn import Finding, Turn
from gateway.core.types import ZoneSettings


def need(turn: Turn, zone: ZoneSettings) -> Finding:
    """Whether water is wanted: by the garden's plan, or by its soil."""
    return want.need(turn, zone)


def is_dry(turn: Turn, zone: ZoneSettings) -> bool | None:
    """Whether it wants water now; None when that is not known."""
    judged = turn.judged.get(zone.id)
    if judged is not None:
        return judged.moist is Moist.SURE_DRY or (
            judged.moist is Moist.BLIND and judged.known.depletion_mm >= judged.dry_mm
        )
    vote = turn.votes[zone.id]
    if vote.trust is not Trust.SURE or vote.soil_e4 is None:
        return None
    return vote.soil_e4 <= zone.dry_e4


def guard(turn: Turn, zone: ZoneSettings, finding: Finding, *, manual: bool, over: bool = False) -> Finding | None:
    """The first guard that says no to a START, or None. ``over``: it would take over the running pump."""
    goes_on = finding.rule is Rule.GOES_ON and doses.goes_on_at_once(turn.zone(zone.id).dose)
    return (
        _source_guard(turn, zone)
        or (None if manual else _stop_guard(turn, zone) or _window_guard(turn, finding) or guards.hours(turn, zone))
        or guards.ready(turn, zone, over=over, goes_on=goes_on)
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
    return None if run.why in PERSONS else want.enough(turn, zone, run)


# ---- guards


def _closed_by(turn: Turn, zone: ZoneSettings) -> Rule | None:
    view = turn.views.get(turn.settings.water_of(zone))
    return Rule.SOURCE_MISSING if view is None else view.closed_by


def _source_guard(turn: Turn, zone: ZoneSettings) -> Finding | None:
    closed_by = _closed_by(turn, zone)
    return guards.refused(turn, turn.settings.water_of(zone), closed_by) if closed_by else None


def _window_guard(turn: Turn, finding: Finding) -> Finding | None:
    if finding.from_at_ms is None or turn.now_ms >= finding.from_at_ms:
        return None
    turn.wake(finding.from_at_ms)
    return guards.until(Verdict.WAIT, Rule.NOT_YET_WANTED, finding.from_at_ms)


def _stop_guard(turn: Turn, zone: ZoneSettings) -> Finding | None:
    held_until_at_ms = turn.zone(zone.id).held_until_at_ms
    if held_until_at_ms is None or turn.now_ms >= held_until_at_ms:
        return None
    return guards.until(Verdict.REFUSED, Rule.HELD_BY_STOP, held_until_at_ms)
