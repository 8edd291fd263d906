"""Whole seasons: the same every time, every millimetre accounted for, and what is wrong in a controller is seen."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace

import pytest

from gateway.core.rules import Rule
from gateway.core.shadow import SHADOWS, EtOnly, FixedTimer, Morning, Plot, ProbeOnly
from simulators.field.soil import Soil
from simulators.season.climate import climate
from simulators.season.figures import DRY, RAINY, WHOLE, balanced, figures
from simulators.season.gateway import Gateway
from simulators.season.scenario import CLOSE, Scenario, ScenarioError
from simulators.season.season import OURS, Season, run, summary
from simulators.season.shadow_run import ShadowRun
from simulators.season.trial import Day, Trial
from tests.support import pace, seasons

ZONES = ("vuon-xoai", "liep-rau", "vuon-quyt")


@pytest.fixture(scope="module")
def season() -> Season:
    return run(seasons.scenario())


def every_day(season: Season) -> Iterable[tuple[str, str, Day]]:
    for name, outcome in season.outcomes.items():
        for zone, days in outcome.trial.days.items():
            for day in days:
                yield name, zone, day


def test_the_same_scenario_gives_the_same_summary(season: Season) -> None:
    assert summary(run(seasons.scenario())) == summary(season)
    assert summary(run(seasons.scenario(seed=2))) != summary(season)


def test_every_millimetre_is_accounted_for(season: Season) -> None:  # D2
    for name, zone, day in every_day(season):
        assert abs(day.imbalance_mm) < 1e-6, (name, zone, day)
        assert day.rain_mm == pytest.approx(season.scenario.weather.day(day.date).rain_mm, abs=1e-9)
        area_m2 = season.scenario.village.zones[zone].area_m2
        assert day.irrigation_mm == pytest.approx(day.litres / area_m2, abs=1e-9)
        assert -1e-9 <= day.lost_mm <= day.drained_mm + 1e-9
        assert day.eta_mm <= day.etc_mm + 1e-9
    for outcome in season.outcomes.values():
        assert outcome.trial.imbalance_mm() < 0.1 and abs(outcome.trial.ditch_imbalance_l()) < 1.0
        for days in outcome.trial.days.values():
            assert len(days) == season.scenario.days
            for before, after in itertools.pairwise(days):
                assert after.stored_before_mm == before.stored_mm


def test_every_controller_lives_under_the_same_sky(season: Season) -> None:
    rain = {
        (name, zone): [round(day.rain_mm, 9) for day in outcome.trial.days[zone]]
        for name, outcome in season.outcomes.items()
        for zone in ZONES
    }
    assert len({tuple(days) for days in rain.values()}) == 1
    asked = {name: [day.etc_mm for day in outcome.trial.days[ZONES[0]]] for name, outcome in season.outcomes.items()}
    assert len({tuple(days) for days in asked.values()}) == 1


def test_what_the_gateway_says_it_gave_is_what_came(season: Season) -> None:
    for zone in ZONES:
        said = sum(ended.millilitres for ended in season.diary.runs if ended.zone == zone) / 1000
        came = sum(day.litres for day in season.ours.trial.days[zone])
        assert said > 0 and said == pytest.approx(came, rel=0.02)


def test_the_hours_of_every_day_are_shared_out_by_reason(season: Season) -> None:
    for days in season.diary.hours.values():
        assert len(days) == season.scenario.days
        for hours in days.values():
            assert sum(hours.values()) == pytest.approx(24.0, abs=1e-6)


def test_a_quick_look_gives_what_a_close_one_does() -> None:
    quick = run(seasons.scenario(8), ()).ours
    close = run(seasons.scenario(8, pace=CLOSE), ()).ours
    for zone in ZONES:
        fast, slow = quick.zones[zone][WHOLE], close.zones[zone][WHOLE]
        # a watering more or less at the end of so short a run is at most one dose
        assert abs(fast.irrigation_mm - slow.irrigation_mm) < 3.0, zone
        assert fast.stress_days == slow.stress_days == 0
        assert quick.trial.world.vwc(zone) == pytest.approx(close.trial.world.vwc(zone), abs=0.006)


@pytest.mark.alone
@pytest.mark.alone
def test_it_is_fast_enough_for_thousands_of_zone_days() -> None:
    """At most 21 times as long as the field takes under the three shadows alone: a thousand zone-days in twelve seconds
    where those take 0.6 s. A ratio, because both suffer alike from a slow or busy machine."""
    scenario = seasons.scenario(40)
    known = climate(scenario.weather, scenario.village.latitude, scenario.village.elevation_m)

    def field_alone() -> None:
        for shadow in SHADOWS:
            ShadowRun(scenario, shadow, Trial(scenario), known).run(scenario.end_ms)

    whole, alone = [], []
    for _ in range(4):
        alone.append(pace.took_s(field_alone))
        whole.append(pace.took_s(lambda: run(scenario)))
    assert min(whole) <= 21.0 * min(alone)


def test_a_season_that_cannot_be_is_refused() -> None:
    with pytest.raises(ScenarioError, match="0 days"):
        seasons.scenario(0)
    good = seasons.scenario(3)
    with pytest.raises(ScenarioError, match="no zone"):
        replace(good, village=replace(good.village, zones={}))


# ---- a bug planted in a shadow shows in its figures


@dataclass(frozen=True, slots=True)
class RainTwice(EtOnly):
    """Counts each millimetre of rain twice, as others have done."""

    name: str = "et"

    def water(self, plot: Plot, memory: float, morning: Morning) -> tuple[float, float]:
        twice = replace(morning, rain_mm=2.0 * morning.rain_mm)
        return EtOnly.water(self, plot, memory, twice)


@dataclass(frozen=True, slots=True)
class RainNever(EtOnly):
    name: str = "et"

    def water(self, plot: Plot, memory: float, morning: Morning) -> tuple[float, float]:
        return EtOnly.water(self, plot, memory, replace(morning, rain_mm=0.0))


@dataclass(frozen=True, slots=True)
class Forgetful(EtOnly):
    """Loses its bucket every night."""

    name: str = "et"

    def water(self, plot: Plot, memory: float, morning: Morning) -> tuple[float, float]:  # noqa: ARG002
        return EtOnly.water(self, plot, 0.0, morning)


def test_a_planted_bug_is_seen() -> None:
    base = seasons.scenario(45)
    drizzle = tuple(replace(each, rain_mm=4.0 if number % 2 else 0.0) for number, each in enumerate(base.weather.days))
    base = replace(base, weather=replace(base.weather, days=drizzle))  # less than the crop takes
    bugs = (EtOnly, RainTwice, RainNever, Forgetful)
    found = {bug: run(base, (bug(),)).outcomes["et"].village[WHOLE] for bug in bugs}
    sound = found[EtOnly]
    assert sound.rain_mm == pytest.approx(92.0) and sound.irrigation_mm > 40
    assert found[RainTwice].irrigation_mm < sound.irrigation_mm - 20
    assert found[RainTwice].stress_days > sound.stress_days + 5
    assert found[RainNever].irrigation_mm > sound.irrigation_mm + 20
    assert found[Forgetful].irrigation_mm == 0.0 and found[Forgetful].stress_days > sound.stress_days + 30


# ---- the shadows themselves, and the figures


PLOT = Plot(1.0, 40.0, 500.0, 2800, 3200, 5.0, 12.0)


def test_shadows_do_what_they_say() -> None:
    assert FixedTimer().water(PLOT, 0.0, Morning(9.0, 80.0, 4000)) == (0.0, 5.0)
    bucket = EtOnly()
    assert bucket.begin(PLOT) == 12.0
    assert bucket.water(PLOT, 12.0, Morning(5.0, 0.0, None)) == (17.0, 0.0)
    assert bucket.water(PLOT, 17.0, Morning(5.0, 0.0, None)) == (0.0, 22.0)
    assert bucket.water(PLOT, 12.0, Morning(5.0, 60.0, None)) == (0.0, 0.0)
    switch = ProbeOnly()
    assert switch.water(PLOT, 0.0, Morning(5.0, 0.0, 2801)) == (0.0, 0.0)
    assert switch.water(PLOT, 0.0, Morning(5.0, 0.0, 2800)) == (0.0, 20.0)
    assert switch.water(PLOT, 0.0, Morning(5.0, 0.0, None)) == (0.0, 0.0)


def day(number: int, etc: float, irrigation: float, rain: float = 0.0, drained: float = 0.0, lost: float = 0.0) -> Day:
    return Day(
        date=dt.date(2024, 4, 28) + dt.timedelta(days=number), rain_mm=rain, et0_mm=etc, etc_mm=etc, eta_mm=etc,
        irrigation_mm=irrigation, drained_mm=drained, lost_mm=lost, runoff_mm=0.0, stored_mm=0.0,
        stored_before_mm=0.0, litres=irrigation * 1000, salty_litres=0.0, pump_s=3600.0,
    )  # fmt: skip


def test_the_scores_of_swat_by_hand() -> None:
    """RAW is 0.5 · 0.2 · 200 = 20 mm; it begins 5 mm short, so 15 mm are there."""
    soil = Soil(200.0, 0.1, 0.3, 0.45, 0.5, 1.0, 30.0, 10.0, 18.0)
    days = [
        day(0, 6.0, 8.0),  # 15 + 8 = 23: 3 lost; 20 - 6 = 14
        day(1, 6.0, 0.0, rain=30.0),  # filled by rain, which is nobody's loss; 20 - 6 = 14
        day(2, 6.0, 0.0),  # 8; the last day of April
        day(3, 10.0, 0.0),  # 2 are missing
        day(4, 6.0, 12.0, drained=5.0, lost=4.0),  # 12 - 6 = 6
    ]
    rows = {"z": balanced(soil, 0.275, days)}
    whole = figures(rows, {"z": 1000.0}, WHOLE)
    assert [row.surplus_mm for row in rows["z"]] == pytest.approx([3.0, 0, 0, 0, 0])
    assert [row.deficit_mm for row in rows["z"]] == pytest.approx([0, 0, 0, 2.0, 0])
    assert whole.adequacy_pct == pytest.approx(100 * (1 - 2 / 34))
    assert whole.efficiency_pct == pytest.approx(100 * (1 - 3 / 20))
    assert whole.lost_pct == pytest.approx(100 * 4 / 20)
    assert (whole.water_m3, whole.pump_h, whole.days) == (20.0, 5.0, 5)
    dry, rainy = figures(rows, {"z": 1000.0}, DRY), figures(rows, {"z": 1000.0}, RAINY)
    assert (dry.days, rainy.days) == (3, 2)
    assert dry.irrigation_mm + rainy.irrigation_mm == whole.irrigation_mm
    assert dry.adequacy_pct == 100.0 and dry.lost_pct == 0.0


def test_a_village_is_weighed_by_area_and_nothing_is_taken_of_nothing() -> None:
    soil = Soil(200.0, 0.1, 0.3, 0.45, 0.5, 1.0, 30.0, 10.0, 18.0)
    rows = {"a": balanced(soil, 0.3, [day(0, 5.0, 10.0)]), "b": balanced(soil, 0.3, [day(0, 5.0, 0.0)])}
    assert figures(rows, {"a": 300.0, "b": 100.0}, WHOLE).irrigation_mm == pytest.approx(7.5)
    none = figures({"b": rows["b"]}, {"b": 100.0}, RAINY)
    assert (none.days, none.lost_pct, none.adequacy_pct, none.ks) == (0, None, None, None)


def test_what_drains_is_the_rains_or_the_irrigations() -> None:
    """A garden at field capacity that is watered loses what was given; one that is rained on loses no irrigation."""
    scenario: Scenario = seasons.scenario(4)
    dry_sky = replace(scenario.weather, days=tuple(replace(each, rain_mm=0.0) for each in scenario.weather.days))
    ground = seasons.truth()
    for zone in ground["zone"]:
        zone["start_vwc"] = zone["field_capacity"]
    full = replace(scenario, weather=dry_sky, truth=ground)
    flooded = run(full, (FixedTimer(),)).outcomes["timer"].village[WHOLE]
    assert flooded.drained_mm > 1.0 and flooded.lost_pct is not None
    lost_mm = flooded.lost_pct / 100 * flooded.irrigation_mm
    assert lost_mm == pytest.approx(flooded.drained_mm, abs=1e-6)
    wet = replace(full, weather=replace(dry_sky, days=tuple(replace(d, rain_mm=40.0) for d in dry_sky.days)))
    rained = run(wet, ()).ours.village[WHOLE]
    assert rained.drained_mm > 50 and rained.irrigation_mm == 0.0 and rained.lost_pct is None


def test_reasons_are_the_cores_own(season: Season) -> None:
    known = {rule.value for rule in Rule}
    told = {rule for days in season.diary.hours.values() for hours in days.values() for rule in hours}
    assert {"still_moist", "water_on"} <= told <= known


def test_ours_runs_alone_and_stops_where_it_is_told() -> None:
    scenario = seasons.scenario(3)
    trial = Trial(scenario)
    gateway = Gateway(scenario, trial)
    gateway.run(seasons.day_ms(1, 12.5))
    assert trial.world.now_ms == seasons.day_ms(1, 12.5)
    gateway.run(scenario.end_ms)
    assert [len(days) for days in trial.days.values()] == [3, 3, 3]
    assert summary(run(scenario, ()))["controllers"].keys() == {OURS}
