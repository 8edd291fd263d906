"""A rice field over a dry season: alternate wetting and drying keeps its marks and takes less water than flooding."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from cli.__main__ import main
from gateway import registry
from gateway.core.plans.kinds import PHASES
from gateway.core.village import Village
from simulators.field import soil
from simulators.season.ground import PADDY, ground
from simulators.season.report import page
from simulators.season.scenario import Scenario
from simulators.season.season import Season, run
from simulators.season.trial import Day
from tests.support import seasons

FIELD, DAYS, TILLER_DAYS = "vuon-xoai", 60, 40
TUBE = """
[[node]]
id = "tube-1"
model = "level"
name = "Ống đo ruộng"
sample_s = 600
[[node.sensor]]
field = "water_level"
channel = 0

"""
PLAN = '[zone.plan]\nkind = "rice"\nphase = "tiller"\nsince = 2024-02-05\ntubes = [{ node = "tube-1", channel = 0 }]\n'
FLOODED = "".join(f'[[zone.plan.phases]]\nid = "{id}"\nfill_at_mm = 10\n' for id in PHASES["rice"][:-1])


def text(plan: str) -> str:
    found = seasons.VILLAGE_FILE.read_text(encoding="utf-8").replace("[[zone]]", f"{TUBE}[[zone]]", 1)
    return found.replace("[zone.soil]", f"{plan}[zone.soil]", 1)


def village(plan: str) -> Village:
    return registry.parse(text(plan))


def season(plan: str, first: dt.date = seasons.FIRST) -> Season:
    found = village(plan.replace(seasons.FIRST.isoformat(), first.isoformat()))
    nodes = {id: node for id, node in found.nodes.items() if not id.startswith("soil")}
    only = replace(found, nodes=nodes, zones={FIELD: replace(found.zones[FIELD], probes=())})
    truth = ground(only)
    truth["canal"]["sea_share"] = 0
    last = first + dt.timedelta(days=DAYS - 1)
    return run(Scenario(only, truth, seasons.weather(), first, last), ())


@pytest.fixture(scope="module")
def in_turn() -> Season:
    return season(PLAN)


@pytest.fixture(scope="module")
def flooded() -> Season:
    return season(PLAN + FLOODED)


def levels(found: Season, first: int, last: int) -> list[float]:
    """Of the field, every three hours from a day to another of the season."""
    begin_ms = found.scenario.start_ms
    return [
        sight.field_mm[FIELD] for sight in found.diary.sights if first <= (sight.at_ms - begin_ms) / 86_400_000 < last
    ]


def days(found: Season) -> list[Day]:
    return found.ours.trial.days[FIELD]


def tillering_mm(found: Season) -> float:
    return sum(day.irrigation_mm for day in days(found)[:TILLER_DAYS])


def test_wet_and_dry_in_turn_takes_less_water_than_flooding_and_stresses_nothing(
    in_turn: Season, flooded: Season
) -> None:
    assert 0.0 < tillering_mm(in_turn) <= 0.9 * tillering_mm(flooded)
    for found in (in_turn, flooded):
        assert not any(day.stressed for day in days(found))
        assert found.ours.trial.imbalance_mm() == pytest.approx(0.0, abs=1e-6)
        assert not found.diary.alarms


def test_in_the_rain_it_saves_more() -> None:
    first = dt.date(2024, 5, 1)
    assert 0.0 < tillering_mm(season(PLAN, first)) <= 0.75 * tillering_mm(season(PLAN + FLOODED, first))


def test_the_field_keeps_its_marks(in_turn: Season, flooded: Season) -> None:
    dry = levels(in_turn, 0, TILLER_DAYS)
    assert min(dry) < -140 and min(dry) > -190 and max(dry) < 150  # the bund; rain may stand above the mark of 50
    assert min(levels(in_turn, TILLER_DAYS + 3, DAYS)) > -10  # kept ponded while it flowers
    assert min(levels(flooded, 3, DAYS)) > -10
    assert not {"field_no_rise", "field_stuck", "level_blind"} & {
        rule for day in in_turn.diary.hours[FIELD].values() for rule in day
    }


def test_the_report_shows_the_level_of_the_field(in_turn: Season) -> None:
    html = page(in_turn)
    assert "Mực nước ruộng" in html and "mốc khô" in html and ">đẻ nhánh</text>" in html


def test_a_paddy_conserves_its_water_and_shows_it_in_its_tube() -> None:
    ground_of = soil.Soil(**{key: value for key, value in PADDY.items() if key != "start_vwc"})
    state = soil.start(ground_of, PADDY["start_vwc"])
    begin = state
    assert soil.level_mm(ground_of, state) == pytest.approx(0.0)
    state = soil.step(ground_of, state, 0.0, 50.0, 0.0, 0.5)
    assert soil.level_mm(ground_of, state) == pytest.approx(50.0, abs=0.1)
    for _ in range(40 * 24):
        state = soil.step(ground_of, state, 0.0, 0.0, 0.2, 1.0)
    assert soil.imbalance_mm(begin, state) == pytest.approx(0.0, abs=1e-6)
    assert soil.level_mm(ground_of, state) < -300 and state.drained_mm <= 40 * 3.0
    over = soil.step(ground_of, state, 500.0, 0.0, 0.0, 24.0)
    assert over.surface_mm <= PADDY["surface_mm"] and over.runoff_mm > 0.0


def test_simulate_runs_a_rice_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "village.toml"
    file.write_text(text(PLAN), encoding="utf-8")
    asked = ["simulate", "--from", "2024-02-05", "--to", "2024-02-07", "--village", str(file)]
    assert main([*asked, "--report", str(tmp_path / "out")]) == 0, capsys.readouterr().err
    assert "Mực nước ruộng" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
