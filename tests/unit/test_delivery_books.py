"""The books of what was let out: at a hand-over, by a meter, and to the millilitre."""

from __future__ import annotations

from itertools import pairwise

from gateway.core.types import RunEnded, Settings
from tests.support.irrigation import (
    GROUND,
    LEVEL,
    METER,
    PUMP,
    SALT,
    START_MS,
    Village,
    probe,
    pump_settings,
    settings,
    zone_settings,
)
from tests.support.plans import made

MINUTE_MS = 60_000


def begun(chosen: Settings, soil_e4: int = 3000) -> Village:
    village = Village(chosen)
    for zone in chosen.zones:
        for ref in zone.probes:
            village.measure(ref, soil_e4)
    village.measure(LEVEL, 700)
    village.measure(SALT, 400)
    return village


def ended(village: Village) -> list[RunEnded]:
    return [effect for effect in village.effects if isinstance(effect, RunEnded)]


def test_at_a_hand_over_both_gardens_together_are_credited_with_what_flowed() -> None:
    pump = pump_settings(lead_ms=40_000, meter=True)
    gardens = (zone_settings("xoai", ground=GROUND, max_run_ms=10 * MINUTE_MS, meter=METER), zone_settings("rau"))
    village = begun(settings(gardens, pump=pump), 2400)
    village.run(START_MS + 20 * MINUTE_MS)
    for zone in ("xoai", "rau"):
        for channel in range(3):
            village.measure(probe(zone, channel), 3300)
    village.run(START_MS + 40 * MINUTE_MS)
    on_ms, off_ms = (switched.at_ms for switched in village.switched if switched.output == PUMP)
    one, other = sorted(ended(village), key=lambda run: run.started_at_ms)
    assert one.zone != other.zone and one.ended_at_ms == other.started_at_ms  # the valves were open together for 40 s
    flowed_ml = 100_000 * (off_ms - on_ms) / MINUTE_MS
    assert flowed_ml - 1_000 <= one.millilitres + other.millilitres <= flowed_ml


def test_a_garden_is_credited_with_what_its_meter_measured_in_its_season_too() -> None:
    plan = made("calendar", weekdays=[4], minute=370, amount_ml=2_000_000, season=("2024-02-01", "2024-05-01"))
    flows = {}
    for meter in (None, METER):
        zone = zone_settings("xoai", plan=plan, meter=meter, min_rest_ms=0)
        village = begun(settings((zone,), pump=pump_settings(meter=True)))
        village.flow_part = 0.5
        village.run(START_MS + 60 * MINUTE_MS)
        memory = village.state.zones["xoai"].plan
        assert memory.slot is not None and memory.slot.done and memory.season_ml == memory.slot.given_ml
        assert memory.season_ml == sum(run.millilitres for run in ended(village))
        flows[meter] = [run.ended_at_ms - run.started_at_ms for run in ended(village)]
        assert abs(memory.season_ml - 2_000_000) < 100_000
    assert sum(flows[METER]) > 1.7 * sum(flows[None])  # half flows, and what its meter sees a minute after the water


def test_many_steps_lose_no_millilitre() -> None:
    village = begun(settings((zone_settings("xoai", flow_ml_min=33_333, ground=GROUND),)))
    village.ask("water", "xoai", 7)
    for second in range(60):
        village.at(START_MS + second * 7_001, lambda second=second: village.measure(LEVEL, 700 + second))  # type: ignore[misc]
    village.run(START_MS + 10 * MINUTE_MS)
    [run] = ended(village)
    assert run.millilitres == 33_333 * (run.ended_at_ms - run.started_at_ms) // MINUTE_MS


def test_no_two_runs_of_a_pump_are_credited_for_one_moment() -> None:
    gardens = tuple(zone_settings(id, min_rest_ms=0, max_run_ms=5 * MINUTE_MS) for id in ("xoai", "rau"))
    village = begun(settings(gardens, pump=pump_settings(lead_ms=3_000, lag_ms=5_000)), 2400)
    village.run(START_MS + 60 * MINUTE_MS)
    runs = sorted(ended(village), key=lambda run: run.started_at_ms)
    assert len(runs) > 5
    for one, other in pairwise(runs):
        assert one.ended_at_ms <= other.started_at_ms, (one, other)
