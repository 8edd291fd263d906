"""The commands et0, balance and quality: what they give, and how they refuse what cannot be."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cli import __main__ as entry
from gateway.core.fao56.atmosphere import floats
from tests.support import pyfao56_files
from tests.support.shared_data import folder

ROOT = Path(__file__).resolve().parents[2]
DAYS = """date,tmax_c,tmin_c,rhmean_pct,wind_ms,srad_mj_m2,rain_mm
2024-03-01,34.8,24.1,70,2.1,21.0,0
2024-03-02,35.0,24.4,68,2.3,22.1,0
2024-03-03,33.9,25.0,75,1.9,18.4,6.5
2024-03-04,34.2,24.6,71,2.0,20.9,0
"""
SCENARIO = """[weather]
csv = "weather.csv"
latitude = 10.45
elevation_m = 2
[soil]
layers = [{depth_m = 1.0, fc = 0.32, wp = 0.15}]
theta_initial = 0.24
ze_m = 0.1
rew_mm = 8
[crop]
method = "dual"
start = 2024-03-01
stages_days = [1, 1, 30, 20]
kcb = [0.15, 1.1, 0.9]
root_m = [0.3, 0.6]
height_m = [0.1, 0.5]
p = 0.5
[irrigation]
events = [{date = 2024-03-02, depth_mm = 20}]
"""
LIMITS = "[soil]\nrange = [0.0, 0.6]\nresolution = 0.001\nperiod_s = 3600\nlargest_step = 0.05\n"
READINGS = "time,soil\n2024-03-01T00:00+07:00,0.25\n2024-03-01T01:00+07:00,0.25\n2024-03-01T02:00+07:00,0.25\n"
WHERE = ["--lat", "10.45", "--elevation", "2"]


@pytest.fixture(autouse=True)
def _stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("weather.csv", DAYS), ("field.toml", SCENARIO), ("limits.toml", LIMITS),
                       ("readings.csv", READINGS)):  # fmt: skip
        Path(name).write_text(text, encoding="utf-8")


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def refusal(words: list[str], capsys: pytest.CaptureFixture[str], code: int = 1) -> str:
    """Run a command that must refuse: the one line it said, nothing on the screen, nothing written."""
    before = {path: path.read_bytes() for path in Path().iterdir()}
    try:
        result = entry.main([*words, *([] if "-o" in words else ["-o", "out.csv"])])
    except SystemExit as stop:
        result = stop.code if isinstance(stop.code, int) else -1
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if "/ note: " not in line]
    assert (result, out, len(lines)) == (code, "", 1), err
    assert {path: path.read_bytes() for path in Path().iterdir()} == before
    assert " / " in lines[0]
    return lines[0]


# ---- et0

ET0_REFUSED = [
    ("tmax_c,tmin_c\n30,20\n", ["dòng 1: thiếu cột date", "row 1: column date is missing"]),
    ("date,tmax\n2024-03-01,30\n", ["không biết cột tmax; có phải tmax_c?", "unknown column tmax"]),
    ("date;tmax_c\n2024-03-01;30\n", ["dấu chấm phẩy", "semicolons"]),
    ("date,tmax_c,tmax_c\n2024-03-01,30,30\n", ["tmax_c is there twice"]),
    ("", ["tệp trống", "the file is empty"]),
    ("\n\n", ["the file is empty"]),
    ("date,tmax_c\n", ["no row of data"]),
    ("date,tmax_c\n2024-03-01\n", ["row 2 has 1 cells, must have 2"]),
    ("date,tmax_c\n2024-03-01,\"30\n", ["is not CSV"]),
    ("date,tmax_c,tmin_c\n2024-03-01,34,24\n2024-03-01,34,24\n", ["row 3, date = 2024-03-01: is also on row 2"]),
    ("date,tmax_c,tmin_c\n2024-03-02,34,24\n\n2024-03-01,34,24\n", ["row 4, date = 2024-03-01: must be later"]),
    ("date,tmax_c\n01/03/2024,30\n", ["row 2, date = 01/03/2024: is not a day"]),
    ("date,tmax_c\n20240301,30\n", ["is not a day"]),
    ("date,tmax_c\n2024-02-30,30\n", ["is not a day"]),
    ("date,tmax_c,tmin_c\n2024-03-01,\"34,5\",24\n", ["tmax_c = 34,5", "use a decimal point"]),
    ("date,tmax_c,tmin_c\n2024-03-01,nan,24\n", ["tmax_c = nan: is not a number"]),
    ("date,tmax_c,tmin_c\n2024-03-01,inf,24\n", ["is not a number"]),
    ("date,tmax_c,tmin_c\n2024-03-01,1_0,4\n", ["is not a number"]),
    ("date,tmax_c,tmin_c\n2024-03-01,34°C,24\n", ["tmax_c = 34°C", "không phải là số"]),
    ("date,tmax_c,tmin_c\n2024-03-01,307.9,297.2\n", ["tmax_c = 307.9", "-60..60 °C", "Kelvin: subtract 273.15"]),
    ("date,tmax_c,tmin_c\n2024-03-01,94.6,75.4\n", ["Fahrenheit"]),
    ("date,tmax_c,tmin_c\n2024-03-01,24,34\n", ["row 2, tmin_c = 34: must not be above tmax_c"]),
    ("date,tmax_c,tmin_c,tmean_c\n2024-03-01,34,24,35\n", ["tmean_c = 35: must not be above tmax_c"]),
    ("date,tmax_c,tmin_c,tmean_c\n2024-03-01,34,24,20\n", ["tmean_c = 20: must not be below tmin_c"]),
    ("date,tmax_c,tmin_c,tdew_c\n2024-03-01,34,24,36\n", ["dew point"]),
    ("date,tmax_c,tmin_c,rhmax_pct,rhmin_pct\n2024-03-01,34,24,0.95,0.60\n", ["rhmax_pct = 0.95", "multiply by 100"]),
    ("date,tmax_c,tmin_c,rhmean_pct\n2024-03-01,34,24,1\n", ["rhmean_pct = 1", "multiply by 100"]),
    ("date,tmax_c,tmin_c,rhmean_pct\n2024-03-01,34,24,104\n", ["must be in 1..100 %"]),
    ("date,tmax_c,tmin_c,rhmax_pct,rhmin_pct\n2024-03-01,34,24,60,95\n", ["rhmin_pct = 95: must not be above"]),
    ("date,tmax_c,tmin_c,vapour_kpa\n2024-03-01,34,24,28.1\n", ["hPa: divide by 10"]),
    ("date,tmax_c,tmin_c,vapour_kpa\n2024-03-01,34,24,8\n", ["more vapour than the warmest air holds"]),
    ("date,tmax_c,tmin_c,wind_ms\n2024-03-01,34,24,13\n2024-03-02,34,24,16\n", ["wind_ms = 16", "km/h: divide by 3.6"]),
    ("date,tmax_c,tmin_c,wind_ms\n2024-03-01,34,24,1\n2024-03-02,34,24,45\n", ["wind_ms = 45: must be in 0..25 m/s"]),
    ("date,tmax_c,tmin_c,wind_ms\n2024-03-01,34,24,-1\n", ["wind_ms = -1: must be in 0..25"]),
    ("date,tmax_c,tmin_c,srad_mj_m2\n2024-03-01,34,24,243\n", ["W/m²", "0.0864"]),
    ("date,tmax_c,tmin_c,srad_mj_m2\n2024-03-01,34,24,42\n", ["more than the sun gives at this latitude"]),
    ("date,tmax_c,tmin_c,sunshine_h\n2024-03-01,34,24,480\n", ["minutes: divide by 60"]),
    ("date,tmax_c,tmin_c,sunshine_h\n2024-03-01,34,24,14\n", ["longer than the day"]),
    ("date,tmax_c,tmin_c,pressure_kpa\n2024-03-01,34,24,1011\n", ["hPa: divide by 10"]),
    ("date,tmax_c,tmin_c,rain_mm\n2024-03-01,34,24,-3\n", ["rain_mm = -3: must be in 0..1000 mm"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"), ET0_REFUSED, ids=lambda value: value[-1][:40] if isinstance(value, list) else ""
)
def test_et0_refuses(text: str, told: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("in.csv").write_text(text, encoding="utf-8")
    line = refusal(["et0", "in.csv", *WHERE], capsys)
    assert line.startswith("hoiquan et0: in.csv: ")
    for words in told:
        assert words in line


def test_et0_refuses_bytes_that_are_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in.csv").write_bytes(b"date,tmax_c\n2024-03-01,3\xff\n")
    assert "row 2: is not UTF-8" in refusal(["et0", "in.csv", *WHERE], capsys)


HOURS_REFUSED = [
    ("time,tmean_c\n2024-03-01T14:00,30\n", "is not a time with its offset"),
    ("time,tmean_c\nnoon,30\n", "is not a time with its offset"),
    ("time,tmean_c\n2024-03-01T14:00+07:00,30\n2024-03-01T14:30+07:00,30\n", "one row an hour"),
    ("time,tmean_c\n2024-03-01T14:00+07:00,30\n2024-03-01T07:00Z,30\n", "is also on row 2"),
    ("time,tmean_c\n2024-03-01T14:00+07:00,30\n2024-03-01T05:00Z,30\n", "must be later than row 2"),
    ("time,tmean_c,srad_mj_m2\n2024-03-01T14:00+07:00,30,640\n", "0.0036"),
    ("date,tmean_c\n2024-03-01,30\n", "unknown column date"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), HOURS_REFUSED, ids=lambda value: value[:20])
def test_hourly_et0_refuses(text: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("in.csv").write_text(text, encoding="utf-8")
    assert told in refusal(["et0", "in.csv", *WHERE, "--hourly"], capsys)


@pytest.mark.parametrize(("words", "told"), [
    (["et0", "weather.csv", "--lat", "10"], "--elevation"),
    (["et0", "weather.csv", "--lat", "95", "--elevation", "2"], "95 is not in -90 to 90"),
    (["et0", "nowhere.csv", *WHERE], "không có tệp 'nowhere.csv'"),
    (["et0", ".", *WHERE], "is not a file"),
    (["et0", "weather.csv", *WHERE, "-o", "nowhere/out.csv"], "there is no folder 'nowhere'"),
    (["et0", "weather.csv", *WHERE, "-o", "/dev/null"], "is no regular file"),
    (["et0", "weather.csv", *WHERE, "--hourly", "--method", "hargreaves"], "is for days"),
    (["balance", "nowhere.toml"], "there is no file"),
    (["quality", "readings.csv"], "--limits"),
])  # fmt: skip
def test_wrong_usage(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        entry.main(words)
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert told in said
    assert said.count("\n") == 1


def test_the_input_is_never_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    assert "this is the input" in refusal(["et0", "weather.csv", *WHERE, "-o", "weather.csv"], capsys)


def test_a_disk_that_fails_leaves_the_old_result(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("out.csv").write_text("old", encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device", "out.csv")

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left" in refusal(["et0", "weather.csv", *WHERE, "-o", "out.csv"], capsys)
    assert Path("out.csv").read_text(encoding="utf-8") == "old"


def test_et0_in_a_process_of_its_own_keeps_rows_and_replaces_results() -> None:
    text = "\ufeffdate,method,tmax_c,et0_mm,tmin_c\r\n2024-03-01,x, 34.80 ,9,24.1\r\n\r\n2024-03-04,x,,,\r\n"
    Path("in.csv").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "cli", "et0", "in.csv", *WHERE, "-o", "out.csv"], env={"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    assert "2 days are missing, first 2024-03-02 to 2024-03-03" in done.stderr
    assert "1 rows have no ET0" in done.stderr
    assert Path("out.csv").read_text(encoding="utf-8") == (
        "date,tmax_c,tmin_c,et0_mm,method\n"
        "2024-03-01, 34.80 ,24.1,5.186,Hargreaves Eq.52; measured=tmax_c+tmin_c; estimated=nothing\n"
        "2024-03-04,,,,none; missing=temperature+ea+rs\n"
    )


def test_hourly_example_19_by_every_stamp(capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--lat", "16.21667", "--elevation", "8", "--hourly", "--longitude", "-16.25", "--night-ratio", "0.8"]
    results = set()
    for stamp, day, night in (("start", "14:00", "02:00"), ("middle", "14:30", "02:30"), ("end", "15:00", "03:00")):
        Path("in.csv").write_text(
            "time,tmean_c,rhmean_pct,wind_ms,wind_height_m,srad_mj_m2\n"
            f"1998-10-01T{night}-01:00,28,90,1.9,2,0\n1998-10-01T{day}-01:00,38,52,3.3,2,2.45\n",
            encoding="utf-8",
        )
        assert entry.main(["et0", "in.csv", *where, "--stamp", stamp]) == 0
        results.add(tuple(row["et0_mm"] for row in table(capsys.readouterr().out)))
    assert results == {("0.004", "0.627")}


def test_a_day_of_hours_is_about_the_day(capsys: pytest.CaptureFixture[str]) -> None:
    hours = np.arange(24)
    sun = np.maximum(np.sin((hours - 5.5) / 12 * np.pi), 0.0)
    light = 21.0 * sun / sun.sum()
    warmth = 29.5 - 5.2 * np.cos((hours - 2) / 12 * np.pi)
    rows = "\n".join(f"2024-03-01T{h:02}:00+07:00,{warmth[h]:.2f},2.9,2,{light[h]:.3f}" for h in hours)
    Path("in.csv").write_text(f"time,tmean_c,vapour_kpa,wind_ms,srad_mj_m2\n{rows}\n", encoding="utf-8")
    assert entry.main(["et0", "in.csv", *WHERE, "--hourly"]) == 0
    summed = sum(float(row["et0_mm"]) for row in table(capsys.readouterr().out))
    Path("in.csv").write_text("date,tmax_c,tmin_c,vapour_kpa,wind_ms,srad_mj_m2\n2024-03-01,34.7,24.3,2.9,2,21\n",
                              encoding="utf-8")  # fmt: skip
    assert entry.main(["et0", "in.csv", *WHERE]) == 0
    whole = float(table(capsys.readouterr().out)[0]["et0_mm"])
    assert summed == pytest.approx(whole, rel=0.08)


# ---- balance

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
    ("events = [{date = 2024-03-02, depth_mm = 20}]", "rule = {fw = 1}", "mad or every_days is needed"),
    ("events = [{date = 2024-03-02, depth_mm = 20}]", "rule = {mad = 50}", "irrigation.rule.mad = 50"),
    ("events = [{date = 2024-03-02, depth_mm = 20}]", 'rule = {mad = 0.5, refill = "full"}', "must be one of fc"),
    ("events = [{date = 2024-03-02, depth_mm = 20}]", "rule = {every_days = 0}", "must be a whole number 1..366"),
    ("events = [{date = 2024-03-02, depth_mm = 20}]", "rule = {mad = 0.5, from = 2024-05-01}", "after to = 2024-03-04"),
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


# ---- quality

QUALITY_REFUSED = [
    ("readings.csv", "time,soil", "when,soil", "column time is missing"),
    ("readings.csv", "T02:00+07:00", "T01:00+07:00", "row 4, time = 2024-03-01T01:00+07:00: is also on row 3"),
    ("readings.csv", "T02:00+07:00", "T00:30+07:00", "must be later than row 3"),
    ("readings.csv", "T02:00+07:00", "T02:00", "some times have an offset and some not"),
    ("readings.csv", "2024-03-01T00:00+07:00", "01/03/2024", "is not a time"),
    ("readings.csv", "+07:00,0.25", "+07:00,wet", "soil = wet: is not a number"),
    ("readings.csv", ",soil", "", "has 2 cells, must have 1"),
    ("limits.toml", "[soil]", "[moisture]", "[moisture]: there is no such column"),
    ("limits.toml", "range = [0.0, 0.6]", "range = [0.6, 0.0]", "soil.range = [0.6, 0.0]: the first must be below"),
    ("limits.toml", "largest_step", "step", "soil.step: unknown key"),
    ("limits.toml", "period_s = 3600", "period_s = 0", "soil.period_s = 0"),
    ("limits.toml", "period_s = 3600", 'neighbours = ["soil"]\ndrift = 1', "must be other columns"),
    ("limits.toml", "period_s = 3600", "drift = 1", "drift and neighbours go together"),
    ("limits.toml", "resolution = 0.001", "on_grid = true", "needs resolution"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "told"), QUALITY_REFUSED, ids=lambda value: value[:25])
def test_quality_refuses(file: str, old: str, new: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(file)
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    line = refusal(["quality", "readings.csv", "--limits", "limits.toml"], capsys)
    assert line.startswith(f"hoiquan quality: {file}: ")
    assert told in line


def test_quality_keeps_the_cells_and_judges_columns_apart(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in.csv").write_text("time,soil,level\n2024-03-01T00:00, 0.250,3\n2024-03-01T01:00,2300,\n", encoding="utf-8")
    assert entry.main(["quality", "in.csv", "--limits", "limits.toml", "-o", "out.csv"]) == 0
    assert Path("out.csv").read_text(encoding="utf-8") == (
        "time,soil,soil_flag,soil_failed,level,level_flag,level_failed\n"
        "2024-03-01T00:00, 0.250,1,,3,2,\n"
        "2024-03-01T01:00,2300,4,range,,9,missing\n"
    )
    assert "soil: 1 tốt / good, 1 hỏng / fail" in capsys.readouterr().out
