"""When all probes of a garden fail together: dead ones are known to be dead, and it lives on the weather (D1).

Probes that are all too dry are contradicted by the water that was given (test_probes_doubted.py). All too wet are
believed, because three of three agree: a known weakness (docs/proof.md). What holds then is held here, so that nobody
takes it for less, or for more, than it is.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from simulators.field.generator import generate
from simulators.field.weather import DAY_MS
from simulators.season.faults import MISSING, OFFSET, STUCK, Faults, ProbeFault
from simulators.season.figures import WHOLE, balanced, figures
from simulators.season.scenario import SPARSE, Scenario
from simulators.season.trial import Day, Trial
from tests.sim.test_fault_matrix import GARDENS, given_mm, played
from tests.support import seasons

DEAD_DAYS = 14
FROM_DAY = 6


def scenario(seed: int, days: int, *, outlook: bool = True) -> Scenario:
    """The dry months, when a garden that is not watered is short of water within days."""
    first = dt.date(2024, 1, 25) + dt.timedelta(days=seed * 5 % 50)
    weather = generate(seed, first, days + 2)
    last = first + dt.timedelta(days=days - 1)
    return Scenario(seasons.village(), seasons.truth(), weather, first, last, seed, pace=SPARSE, outlook=outlook)


def all_alike(held: Scenario, kind: str, days: int, size: float = 0.0) -> Scenario:
    from_ms = held.start_ms + FROM_DAY * DAY_MS
    faults = (ProbeFault(garden, kind, from_ms, from_ms + days * DAY_MS, (), size) for garden in GARDENS)
    return replace(held, faults=Faults(tuple(faults)))


def ks(days: list[Day]) -> float:
    return sum(day.eta_mm for day in days) / sum(day.etc_mm for day in days)


@pytest.mark.parametrize("kind", [MISSING, STUCK])
@pytest.mark.parametrize("outlook", [True, False])
def test_with_all_dead_for_a_fortnight_no_root_zone_is_short(kind: str, outlook: bool) -> None:
    """D1, D5, S12 over 48 garden-seasons; without an outlook ET0 is the station's, or the month's mean."""
    for seed in range(4):
        held = scenario(seed, FROM_DAY + DEAD_DAYS + 2, outlook=outlook)
        trial = played(all_alike(held, kind, DEAD_DAYS))
        for garden in GARDENS:
            dead = trial.days[garden][FROM_DAY : FROM_DAY + DEAD_DAYS]
            assert ks(dead) >= 0.95, (seed, garden, ks(dead))
            assert given_mm(dead) > 0.0, (seed, garden)


def lied_to(size: float) -> tuple[Trial, Trial]:
    held = scenario(1, 40)
    return played(all_alike(held, OFFSET, 34, size)), played(held)


def test_probes_that_are_all_a_little_off_harm_nothing() -> None:
    """Two hundredths, as a calibration may be off: what is given stays near what is needed."""
    for size in (-0.02, 0.02):
        trial, sound = lied_to(size)
        for garden in GARDENS:
            assert ks(trial.days[garden]) >= 0.99, (size, garden)
            needed = sum(day.etc_mm for day in sound.days[garden])
            assert abs(given_mm(trial.days[garden]) - given_mm(sound.days[garden])) <= 0.4 * needed, (size, garden)


def test_probes_that_all_read_too_wet_leave_the_crop_thirsty_but_alive() -> None:
    trial, sound = lied_to(0.08)
    for garden in GARDENS:
        days = trial.days[garden]
        assert ks(days) < ks(sound.days[garden]) - 0.02  # the weakness
        assert ks(days) >= 0.6
        assert given_mm(days) <= given_mm(sound.days[garden])
        assert trial.world.vwc(garden) > trial.zones[garden].soil.wilting_point
    rows = {
        garden: balanced(trial.zones[garden].soil, trial.zones[garden].start_vwc, trial.days[garden])
        for garden in GARDENS
    }
    lost = figures(rows, {garden: trial.zones[garden].area_m2 for garden in GARDENS}, WHOLE).lost_pct
    assert not lost
