"""Parts of the crop water model against sums by hand: what neither the book's examples nor whole seasons pin down."""

from dataclasses import replace

import numpy as np
import pytest

from gateway.core.fao56 import water
from gateway.core.fao56.atmosphere import Array, floats
from gateway.core.fao56.balance import Choices, Crop, Field, Result, Soil, begin
from gateway.core.fao56.season import Observed, Weather, run
from gateway.core.fao56.station import Observations, Station, hourly

CROP = Crop(
    dual=True,
    stages_days=floats([[4.0], [4.0], [4.0], [4.0]]),
    kc=floats([[0.2], [1.0], [0.6]]),
    kc_min=floats([0.2]),
    root_m=floats([[0.2], [1.0]]),
    height_m=floats([[0.1], [1.0]]),
    p=floats([0.5]),
)
SOIL = Soil(floats([[1.0]]), floats([[0.3]]), floats([[0.1]]), floats([25.0]), floats([9.0]), floats([np.nan]))


def season(choices: Choices, days: int = 20, kcb: Array | None = None) -> Result:
    field = Field(CROP, SOIL, choices)
    weather = Weather(*(np.full((days, 1), value) for value in (4.0, 0.0, 2.0, 45.0)))
    nothing = np.full((days, 1), np.nan)
    observed = None if kcb is None else Observed(kcb[:, None], nothing, nothing)
    return run(field, begin(field, floats([[0.3]])), weather, observed=observed)[1]


def test_the_curve_by_both_counts_of_days() -> None:
    zero = [0.2, 0.2, 0.2, 0.2, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0, 1.0, 1.0, 0.9, 0.8, 0.7, 0.6, 0.6, 0.6, 0.6]
    assert season(Choices()).kcb[:, 0].tolist() == pytest.approx(zero)
    assert season(Choices(first_day=1)).kcb[:-1, 0].tolist() == pytest.approx(zero[1:])


def test_after_the_last_observation_kcb_moves_with_the_curve_until_its_next_flat() -> None:
    seen = np.full(20, np.nan)
    seen[[6, 13]] = 0.7, 0.8  # the curve has 0.6 and 0.9
    kcb = season(Choices(), kcb=seen).kcb[:, 0].tolist()
    expected = [0.2, 0.2, 0.2, 0.2, 0.2, 0.4, 0.7, 0.9, 1.1, 1.0, 1.0, 1.0, 1.0, 0.8, 0.7, 0.6, 0.5, 0.6, 0.6, 0.6]
    assert kcb == pytest.approx(expected)


def test_roots_deepen_with_kcb_or_with_time() -> None:
    with_kcb = season(Choices()).root_m[:, 0].tolist()
    assert with_kcb[:10] == pytest.approx([0.2, 0.2, 0.2, 0.2, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0])
    with_time = season(Choices(roots="time")).root_m[:, 0].tolist()
    assert with_time[:10] == pytest.approx([0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.0])


def test_a_crop_that_does_not_change_still_grows_roots() -> None:
    even = replace(CROP, kc=floats([[0.8], [0.8], [0.8]]))
    field = Field(even, SOIL, Choices())
    weather = Weather(*(np.full((10, 1), value) for value in (4.0, 0.0, 2.0, 45.0)))
    result = run(field, begin(field, floats([[0.3]])), weather)[1]
    assert result.root_m[[0, 4, 6, 8], 0].tolist() == pytest.approx([0.2, 0.2, 0.6, 1.0])


def test_stress_by_both_laws() -> None:
    taw, p = 100.0, 0.5
    assert water.stress([40.0, 75.0, 100.0], taw, p).tolist() == [1.0, 0.5, 0.0]
    half = 1.0 - (np.exp(0.75) - 1.0) / (np.exp(1.5) - 1.0)
    assert water.stress_aquacrop([40.0, 75.0, 100.0], taw, p).tolist() == pytest.approx([1.0, half, 0.0])


@pytest.mark.parametrize(
    ("de_mm", "number"), [(0.0, 87.540), (4.5, 87.540), (9.15, 72.174), (13.8, 56.807), (25.0, 56.807)]
)
def test_runoff_by_the_dryness_of_the_surface(de_mm: float, number: float) -> None:
    """CN 75 is 87.540 on a wet surface (De up to 4.5 mm), 56.807 on a dry one (from 13.8 mm on), a line between."""
    tew, rew = 25.0, 9.0
    storage = 250.0 * (100.0 / number - 1.0)
    by_hand = (60.0 - 0.2 * storage) ** 2 / (60.0 + 0.8 * storage)
    assert float(water.runoff_mm(60.0, 75.0, de_mm, tew, rew)) == pytest.approx(by_hand, abs=0.05)


def hours(rows: list[tuple[float, float]], night_ratio: float) -> Array:
    """ET0 of hours given as clock time and radiation, otherwise all alike."""
    clock, light = floats(rows).T
    seen = Observations(np.full(len(rows), 100.0), tmean_c=floats(25.0), vapour_kpa=floats(2.0), wind_ms=floats(1.0),
                        srad_mj_m2=light)  # fmt: skip
    return hourly(seen, Station(10.0, 2.0, 105.0, night_ratio=night_ratio), clock, np.full(len(rows), 7.0)).et0_mm


def test_a_night_is_as_cloudy_as_the_day_before_it_and_no_longer() -> None:
    overcast, clear = hours([(15.5, 0.6), (22.5, 0.0)], 0.6), hours([(15.5, 2.4), (22.5, 0.0)], 0.6)
    assert clear[1] < overcast[1]  # the clear night loses more heat
    late = [hours([(15.5, light), (41.5, 0.0)], 0.6)[1] for light in (0.6, 2.4)]
    alone = hours([(22.5, 0.0)], 0.6)[0]
    assert late[0] == late[1] == pytest.approx(alone)
    assert hours([(22.5, 0.0)], 0.9)[0] < alone


def test_a_low_sun_does_not_judge_the_sky() -> None:
    shadowed, bright = (hours([(15.5, 2.0), (17.5, light), (22.5, 0.0)], 0.6)[2] for light in (0.01, 0.4))
    assert shadowed == bright
