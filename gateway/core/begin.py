"""How a run begins: what it is, whose outputs are, and that it is told."""

from __future__ import annotations

from dataclasses import replace

from gateway.core.rules import Rule
from gateway.core.state import Run
from gateway.core.turn import Finding, Turn, refs_of_run
from gateway.core.types import DAY_MS, Job


def begin(
    turn: Turn,
    job: Job,
    finding: Finding,
    planned_ms: int,
    *,
    end_rule: Rule | None = None,
    after: str = "",
) -> None:
    """Start a run that its guards have allowed; ``after`` is the garden from which it takes the pump over."""
    turn.last_run += 1
    before = turn.zone(job.id)
    dose = before.dose
    # The lead is no water; hours and windows end when they end.
    lead_ms = 0 if end_rule in (Rule.HOURS_OVER, Rule.WINDOW_OVER) else turn.settings.pump_of(job.pump).lead_ms
    zone = turn.settings.zone_by_id.get(job.id)
    longest_ms = max(planned_ms, zone.max_run_ms) if zone else planned_ms
    run = Run(
        number=turn.last_run,
        why=dose.why if dose else finding.rule,
        user=dose.user if dose else "",
        valve=job.valve,
        pump=job.pump,
        asked_at_ms=turn.now_ms,
        ends_at_ms=turn.now_ms + min(planned_ms + lead_ms, longest_ms),
        flow_ml_min=job.flow_ml_min,
        dose_um=dose.asked_um if dose and end_rule is Rule.DOSE_GIVEN else None,
        end_rule=end_rule,
        line=job.pump,
        main=turn.settings.pump_of(job.pump).main,
        after=after,
        intent=before.wish.intent if before.wish else 0,
    )
    recent = tuple(at_ms for at_ms in before.starts_at_ms if turn.now_ms - at_ms < DAY_MS)
    counted = not (dose and dose.paused_by in (Rule.CYCLE_DONE, Rule.HOURS_OVER, Rule.HAND_OVER_FAILED))
    turn.zones[job.id] = replace(
        before,
        run=run,
        starts_at_ms=(*recent, turn.now_ms) if counted else recent,
        held_until_at_ms=None if finding.rule is Rule.MANUAL_WATER else before.held_until_at_ms,
        dose=replace(dose, paused_by=None) if dose else None,
        wish=before.wish if after else None,  # one that takes the pump over may still have to wait again
        foreseen=False,
    )
    for ref in refs_of_run(run):
        turn.user_of[ref.key] = job.id
        turn.outputs[ref.key] = replace(turn.output(ref), opened_at_ms=None, trouble=None, status=0)
    if run.line is not None:
        turn.on_line[run.line.key] += 1
    turn.decide(job.id, finding, always=True)
