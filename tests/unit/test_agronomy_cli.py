"""The commands et0, balance and quality: what they give, and how they refuse what cannot be."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cli import __main__ as entry
from tests.support.agronomy import ROOT, WHERE, refusal, table, write_all


@pytest.fixture(autouse=True)
def _stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_all(tmp_path, monkeypatch)


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
    ("date,tmean_c\n2024-03-01,30\n", "has a column date, must be time; drop --hourly?"),
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


def test_quality_of_its_own_result_is_the_same_result() -> None:
    assert entry.main(["quality", "readings.csv", "--limits", "limits.toml", "-o", "once.csv"]) == 0
    assert entry.main(["quality", "once.csv", "--limits", "limits.toml", "-o", "twice.csv"]) == 0
    assert Path("twice.csv").read_text(encoding="utf-8") == Path("once.csv").read_text(encoding="utf-8")


def test_the_input_is_never_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    for words, output in (
        (["et0", "weather.csv", *WHERE], "weather.csv"), (["balance", "field.toml"], "field.toml"),
        (["balance", "field.toml"], "weather.csv"),
        (["quality", "readings.csv", "--limits", "limits.toml"], "limits.toml"),
    ):  # fmt: skip
        assert "this is the input" in refusal([*words, "-o", output], capsys)
    Path("linked.csv").hardlink_to("weather.csv")
    assert "this is the input" in refusal(["balance", "field.toml", "-o", "linked.csv"], capsys)


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
