"""What will not fit into the hours that a pump has: told when water begins to be wanted, not when it is too late.

Rules
1. Told is what has an end: hours of the pump, or a time by which it is to be over. All that waits for the same pump is
   packed together (``schedule``): what runs, what is left of doses, then new needs in their order.
2. Once for a need: when it is first wanted, whether its turn is now or later. Less than the pump's least run is not
   worth telling.
3. The plan is not kept. It knows the pump's lead and rest, but no salt, tide, rain or fault to come; what happened in
   the end is told by the doses and plans themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.core import dose as doses
from gateway.core import schedule, zone
from gateway.core.quick import changed
from gateway.core.rules import Rule, Verdict
from gateway.core.state import Dose, Phase
from gateway.core.turn import Finding, Turn
from gateway.core.types import Fact, OutputRef, ZoneSettings

Wanting = tuple[ZoneSettings, Finding]
TOLD = doses.OF_SOIL | {Rule.CALENDAR_DUE}


def look(turn: Turn, wanting: Sequence[Wanting]) -> None:
    """Tell of those that are new; all that want water now, in their order."""
    for place, (settings, finding) in enumerate(wanting):
        state = turn.zone(settings.id)
        if state.foreseen or finding.rule is Rule.GOES_ON or settings.pump is None:
            continue
        turn.zones[settings.id] = changed(state, foreseen=True)
        if finding.rule in TOLD and _has_an_end(turn, settings, finding):
            dose = doses.of(turn, settings, finding, zone.longest_run_ms(turn, settings))
            _tell(turn, settings, dose, [*_going(turn, settings.pump), *_new(turn, settings.pump, wanting[:place])])


def _has_an_end(turn: Turn, settings: ZoneSettings, finding: Finding) -> bool:
    pump = turn.settings.pump_of(settings.pump)
    return bool(pump.open_hours or pump.quiet_hours) or finding.by_at_ms is not None


def _tell(turn: Turn, settings: ZoneSettings, dose: Dose, before: list[schedule.Want]) -> None:
    pump = turn.settings.pump_of(settings.pump)
    is_on = settings.pump is not None and turn.output(settings.pump).phase is Phase.OPEN
    hours = pump.windows(turn.now_ms, dose.until_at_ms)
    own = _want(settings, dose)
    _, missing = schedule.pack(
        [*before, own], hours, schedule.Pace(pump.min_run_ms, pump.lead_ms, pump.min_rest_ms, is_on)
    )
    missing_ms = missing.get(settings.id, 0)
    if missing_ms < pump.min_run_ms:
        return
    facts: dict[str, Fact] = {"missing_ms": missing_ms}
    if dose.left_um is not None:
        facts["missing_um"] = dose.left_um * missing_ms // dose.left_ms
    turn.decide(settings.id, Finding(Verdict.WAIT, Rule.WINDOW_SHORT, facts), always=True)


def _going(turn: Turn, pump: OutputRef) -> list[schedule.Want]:
    """What runs, and then the rests of doses that wait."""
    found: list[tuple[bool, schedule.Want]] = []
    for _, settings in turn.settings.of_pump[pump]:
        state = turn.zone(settings.id)
        if state.dose is None:
            continue
        started_at_ms = state.run.started_at_ms if state.run else None
        flowed_ms = 0 if started_at_ms is None else turn.now_ms - started_at_ms
        left = replace(state.dose, left_ms=max(0, state.dose.left_ms - flowed_ms))
        found.append((state.run is None, _want(settings, left)))
    return [want for _, want in sorted(found, key=lambda one: one[0])]


def _new(turn: Turn, pump: OutputRef, wanting: Sequence[Wanting]) -> list[schedule.Want]:
    """The needs that come first and have no dose yet."""
    gardens = [(s, f) for s, f in wanting if s.pump == pump and turn.zone(s.id).dose is None]
    return [_want(s, doses.of(turn, s, f, zone.longest_run_ms(turn, s))) for s, f in gardens]


def _want(settings: ZoneSettings, dose: Dose) -> schedule.Want:
    return schedule.Want(
        settings.id, dose.left_ms, dose.until_at_ms, settings.cycle_ms, settings.soak_ms, dose.next_at_ms
    )
