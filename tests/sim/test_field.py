"""The field's physics: water and salt are conserved, published figures are met, and pumps move only what they may."""

from __future__ import annotations

import datetime as dt
import itertools
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import simulators
from gateway.core.village import Calibration
from gateway.registry import load
from simulators.field import canal, ditch, soil
from simulators.field.evapotranspiration import Place, day_share, extraterrestrial_mj, reference_et_mm
from simulators.field.generator import generate
from simulators.field.layout import LayoutError, layout
from simulators.field.sensors import Sensor
from simulators.field.weather import Day, local_midnight_ms
from simulators.field.world import World
from wire.fields import CONDUCTIVITY_25, FLOW, RAIN, SOIL_MOISTURE, WATER_LEVEL

HERE = Path(simulators.__file__).parent
FIRST = dt.date(2024, 3, 1)
START = local_midnight_ms(FIRST)
HOUR = 3_600_000


def toml(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))


def world(seed: int = 1, first: dt.date = FIRST) -> World:
    plan = layout(load(HERE / "village.toml"), toml("field.toml"), seed)
    return World(plan, generate(seed, first, 12), seed, local_midnight_ms(first))


def test_reference_et_meets_fao_56() -> None:
    assert extraterrestrial_mj(246, -20.0) == pytest.approx(32.2, abs=0.1)  # example 8
    # example 20 (Lyon, July): Penman-Monteith with radiation from temperatures, recomputed 4.56 mm; its dew point is
    # Tmin, here humidity is given; the wind of 2 m/s at 2 m is asked for through the largest of the day at 10 m.
    wind = 2.0 / (4.87 / 6.5108) / 0.5 * 3.6
    lyon = Day(dt.date(2023, 7, 15), 26.6, 14.8, 0.0, wind, 100.0 * 1.684 / 2.58)
    assert reference_et_mm(lyon, Place(45.7167, 200.0)) == pytest.approx(4.56, abs=0.3)
    hot = Day(dt.date(2024, 4, 10), 36.6, 25.9, 0.0, 16.6, 66.0)
    assert 5.0 < reference_et_mm(hot, Place(10.45, 2.0)) < 6.5


@given(cuts=st.lists(st.floats(0, 1), max_size=20))
def test_the_course_of_a_day_adds_up(cuts: list[float]) -> None:
    marks = [0.0, *sorted(cuts), 1.0]
    assert sum(day_share(a, b) for a, b in itertools.pairwise(marks)) == pytest.approx(1.0, abs=1e-12)


CLAY = soil.Soil(600.0, 0.18, 0.36, 0.48, 0.5, 0.85, 30.0, 10.0, 18.0)


@given(
    vwc=st.floats(0.18, 0.48),
    steps=st.lists(st.tuples(st.floats(0, 80), st.floats(0, 40), st.floats(0, 2), st.floats(0.001, 6)), max_size=60),
)
@settings(max_examples=200, deadline=None)
def test_soil_water_balance_closes(vwc: float, steps: list[tuple[float, float, float, float]]) -> None:
    begin = state = soil.start(CLAY, vwc)
    for rain, irrigation, et0, hours in steps:
        state = soil.step(CLAY, state, rain, irrigation, et0, hours)
        assert 0.18 * 600.0 - 1e-6 <= state.root_mm <= 0.48 * 600.0 + 1e-6
        assert -1e-9 <= state.surface_mm <= CLAY.surface_mm + 1e-9
    assert abs(soil.imbalance_mm(begin, state)) < 0.1


def test_dry_soil_gives_less_to_the_crop() -> None:
    """FAO-56 example 37: tomato, TAW 160, p 0.4, ET0 5, Kc 1.2, depletion 55 mm; ten days of Ks and depletion."""
    tomato = soil.Soil(800.0, 0.12, 0.32, 0.45, 0.4, 1.2, 30.0, 10.0, 18.0)
    state = soil.start(tomato, 0.32 - 55.0 / 800.0)
    published = [61.0, 67.0, 72.8, 78.3, 83.4, 88.2, 92.6, 96.9, 100.8, 104.5]
    for depletion in published:
        state = soil.step(tomato, state, 0.0, 0.0, 5.0, 24.0)
        assert 0.32 * 800.0 - state.root_mm == pytest.approx(depletion, abs=0.4)


