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

from gateway.core.probes import Trust, Vote
from gateway.core.rules import Rule, Verdict
from gateway.core.state import OutputState, Phase, Run
from gateway.core.turn import Finding, Turn
from gateway.core.types import DAY_MS, OutputRef, ZoneSettings


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
        or _outputs_guard(turn, zone)
        or _cap_guard(turn, zone)
        or _rest_guard(turn, zone)
        or _pump_guard(turn, zone)
    )


def longest_run_ms(turn: Turn, zone: ZoneSettings) -> int:
    """The longest run that the zone and the hard limits of its node allow."""
    refs = [zone.valve] + ([zone.pump] if zone.pump else [])
    return min([zone.max_run_ms] + [turn.settings.outputs[ref.key].hard_max_ms for ref in refs])


def why_stop(turn: Turn, zone: ZoneSettings | None, run: Run) -> Finding | None:
    """Why a run that goes on has to end now, or None."""
    if zone is None:
        return Finding(Verdict.STOP, Rule.ZONE_REMOVED)
    closed_by = _closed_by(turn, zone)
    if closed_by:
        return Finding(Verdict.STOP, closed_by)
    if turn.now_ms >= run.ends_at_ms:
        return planned_end(run)
    vote = turn.votes[zone.id]
    if run.why is Rule.MANUAL_WATER:
        return None
    if vote.trust is Trust.BLIND or vote.soil_e4 is None:
        return Finding(Verdict.STOP, Rule.PROBES_BLIND)
    if vote.soil_e4 >= zone.target_e4:
        return Finding(Verdict.STOP, Rule.TARGET_REACHED)
    return None


def planned_end(run: Run) -> Finding:
    """The end that a run had from its beginning."""
    rule = Rule.MANUAL_DONE if run.why is Rule.MANUAL_WATER else Rule.MAX_RUN
    return Finding(Verdict.STOP, rule, {"run_ms": run.ends_at_ms - run.asked_at_ms})


# ---- guards


def _closed_by(turn: Turn, zone: ZoneSettings) -> Rule | None:
    view = turn.views.get(zone.source)
    return Rule.SOURCE_MISSING if view is None else view.closed_by


def _source_guard(turn: Turn, zone: ZoneSettings) -> Finding | None:
    closed_by = _closed_by(turn, zone)
    if closed_by is None:
        return None
    if closed_by is Rule.SOURCE_SALT_EASING:
        since_at_ms = turn.sources[zone.source].fresh_since_at_ms
        if since_at_ms is not None:
            until_at_ms = since_at_ms + turn.limits.salt_hold_ms
            return Finding(Verdict.REFUSED, closed_by, until_at_ms=until_at_ms)
    return Finding(Verdict.REFUSED, closed_by)


def _stop_guard(turn: Turn, zone: ZoneSettings) -> Finding | None:
    held_until_at_ms = turn.zone(zone.id).held_until_at_ms
    if held_until_at_ms is None or turn.now_ms >= held_until_at_ms:
        return None
    return _until(Verdict.REFUSED, Rule.HELD_BY_STOP, held_until_at_ms)


def _outputs_guard(turn: Turn, zone: ZoneSettings) -> Finding | None:
    if _unfit(turn.output(zone.valve)):
        return Finding(Verdict.REFUSED, Rule.VALVE_QUARANTINED, {"node": zone.valve.node})
    if zone.pump and _unfit(turn.output(zone.pump)) and zone.pump.key not in turn.user_of:
        return Finding(Verdict.REFUSED, Rule.PUMP_QUARANTINED, {"node": zone.pump.node})
    for ref in (zone.valve, zone.pump):
        if ref and _silent(turn, ref):
            return Finding(Verdict.REFUSED, Rule.NODE_SILENT, {"node": ref.node})
    return None


def _unfit(output: OutputState) -> bool:
    """Not known to be off, so not to be counted on."""
    return output.phase is not Phase.CLOSED


def _silent(turn: Turn, ref: OutputRef) -> bool:
    link = turn.links.get(ref.node)
    return link is None or turn.now_ms - link.heard_at_ms > turn.settings.outputs[ref.key].silent_ms


def _cap_guard(turn: Turn, zone: ZoneSettings) -> Finding | None:
    starts = [at_ms for at_ms in turn.zone(zone.id).starts_at_ms if turn.now_ms - at_ms < DAY_MS]
    cap = turn.limits.starts_a_day
    if len(starts) < cap:
        return None
    free_at_ms = starts[len(starts) - cap] + DAY_MS
    return Finding(
        Verdict.REFUSED,
        Rule.DAILY_CAP,
        {"starts": len(starts), "until_at_ms": free_at_ms},
        {"starts_a_day": cap},
        until_at_ms=free_at_ms,
    )


def _rest_guard(turn: Turn, zone: ZoneSettings) -> Finding | None:
    ended_at_ms = turn.zone(zone.id).ended_at_ms
    zone_rest = None if ended_at_ms is None else ended_at_ms + zone.min_rest_ms
    rested_at_ms = max(zone_rest or 0, _rested_at_ms(turn, zone.valve))
    if turn.now_ms >= rested_at_ms:
        return None
    return _until(Verdict.WAIT, Rule.RESTING, rested_at_ms)


def _pump_guard(turn: Turn, zone: ZoneSettings) -> Finding | None:
    if zone.pump is None:
        return None
    user = turn.user_of.get(zone.pump.key)
    if user is not None:
        other = turn.settings.zone_by_id.get(user)
        return Finding(Verdict.WAIT, Rule.PUMP_BUSY, {"other_garden": other.name if other else user})
    rested_at_ms = _rested_at_ms(turn, zone.pump)
    if turn.now_ms >= rested_at_ms:
        return None
    return _until(Verdict.WAIT, Rule.PUMP_RESTING, rested_at_ms)


def _rested_at_ms(turn: Turn, ref: OutputRef) -> int:
    closed_at_ms = turn.output(ref).closed_at_ms
    return 0 if closed_at_ms is None else closed_at_ms + turn.settings.outputs[ref.key].min_rest_ms


def _until(verdict: Verdict, rule: Rule, at_ms: int) -> Finding:
    return Finding(verdict, rule, {"until_at_ms": at_ms}, until_at_ms=at_ms)
