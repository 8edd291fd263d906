"""From one garden to the next without stopping their pump (S7, S8).

Rules
1. When a garden is about to have its water, the next one of the same pump that may be watered opens its valve. Only
   when its node has told that it is open, pump and main valve are its own, and the first garden's valve closes.
2. It is tried while the first garden's leases last, and some time is left to renew the pump's. If the next valve is
   not open by then, the pump stops as always, and the next garden waits its turn: nothing is worse than without it.
3. Only a run that ends as it should hands over. One that is stopped by a person, a fault or its source closes at once.
4. The pump's own hard maximum goes on: the next garden gets no more time than is left of it.
5. For a moment both valves are open. Each garden is credited with all the water of one half of that moment, so that
   together they are credited with what flowed. How it really splits nobody measures.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.core import dose as doses
from gateway.core import guards, waiting, zone
from gateway.core.begin import begin
from gateway.core.rules import Rule
from gateway.core.state import Phase, Run
from gateway.core.turn import Finding, Turn

AS_IT_SHOULD = frozenset({Rule.TARGET_REACHED, Rule.DOSE_GIVEN, Rule.MAX_RUN, Rule.MANUAL_DONE, Rule.CYCLE_DONE})


def is_on(turn: Turn, zone_id: str) -> bool:
    """Whether another garden is opening its valve to take over from this one."""
    return any(state.run.after == zone_id for state in turn.zones.values() if state.run and state.run.stop is None)


def offer(turn: Turn, zone_id: str, run: Run) -> str | None:
    """Begin the run of the next garden, and say which it is. None when there is none."""
    if run.pump is None or run.after or turn.output(run.pump).phase is not Phase.OPEN:
        return None
    if _is_late(turn, run, turn.settings.pump_of(run.pump).lead_ms):
        return None
    for settings, finding in waiting.for_pump(turn, run.pump, zone_id):
        longest_ms = min(zone.longest_run_ms(turn, settings), _left_of_pump_ms(turn, run))
        dose = doses.of(turn, settings, finding, longest_ms)
        planned_ms, end_rule = doses.plan(turn, settings, dose, longest_ms)
        if planned_ms < doses.LEAST_MS + turn.limits.answer_ms:
            continue
        turn.zones[settings.id] = replace(turn.zone(settings.id), dose=dose)
        begin(turn, settings, finding, planned_ms, end_rule=end_rule, after=zone_id)
        return settings.id
    return None


def _left_of_pump_ms(turn: Turn, run: Run) -> int:
    """Of the hard maximum of what is handed over."""
    lefts = []
    for ref in (run.pump, run.main):
        if ref is not None:
            opened_at_ms = turn.output(ref).opened_at_ms or turn.now_ms
            lefts.append(opened_at_ms + guards.allowed_ms(turn, ref) - turn.now_ms)
    return min(lefts)


def take(turn: Turn, zone_id: str, run: Run, over: Finding) -> None:
    """The valve is open: pump and main valve are this garden's from now on, and the other one's run is over."""
    giver = turn.zone(run.after).run
    assert giver is not None and giver.pump is not None
    for ref in (giver.pump, giver.main):
        if ref is not None:
            turn.user_of[ref.key] = zone_id
    other = turn.zone(run.after)
    middle_at_ms = ((turn.output(run.valve).opened_at_ms or turn.now_ms) + turn.now_ms) // 2
    giver = replace(giver, pump=None, main=None, stop=over.rule, handed_at_ms=middle_at_ms)
    turn.zones[run.after] = replace(other, run=giver)
    taken = replace(run, after="", taken_at_ms=middle_at_ms)
    turn.zones[zone_id] = replace(turn.zone(zone_id), run=taken, wish=None)
    turn.decide(run.after, over, always=True)


def _is_done(turn: Turn, zone_id: str, giver: Run) -> bool:
    settings = turn.settings.zone_by_id.get(zone_id)
    return zone.why_stop(turn, settings, giver) is not None


def _is_late(turn: Turn, giver: Run, takes_ms: int = 0) -> bool:
    """Whether the pump's last lease may be over before a renewal arrives that is sent after so long."""
    return turn.now_ms + takes_ms > giver.ends_at_ms - turn.limits.answer_ms // 10


def giver_of(turn: Turn, run: Run) -> Run | None:
    """The run that still has water to hand over, or None."""
    giver = turn.zone(run.after).run
    if giver is None or giver.stop is not None or giver.pump is None or _is_late(turn, giver):
        return None
    return giver if turn.output(giver.pump).phase is Phase.OPEN else None


def is_time(turn: Turn, run: Run, giver: Run) -> bool:
    """Whether the valve has been open for its lead, and the other garden has had its water but for a moment."""
    if not guards.led(turn, run.pump, (run.valve,)):
        return False
    soon_at_ms = giver.ends_at_ms - turn.limits.answer_ms // 5  # the pump's lease has to be renewed before it ends
    turn.wake(soon_at_ms)
    return turn.now_ms >= soon_at_ms or _is_done(turn, run.after, giver)
