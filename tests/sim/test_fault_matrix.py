"""D1 over more than a thousand seeded seasons: one probe of three faulty in each way there is, against the same season
without the fault.

A season here is one garden over ``DAYS`` days of generated weather, by the real core and lease code on the simulated
field, looked at every hour; three gardens of a village make three seasons at once. Kind, probe, size, sign and time of
a fault are drawn from the seed. Water is what was given less what it left in the soil, because a season may end just
before or after a watering. Every figure is held for each season by itself.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from simulators.field.generator import generate
from simulators.field.weather import DAY_MS
from simulators.season.faults import DRIFT, KINDS, MISSING, OFFSET, SPIKE, STUCK, Faults, ProbeFault
from simulators.season.gateway import Gateway
from simulators.season.scenario import SPARSE, Scenario
from simulators.season.trial import Day, Trial
from tests.support import seasons

DAYS = 35
CHUNKS, SEEDS_A_CHUNK = 12, 6
GARDENS = tuple(seasons.village().zones)
SHARE = 0.03
ONE_WATERING_MM = 25.0
# kind -> smallest and largest size: m3/m3, for a drift by day
SIZES = {DRIFT: (0.002, 0.02), OFFSET: (0.03, 0.15), SPIKE: (0.03, 0.20)}


def scenario(seed: int) -> Scenario:
    """Two of three seasons are of the dry months, when nearly all is irrigated; the third begins at any time."""
    draw = random.Random(f"first day/{seed}")
    from_day, days = (330, 75) if seed % 3 else (0, 366)
    first = dt.date(2024, 1, 1) + dt.timedelta(days=(from_day + draw.randrange(days)) % 366)
    last = first + dt.timedelta(days=DAYS - 1)
    weather = generate(seed, first, DAYS + 2)
    return Scenario(seasons.village(), seasons.truth(), weather, first, last, seed, pace=SPARSE)


def one_of_three(held: Scenario, kind: str) -> Faults:
    """In every garden one probe, from some day of the first fortnight on, to the end or for a while."""
    draw = random.Random(f"fault/{held.seed}/{kind}")
    return Faults(tuple(_fault(held, kind, garden, draw) for garden in GARDENS))


def _fault(held: Scenario, kind: str, garden: str, draw: random.Random) -> ProbeFault:
    from_ms = held.start_ms + draw.randrange(1, 14) * DAY_MS + draw.randrange(24) * DAY_MS // 24
    to_ms = draw.choice((held.end_ms, from_ms + draw.randrange(2, 30) * DAY_MS))
    size = draw.uniform(*SIZES.get(kind, (0.0, 0.0))) * draw.choice((-1.0, 1.0))
    return ProbeFault(garden, kind, from_ms, to_ms, (draw.randrange(3),), size, draw.uniform(0.05, 0.5))


def played(held: Scenario) -> Trial:
    trial = Trial(held)
    Gateway(held, trial).run(held.end_ms)
    return trial


def stressed(days: list[Day]) -> int:
    return sum(day.stressed for day in days)


def given_mm(days: list[Day]) -> float:
    return sum(day.irrigation_mm for day in days)


def needed_mm(days: list[Day]) -> float:
    """Irrigation without what it has left in the soil."""
    return given_mm(days) - (days[-1].stored_mm - days[0].stored_before_mm)


def rain_mm(days: list[Day]) -> float:
    return sum(day.rain_mm for day in days)


@dataclass(frozen=True)
class Pair:
    """One garden's season with a fault and without it."""

    where: str
    hurt: list[Day]
    whole: list[Day]

    @property
    def is_dry(self) -> bool:
        return rain_mm(self.whole) < 0.1 * sum(day.etc_mm for day in self.whole)


def pairs(chunk: int) -> Iterator[Pair]:
    for seed in range(chunk * SEEDS_A_CHUNK, (chunk + 1) * SEEDS_A_CHUNK):
        held = scenario(seed)
        whole = played(held)
        for kind in KINDS:
            hurt = played(replace(held, faults=one_of_three(held, kind)))
            for garden in GARDENS:
                yield Pair(f"{kind}, seed {seed}, {garden}", hurt.days[garden], whole.days[garden])


def test_there_are_more_than_a_thousand_seasons_of_every_kind_together() -> None:
    assert CHUNKS * SEEDS_A_CHUNK * len(GARDENS) * len(KINDS) > 1_000
    assert {STUCK, DRIFT, SPIKE, OFFSET, MISSING} == set(KINDS)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_one_probe_of_three_adds_no_stress_and_hardly_any_water(chunk: int) -> None:
    """D1. Where rain falls, one watering more or less before it is all that a fault can change."""
    found = list(pairs(chunk))
    worst = 0.0
    for pair in found:
        assert stressed(pair.hurt) <= stressed(pair.whole), pair.where
        difference = needed_mm(pair.hurt) - needed_mm(pair.whole)
        if pair.is_dry:
            worst = max(worst, abs(difference) / needed_mm(pair.whole))
            assert abs(difference) <= SHARE * needed_mm(pair.whole), (pair.where, difference)
        else:
            assert abs(difference) <= ONE_WATERING_MM, (pair.where, difference)
        assert abs(given_mm(pair.hurt) - given_mm(pair.whole)) <= ONE_WATERING_MM, pair.where
    hurt, whole = (
        sum(given_mm(days) for days in side) for side in zip(*((p.hurt, p.whole) for p in found), strict=True)
    )
    percent = 100.0 * (hurt / whole - 1.0)
    print(f"{len(found)} seasons: {percent:+.2f} % of all water, at most {100 * worst:.2f} % in a dry one")
    assert abs(hurt - whole) <= SHARE * whole
