"""Faults of a season by schedule: probes that lie or are silent, nodes that cannot be reached."""

from __future__ import annotations

import pytest

from gateway.core.rules import Rule
from gateway.core.shadow import ProbeOnly
from gateway.core.types import SensorRef
from simulators.season.faults import DRIFT, KINDS, MISSING, OFFSET, SPIKE, STUCK, Faults, LinkFault, ProbeFault
from simulators.season.figures import WHOLE
from simulators.season.gateway import Gateway
from simulators.season.readings import gauge
from simulators.season.season import Outcome, Season, run
from simulators.season.trial import Trial
from tests.support import sealed, seasons
from wire import fields

ZONE = "vuon-xoai"
LEASE_MS = 360_000


def fault(kind: str, from_day: int, to_day: int, probes: tuple[int, ...] = (0,), size: float = 0.05) -> Faults:
    return Faults((ProbeFault(ZONE, kind, seasons.day_ms(from_day), seasons.day_ms(to_day), probes, size, 0.5),))


def seen(faults: Faults, days: int = 6) -> list[float | None]:
    """The first probe's error in m3/m3 at noon of each day; None where it says nothing."""
    scenario = seasons.scenario(days, faults=faults)
    trial = Trial(scenario)
    probe = scenario.village.zones[ZONE].probes[0]
    look = gauge(scenario.village, SensorRef(probe.node, fields.SOIL_MOISTURE, probe.channel))
    errors: list[float | None] = []
    for number in range(days):
        now_ms = seasons.day_ms(number, 12)
        trial.advance(now_ms)
        trial.mischief.suffer(now_ms)
        value = look.read(trial.world, now_ms).value
        errors.append(None if value is None else value / 10_000 - trial.world.vwc(ZONE))
    return errors


NOISE = pytest.approx(0.0, abs=0.004)


def test_an_offset_and_a_drift_come_and_go() -> None:
    assert seen(fault(OFFSET, 2, 4)) == [NOISE, NOISE, pytest.approx(0.05, abs=0.004), pytest.approx(0.05, abs=0.004),
                                         NOISE, NOISE]  # fmt: skip
    drifting = seen(fault(DRIFT, 1, 5, size=0.02))
    assert drifting[0] == NOISE and drifting[5] == NOISE
    assert drifting[1:5] == [pytest.approx(0.02 * (0.5 + day), abs=0.004) for day in range(4)]


def test_a_missing_probe_says_nothing_and_a_spiking_one_leaps() -> None:
    assert [error is None for error in seen(fault(MISSING, 1, 3))] == [False, True, True, False, False, False]
    spiking = [abs(error) for error in seen(fault(SPIKE, 0, 30, size=0.1), 24) if error is not None]
    assert 5 < sum(error > 0.09 for error in spiking) < 20 and sum(error < 0.01 for error in spiking) > 3


def test_a_stuck_probe_keeps_its_first_value_and_is_sound_again() -> None:
    stuck = seen(fault(STUCK, 1, 5))
    values = [error for error in stuck[1:5] if error is not None]
    assert values[0] == NOISE
    assert values[-1] > values[0] + 0.005  # the soil dried on, the probe did not
    assert stuck[0] == NOISE and stuck[5] == NOISE


def test_the_demonstrations_own_fault_is_not_in_a_season() -> None:
    trial = Trial(seasons.scenario(2))
    assert not any(channel.sensor.fault for channel in trial.world.layout.channels.values())


def season(faults: Faults, days: int = 30) -> Season:
    return run(seasons.scenario(days, faults=faults), (ProbeOnly(),))


@pytest.fixture(scope="module")
def sound() -> Season:
    return season(Faults())


@pytest.mark.parametrize("kind", KINDS)
def test_one_probe_of_three_does_not_sway_ours(kind: str, sound: Season) -> None:  # D1, as far as the vote goes
    hurt = season(fault(kind, 3, 30, size=-0.06 if kind == OFFSET else 0.05)).ours
    assert hurt.zones[ZONE][WHOLE].stress_days == sound.ours.zones[ZONE][WHOLE].stress_days == 0
    assert needed_mm(hurt) == pytest.approx(needed_mm(sound.ours), rel=0.03)


def needed_mm(outcome: Outcome) -> float:
    """Irrigation without what it has left in the soil: a short season may end just before or after a watering."""
    days = outcome.trial.days[ZONE]
    return sum(day.irrigation_mm for day in days) - (days[-1].stored_mm - days[0].stored_before_mm)


