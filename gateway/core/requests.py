"""What people ask of a garden: water, a try of its pipe, a stop, an unlocking; and what waits until the pump is free.

Rules
1. Water that a person asks for passes the same guards as the system's own. It begins at once, waits for the pump, or is
   refused; each is told.
2. It waits only because another garden has the pump, or the pump has to rest: ``wish_ms`` at most, and whoever would
   wait longer is refused at once. One request a garden waits; a later one takes its place.
3. What waits comes before what soil and plans ask for (``waiting``). A stop takes it back. It is given up, and that is
   told, when its time is over or when any other guard says no meanwhile: so nothing begins late, or with water that
   has become salt. It is a part of the state, so it outlives a restart, and its time goes on.
4. A stop is obeyed even when it comes late, unless the run began after it was asked for.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.core import commission, flow, guards, reckon, run, waiting, zone
from gateway.core import dose as doses
from gateway.core.begin import begin
from gateway.core.plans import people
from gateway.core.rules import Rule, Verdict
from gateway.core.state import Wish
from gateway.core.turn import Finding, Turn
from gateway.core.types import Intent, ZoneSettings

MINUTE_MS = 60_000
WATER = {"water": Rule.MANUAL_WATER, "try": Rule.TRY}  # kinds of requests for water, and what is done for them


def obey(turn: Turn, intents: tuple[Intent, ...]) -> None:
    """Do what people asked for in this step, in its order, or say why not."""
    stops = {intent.zone: intent.id for intent in intents if intent.kind == "stop"}
    for intent in sorted(intents, key=lambda one: one.id):
        if intent.id > turn.last_intent:
            turn.last_intent = intent.id
            _obey(turn, intent, taken_back=intent.kind in WATER and stops.get(intent.zone, 0) > intent.id)


def look(turn: Turn) -> None:
    """Give up what has waited too long, and what may not be begun any more."""
    for settings in turn.settings.zones:
        state = turn.zone(settings.id)
        if state.wish is None or state.run is not None:
            continue
        finding = waiting.of_wish(turn, settings, state.wish)
        blocked = zone.guard(turn, settings, finding, manual=True)
        if turn.now_ms > state.wish.until_at_ms:
            blocked = Finding(Verdict.REFUSED, Rule.WISH_OVER, {"wait_ms": turn.limits.wish_ms})
        if blocked and blocked.rule not in guards.PUMP_WAITS:
            _refuse(turn, settings, finding, blocked)


def _obey(turn: Turn, intent: Intent, *, taken_back: bool) -> None:
    """``taken_back``: a stop for the same garden came right after it."""
    settings = turn.settings.zone_by_id.get(intent.zone)
    place = settings or turn.settings.fills.get(intent.zone)  # a filling can be stopped too
    asked = Finding(
        Verdict.REFUSED,
        Rule.INTENT_WRONG,
        {"intent": intent.id, "kind": intent.kind, "minutes": intent.minutes, "user": intent.user},
    )
    if settings is not None and intent.kind in people.KINDS:
        people.obey(turn, settings, intent, asked)
    elif place and intent.kind == "stop":
        _stop(turn, place.id, intent, asked)
    elif settings is not None and intent.kind == "unlock":
        _unlock(turn, settings, intent, asked)
    elif settings is None or intent.kind not in WATER:
        turn.decide(intent.zone, asked, always=True)
    elif taken_back:
        turn.decide(intent.zone, replace(asked, rule=Rule.TAKEN_BACK), always=True)
    else:
        _water(turn, settings, intent, asked)


def _unlock(turn: Turn, settings: ZoneSettings, intent: Intent, asked: Finding) -> None:
    """Who has looked knows nothing of what went wrong after that."""
    if turn.now_ms > intent.expires_at_ms:
        turn.decide(settings.id, replace(asked, rule=Rule.INTENT_EXPIRED), always=True)
        return
    rule = Rule.PROBES_TRUSTED if reckon.confirm(turn, settings.id) else Rule.NOTHING_LOCKED
    rule = Rule.UNLOCKED if flow.unlock(turn, settings, intent.at_ms) else rule
    turn.decide(settings.id, replace(asked, verdict=Verdict.NO, rule=rule), always=True)


def _stop(turn: Turn, place_id: str, intent: Intent, asked: Finding) -> None:
    state = turn.zone(place_id)
    going = state.run
    late = turn.now_ms > intent.expires_at_ms
    if late and (going is None or going.asked_at_ms > intent.at_ms):
        turn.decide(place_id, replace(asked, rule=Rule.INTENT_EXPIRED), always=True)
        return
    held_until_at_ms = turn.now_ms + turn.limits.stop_hold_ms
    waited = state.wish is not None or (going is None and state.dose is not None)
    dose = state.dose if going else None
    turn.zones[place_id] = replace(state, held_until_at_ms=held_until_at_ms, wish=None, dose=dose)
    facts = {**asked.inputs, "until_at_ms": held_until_at_ms}
    if going is None and not waited:
        turn.decide(place_id, Finding(Verdict.NO, Rule.NOTHING_TO_STOP, facts), always=True)
    elif going is not None and going.stop is None:
        run.end(turn, place_id, Finding(Verdict.STOP, Rule.MANUAL_STOP, facts))
    else:
        turn.decide(place_id, Finding(Verdict.STOP, Rule.MANUAL_STOP, facts), always=True)


# ---- water


def _water(turn: Turn, settings: ZoneSettings, intent: Intent, asked: Finding) -> None:
    """Begin what is asked for, let it wait for the pump, or refuse it."""
    why = WATER[intent.kind]
    asked_ms = intent.minutes * MINUTE_MS if why is Rule.MANUAL_WATER else commission.run_ms(turn, settings)
    if turn.now_ms > intent.expires_at_ms:
        turn.decide(settings.id, replace(asked, rule=Rule.INTENT_EXPIRED), always=True)
        return
    if asked_ms <= 0:
        turn.decide(settings.id, asked, always=True)
        return
    if turn.zone(settings.id).run is not None:
        turn.decide(settings.id, replace(asked, rule=Rule.ALREADY_WATERING), always=True)
        return
    wish = Wish(why, intent.id, intent.user, asked_ms, turn.now_ms + turn.limits.wish_ms)
    turn.zones[settings.id] = replace(turn.zone(settings.id), wish=wish)
    finding = waiting.of_wish(turn, settings, wish)
    longest_ms = zone.longest_run_ms(turn, settings)
    dose = doses.of(turn, settings, finding, longest_ms)
    planned_ms, end_rule = doses.plan(turn, settings, dose, longest_ms)
    blocked = zone.guard(turn, settings, finding, manual=True)
    if blocked is None or blocked.rule in guards.PUMP_WAITS:
        blocked = guards.too_short(turn, settings, planned_ms) or blocked
    if blocked is None:
        turn.zones[settings.id] = replace(turn.zone(settings.id), dose=dose)
        begin(turn, settings, finding, planned_ms, end_rule=end_rule)
        run.advance(turn, settings.id)
        return
    told = waiting.until_turn(turn, settings, blocked)
    if told.rule in (Rule.WAITS_FOR_GARDEN, Rule.WAITS_FOR_PUMP):
        turn.decide(settings.id, told, always=True)
    else:
        _refuse(turn, settings, finding, told)


def _refuse(turn: Turn, settings: ZoneSettings, finding: Finding, blocked: Finding) -> None:
    turn.zones[settings.id] = replace(turn.zone(settings.id), wish=None)
    facts = {**finding.inputs, **blocked.inputs}
    turn.decide(settings.id, replace(blocked, verdict=Verdict.REFUSED, inputs=facts), always=True)