def test_the_ditch_conserves_water_and_salt() -> None:
    pond = ditch.Ditch(800.0, 4.5, 150.0)
    begin = state = ditch.start(pond, 700.0, 400.0)
    for minute in range(3 * 1440):
        state = ditch.exchange(pond, state, 700.0 + 500.0 * (minute % 745 < 372), 2000.0, 1.0)
        state = ditch.weather(pond, state, 0.01, 0.003)
        state, came = ditch.draw(pond, state, 200.0)
        assert 0.0 <= came <= 200.0
        assert 0.0 <= ditch.conductivity_us_cm(state) <= 2001.0
    assert abs(ditch.imbalance_l(begin, state)) / pond.area_m2 < 0.1  # mm


def test_a_shut_sluice_only_leaks_and_a_lift_pumps_uphill() -> None:
    pond = ditch.Ditch(800.0, 4.5, 150.0, leak_lpm_per_mm=0.01, lift_lpm=900.0)
    begin = ditch.start(pond, 700.0, 400.0)
    opened = ditch.exchange(pond, begin, 1200.0, 2000.0, 1.0)
    shut = ditch.exchange(pond, begin, 1200.0, 2000.0, 1.0, is_open=False)
    assert opened.from_canal_l == pytest.approx(4.5 * 500) and shut.from_canal_l == pytest.approx(0.01 * 500)
    out = ditch.exchange(pond, begin, 200.0, 2000.0, 1.0, is_open=False)
    assert out.from_canal_l < 0.0 and ditch.conductivity_us_cm(out) == pytest.approx(400.0)
    lifted = ditch.lift(pond, begin, 2000.0, 60.0)
    assert lifted.litres - begin.litres == pytest.approx(54_000.0)
    assert lifted.salt - begin.salt == pytest.approx(54_000.0 * 2000.0)
    for end in (opened, shut, out, lifted):
        assert abs(ditch.imbalance_l(begin, end)) < 1e-6


def test_the_canal_comes_in_only_while_the_sluice_is_open() -> None:
    field = world()
    field.advance(START + 3 * HOUR)
    leaked_l = abs(field.ditch.from_canal_l)
    field.set_output("valve-2", 2, True)
    field.advance(START + 6 * HOUR)
    assert leaked_l < 3_000.0 < 30_000.0 < abs(field.ditch.from_canal_l)


def test_a_dry_ditch_gives_nothing() -> None:
    pond = ditch.Ditch(800.0, 4.5, 150.0)
    assert ditch.draw(pond, ditch.start(pond, 149.0, 400.0), 50.0)[1] == 0.0


def test_the_tide_has_springs_and_neaps_and_salt_only_in_the_dry_season() -> None:
    river = canal.Canal()

    def daily_range(day: int) -> float:
        levels = [canal.level_mm(river, START + day * 24 * HOUR + hour * HOUR) for hour in range(25)]
        return max(levels) - min(levels)

    ranges = [daily_range(day) for day in range(30)]
    assert max(ranges) > 1.5 * min(ranges)
    march = max(canal.conductivity_us_cm(river, START + hour * HOUR) for hour in range(15 * 24))
    september = max(canal.conductivity_us_cm(river, START + (184 * 24 + hour) * HOUR) for hour in range(15 * 24))
    assert march > 2500.0
    assert september == river.river_us_cm


def test_the_whole_field_balances_and_repeats() -> None:
    def run() -> World:
        field = world()
        for hour in range(10 * 24):
            field.set_output("valve-1", 2, hour % 9 == 0)
            field.set_output("valve-1", 0, hour % 3 == 0)
            field.set_output("valve-2", 2, hour % 5 == 0)
            field.advance(field.now_ms + HOUR)
        return field

    one, two = run(), run()
    for zone in one.layout.zones:
        begin = soil.start(zone.soil, zone.start_vwc)
        assert abs(soil.imbalance_mm(begin, one.soil[zone.id])) < 0.1
        assert one.soil[zone.id].irrigation_mm * zone.area_m2 == pytest.approx(one.delivered[zone.id].litres)
    begin_ditch = ditch.start(one.layout.ditch, one.layout.ditch_start_mm, one.layout.ditch_start_us_cm)
    assert abs(ditch.imbalance_l(begin_ditch, one.ditch)) / one.layout.ditch.area_m2 < 0.1
    assert sum(totals.litres for totals in one.delivered.values()) == pytest.approx(one.ditch.pumped_l)
    assert one.soil == two.soil and one.ditch == two.ditch


