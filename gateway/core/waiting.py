"""Who wants water now, and whose turn it is.

Rules
1. A garden for which a person's request waits goes on with that; else with the rest of a dose, if there is one; all
   others are asked by their soil (``zone.need``).
2. Requests of people come first, in the order in which they came. Then the garden that has been dry longest. One whose
   soil soaks is not ready, so others of its pump fill the gap.
3. A try takes no running pump over: it is to show the pump's start too, and that nothing flows after its end.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.core import dose as doses
from gateway.core import guards, zone
from gateway.core.rules import PERSONS, Rule, Verdict
from gateway.core.state import Wish
from gateway.core.turn import Finding, Turn
from gateway.core.types import Fact, OutputRef, ZoneSettings

Waiting = tuple[int, int, ZoneSettings, Finding]  # dry since, place in the settings
FIRST_MS = -(2**62)  # before every instant


def judge(turn: Turn, settings: ZoneSettings) -> Finding:
    """What an idle garden wants: START, or why not."""
    wish = turn.zone(settings.id).wish
    if wish is not None and turn.now_ms <= wish.until_at_ms:
        return of_wish(turn, settings, wish)
    wanted = zone.need(turn, settings)
    if wanted.rule in (Rule.DEPLETED, Rule.SOIL_DRY) and doses.is_at_target(turn, settings):
        wanted = Finding(Verdict.NO, Rule.SOIL_OK)  # the estimate has not taken in yet what the probes see
    return doses.go_on(turn, settings, wanted)


def of_wish(turn: Turn, settings: ZoneSettings, wish: Wish) -> Finding:
    """The START that a person has asked for."""
    run_ms = min(wish.run_ms, zone.longest_run_ms(turn, settings))
    facts: dict[str, Fact] = {"intent": wish.intent, "user": wish.user, "run_ms": run_ms}
    return Finding(Verdict.START, wish.why, facts, {"max_run_ms": settings.max_run_ms})


def entry(turn: Turn, place: int, settings: ZoneSettings, finding: Finding) -> Waiting:
    state = turn.zone(settings.id)
    if finding.rule in PERSONS and state.wish is not None:
        return (FIRST_MS + state.wish.intent, place, settings, finding)
    return (turn.now_ms if state.dry_since_at_ms is None else state.dry_since_at_ms, place, settings, finding)


def is_persons(turn: Turn, settings: ZoneSettings) -> bool:
    """Whether what is to be given is what a person asked for."""
    state = turn.zone(settings.id)
    return state.wish is not None or (state.dose is not None and state.dose.why in PERSONS)


def for_pump(turn: Turn, pump: OutputRef, but: str) -> Iterator[tuple[ZoneSettings, Finding]]:
    """The idle gardens of a pump that could be watered if only the pump were free, in their order."""
    found: list[Waiting] = []
    for place, settings in turn.settings.of_pump.get(pump, ()):
        if settings.id == but or turn.zone(settings.id).run is not None:
            continue
        finding = judge(turn, settings)
        if finding.verdict is not Verdict.START or finding.rule is Rule.TRY:
            continue
        manual = is_persons(turn, settings)
        if zone.guard(turn, settings, finding, manual=manual, over=True) is None:
            found.append(entry(turn, place, settings, finding))
    for _, _, settings, finding in sorted(found, key=lambda one: one[:2]):
        yield settings, finding


# ---- a request that waits for the pump


def until_turn(turn: Turn, settings: ZoneSettings, blocked: Finding) -> Finding:
    """What is told of a request that waits for the pump, with about how long, or that this is too long; of all else
    what blocks it."""
    wish = turn.zone(settings.id).wish
    if wish is None or settings.pump is None or blocked.rule not in guards.PUMP_WAITS:
        return blocked
    turn.wake(min(wish.until_at_ms + 1, blocked.until_at_ms or wish.until_at_ms + 1))
    busy = blocked.rule is Rule.PUMP_BUSY
    free_at_ms = _ends_at_ms(turn, settings.pump) if busy else blocked.until_at_ms or turn.now_ms
    before = [turn.zone(other.id).wish for _, other in turn.settings.of_pump[settings.pump]]
    queue_ms = sum(other.run_ms for other in before if other is not None and other.intent < wish.intent)
    wait_ms = max(0, free_at_ms - turn.now_ms) + queue_ms
    facts: dict[str, Fact] = {"intent": wish.intent, "user": wish.user, "wait_ms": wait_ms, **blocked.inputs}
    if turn.now_ms + wait_ms > wish.until_at_ms:
        return Finding(Verdict.REFUSED, Rule.WAIT_TOO_LONG, facts)
    return Finding(Verdict.WAIT, Rule.WAITS_FOR_GARDEN if busy else Rule.WAITS_FOR_PUMP, facts)


def _ends_at_ms(turn: Turn, pump: OutputRef) -> int:
    """When the run that has a pump is over, if nothing comes between."""
    run = turn.zone(turn.user_of.get(pump.key, "")).run
    return turn.now_ms if run is None else run.ends_at_ms
