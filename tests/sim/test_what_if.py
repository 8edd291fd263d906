"""What other settings would have changed, tried on a real record: the model is near it, and says how near."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cli.__main__ import main as cli
from gateway import record, registry, whatif, whatif_page
from gateway.home import Home
from gateway.replay import replay
from gateway.strict import RegistryError
from gateway.tell import ALWAYS_MS
from gateway.whatif import Outcome, change
from simulators.season.gateway import Gateway
from tests.support import recorded, seasons

DAYS = 4


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Gateway]:
    with pytest.MonkeyPatch.context() as patch:
        home, gateway = recorded.written(tmp_path_factory.mktemp("home"), DAYS, patch)
    return home, gateway


@pytest.fixture(scope="module")
def outcome(written: tuple[Home, Gateway]) -> Outcome:
    """The vegetables get a hundred seconds a day; the mandarins are as they were."""
    starve = [change("zone.liep-rau.max_run_s=100"), change("zone.liep-rau.min_rest_s=86400")]
    return whatif.ask(written[0], 0, ALWAYS_MS, starve)


def test_the_season_is_a_record_that_replays(written: tuple[Home, Gateway]) -> None:  # D6
    home, gateway = written
    found = replay(home, 0, ALWAYS_MS)
    assert found.is_same, found.differences
    assert found.effects["RunEnded"] == len(gateway.diary.runs) > 3


def test_the_record_is_what_the_field_saw(written: tuple[Home, Gateway]) -> None:
    home, gateway = written
    found = record.load(home, 0, ALWAYS_MS).record
    assert DAYS - 0.1 < found.days <= DAYS and len(found.ticks) > 1_000
    assert sum(run.millilitres for run in found.watered) == sum(run.millilitres for run in gateway.diary.runs)
    for zone, days in gateway.trial.days.items():
        rain_um = sum(tick.came[zone].rain_um for tick in found.ticks if zone in tick.came)
        assert rain_um / 1000 == pytest.approx(sum(day.rain_mm for day in days), abs=1.0)


def test_the_model_is_near_the_record_and_says_how_near(outcome: Outcome) -> None:
    assert len(outcome.answers) == 3 and not outcome.untried
    for answer in outcome.answers:
        assert answer.base.m3 == pytest.approx(answer.measured.m3, rel=0.1), answer.zone.id
        assert abs(answer.base.runs - answer.measured.runs) <= 1
        assert answer.apart_mm < 2.0
    told = whatif_page.text(outcome)
    assert told.count("Mô hình so với thật") == 3 and told.count("The model against the record") == 3


def test_only_what_was_changed_changes_and_a_starved_garden_is_stressed(outcome: Outcome) -> None:
    by_zone = {answer.zone.id: answer for answer in outcome.answers}
    starved, same = by_zone["liep-rau"], by_zone["vuon-quyt"]
    assert starved.changed.m3 < 0.2 * starved.base.m3
    assert (starved.changed.stress_days or 0) > 0 == starved.base.stress_days
    assert same.changed == same.base  # it has a pump of its own


def test_water_that_was_only_taken_out_of_the_soil_is_not_saved(outcome: Outcome) -> None:
    starved = next(answer for answer in outcome.answers if answer.zone.id == "liep-rau")
    less = starved.changed.less_mm(starved.base)
    assert starved.base.mm - starved.changed.mm > 15.0 > starved.changed.end_mm - starved.base.end_mm - 15.0
    assert -0.5 < less < 0.5 * (starved.base.mm - starved.changed.mm)  # a stressed crop drinks less
    assert starved.measured.end_mm == pytest.approx(starved.base.end_mm, abs=3.0)
    told = whatif_page.text(outcome)
    assert told.count("Lúc cuối đất thiếu") == 4 == told.count("At the end the soil lacks")
    same = next(answer for answer in outcome.answers if answer.zone.id == "vuon-quyt")
    assert whatif_page._end(same.base, same.changed)[0].endswith("trừ phần đó ra thì không bớt, không thêm nước.")
    later = replace(same.base, mm=same.base.mm - 8.0, end_mm=same.base.end_mm + 3.0)
    assert whatif_page._end(same.base, later)[0].endswith("trừ phần đó ra thì bớt 5,0 mm.")
    assert whatif_page._end(later, same.base)[1].endswith("with that taken off, 5.0 mm more.")


def test_the_command_answers_in_vietnamese_and_draws(
    written: tuple[Home, Gateway], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "r.html"
    home = str(written[0].root)
    asked = ["--from", "2024-02-06", "--to", "2024-02-06T06:00", "--set", "zone.vuon-xoai.dry_vwc=0.28"]
    assert cli(["what-if", "--home", home, *asked, "--report", str(page)]) == 0
    told = capsys.readouterr().out
    assert "06/02/2024 00:0" in told and "thay vì" in told and "instead of" in told
    html = page.read_text(encoding="utf-8")
    assert html.count("<svg") == 3 and "<script" not in html and "nếu đổi" in html
    nowhere = ["--report", str(tmp_path / "none" / "r.html")]
    assert cli(["what-if", "--home", home, *asked, *nowhere]) == 1
    assert "không có thư mục" in capsys.readouterr().err
    assert cli(["what-if", "--home", home, "--from", "2030-01-01", *asked[4:]]) == 1
    assert "nhật ký chưa có gì" in capsys.readouterr().err


def test_a_part_that_cannot_be_read_is_left_out_and_told(written: tuple[Home, Gateway], tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.control.write_bytes(written[0].control.read_bytes())
    with closing(sqlite3.connect(home.control)) as db:
        first, last = db.execute("SELECT min(at_ms), max(at_ms) FROM parts").fetchone()
        db.execute("UPDATE parts SET packed = x'00' WHERE at_ms > ? AND at_ms < ?", (first, last))
        db.commit()
    outcome = whatif.ask(home, 0, ALWAYS_MS, [change("zone.vuon-xoai.dry_vwc=0.29")])
    assert outcome.record.unread > 5 and "phần không đọc được" in whatif_page.text(outcome)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zone.vuon-xoai.dry_vwc=2300", "dry_vwc = 2300: phải là số trong 0.01..0.9"),
        ("zone.vuon-xoai.soil.wp=0.5", "soil.wp = 0.5: phải là số trong 0.01..0.34"),
        ("zone.vuon-xoai.soil.wp.x=0.2", "zone.vuon-xoai.soil.wp.x = 0.2: phải ghi như trong village.toml"),
        ("zone.vuon-xoai.max_run_s=-5", "max_run_s = -5: phải là số nguyên"),
        ("zone.vuon-xoai.dry=0.2", "dry: không có mục này"),
        ("zone.vuon-mit.dry_vwc=0.2", "zone = vuon-mit: phải là một trong: vuon-xoai, liep-rau, vuon-quyt"),
        ("zone.vuon-xoai.valve=1", "zone.vuon-xoai.valve = 1: phải là cách đặt của vườn"),
        ("zone.vuon-xoai.dry_vwc=0,2", "zone.vuon-xoai.dry_vwc = 0,2: phải ghi như trong village.toml"),
        ("source.muong.min_level_mm=2", "--set = source.muong.min_level_mm=2: phải là zone.ID.KEY=VALUE"),
    ],
)
def test_a_wrong_key_or_value_is_refused_with_what_is_allowed(
    written: tuple[Home, Gateway], text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    day = ["--from", "2024-02-06", "--to", "2024-02-06T00:10"]
    assert cli(["what-if", "--home", str(written[0].root), *day, "--set", text]) == 1
    told = capsys.readouterr().err
    assert said in told and " / " in told and told.count("\n") == 1


def test_a_changed_registry_is_the_same_but_for_the_change() -> None:
    text = seasons.VILLAGE_FILE.read_text(encoding="utf-8")
    assert registry.parse(whatif.changed(text, [])) == registry.parse(text)
    crop = change('zone.vuon-xoai.crop={ name = "xoài", p = 0.4 }')
    assert (
        registry.parse(whatif.changed(text, [crop])).zones["vuon-xoai"].ground
        != registry.parse(text).zones["vuon-xoai"].ground
    )
    deeper = registry.parse(whatif.changed(text, [change("zone.vuon-xoai.crop.p=0.4")])).zones["vuon-xoai"]
    assert deeper.ground is not None and deeper.ground.p == 0.4 and deeper.crop == "xoài"
    with pytest.raises(RegistryError):
        whatif.changed(text, [change("zone.nobody.dry_vwc=1")])
