"""What must hold of the balance for every soil, crop, weather and program, and of ET0 for every weather."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.fao56 import radiation
from gateway.core.fao56.atmosphere import Array, floats
from gateway.core.fao56.balance import Choices, Crop, Field, Soil, begin
from gateway.core.fao56.crop import total_evaporable_mm
from gateway.core.fao56.season import Events, Rule, Weather, run
from gateway.core.fao56.station import Observations, Station, daily
from gateway.core.fao56.water import column_mm, runoff_mm

ZONES, DAYS = 3, 40
CLOSES_MM = 1e-6  # the goal is 0.1 mm
CHOICES = st.builds(
    Choices,
    roots=st.sampled_from(["kcb", "time"]),
    rain=st.sampled_from(["start_of_day", "end_of_day"]),
    irrigation=st.sampled_from(["start_of_day", "end_of_day"]),
    p=st.sampled_from(["etc", "fixed"]),
    stress=st.sampled_from(["linear", "aquacrop"]),
    below_roots=st.sampled_from(["field_capacity", "tracked"]),
    reference=st.sampled_from(["short", "tall"]),
    first_day=st.sampled_from([0, 1]),
)


def many(low: float, high: float, *shape: int) -> st.SearchStrategy[Array]:
    """Arrays of numbers, with the edges likely; drawn from one seed, so that they shrink fast."""
    edges = [low, high, (low + high) / 2]

    def build(seed: int) -> Array:
        source = np.random.default_rng(seed)
        wide = source.uniform(low, high, shape)
        return floats(np.where(source.random(shape) < 0.2, source.choice(edges, shape), wide))

    return st.integers(0, 2**32 - 1).map(build)


@st.composite
def fields(draw: st.DrawFn) -> tuple[Field, Array]:
    """A field of three zones and the water it starts with."""
    wp = draw(many(0.03, 0.30, 2, ZONES))
    fc = wp + draw(many(0.02, 0.25, 2, ZONES))
    root = draw(many(0.1, 0.8, ZONES))
    deepest = root + draw(many(0.0, 1.0, ZONES))
    bottom = np.stack([deepest * 0.4, deepest + 0.1])
    tew = total_evaporable_mm(fc[0], wp[0], draw(many(0.05, 0.15, ZONES)))
    crop = Crop(
        draw(st.booleans()),
        np.round(draw(many(1.0, 30.0, 4, ZONES))),
        draw(many(0.1, 1.3, 3, ZONES)),
        draw(many(0.0, 0.3, ZONES)),
        np.stack([root, deepest]),
        draw(many(0.05, 3.0, 2, ZONES)),
        draw(many(0.1, 0.8, ZONES)),
    )
    number = np.where(draw(st.booleans()), draw(many(30.0, 100.0, ZONES)), np.nan)
    soil = Soil(bottom, fc, wp, tew, tew * draw(many(0.1, 0.9, ZONES)), number)
    theta = wp + (fc - wp) * draw(many(0.0, 1.0, 2, ZONES))
    return Field(crop, soil, draw(CHOICES)), theta


WEATHER = st.builds(
    Weather, many(0.0, 12.0, DAYS, ZONES), many(0.0, 120.0, DAYS, ZONES), many(0.0, 12.0, DAYS, ZONES),
    many(0.0, 100.0, DAYS, ZONES),
)  # fmt: skip
EVENTS = st.builds(Events, many(0.0, 80.0, DAYS, ZONES), many(0.05, 1.0, DAYS, ZONES), many(0.3, 1.0, DAYS, ZONES))
RULES = st.builds(
    Rule, st.just(np.ones((DAYS, 1), bool)), many(0.0, 0.9, ZONES), many(0.0, 10.0, ZONES), many(0.1, 1.0, ZONES),
    st.sampled_from([np.full(ZONES, np.nan), np.full(ZONES, 25.0)]), many(0.05, 1.0, ZONES), many(0.3, 1.0, ZONES),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(fields(), WEATHER, EVENTS, st.none() | RULES)
def test_every_mm_is_counted_once_and_nothing_leaves_its_limits(
    soil: tuple[Field, Array], weather: Weather, events: Events, rule: Rule | None
) -> None:
    field, theta = soil
    sparse = Events(np.where(events.depth_mm > 60.0, events.depth_mm, 0.0), events.fw, events.efficiency)
    rainy = Weather(weather.et0_mm, np.where(weather.rain_mm > 80.0, weather.rain_mm - 80.0, 0.0), weather.u2_ms,
                    weather.rhmin_pct)  # fmt: skip
    state = begin(field, theta)
    end, out = run(field, state, rainy, events=None if rule else sparse, rule=rule)

    depletion = np.vstack([(state.dr_mm + state.below_mm)[None], out.dr_mm + out.below_mm])
    came = out.rain_mm + out.irrigation_mm - out.loss_mm - out.runoff_mm
    went = out.eta_mm + out.percolation_mm
    assert np.max(np.abs(np.diff(depletion, axis=0) - (went - came))) < CLOSES_MM
    for low, values, high in (
        (0.0, out.dr_mm, out.taw_mm), (0.0, out.ks, 1.0), (0.0, out.percolation_mm, came),
        (0.0, out.eta_mm, out.etc_mm),
        (0.0, out.runoff_mm, out.rain_mm), (0.0, out.raw_mm, out.taw_mm), (0.0, out.below_mm, np.inf),
    ):  # fmt: skip
        assert (values >= np.asarray(low) - 1e-9).all()
        assert (values <= np.asarray(high) + 1e-9).all()
    if field.crop.dual:
        assert ((out.kr >= 0.0) & (out.kr <= 1.0)).all()
        assert ((out.ke >= 0.0) & (out.de_mm >= 0.0) & (out.de_mm <= field.soil.tew_mm)).all()
        assert np.allclose(out.eta_mm, out.evaporation_mm + out.transpiration_mm)
    else:
        assert np.isnan(out.ke).all()
    assert (np.diff(out.root_m, axis=0) >= 0.0).all()
    assert np.array_equal(end.dr_mm, out.dr_mm[-1])


@settings(max_examples=30, deadline=None)
@given(fields(), WEATHER, EVENTS)
def test_zones_do_not_know_each_other(soil: tuple[Field, Array], weather: Weather, events: Events) -> None:
    field, theta = soil
    _, together = run(field, begin(field, theta), weather, events=events)
    for zone in range(ZONES):
        alone = Field(_of_zone(field.crop, zone), _of_zone(field.soil, zone), field.choices)
        _, own = run(alone, begin(alone, theta[:, [zone]]), _of_zone(weather, zone), events=_of_zone(events, zone))
        assert np.array_equal(own.dr_mm[:, 0], together.dr_mm[:, zone])


def _of_zone(part: Any, zone: int) -> Any:
    """The same part of a model with one zone only."""
    arrays = {name: getattr(part, name) for name in part.__dataclass_fields__}
    return replace(part, **{name: v[..., [zone]] for name, v in arrays.items() if isinstance(v, np.ndarray)})


@settings(max_examples=60, deadline=None)
@given(many(18.0, 45.0, 20), many(0.5, 15.0, 20), many(45.0, 100.0, 20), many(2.0, 8.0, 20), many(1.0, 25.0, 20))
def test_et0_grows_with_sun_and_dry_air(tmax: Array, span: Array, rh: Array, wind: Array, rs: Array) -> None:
    station = Station(10.0, 4.0)

    def et0(**changed: Array) -> Array:
        columns = {"tmax_c": tmax, "tmin_c": tmax - span, "rhmean_pct": rh, "wind_ms": wind, "srad_mj_m2": rs} | changed
        return daily(Observations(np.full(20, 100.0), **columns), station).et0_mm

    base = et0()
    assert np.isfinite(base).all()
    assert (et0(srad_mj_m2=rs + 1.0) > base).all()
    assert (et0(rhmean_pct=rh - 5.0) > base).all()


@settings(max_examples=40, deadline=None)
@given(many(-65.0, 65.0, 40), st.integers(1, 366))
def test_hours_add_up_to_the_day_at_the_top_of_the_air(latitude: Array, day: int) -> None:
    hours = np.arange(24)[:, None] + 0.5
    angle = radiation.solar_time_rad(float(day), hours, 0.0, 0.0)
    summed = radiation.extraterrestrial_hour_mj(latitude, float(day), angle).sum(axis=0)
    assert np.allclose(summed, radiation.extraterrestrial_mj(latitude, float(day)), atol=1e-6)


def test_polar_night_and_polar_day() -> None:
    assert radiation.extraterrestrial_mj(80.0, [355.0, 172.0]).tolist() == pytest.approx([0.0, 44.4], abs=0.5)
    assert radiation.daylight_h(80.0, [355.0, 172.0]).tolist() == [0.0, 24.0]
    dark = Observations(floats([355.0]), tmax_c=floats(-5.0), tmin_c=floats(-9.0), wind_ms=floats(2.0),
                        srad_mj_m2=floats(0.0))  # fmt: skip
    assert np.isfinite(daily(dark, Station(80.0, 4.0)).et0_mm).all()


@settings(max_examples=40, deadline=None)
@given(many(1.0, 200.0, 30), many(35.0, 98.0, 30), many(0.0, 1.0, 30))
def test_runoff_is_part_of_the_rain_and_grows_with_it(rain: Array, number: Array, dryness: Array) -> None:
    tew, rew = 25.0, 9.0
    part = runoff_mm(rain, number, dryness * tew, tew, rew)
    assert ((part >= 0.0) & (part < rain)).all()
    assert (runoff_mm(rain + 5.0, number, dryness * tew, tew, rew) >= part).all()
    assert (runoff_mm(rain, number, 0.0, tew, rew) >= part - 1e-9).all()


def test_a_column_of_layers_is_the_sum_of_its_parts() -> None:
    bottom, content = floats([[0.2], [0.5], [1.0]]), floats([[0.10], [0.15], [0.05]])
    assert column_mm(bottom, content, floats([0.3])).tolist() == pytest.approx([20.0 + 15.0])
    assert column_mm(bottom, content, floats([2.0])).tolist() == pytest.approx([20.0 + 45.0 + 25.0])


def test_a_number_of_days_that_differs_is_refused() -> None:
    one = floats([[1.0]])
    zone = Field(
        Crop(False, np.full((4, 1), 25.0), np.full((3, 1), 1.0), floats([0.15]), np.full((2, 1), 0.5),
             np.full((2, 1), 0.5), floats([0.5])),
        Soil(one, 0.3 * one, 0.1 * one, floats([20.0]), floats([8.0]), floats([np.nan])),
    )  # fmt: skip
    weather = Weather(*(np.full((5, 1), 4.0) for _ in range(4)))
    events = Events(*(np.full((4, 1), 1.0) for _ in range(3)))
    with pytest.raises(ValueError, match="the season has 5 days"):
        run(zone, begin(zone, 0.2 * one), weather, events=events)


def test_what_is_unknown_stays_unknown() -> None:
    seen = Observations(np.full(6, 100.0), tmax_c=floats([30.0, 30.0, np.nan, np.nan, 30.0, np.nan]),
                        tmin_c=floats([20.0, np.nan, np.nan, 20.0, np.nan, np.nan]),
                        tmean_c=floats([np.nan, 25.0, 25.0, 25.0, np.nan, 25.0]),
                        srad_mj_m2=floats([20.0, 20.0, 20.0, 20.0, 20.0, np.nan]),
                        rhmean_pct=floats(70.0), wind_ms=floats(2.0))  # fmt: skip
    found = daily(seen, Station(10.0, 4.0))
    assert np.isnan(found.et0_mm).tolist() == [False, False, False, False, True, True]
    assert found.et0_mm[0] == found.et0_mm[1] == found.et0_mm[3] != found.et0_mm[2]
    assert "temperature(Tmin by Eq.9)" in found.method[1]
    assert "temperature(Tmax and Tmin as Tmean)" in found.method[2]
    assert found.method[4] == "none; missing=temperature+ea"
    assert found.method[5] == "none; missing=rs"
