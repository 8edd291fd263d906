"""D1 over seeded seasons: one faulty probe of three, in each way, adds no day of stress and hardly any water; with all
of them dead a garden lives on the weather, whatever weather there is.

A season here is one garden over two weeks of generated weather, by the real core and lease code on the simulated field;
three gardens of a village make three seasons at once.
"""

from __future__ import annotations

import datetime as dt
import functools
import random
from dataclasses import replace

import pytest

from gateway.core.rules import Rule
from simulators.field.generator import generate
from simulators.field.weather import DAY_MS, local_midnight_ms
from simulators.season.faults import DRIFT, KINDS, MISSING, OFFSET, SPIKE, STUCK, Faults, ProbeFault
from simulators.season.gateway import Gateway
from simulators.season.scenario import Scenario
from simulators.season.trial import Day, Trial
from tests.support import seasons

DAYS = 14
DRY_SEEDS, WET_SEEDS = range(8), range(100, 106)
GARDENS = tuple(seasons.village().zones)
SIZES = {DRIFT: 0.01, OFFSET: 0.08, SPIKE: 0.15}
ONE_WATERING_MM = 25.0


def scenario(seed: int) -> Scenario:
    """Two weeks of the dry months, or of the rainy ones with seeds from 100 on."""
    draw = random.Random(f"first day/{seed}")
    first = dt.date(2024, 1, 20) + dt.timedelta(days=draw.randrange(70) + (110 if seed >= 100 else 0))
    weather = generate(seed, first, DAYS + 2)
    return Scenario(seasons.village(), seasons.truth(), weather, first, first + dt.timedelta(days=DAYS - 1), seed)


def one_of_three(seed: int, kind: str) -> Faults:
    """In every garden another probe, up or down, from the second day on."""
    draw = random.Random(f"fault/{seed}/{kind}")
    held = scenario(seed)
    return Faults(tuple(
        ProbeFault(garden, kind, held.start_ms + DAY_MS, held.end_ms, (draw.randrange(3),),
                   SIZES.get(kind, 0.0) * draw.choice((-1, 1)), 0.3)
        for garden in GARDENS
    ))  # fmt: skip


def played(held: Scenario) -> tuple[Trial, Gateway]:
    trial = Trial(held)
    gateway = Gateway(held, trial)
    gateway.run(held.end_ms)
    return trial, gateway


@functools.cache
def sound(seed: int) -> Trial:
    return played(scenario(seed))[0]


def stressed(days: list[Day]) -> int:
    return sum(day.stressed for day in days)


def needed_mm(days: list[Day]) -> float:
    """Irrigation without what it has left in the soil: so short a season may end just before or after a watering."""
    return sum(day.irrigation_mm for day in days) - (days[-1].stored_mm - days[0].stored_before_mm)


@pytest.mark.parametrize("kind", KINDS)
def test_one_probe_of_three_sways_nothing(kind: str) -> None:  # D1: 210 seasons
    for seed in (*DRY_SEEDS, *WET_SEEDS):
        trial, _ = played(replace(scenario(seed), faults=one_of_three(seed, kind)))
        for garden in GARDENS:
            hurt, whole = trial.days[garden], sound(seed).days[garden]
            assert stressed(hurt) <= stressed(whole), (seed, garden)
            difference = needed_mm(hurt) - needed_mm(whole)
            if seed in DRY_SEEDS:
                assert abs(difference) <= 0.03 * abs(needed_mm(whole)) + 0.5, (seed, garden, difference)
            else:  # where rain comes, one watering more or less before it
                assert abs(difference) <= ONE_WATERING_MM, (seed, garden, difference)


ALL_DEAD = ((MISSING, True), (STUCK, False))


@pytest.mark.parametrize(("kind", "outlook"), ALL_DEAD)
def test_without_probes_for_two_weeks_it_lives_on_the_weather(kind: str, outlook: bool) -> None:  # D1, D5, S12
    days = 18
    first = seasons.FIRST
    weather = generate(2, dt.date(2024, 1, 1), 200)
    dead = tuple(
        ProbeFault(garden, kind, seasons.day_ms(3), seasons.day_ms(17), ()) for garden in GARDENS
    )
    held = Scenario(
        seasons.village(), seasons.truth(), weather, first, first + dt.timedelta(days=days - 1), 2, Faults(dead),
        outlook=outlook,
    )  # fmt: skip
    trial, gateway = played(held)
    for garden in GARDENS:
        used = sum(day.eta_mm for day in trial.days[garden])
        asked = sum(day.etc_mm for day in trial.days[garden])
        assert used / asked >= 0.999, garden
        irrigation = sum(day.irrigation_mm for day in trial.days[garden])
        assert sum(day.lost_mm for day in trial.days[garden]) <= 0.05 * irrigation
        told = {rule for hours in gateway.diary.hours[garden].values() for rule in hours}
        assert Rule.MODEL_WET.value in told


def test_a_dead_gauge_and_dead_probes_in_the_rain_drown_nothing() -> None:
    """Rain that nobody counts: what the weather asks for is given, and no more than the crop uses."""
    first = dt.date(2024, 6, 1)
    days = 14
    from_ms, to_ms = local_midnight_ms(first) + DAY_MS, local_midnight_ms(first) + days * DAY_MS
    dead = tuple(ProbeFault(garden, MISSING, from_ms, to_ms) for garden in GARDENS)
    village = seasons.village()
    blind = replace(village, station=replace(village.station, rain=None))
    held = Scenario(blind, seasons.truth(), generate(4, first, days + 2), first,
                    first + dt.timedelta(days=days - 1), 4, Faults(dead))  # fmt: skip
    trial, _ = played(held)
    for garden in GARDENS:
        asked = sum(day.etc_mm for day in trial.days[garden])
        assert sum(day.irrigation_mm for day in trial.days[garden]) <= asked + ONE_WATERING_MM
        assert stressed(trial.days[garden]) == 0
