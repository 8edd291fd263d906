"""The judges of D1 to D7: how the irrigation decides. See judges."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace

from gateway.core import weather
from gateway.core.rules import Rule, Verdict
from gateway.core.state import State, ZoneState
from gateway.core.step import step
from gateway.core.types import Decide, RunEnded, RunStarted
from gateway.core.weather import ET0_RANGE_MM, Origin
from tests.support.irrigation import METER_MS, PLACE, PUMP, RAIN, START_MS, VALVES
from tests.support.witness import (
    LIMITS,
    SETTINGS,
    ZONES,
    Script,
    Witnessed,
    effects,
    is_on,
    play,
)

HOUR_MS = 3_600_000


def d1(script: Script, village: Witnessed) -> None:
    """D1. One faulty probe of three changes no decision: the same script with one that is dead, faulty or lies."""
    number = len(script)
    lie = ("-", "x", "60", "5")[number % 4]
    told = ((0, "soil rau 24 24 24"), *script)
    hurt = play(tuple((at_s, _with_lie(event, number % 3, lie)) for at_s, event in told))
    assert _decided(hurt, "rau") == _decided(village, "rau"), lie


def _with_lie(event: str, channel: int, lie: str) -> str:
    words = event.split()
    if words[:2] != ["soil", "rau"]:
        return event
    return " ".join([*words[: 2 + channel], lie, *words[3 + channel :]])


def _decided(village: Witnessed, zone: str) -> list[tuple[int, Rule]]:
    return [(seen.at_ms, told.rule) for seen, told in effects(village, Decide) if told.zone == zone]


def d2(_: Script, village: Witnessed) -> None:
    """D2. The books of the soil water close to the µm, stay between full and wilting, and hold each rain and each
    watering once: at no moment is the water of a pump credited to two gardens."""
    for seen in village.trace:
        known = seen.after.zones["xoai"].known
        ground = SETTINGS.zone_by_id["xoai"].ground
        assert known is not None and ground is not None
        assert known.sums.depletion_um == known.depletion_um, seen.at_ms
        assert 0 <= known.depletion_um <= round(ground.taw_mm * 1000) and known.variance_um2 > 0, seen.at_ms
    runs = [run for _, run in effects(village, RunEnded) if SETTINGS.zone_by_id[run.zone].pump == PUMP]
    for one, other in itertools.pairwise(sorted(runs, key=lambda run: run.started_at_ms)):
        assert one.ended_at_ms <= other.started_at_ms or _clock_was_set(village), (one, other)
    fell = [round(float(words[1]) * 1000) for _, words in village.events if words[0] == "rain"]
    highest, rain_um = (fell[0], 0) if fell else (0, 0)  # the first total only begins the count
    for total_um in fell[1:]:
        rain_um, highest = rain_um + max(0, total_um - highest), max(highest, total_um)
    known = village.state.zones["xoai"].known
    lost = any(words[0] == "gateway" for _, words in village.events)
    assert known is not None and known.sums.rain_um <= rain_um
    if not lost and RAIN.key in village.state.latest:
        assert known.sums.rain_um == rain_um


def _clock_was_set(village: Witnessed) -> bool:
    return any(words[0] == "clock" for _, words in village.events)


def d3(_: Script, village: Witnessed) -> None:
    """D3. A forecast of rain begins nothing and is in no balance: without it the same step begins at least as much."""
    for seen in village.trace:
        rainy = seen.inputs.outlook is not None and any(d.rain_mm for d in seen.inputs.outlook.days.values())
        if not rainy or not (seen.effects or seen.at_ms % 60_000 == 0):
            continue
        assert seen.inputs.outlook is not None
        days = {number: replace(day, rain_mm=0.0) for number, day in seen.inputs.outlook.days.items()}
        without = replace(seen.inputs, outlook=replace(seen.inputs.outlook, days=days))
        after, effects = step(seen.before, seen.wall_ms, without, LIMITS)
        began, began_without = (_begun(these) for these in (seen.effects, effects))
        assert began <= began_without, (seen.at_ms, began, began_without)
        mine, theirs = seen.after.zones["xoai"].known, after.zones["xoai"].known
        assert mine is not None and theirs is not None and mine.sums == theirs.sums, seen.at_ms


def _begun(effects: Iterable[object]) -> set[str]:
    return {e.zone for e in effects if isinstance(e, Decide) and e.verdict is Verdict.START}


def d4(_: Script, village: Witnessed) -> None:
    """D4. What is stored is all that is remembered: JSON and back is the identity, and no dose grows by a restart."""
    for number, seen in enumerate(village.trace):
        if seen.inputs.restarted or number % 25 == 0:
            assert State.from_json(seen.after.to_json()) == seen.after, seen.at_ms
        for zone in ZONES:
            was = seen.before.zones.get(zone.id)
            now = seen.after.zones[zone.id]
            if seen.inputs.restarted and was is not None and was.dose is not None and now.dose is not None:
                same = (was.dose.why, was.dose.until_at_ms) == (now.dose.why, now.dose.until_at_ms)
                assert not same or now.dose.left_ms <= was.dose.left_ms, (seen.at_ms, zone.id)
            if seen.inputs.restarted and was is not None:
                assert now.held_until_at_ms == was.held_until_at_ms or seen.inputs.intents or seen.inputs.clock_step_ms


def d5(_: Script, village: Witnessed) -> None:
    """D5. Without cloud and weather service the water is reckoned on, and it is told by what: at any age of an outlook
    there is an ET0, the fresher source first, and an old outlook does not get young by a restart."""
    for seen in village.trace[:: max(1, len(village.trace) // 40)]:
        today = weather.local_day(seen.wall_ms)
        for age_days in (0, 1, 3, 8, 31):
            outlook = seen.inputs.outlook and replace(
                seen.inputs.outlook, issued_at_ms=seen.wall_ms - age_days * 24 * HOUR_MS
            )
            told = weather.et0(today, seen.wall_ms, PLACE, outlook, seen.after.air)
            assert ET0_RANGE_MM[0] <= told.mm <= ET0_RANGE_MM[1] and told.method, told
            if outlook is None or today not in outlook.days or age_days > weather.OUTLOOK_OLD_DAYS:
                assert told.origin in (Origin.MONTH, Origin.STATION), (age_days, told)
            else:
                assert told.origin is (Origin.OUTLOOK if age_days <= weather.OUTLOOK_FRESH_DAYS else Origin.OLD_OUTLOOK)


def d6(_: Script, village: Witnessed) -> None:
    """D6. The same state, time and inputs give the same effects; and everything that happens has a decision with its
    inputs, its rule, its limits and the next look."""
    for number, seen in enumerate(village.trace):
        told = [effect for effect in seen.effects if isinstance(effect, Decide)]
        if number % 25 == 0 or told:
            assert step(seen.before, seen.wall_ms, seen.inputs, LIMITS) == (seen.after, seen.effects), seen.at_ms
        for decision in told:
            assert decision.at_ms == seen.wall_ms <= decision.next_check_at_ms and decision.inputs, decision
        for effect in seen.effects:
            if isinstance(effect, RunStarted):
                over = any(isinstance(e, RunEnded) and e.run == effect.run for e in seen.effects)
                rules = (Rule.RUN_ENDED,) if over else (Rule.WATER_ON, Rule.METER_SILENT)
                assert any(d.zone == effect.zone and d.rule in rules for d in told), effect
            if isinstance(effect, RunEnded):
                assert any(d.zone == effect.zone and d.rule is Rule.RUN_ENDED for d in told), effect
    for intent in {i.id: i for seen in village.trace for i in seen.inputs.intents}.values():
        assert any(d.zone == intent.zone for _, d in effects(village, Decide)), intent


def d7(_: Script, village: Witnessed) -> None:
    """D7. A person's stop is obeyed in the step that hears it, and the pump is off within a second, where gateway and
    way are well and the pump serves nobody else."""
    for at_ms, words in village.events:
        if words[0] != "stop" or not village.is_calm(at_ms, at_ms + METER_MS):
            continue
        heard = next(s for s in village.trace if s.at_ms >= at_ms and any(i.kind == "stop" for i in s.inputs.intents))
        assert heard.at_ms == at_ms
        before, after = heard.before.zones.get(words[1], ZoneState()).run, heard.after.zones[words[1]]
        assert after.held_until_at_ms is not None and (after.run is None or after.run.stop is not None)
        served = [z for z in ("xoai", "rau") if is_on(village, VALVES[z], at_ms)]
        if before is not None and before.stop is None and served == [words[1]]:
            assert not is_on(village, PUMP, at_ms + 1_000), (at_ms - START_MS, words)
