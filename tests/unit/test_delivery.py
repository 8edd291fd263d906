"""Letting water out, part by part: a garden's own meter, what a valve teaches, a silent meter, a node out of reach."""

from __future__ import annotations

from collections.abc import Callable

from gateway.core.rules import Rule
from gateway.core.types import Alarm, Settings
from tests.support.irrigation import (
    LEVEL,
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
    assert village.state.zones["xoai"].dose is not None
    village.ask("stop", "xoai")
    village.run(START_MS + 4 * MINUTE_MS)
    village.measure(LEVEL, 700)
    village.run(START_MS + 30 * MINUTE_MS)
    assert village.state.zones["xoai"].dose is None and sum(s.on for s in village.switched) == 2
