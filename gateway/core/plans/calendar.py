"""A plain calendar: a person's standing order, kept to the minute, and told whenever it could not be kept.

Rules
1. A time has a window. Of a calendar that begins at a time it is ``LATE_MS`` longer than the water takes; of one that
   is to be over by a time it ends there, and begins ``window_ms`` before. It is asked for from the beginning of the
   window on, until its water was given; in how many runs is for others to say.
2. No time is left out silently: what was not given when the window closes is told with the amount, also when the
   gateway was off all the while. Rain, a month of 0 % and a season's cap are told as well.
3. Two times are ``APART_MS`` apart at least, by the clock as it is now, so that setting a clock repeats none and loses
   none (S4). A plan that begins after a time of today begins with the next.
4. Rain on a day beyond ``rain_um`` leaves out what would begin within ``rain_wait_ms``, also the rest of a time that
   has begun; that survives a restart, as everything here does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gateway.core.plans import sun
from gateway.core.plans.kinds import Calendar
from gateway.core.plans.memory import PlanState, Slot
from gateway.core.plans.phasing import month_of
from gateway.core.rules import Rule, Verdict
from gateway.core.turn import Finding, Turn
from gateway.core.types import HOUR_MS, Fact, ZoneSettings
from gateway.core.weather import Place, day_begins_at_ms, local_day

MINUTE_MS = 60_000
LATE_MS = 2 * HOUR_MS
APART_MS = 12 * HOUR_MS
DONE_PART = 0.02  # of an amount that may be missing: valves need some seconds
LEAST_RUNS = 6  # a minute: ten seconds of water are not worth a run
LOOK_AHEAD_DAYS = 62
YEAR_DAYS = 366
LOOK_BACK_DAYS = 62  # a gateway that was off for longer tells of the last of them
NOWHERE = Place(10.0, 105.8, 2.0)


def look(turn: Turn, zone: ZoneSettings, plan: Calendar) -> None:
    """Keep the book: rain, the season, the times that open and close."""
    memory = _rained(turn, turn.zone(zone.id).plan, plan)
    if plan.season and memory.season_day != plan.season[0]:
        memory = replace(memory, season_day=plan.season[0], season_ml=0)
    if memory.slot is None:
        memory = replace(memory, slot=Slot(turn.now_ms - APART_MS, turn.now_ms, 0, done=True))
    memory = _closed(turn, zone, plan, memory)
    memory = _opened(turn, zone, plan, memory)
    state = turn.zone(zone.id)
    if memory != state.plan:
        turn.zones[zone.id] = replace(state, plan=memory)


def need(turn: Turn, zone: ZoneSettings, plan: Calendar) -> Finding:
    """Whether it is time."""
    slot = turn.zone(zone.id).plan.slot
    if slot is not None and not slot.done and not _is_given(zone, slot):
        left_ml = slot.want_ml - slot.given_ml
        by_at_ms = slot.by_at_ms if plan.by_end else None
        run_ms = max(1, left_ml * MINUTE_MS // _flow(zone))
        if by_at_ms is not None:
            run_ms = max(1, min(run_ms, by_at_ms - turn.now_ms))
        inputs: dict[str, Fact] = {"run_ms": run_ms, "water_ml": left_ml}
        return Finding(Verdict.START, Rule.CALENDAR_DUE, inputs, from_at_ms=slot.from_at_ms, by_at_ms=by_at_ms)
    next_at_ms = next_window_at_ms(plan, _place(turn), turn.now_ms)
    if next_at_ms is None:
        return Finding(Verdict.NO, Rule.SEASON_OVER)
    return Finding(Verdict.NO, Rule.CALENDAR_WAIT, {"next_at_ms": next_at_ms}, until_at_ms=next_at_ms)


# ---- the book


def _rained(turn: Turn, memory: PlanState, plan: Calendar) -> PlanState:
    if plan.rain_um is None or not turn.rain_um:
        return memory
    day = local_day(turn.now_ms)
    um = turn.rain_um + (memory.rain_um if memory.rain_day == day else 0)
    wet_until_at_ms = memory.wet_until_at_ms
    if um >= plan.rain_um:
        wet_until_at_ms = turn.now_ms + plan.rain_wait_ms
    return replace(memory, rain_day=day, rain_um=um, wet_until_at_ms=wet_until_at_ms)


def _closed(turn: Turn, zone: ZoneSettings, plan: Calendar, memory: PlanState) -> PlanState:
    """A time whose water was given is done; one whose window is over is done too, and what is missing is told."""
    slot = memory.slot
    if slot is None or slot.done or turn.zone(zone.id).run is not None:
        return memory
    if _is_wet(plan, memory, turn.now_ms) and not _is_given(zone, slot):
        turn.decide(zone.id, Finding(Verdict.NO, Rule.CALENDAR_RAINED, {"rain_um": memory.rain_um}), always=True)
    elif not _is_given(zone, slot):
        if turn.now_ms < slot.by_at_ms:
            return memory
        _short(turn, zone, slot, slot.want_ml - slot.given_ml)
    return replace(memory, slot=replace(slot, done=True))


def _is_wet(plan: Calendar, memory: PlanState, at_ms: int) -> bool:
    """Whether it has rained so much that nothing is begun then."""
    return plan.rain_um is not None and memory.wet_until_at_ms is not None and at_ms < memory.wet_until_at_ms


def _is_given(zone: ZoneSettings, slot: Slot) -> bool:
    return slot.want_ml - slot.given_ml <= max(DONE_PART * slot.want_ml, zone.flow_ml_min / LEAST_RUNS)


def _opened(turn: Turn, zone: ZoneSettings, plan: Calendar, memory: PlanState) -> PlanState:
    """The time whose window has begun, if it is not the one that was dealt with."""
    if memory.slot is not None and not memory.slot.done:
        return memory
    today = local_day(turn.now_ms)
    first_day = max(today - LOOK_BACK_DAYS, min(today, local_day(turn.before_at_ms)) - 1)
    for from_at_ms, by_at_ms in _times(turn, zone, plan, first_day, today + 2 - first_day):
        before = memory.slot
        if from_at_ms > turn.now_ms or (before and from_at_ms - before.from_at_ms < APART_MS):
            continue
        slot = Slot(from_at_ms, by_at_ms, _want_ml(plan, memory, from_at_ms), done=True)
        memory = replace(memory, slot=slot)
        left_out = _left_out(zone, plan, memory, slot)
        if left_out:
            turn.decide(zone.id, left_out, always=True)
        elif by_at_ms <= turn.now_ms:
            _short(turn, zone, slot, slot.want_ml)
        else:
            return replace(memory, slot=replace(slot, done=False))
    return memory


def _want_ml(plan: Calendar, memory: PlanState, at_ms: int) -> int:
    want_ml = plan.amount_ml * plan.month_pct[month_of(at_ms) - 1] // 100
    return want_ml if plan.cap_ml is None else max(0, min(want_ml, plan.cap_ml - memory.season_ml))


def _left_out(zone: ZoneSettings, plan: Calendar, memory: PlanState, slot: Slot) -> Finding | None:
    """Why a time that has come is left out, or None."""
    if _is_wet(plan, memory, slot.from_at_ms):
        return Finding(Verdict.NO, Rule.CALENDAR_RAINED, {"rain_um": memory.rain_um})
    least_ml = zone.flow_ml_min // LEAST_RUNS
    if slot.want_ml > least_ml:
        return None
    if plan.cap_ml is not None and memory.season_ml + least_ml >= plan.cap_ml:
        return Finding(Verdict.NO, Rule.SEASON_CAP, {"water_ml": memory.season_ml}, {"cap_ml": plan.cap_ml})
    return Finding(Verdict.NO, Rule.CALENDAR_ZERO, {"month": month_of(slot.from_at_ms)})


def _short(turn: Turn, zone: ZoneSettings, slot: Slot, missing_ml: int) -> None:
    facts: dict[str, Fact] = {"water_ml": missing_ml, "asked_ml": slot.want_ml, "over_at_ms": slot.by_at_ms}
    turn.decide(zone.id, Finding(Verdict.REFUSED, Rule.CALENDAR_SHORT, facts), always=True)


def _flow(zone: ZoneSettings) -> int:
    """What flows in a minute; of a garden that does not know it, as good as nothing."""
    return max(1, zone.flow_ml_min)


# ---- the times


def _times(turn: Turn, zone: ZoneSettings, plan: Calendar, first_day: int, days: int) -> Iterator[tuple[int, int]]:
    """The windows of so many days: from, and over by."""
    for day in range(first_day, first_day + days):
        if not plan.is_on(day):
            continue
        at_ms = _at_ms(_place(turn), plan, day)
        if plan.by_end:
            yield at_ms - plan.window_ms, at_ms
        else:
            takes_ms = plan.amount_ml * plan.month_pct[month_of(at_ms) - 1] // 100 * MINUTE_MS // _flow(zone)
            yield at_ms, at_ms + LATE_MS + takes_ms


def next_window_at_ms(plan: Calendar, place: Place, now_ms: int, *, dry_months: bool = True) -> int | None:
    """When the next window begins, also of a season that is yet to come; None when there is none any more. Without
    ``dry_months`` those months count for nothing in which 0 % is given."""
    first_day = max(local_day(now_ms), plan.first_day, plan.season[0] if plan.season else 0)
    for day in range(first_day, first_day + (LOOK_AHEAD_DAYS if dry_months else YEAR_DAYS)):
        if plan.is_on(day):
            at_ms = _at_ms(place, plan, day) - (plan.window_ms if plan.by_end else 0)
            if at_ms > now_ms and (dry_months or plan.month_pct[month_of(at_ms) - 1]):
                return at_ms
    return None


def _place(turn: Turn) -> Place:
    return turn.settings.place or NOWHERE


def _at_ms(place: Place, plan: Calendar, day: int) -> int:
    """The time of a day that the calendar names."""
    begins_at_ms = sun.at_ms(day, place, plan.sun) if plan.sun else day_begins_at_ms(day)
    return begins_at_ms + plan.minute * MINUTE_MS