def test_water_needs_a_pump_and_an_open_valve() -> None:
    field = world()
    field.advance(START + 3 * HOUR)
    for switches, zones in (
        ([(0, True)], {}),
        ([(1, True)], {"vuon-xoai": 250.0}),
        ([(2, True)], {"vuon-xoai": 125.0, "liep-rau": 100.0}),
        ([(0, False)], {}),
    ):
        for index, on in switches:
            field.set_output("valve-1", index, on)
        assert {zone: lpm for zone, lpm in field.flow_lpm.items() if lpm} == zones
        assert field.read("valve-1", FLOW, 0) == round(sum(zones.values()) * 1000)
        field.advance(field.now_ms + HOUR // 4)
    assert field.delivered["vuon-xoai"].litres == pytest.approx(15 * (250.0 + 125.0))
    assert field.delivered["liep-rau"].litres == pytest.approx(15 * 100.0)
    assert field.delivered["vuon-quyt"].litres == 0.0
    with pytest.raises(KeyError):
        field.set_output("valve-1", 9, True)


def test_time_never_runs_backwards() -> None:
    field = world()
    field.advance(START + HOUR)
    before = field.soil
    field.advance(START)
    assert field.now_ms == START + HOUR
    assert field.soil is before


def test_every_sensor_of_the_village_reads_in_its_range() -> None:
    field = world()
    field.advance(START + 5 * HOUR)
    for node, field_id, channel in field.layout.channels:
        assert field.read(node, field_id, channel) is not None
    assert field.read("level-1", WATER_LEVEL, 0) == pytest.approx(field.water("ditch_level"), abs=20)
    assert field.read("level-1", CONDUCTIVITY_25, 1) == pytest.approx(field.water("canal_salinity"), abs=50)
    assert field.read("level-1", 99, 0) is None
    assert field.read("nobody", SOIL_MOISTURE, 0) is None


def test_rain_is_counted_in_tips() -> None:
    field = world(first=dt.date(2024, 7, 1))
    field.advance(field.now_ms + 9 * 24 * HOUR)
    assert field.rain_mm > 20.0
    raw = field.read("rain-1", RAIN, 0)
    assert raw is not None and raw % 20 == 0
    assert raw / 100 == pytest.approx(field.rain_mm, abs=0.21)


def test_a_probe_gives_the_truth_back_through_its_calibration() -> None:
    response = Calibration(1, (1_150_000, 2_600_000), (5200, 500))
    probe = Sensor("n", "soil_moisture", 0, noise=0.0, response=response)
    raw = probe.read(3000.0)
    assert raw is not None
    assert response.apply(raw) == 3000


def test_a_stuck_probe_stays_and_a_missing_one_is_silent() -> None:
    stuck = Sensor(
        "n", "soil_moisture", 0, noise=2500.0, fault="stuck", response=Calibration(1, (0, 3_000_000), (0, 6000))
    )
    assert len({stuck.read(float(value)) for value in range(2000, 4000, 100)}) == 1
    assert Sensor("n", "soil_moisture", 0, noise=1.0, fault="missing").read(3000.0) is None
    with pytest.raises(ValueError, match="fault"):
        Sensor("n", "soil_moisture", 0, noise=1.0, fault="tired")


def test_files_that_do_not_fit_are_refused_with_the_name() -> None:
    truth = toml("field.toml")
    truth["zone"][0]["id"] = "vuon-khac"
    with pytest.raises(LayoutError, match="vuon-xoai"):
        layout(load(HERE / "village.toml"), truth, 1)
