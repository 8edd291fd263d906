"""Letting water out, part by part: a garden's own meter, what a valve teaches, a silent meter, a node out of reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.core.rules import Rule
from gateway.core.state import Lock, Phase
from gateway.core.types import Alarm, RunEnded, Settings
from tests.support.irrigation import (
    GROUND,
    LEVEL,
    MAIN,
    METER,
    PUMP,
    SALT,
    START_MS,
    VALVES,
    Village,
    probe,
    pump_settings,
    settings,
    zone_settings,
)

MINUTE_MS = 60_000
OWN = settings((zone_settings("xoai", watched=METER, min_rest_ms=0),))
BY_PUMP = settings((zone_settings("xoai", min_rest_ms=0),), pump=pump_settings(meter=True))


def moist(chosen: Settings, make: Callable[[Settings], Village] = Village) -> Village:
    village = make(chosen)
    for channel in range(3):
        village.measure(probe("xoai", channel), 3000)
    village.measure(LEVEL, 700)
    village.measure(SALT, 400)
    village.run(START_MS + 1_000)
    return village


def water(village: Village, minutes: int, part: float = 1.0) -> None:
    """Water for some minutes with a part of the flow, and two minutes more."""
    village.flow_part = part
    village.ask("water", "xoai", minutes)
    village.run(village.now_ms + (minutes + 2) * MINUTE_MS)


def rules(village: Village) -> list[Rule]:
    return [decision.rule for decision in village.decisions]


def test_a_valve_that_gives_nothing_is_shut_within_thirty_seconds_and_locked_the_second_time() -> None:  # S10
    village = moist(OWN)
    water(village, 10, 0.0)
    on, off = (switched.at_ms for switched in village.switched if switched.output == VALVES["xoai"])
    fill_ms = OWN.zones[0].fill_ms
    assert off - on <= fill_ms + 30_000 and Rule.FLOW_NONE in rules(village) and not village.state.locks
    water(village, 10, 0.0)
    assert village.state.locks[VALVES["xoai"].key].rule is Rule.FLOW_NONE
    water(village, 10)
    assert Rule.VALVE_LOCKED in rules(village)
    alarms = [effect for effect in village.effects if isinstance(effect, Alarm)]
    assert [(alarm.rule, alarm.on) for alarm in alarms] == [(Rule.FLOW_NONE, True)]


def test_what_is_usual_is_learned_slowly_and_only_from_runs_that_agree() -> None:
    village = moist(BY_PUMP)
    for part in (1.0, 0.6, 1.0):
        water(village, 5, part)
    assert village.state.flows[VALVES["xoai"].key].learned_ml_min is None
    water(village, 5, 0.95)
    assert village.state.flows[VALVES["xoai"].key].learned_ml_min == 97_500
    for _ in range(2):
        water(village, 5, 0.95)
    assert village.state.flows[VALVES["xoai"].key].learned_ml_min == 95_000
    village.run(village.now_ms + 30 * MINUTE_MS)  # no more than six starts in an hour
    water(village, 5, 1.2)
    assert Rule.FLOW_BURST not in rules(village)
    water(village, 5, 1.3)
    assert Rule.FLOW_BURST in rules(village)


def test_one_odd_reading_stops_nothing() -> None:
    village = moist(BY_PUMP)
    village.ask("water", "xoai", 10)
    village.run(START_MS + 5 * MINUTE_MS)
    village.flow_part = 0.0
    village.run(START_MS + 5 * MINUTE_MS + 4_000)  # one reading
    village.flow_part = 1.0
    village.run(START_MS + 11 * MINUTE_MS)
    assert Rule.DRY_RUN not in rules(village) and Rule.MANUAL_DONE in rules(village)


def test_a_silent_meter_guards_nothing_and_that_is_told() -> None:
    class Mute(Village):
        def _meter(self) -> None:
            """The meter is broken."""

    village = moist(BY_PUMP, Mute)
    water(village, 10)
    assert Rule.METER_SILENT in rules(village) and Rule.MANUAL_DONE in rules(village)


def test_a_pump_whose_node_is_out_of_reach_stops_within_a_lease() -> None:  # S11
    village = moist(settings((zone_settings("xoai", min_rest_ms=0),), pump=pump_settings(lead_ms=3_000, lag_ms=5_000)))
    village.ask("water", "xoai", 20)
    village.run(START_MS + 5 * MINUTE_MS)
    village.set_link("van", "deaf")
    village.run(START_MS + 15 * MINUTE_MS)
    off = {switched.output: switched.at_ms for switched in village.switched if not switched.on}
    assert off[PUMP] <= START_MS + 5 * MINUTE_MS + village.limits.pump_lease_ms
    assert off[VALVES["xoai"]] <= START_MS + 5 * MINUTE_MS + village.limits.lease_ms
    assert off[VALVES["xoai"]] > off[PUMP]
    assert Rule.NO_ANSWER in rules(village)


def test_a_persons_stop_ends_what_waits_too() -> None:
    village = moist(BY_PUMP)
    village.ask("water", "xoai", 10)
    village.run(START_MS + 2 * MINUTE_MS)
    village.measure(LEVEL, 500)
    village.run(START_MS + 3 * MINUTE_MS)
    kept = village.state.zones["xoai"].dose
    assert kept is not None
    village.ask("stop", "xoai")
    village.run(START_MS + 4 * MINUTE_MS)
    village.measure(LEVEL, 700)
    village.run(START_MS + 30 * MINUTE_MS)
    assert village.state.zones["xoai"].dose is None and sum(s.on for s in village.switched) == 2


def test_the_time_of_a_dose_counts_while_water_flows_not_while_valves_and_lead_are_waited_for() -> None:  # S7
    pump = pump_settings(main=True, lead_ms=30_000, lag_ms=5_000)
    village = moist(settings((zone_settings("xoai", min_rest_ms=0),), pump=pump))
    village.nodes["van"].hop_ms = 3_000
    village.ask("water", "xoai", 1)
    village.run(START_MS + 5 * MINUTE_MS)
    on, off = (switched.at_ms for switched in village.switched if switched.output == PUMP)
    assert pump.min_run_ms <= off - on <= MINUTE_MS + 2 * village.nodes["van"].hop_ms
    [ended] = [effect for effect in village.effects if isinstance(effect, RunEnded)]
    assert ended.millilitres >= village.settings.zones[0].flow_ml_min  # a minute of it


def test_what_hours_do_not_allow_any_more_is_left_of_the_dose() -> None:
    pump = pump_settings(lead_ms=120_000, open_hours=[[6, 6.3]])  # 18 minutes
    village = Village(settings((zone_settings("xoai", ground=GROUND, target_e4=2700),), pump=pump))
    for channel in range(3):
        village.measure(probe("xoai", channel), 2400)
    village.measure(LEVEL, 700)
    village.measure(SALT, 400)
    village.run(START_MS + 30 * MINUTE_MS)
    off = [switched.at_ms for switched in village.switched if switched.output == PUMP and not switched.on]
    assert off and off[0] <= START_MS + 18 * MINUTE_MS + 1_000
    dose = village.state.zones["xoai"].dose
    assert dose is not None and dose.paused_by is Rule.HOURS_OVER
    [ended] = [effect for effect in village.effects if isinstance(effect, RunEnded)]
    area_m2 = GROUND.area_m2
    assert dose.asked_um is not None and dose.left_um is not None
    assert abs(dose.asked_um - dose.left_um - ended.millilitres / area_m2) < 20


def test_a_run_that_closes_slowly_asks_for_few_steps() -> None:
    village = moist(settings((zone_settings("xoai", min_rest_ms=0),), pump=pump_settings(lag_ms=300_000)))
    water(village, 2)
    before = village.steps
    village.run(village.now_ms + 3 * MINUTE_MS)
    assert village.steps - before < 100


def test_an_old_word_unlocks_nothing_that_was_locked_after_it() -> None:
    village = moist(BY_PUMP)
    for _ in range(2):
        water(village, 5, 0.0)
    assert village.state.locks[PUMP.key].rule is Rule.DRY_RUN
    village.ask("unlock", "xoai", age_ms=60 * MINUTE_MS)
    village.run(village.now_ms + 1_000)
    assert village.state.locks and Rule.INTENT_EXPIRED in rules(village)
    village.state = replace(village.state, locks={PUMP.key: Lock(Rule.LEAK, village.now_ms - 1_000)})
    village.ask("unlock", "xoai", age_ms=10_000)  # still fresh, but asked for before the leak was seen
    village.run(village.now_ms + 1_000)
    assert village.state.locks
    village.ask("unlock", "xoai")
    village.run(village.now_ms + 1_000)
    assert not village.state.locks and Rule.UNLOCKED in rules(village)


def test_a_main_valve_that_is_taken_out_of_the_registry_in_a_run_stops_nobody() -> None:
    gardens = tuple(zone_settings(id, ground=GROUND, target_e4=2700) for id in ("xoai", "rau"))
    chosen = settings(gardens, pump=pump_settings(main=True, lead_ms=3_000))
    village = Village(chosen)
    for zone in gardens:
        for channel in range(3):
            village.measure(probe(zone.id, channel), 2400)
    village.measure(LEVEL, 700)
    village.measure(SALT, 400)
    village.run(START_MS + 5 * MINUTE_MS)
    left = {key: output for key, output in chosen.outputs.items() if key != MAIN.key}
    village.settings = replace(chosen, outputs=left, pumps={PUMP.key: pump_settings(lead_ms=3_000)})
    village.run(START_MS + 60 * MINUTE_MS)
    ended = {effect.zone for effect in village.effects if isinstance(effect, RunEnded)}
    assert ended == {"xoai", "rau"} and all(output.phase is Phase.CLOSED for output in village.state.outputs.values())


def test_a_leak_that_grows_slowly_is_a_burst_in_the_end_and_who_unlocks_it_sets_what_is_usual_anew() -> None:
    calm = settings((zone_settings("xoai", min_rest_ms=0),), pump=pump_settings(meter=True, starts_an_hour=60))
    village = moist(calm)
    village.limits = replace(village.limits, starts_a_day=60)
    part = 1.0
    while not village.state.locks and part < 2.0:
        water(village, 3, part)
        part *= 1.05
    assert village.state.locks[VALVES["xoai"].key].rule is Rule.FLOW_BURST and part < 1.75
    village.ask("unlock", "xoai")
    village.run(village.now_ms + 1_000)
    for _ in range(3):
        water(village, 3, part)
    usual = village.state.flows[VALVES["xoai"].key].learned_ml_min
    assert usual is not None and abs(usual - part * 100_000) < 1_000 and not village.state.locks
