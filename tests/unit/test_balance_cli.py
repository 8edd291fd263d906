"""The command balance: seasons, rules and refusals."""

from pathlib import Path

import numpy as np
import pytest

from cli import __main__ as entry
from gateway.core.fao56.atmosphere import floats
from tests.support import pyfao56_files
from tests.support.agronomy import DAYS, SCENARIO, refusal, table, write_all
from tests.support.shared_data import folder


@pytest.fixture(autouse=True)
def _stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_all(tmp_path, monkeypatch)


BALANCE_REFUSED = [
    ("wp = 0.15", "wp = 0.32", "soil.layers[1].wp = 0.32: must be below fc = 0.32"),
    ("wp = 0.15", "wp = 0.4", "soil.layers[1].wp = 0.4: phải nhỏ hơn fc = 0.32"),
    ("fc = 0.32", "fc = 32", "must be in 0.01..0.8 m³/m³; this looks like per cent: divide by 100"),
    ("fc = 0.32", "fc = 2300", "soil.layers[1].fc = 2300"),
    ("fc = 0.32", 'fc = "0.32"', "soil.layers[1].fc = 0.32: must be a number"),
    ("fc = 0.32", "fc = nan", "must be a number"),
    ("{depth_m = 1.0, fc", "{depth_m = 0.5, fc", "soil.layers"),
    ("{depth_m = 1.0, fc = 0.32, wp = 0.15}",
     "{depth_m = 1.0, fc = 0.32, wp = 0.15}, {depth_m = 0.4, fc = 0.32, wp = 0.15}", "must be more than the 1 m"),
    ("depth_m = 1.0", "depth_m = 100", "this looks like cm"),
    ("theta_initial = 0.24", "theta_initial = 0.10", "theta_initial = 0.1: must be in wp..fc = 0.15..0.32 of layer 1"),
    ("theta_initial = 0.24", "theta_initial = [0.2, 0.2]", "must be 1 numbers"),
    ("theta_initial = 0.24", "", "soil.theta_initial is missing"),
    ("rew_mm = 8", "rew_mm = 30", "must be below TEW = 24.5 mm"),
    ("ze_m = 0.1", "ze_m = 10", "this looks like cm"),
    ("ze_m = 0.1", "ze = 0.1", "soil.ze_m is missing"),
    ("rew_mm = 8", "rew_mm = 8\ncurve_number = 120", "soil.curve_number = 120: must be in 1..100"),
    ("rew_mm = 8", "rew_mm = 8\ncn = 70", "soil.cn: unknown key"),
    ("stages_days = [1, 1, 30, 20]", "stages_days = [1, -1, 30, 20]", "[1, -1, 30, 20]: must be in 1..365"),
    ("stages_days = [1, 1, 30, 20]", "stages_days = [1, 1, 30]", "must be 4 numbers"),
    ("stages_days = [1, 1, 30, 20]", "stages_days = [1.5, 1, 30, 20]", "stage 1 must be whole days"),
    ("kcb = [0.15, 1.1, 0.9]", "kc = [0.15, 1.1, 0.9]", "this method takes kcb"),
    ("kcb = [0.15, 1.1, 0.9]", "kcb = [0.15, 11, 0.9]", "must be in 0.01..1.6"),
    ('method = "dual"', 'method = "triple"', "must be one of dual, single"),
    ('method = "dual"', "", "crop.method is missing"),
    ("root_m = [0.3, 0.6]", "root_m = [0.6, 0.3]", "the first must not be above the second"),
    ("p = 0.5", "p = 50", "this looks like per cent"),
    ("start = 2024-03-01", "start = 2023-03-01", "must be within the weather 2024-03-01..2024-03-04"),
    ("start = 2024-03-01", 'start = "1/3/2024"', "must be a day like 2024-03-01"),
    ("start = 2024-03-01", "start = 2024-03-01\nend = 2024-02-01", "crop.end = 2024-02-01"),
    ("latitude = 10.45", "latitude = 104.5", "weather.latitude = 104.5"),
    ('csv = "weather.csv"', 'csv = "nowhere.csv"', "weather.csv = nowhere.csv: there is no file"),
    ('csv = "weather.csv"', 'csv = "weather.csv"\nreference = "tall"', "has no et0_mm"),
    ("[irrigation]", "[irrigating]", "irrigating: unknown key; did you mean irrigation?"),
    ("depth_mm = 20}", "depth_mm = -20}", "irrigation.events[1].depth_mm = -20"),
    ("depth_mm = 20}", "depth_mm = 20, fw = 1.5}", "fw = 1.5"),
    ("depth_mm = 20}", "depth_mm = 20}, {date = 2024-03-02, depth_mm = 5}", "[2].date = 2024-03-02: has another"),
    ("events = [", "rule = {mad = 0.5}\nevents = [", "events or a rule"),
    ("events = [{date = 2024-03-02, depth_mm = 20}]", "rule = {fw = 1}", "mad, in_time or every_days is"),
    ("events = [{date = 2024-03-02, depth_mm = 20}]", "rule = {mad = 0.5, in_time = true}", "mad or in_time, not both"),
    ("events = [{date = 2024-03-02, depth_mm = 20}]", "rule = {in_time = 1}", "rule.in_time = 1: must be true"),
    ("events = [{date = 2024-03-02, depth_mm = 20}]", "rule = {mad = 50}", "irrigation.rule.mad = 50"),
    ("events = [{date = 2024-03-02, depth_mm = 20}]", 'rule = {mad = 0.5, refill = "full"}', "must be one of fc"),
    ("events = [{date = 2024-03-02, depth_mm = 20}]", "rule = {every_days = 0}", "must be a whole number 1..366"),
    ("events = [{date = 2024-03-02, depth_mm = 20}]", "rule = {mad = 0.5, from = 2024-05-01}", "after to = 2024-03-04"),
    ("events = [{date = 2024-03-02, depth_mm = 20}]", "rule = {mad = 0.5, to = 2010-01-01}", "before from = 2024-03"),
    ("p = 0.5", f"p = {'9' * 400}", "must be a number in 0.05..0.9"),
    ("p = 0.5", f"p = {'9' * 5000}", "is not TOML, mend this"),
    ("p = 0.5", f"p = {'[' * 5000}{']' * 5000}", "nested too deeply"),
    ("[irrigation]", "[choices]\nrain = \"noon\"\n[irrigation]", "choices.rain = noon: must be one of end_of_day"),
    ("[soil]", "[soil", "is not TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "told"), BALANCE_REFUSED, ids=lambda value: value[:30])
def test_balance_refuses(old: str, new: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert old in SCENARIO
    Path("field.toml").write_text(SCENARIO.replace(old, new), encoding="utf-8")
    line = refusal(["balance", "field.toml"], capsys)
    assert line.startswith(("hoiquan balance: field.toml: ", "hoiquan balance: weather.csv: "))
    assert told in line


@pytest.mark.parametrize(("text", "told"), [
    (DAYS.replace("2024-03-02,35.0,24.4,68,2.3,22.1,0\n", ""), "the days 2024-03-02 to 2024-03-02 are missing"),
    (DAYS.replace("22.1,0\n", "22.1,\n"), "row 3, rain_mm = '': rain is missing"),
    (DAYS.replace("35.0,24.4", ","), "row 3, date = 2024-03-02: has no et0_mm and too little to compute it"),
    (DAYS.replace("2024-03-01", "2024-W09-5"), "row 2, date = 2024-W09-5: is not a day"),
    (DAYS.replace("rain_mm", "method"), "column rain_mm is missing"),
])  # fmt: skip
def test_balance_refuses_weather_with_gaps(text: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("weather.csv").write_text(text, encoding="utf-8")
    line = refusal(["balance", "field.toml"], capsys)
    assert line.startswith("hoiquan balance: weather.csv: ")
    assert told in line


def test_gaps_outside_of_the_run_do_not_matter(capsys: pytest.CaptureFixture[str]) -> None:
    Path("weather.csv").write_text(DAYS.replace("2024-03-01", "2024-02-01"), encoding="utf-8")
    Path("field.toml").write_text(SCENARIO.replace("start = 2024-03-01", "start = 2024-03-02"), encoding="utf-8")
    assert entry.main(["balance", "field.toml", "-o", "out.csv"]) == 0
    assert "2024-03-02 .. 2024-03-04, 3 ngày / days" in capsys.readouterr().out


def scenario_of(case: pyfao56_files.Season, extra_crop: str = "", irrigation: str | None = None) -> str:
    """A season of pyfao56 as a scenario with the keys of the interface only."""
    par, days, sky = case.par, case.days, case.weather
    rows = zip(days, sky["ETref"], sky["Tmax"], sky["Tmin"], sky["RHmin"], sky["Wndsp"], sky["Rain"], strict=True)
    Path("weather.csv").write_text(
        "date,et0_mm,tmax_c,tmin_c,rhmin_pct,wind_ms,wind_height_m,rain_mm\n"
        + "".join(
            f"{d},{et},{tx},{tn},{rh},{wind},{case.wind_height_m},{rain}\n" for d, et, tx, tn, rh, wind, rain in rows
        ),
        encoding="utf-8",
    )
    given = ", ".join(
        f"{{date = {day}, depth_mm = {depth}, fw = {fw}, efficiency = {efficiency}}}"
        for day, (depth, fw, efficiency) in case.irrigation.items()
    )
    stages = [int(par[name]) for name in ("Lini", "Ldev", "Lmid", "Lend")]
    return f"""[weather]
csv = "weather.csv"
latitude = 33.069
elevation_m = 361
[soil]
layers = [{{depth_m = {par["Zrmax"]}, fc = {par["thetaFC"]}, wp = {par["thetaWP"]}}}]
theta_initial = {par["theta0"]}
ze_m = {par["Ze"]}
rew_mm = {par["REW"]}
[crop]
method = "dual"
start = {days[0]}
stages_days = {stages}
kcb = [{par["Kcbini"]}, {par["Kcbmid"]}, {par["Kcbend"]}]
root_m = [{par["Zrini"]}, {par["Zrmax"]}]
height_m = [{par["hini"]}, {par["hmax"]}]
p = {par["pbase"]}
{extra_crop}
[irrigation]
{irrigation or f"events = [{given}]"}
"""


@pytest.mark.parametrize(("test", "year", "out"), [
    ("test01", "cotton2013", "cottondry2013"), ("test01", "cotton2013", "cottonwet2013"),
    ("test03", "cotton2019", "cotton2019"), ("test04", "cotton2018", "cotton2018_060"),
    ("test04", "cotton2018", "cotton2018_100"), ("test04", "cotton2018", "cotton2018_120"),
])  # fmt: skip
def test_a_season_of_pyfao56_from_files(test: str, year: str, out: str, capsys: pytest.CaptureFixture[str]) -> None:
    upd = "cotton2019" if test == "test03" else ""
    case = pyfao56_files.load(folder("pyfao56") / test, year, year, out, out, upd)
    extra = ""
    if case.observed:
        extra = 'observed_csv = "seen.csv"'
        seen = zip(case.days, case.observed.kcb[:, 0], case.observed.cover[:, 0], strict=True)
        lines = [f"{day},{kcb:.4f},{'' if np.isnan(cover) else cover}" for day, kcb, cover in seen if not np.isnan(kcb)]
        Path("seen.csv").write_text("date,kcb,cover\n" + "\n".join(lines), encoding="utf-8")
    Path("field.toml").write_text(scenario_of(case, extra), encoding="utf-8")
    assert entry.main(["balance", "field.toml", "-o", "out.csv"]) == 0
    rows = table(Path("out.csv").read_text(encoding="utf-8"))
    assert [row["date"] for row in rows] == [day.isoformat() for day in case.days]
    for name, theirs in (("dr_mm", "Dr"), ("taw_mm", "TAW"), ("de_mm", "De"), ("eta_mm", "ETa")):
        assert np.max(np.abs(floats([float(row[name]) for row in rows]) - case.expected[theirs])) <= 0.1, name
    said = capsys.readouterr().out
    assert f"{case.sums['ETa']:.1f} mm  cây và đất đã dùng" in said or f"{case.sums['ETa'] - 0.04:.1f}" in said


def test_a_rule_waters_before_stress_and_never_beyond_field_capacity(capsys: pytest.CaptureFixture[str]) -> None:
    case = pyfao56_files.load(
        folder("pyfao56") / "test04", "cotton2018", "cotton2018", "cotton2018_100", "cotton2018_100"
    )
    when = f"from = {case.days[10]}, to = {case.days[150]}"
    rule = f'rule = {{mad = 0.4, refill = "fc", fw = 0.5, efficiency = 0.9, {when}}}'
    Path("field.toml").write_text(scenario_of(case, irrigation=rule), encoding="utf-8")
    assert entry.main(["balance", "field.toml", "-o", "out.csv"]) == 0
    rows = table(Path("out.csv").read_text(encoding="utf-8"))
    capsys.readouterr()
    given = [n for n, row in enumerate(rows) if float(row["irrigation_mm"]) > 0.0]
    assert len(given) > 10
    assert given[0] >= 10
    assert given[-1] <= 150
    for n in given:
        before = rows[n - 1]
        assert float(before["dr_mm"]) > 0.4 * float(before["taw_mm"]) - 1e-3
        assert float(rows[n]["dr_mm"]) < 3.0
    assert sum(float(rows[n]["percolation_mm"]) for n in range(10, 151)) < 30.0


def test_a_rule_that_waters_in_time_needs_no_more_than_the_people_of_2018_and_has_no_stress(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The field of test_fao56_in_time.py by files alone: 908 mm against 917 mm of the 100 % treatment."""
    case = pyfao56_files.load(
        folder("pyfao56") / "test04", "cotton2018", "cotton2018", "cotton2018_100", "cotton2018_100"
    )
    rule = "rule = {in_time = true, refill = 0.6}"
    Path("field.toml").write_text(scenario_of(case, irrigation=rule), encoding="utf-8")
    assert entry.main(["balance", "field.toml", "-o", "out.csv"]) == 0
    said = capsys.readouterr().out
    rows = table(Path("out.csv").read_text(encoding="utf-8"))
    assert 850.0 < sum(float(row["irrigation_mm"]) for row in rows) <= case.sums["Irrig"]
    assert "1.000     trung bình / mean; 0 ngày thiếu nước / days of stress" in said


def test_what_is_not_there_is_cut_or_given_as_computed_with_the_same_depletions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Small rains on a soil at wilting point: the surface evaporates them and more."""
    lines = "".join(f"2024-03-{day:02},7.0,{8 if day % 4 == 0 else 0}\n" for day in range(1, 29))
    Path("weather.csv").write_text(f"date,et0_mm,rain_mm\n{lines}", encoding="utf-8")
    text = SCENARIO.replace("theta_initial = 0.24", "theta_initial = 0.15").replace("[0.3, 0.6]", "[0.1, 0.6]")
    text = text.replace("[1, 1, 30, 20]", "[28, 1, 1, 1]").replace("depth_mm = 20", "depth_mm = 0")
    found = []
    for way in ("cut", "as_computed"):
        Path("field.toml").write_text(f'{text}[choices]\nbeyond_taw = "{way}"\n', encoding="utf-8")
        assert entry.main(["balance", "field.toml"]) == 0
        found.append(table(capsys.readouterr().out))
    for name in ("dr_mm", "de_mm", "ke", "etc_mm", "taw_mm"):
        assert [row[name] for row in found[0]] == [row[name] for row in found[1]], name
    eaten = [sum(float(row["eta_mm"]) for row in rows) for rows in found]
    there = 28 // 4 * 8.0  # the soil holds nothing at the start and no rain is left at the end
    assert found[0][-1]["percolation_mm"] == "0.000"
    assert eaten[0] == pytest.approx(there - 17.0 + float(found[0][-1]["dr_mm"]), abs=0.02)
    assert eaten[1] > eaten[0] + 1.0


@pytest.mark.parametrize(("rule", "days", "depth_mm"), [
    ("{every_days = 3, refill = 12}", [2, 5, 8], 12.0),
    ("{every_days = 4, refill = 12, efficiency = 0.8}", [3, 7], 15.0),
    ("{every_days = 4, refill = 12, efficiency = 80}", [3, 7], 15.0),
    ("{every_days = 3, refill = 12, from = 2024-03-05}", [4, 7], 12.0),
    ("{every_days = 1, refill = 30}", list(range(10)), 30.0),
    ("{mad = 0.45, refill = 30}", [0, 8], 30.0),
])  # fmt: skip
def test_rules_by_days(rule: str, days: list[int], depth_mm: float, capsys: pytest.CaptureFixture[str]) -> None:
    lines = "".join(f"2024-03-{day:02},6.0,0\n" for day in range(1, 11))
    Path("weather.csv").write_text(f"date,et0_mm,rain_mm\n{lines}", encoding="utf-8")
    events = "events = [{date = 2024-03-02, depth_mm = 20}]"
    Path("field.toml").write_text(SCENARIO.replace(events, f"rule = {rule}"), encoding="utf-8")
    assert entry.main(["balance", "field.toml"]) == 0
    rows = table(capsys.readouterr().out)
    given = {n: float(row["irrigation_mm"]) for n, row in enumerate(rows) if float(row["irrigation_mm"]) > 0}
    assert given == {day: pytest.approx(depth_mm) for day in days}


def test_a_single_coefficient_leaves_open_what_it_does_not_tell(capsys: pytest.CaptureFixture[str]) -> None:
    text = SCENARIO.replace('"dual"', '"single"').replace("kcb =", "kc =").replace("ze_m = 0.1\nrew_mm = 8\n", "")
    Path("field.toml").write_text(text.replace("height_m = [0.1, 0.5]\n", ""), encoding="utf-8")
    assert entry.main(["balance", "field.toml"]) == 0
    said = capsys.readouterr()
    rows = table(said.out)
    assert {row[name] for row in rows for name in ("kcb", "ke", "evaporation_mm", "transpiration_mm", "de_mm")} == {""}
    assert [row["kc"] for row in rows] == ["0.150", "0.150", "1.100", "1.100"]
    for row in rows:
        assert float(row["etc_mm"]) == pytest.approx(float(row["kc"]) * float(row["et0_mm"]), abs=2e-3)
    assert "evaporation_mm" not in said.err
    assert "the run ends 48 days before the last stage does" in said.err


def test_notes_tell_what_is_unusual(capsys: pytest.CaptureFixture[str]) -> None:
    text = SCENARIO.replace("depth_mm = 20}", "depth_mm = 20}, {date = 2025-01-01, depth_mm = 5}")
    Path("field.toml").write_text(text.replace("[1, 1, 30, 20]", "[1, 1, 1, 3]"), encoding="utf-8")
    assert entry.main(["balance", "field.toml", "-o", "out.csv"]) == 0
    said = capsys.readouterr().err
    assert "1 irrigations lie outside of the run" in said
    assert "the run ends 2 days before the last stage does" in said
    Path("field.toml").write_text(SCENARIO.replace("[1, 1, 30, 20]", "[1, 1, 1, 1]"), encoding="utf-8")
    assert entry.main(["balance", "field.toml", "-o", "out.csv"]) == 0
    assert capsys.readouterr().err == ""
    Path("field.toml").write_text(SCENARIO.replace("start = 2024-03-01", "start = 2024-03-03"), encoding="utf-8")
    longer = DAYS + "".join(f"2024-03-{day:02},34,24,70,2,21,0\n" for day in range(5, 10))
    Path("weather.csv").write_text(longer, encoding="utf-8")
    Path("field.toml").write_text(SCENARIO.replace("[1, 1, 30, 20]", "[1, 1, 1, 1]"), encoding="utf-8")
    assert entry.main(["balance", "field.toml", "-o", "out.csv"]) == 0
    assert "the run goes on 5 days after the last stage" in capsys.readouterr().err


def test_runoff_needs_a_curve_number(capsys: pytest.CaptureFixture[str]) -> None:
    Path("weather.csv").write_text(DAYS.replace("18.4,6.5", "18.4,90"), encoding="utf-8")
    amounts = []
    for line in ("rew_mm = 8", "rew_mm = 8\ncurve_number = 85"):
        Path("field.toml").write_text(SCENARIO.replace("rew_mm = 8", line), encoding="utf-8")
        assert entry.main(["balance", "field.toml"]) == 0
        amounts.append([float(row["runoff_mm"]) for row in table(capsys.readouterr().out)])
    assert amounts[0] == [0.0] * 4
    assert amounts[1][2] > 30.0