def test_what_believes_one_probe_is_swayed(sound: Season) -> None:
    dry = season(fault(OFFSET, 3, 30, size=-0.06)).outcomes["probe"].zones[ZONE][WHOLE]
    wet = season(fault(OFFSET, 3, 30, size=0.06)).outcomes["probe"].zones[ZONE][WHOLE]
    plain = sound.outcomes["probe"].zones[ZONE][WHOLE]
    assert plain.stress_days == 0
    assert dry.irrigation_mm > plain.irrigation_mm * 1.2
    assert wet.stress_days > 5


def test_with_all_probes_silent_it_lives_on_the_weather_and_says_so() -> None:
    blind = season(fault(MISSING, 5, 19, ()))
    hours = sum(day.get(Rule.MODEL_WET.value, 0.0) for day in blind.diary.hours[ZONE].values())
    assert 13 * 24 < hours < 14 * 24
    assert not any(Rule.MODEL_WET.value in day for day in blind.diary.hours["vuon-quyt"].values())
    assert [ended for ended in blind.diary.runs if ended.zone == ZONE
            and seasons.day_ms(5, 5) < ended.started_at_ms < seasons.day_ms(19)]  # fmt: skip
    assert not any(day.stressed for day in blind.ours.trial.days[ZONE])


def test_a_link_that_goes_down_while_water_runs_ends_it_by_its_lease(sound: Season) -> None:  # S1, S11
    long = max(
        (ended for ended in sound.diary.runs if ended.zone == ZONE),
        key=lambda ended: ended.ended_at_ms - ended.started_at_ms,
    )
    assert long.ended_at_ms - long.started_at_ms > 3 * LEASE_MS
    cut_ms = long.started_at_ms + LEASE_MS // 2
    scenario = seasons.scenario(faults=Faults(links=(LinkFault("valve-1", cut_ms, cut_ms + 5 * 3_600_000),)))
    trial = Trial(scenario)
    gateway = Gateway(scenario, trial)
    gateway.run(cut_ms)
    assert trial.world.outputs[("valve-1", 1)]
    gateway.run(cut_ms + LEASE_MS + 1)
    assert not any(trial.world.outputs.values())
    gateway.run(cut_ms + 5 * 3_600_000)
    told = {rule for hours in gateway.diary.hours[ZONE].values() for rule in hours}
    assert Rule.NO_ANSWER.value in told and gateway.diary.alarms
    assert not any(cut_ms < ended.started_at_ms for ended in gateway.diary.runs if ended.zone == ZONE)
    gateway.run(scenario.end_ms)  # and afterwards it waters again
    assert max(ended.started_at_ms for ended in gateway.diary.runs if ended.zone == ZONE) > cut_ms + 5 * 3_600_000
    assert all(not day.stressed for day in trial.days[ZONE])


def test_readings_kept_by_a_node_arrive_when_it_is_back() -> None:
    down = LinkFault("soil-1", seasons.day_ms(1), seasons.day_ms(1, 6))
    scenario = seasons.scenario(3, faults=Faults(links=(down,)))
    gateway = Gateway(scenario, Trial(scenario))
    gateway.run(seasons.day_ms(1, 5))
    key = f"soil-1/{fields.SOIL_MOISTURE}/0"
    assert gateway.state.latest[key].measured_at_ms < seasons.day_ms(1)
    gateway.run(seasons.day_ms(1, 6.01))
    assert gateway.state.latest[key].measured_at_ms == seasons.day_ms(1, 6)


def test_a_reading_has_the_value_and_flag_that_ingest_gives_it() -> None:
    """The same raw through a frame, its seal and ``gateway.core.ingest``."""
    for node in sealed.VILLAGE.nodes.values():
        for sensor in node.sensors:
            what = fields.field(sensor.field)
            look = gauge(sealed.VILLAGE, SensorRef(node.id, sensor.field, sensor.channel))
            step = max(1, (what.raw_max - what.raw_min) // 37)
            for seq, raw in enumerate(range(what.raw_min, what.raw_max + 1, step), start=1):
                sent = sealed.readings(
                    sealed.record(seq, field=sensor.field, channel=sensor.channel, raw=raw), node=node.id
                )
                (row,) = sealed.Desk().take(sent, 1_700_000_000_000).readings
                mine = look.reading(raw, 0)
                assert (mine.value, mine.quality) == (row.value, row.flag), (node.id, sensor, raw)
