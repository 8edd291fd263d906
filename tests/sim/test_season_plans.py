"""Seasons with plans: a simulated farmer confirms the phases in time, dry weeks are dry, and the report shows it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from cli.__main__ import main
from gateway.core.plans.kinds import Orchard, Phase
from simulators.season.report import page
from simulators.season.scenario import Scenario
from simulators.season.season import Season, run, summary
from tests.support import plans, seasons

ZONE = "vuon-xoai"
STEPS = (Phase("rest", 5, 0), Phase("induce", 14, 0, wet_days=3), Phase("flower", 8, 25), Phase("fruit", 90, 100))


def with_plan(scenario: Scenario, plan: object) -> Scenario:
    village = scenario.village
    zone = replace(village.zones[ZONE], plan=plan)  # type: ignore[arg-type]
    return replace(scenario, village=replace(village, zones={**village.zones, ZONE: zone}))


@pytest.fixture(scope="module")
def season() -> Season:
    plan = plans.made("orchard", steps=STEPS, first="rest", since=seasons.FIRST.isoformat())
    assert isinstance(plan, Orchard)
    return run(with_plan(seasons.scenario(45), plan))


def test_the_farmer_confirms_each_phase_on_its_day(season: Season) -> None:
    begun = [(phase, dt.date.fromisoformat(day)) for day, phase in summary(season)["phases"][ZONE]]
    days = [(day - seasons.FIRST).days for _, day in begun]
    assert [phase for phase, _ in begun] == ["rest", "induce", "flower", "fruit"] and days == [0, 5, 19, 27]
    assert set(summary(season)["phases"]) == {ZONE}


def test_the_dry_weeks_are_dry_and_the_fruit_is_not(season: Season) -> None:
    days = {day.date: day.irrigation_mm for day in season.ours.trial.days[ZONE]}
    at = [(seasons.FIRST + dt.timedelta(days=n)) for n in range(45)]
    locked = sum(days[day] for day in [*at[:5], *at[9:19]])
    fruit = sum(days[day] for day in at[27:])
    assert locked == 0.0 and fruit > 20.0
    assert season.diary.hours[ZONE][at[15]].get("phase_locked", 0.0) == pytest.approx(24.0)
    assert not season.diary.alarms


def test_the_report_names_the_phases(season: Season) -> None:
    html = page(season)
    for name in ("nghỉ", "xử lý ra hoa", "trổ bông", "nuôi trái"):
        assert f">{name}</text>" in html
    assert "theo kế hoạch" in html


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ('kind = "vegetable"\nphase = "last"\nsince = 2023-01-01', "vụ này hết từ 2023-"),
        ('kind = "orchard"\nphase = "rest"\nsince = 2030-01-01', "since = 2030-01-01: phải từ 2024-02-05"),
    ],
)
def test_a_plan_that_cannot_be_run_is_refused_in_vietnamese(
    plan: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = seasons.VILLAGE_FILE.read_text(encoding="utf-8")
    file = tmp_path / "village.toml"
    mark = "[zone.soil]"
    file.write_text(text.replace(mark, f"[zone.plan]\n{plan}\n{mark}", 1), encoding="utf-8")
    asked = ["simulate", "--from", "2024-02-05", "--to", "2024-02-06", "--village", str(file)]
    assert main([*asked, "--report", str(tmp_path / "out")]) == 1
    assert said in capsys.readouterr().err and not (tmp_path / "out").exists()
