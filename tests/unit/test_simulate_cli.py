"""``hoiquan simulate``: what it writes, and how it refuses what cannot be, with nothing left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli import __main__ as entry
from cli import season_files
from simulators.field.weather import local_midnight_ms, write_csv
from simulators.season.faults import LinkFault, ProbeFault
from tests.support import seasons

FAULTS = """
[[probe]]
zone = "vuon-xoai"
probe = 2
kind = "spike"
from = 2024-02-06
hour = 6
hours = 48
size = 0.1
chance = 0.2

[[probe]]
zone = "liep-rau"
probe = "all"
kind = "missing"
from = 2024-02-07
to = 2024-02-09

[[link]]
node = "valve-1"
from = "2024-02-08"
hour = 10.5
hours = 3
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_csv(seasons.weather(), Path("weather.csv"))
    Path("village.toml").write_text(seasons.VILLAGE_FILE.read_text(encoding="utf-8"), encoding="utf-8")
    Path("field.toml").write_text(
        seasons.VILLAGE_FILE.with_name("field.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    Path("faults.toml").write_text(FAULTS, encoding="utf-8")
    return tmp_path


def simulate(**changes: str | None) -> int:
    options: dict[str, str | None] = {
        "weather": "weather.csv", "from": "2024-02-05", "to": "2024-02-09", "village": "village.toml", "report": "out",
    }  # fmt: skip
    argv = [word for key, value in (options | changes).items() if value is not None for word in (f"--{key}", value)]
    return entry.main(["simulate", *argv])


def test_it_writes_the_report_and_the_same_summary_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(faults="faults.toml") == 0
    told = capsys.readouterr()
    assert "cả đợt / whole run: 5 ngày / days" in told.out and "Hẹn giờ cố định" in told.out and not told.err
    text = Path("out/summary.json").read_text(encoding="utf-8")
    found = json.loads(text)
    assert (found["zone_days"], found["faults"]) == (15, {"probes": 2, "links": 1})
    assert list(found["controllers"]) == ["hoiquan", "timer", "et", "probe"]
    page = Path("out/report.html").read_text(encoding="utf-8")
    assert "Vườn xoài chú Sáu" in page and "http" not in page and "<script" not in page
    assert sorted(path.name for path in Path("out").iterdir()) == ["report.html", "summary.json"]
    assert simulate(faults="faults.toml", report="again") == 0
    assert Path("again/summary.json").read_text(encoding="utf-8") == text
    assert Path("again/report.html").read_text(encoding="utf-8") == page


def test_without_a_weather_file_it_is_generated_from_the_seed() -> None:
    assert simulate(weather=None, seed="5", to="2024-02-06") == 0
    assert "seed 5" in json.loads(Path("out/summary.json").read_text(encoding="utf-8"))["weather"]


def test_a_village_without_a_ground_of_its_own_gets_one(capsys: pytest.CaptureFixture[str]) -> None:
    Path("field.toml").unlink()
    assert simulate() == 0
    assert "field.toml" in capsys.readouterr().err
    assert json.loads(Path("out/summary.json").read_text(encoding="utf-8"))["hours_by_rule"]["vuon-quyt"]


def test_the_schedule_is_what_the_file_says() -> None:
    found = season_files.faults(Path("faults.toml"), seasons.village())
    midnight = local_midnight_ms(seasons.FIRST)
    day, hour = 86_400_000, 3_600_000
    assert found.probes == (
        ProbeFault("vuon-xoai", "spike", midnight + day + 6 * hour, midnight + 3 * day + 6 * hour, (1,), 0.1, 0.2),
        ProbeFault("liep-rau", "missing", midnight + 2 * day, midnight + 5 * day),
    )
    down_ms = midnight + 3 * day + 10 * hour + hour // 2
    assert found.links == (LinkFault("valve-1", down_ms, down_ms + 3 * hour),)
    assert found.is_down("valve-1", down_ms) and not found.is_down("valve-1", down_ms + 3 * hour)
    assert not found.is_down("valve-2", down_ms)


def test_a_stations_columns_will_do(capsys: pytest.CaptureFixture[str]) -> None:
    Path("station.csv").write_text(
        "date,tmax_c,tmin_c,rhmax_pct,rhmin_pct,wind_ms,rain_mm,srad_mj_m2\n"
        "2024-02-05,33,24,95,55,2.0,0,21\n2024-02-06,34,24,94,50,2.5,1.5,20\n",
        encoding="utf-8",
    )
    known = season_files.weather("simulate", Path("station.csv"), 10.45)
    assert known.days[0].rh_mean_pct == 75.0 and known.days[1].rain_mm == 1.5
    assert known.days[0].wind10m_max_kmh == pytest.approx(2.0 * 1.3368 / 0.5 * 3.6, rel=0.01)
    assert "srad_mj_m2" in capsys.readouterr().err


def row(**changes: str) -> str:
    """A day of weather that follows the file's first."""
    day = {"date": "2024-01-02", "tmax_c": "33", "tmin_c": "24", "tmean_c": "28", "rain_mm": "0",
           "wind10m_max_kmh": "15", "rh_mean_pct": "70"}  # fmt: skip
    return ",".join((day | changes).values())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rain_mm": ""}, ["dòng 3", "rain_mm", "không được để trống / ", "row 3"]),
        ({"tmax_c": "306.2"}, ["dòng 3", "tmax_c = 306.2", "-60..60 °C", "độ Kelvin"]),
        ({"tmin_c": "35"}, ["dòng 3", "tmin_c = 35", "không được lớn hơn tmax_c"]),
        ({"rh_mean_pct": "0.7"}, ["dòng 3", "rh_mean_pct = 0.7", "5..100 %"]),
        ({"date": "2024-01-01"}, ["dòng 3", "date = 2024-01-01", "trùng với dòng 2"]),
        ({"date": "2024-01-05"}, ["thiếu ngày 2024-01-02 đến 2024-01-04", "are missing"]),
        ({"rain_mm": "nhiều"}, ["dòng 3", "rain_mm = nhiều", "không phải là số"]),
    ],
)
def test_weather_that_cannot_be_is_one_line_with_its_place(
    changes: dict[str, str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = Path("weather.csv").read_text(encoding="utf-8").splitlines()
    Path("weather.csv").write_text("\n".join([*lines[:2], row(**changes)]) + "\n", encoding="utf-8")
    assert simulate() == 1
    assert_refused(capsys, "weather.csv", words)


def assert_refused(capsys: pytest.CaptureFixture[str], file: str, words: list[str]) -> None:
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1 and file in told.err and " / " in told.err
    for word in words:
        assert word in told.err, (word, told.err)
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("file", "before", "after", "words"),
    [
        ("village.toml", "dry_vwc = 0.30\n", "dry_vwc = 2300\n", ["dry_vwc", "2300", "làng không dùng được"]),
        ("village.toml", 'crop = "xoài"', "crop = 5", ["crop", "5"]),
        (
            "field.toml",
            "field_capacity = 0.36",
            "field_capacity = 0.16",
            ["vuon-xoai.field_capacity = 0.16", "0.18..1"],
        ),
        ("field.toml", "root_zone_mm = 600", 'root_zone_mm = "deep"', ["vuon-xoai.root_zone_mm = deep", "phải là số"]),
        ("field.toml", "drainage_h = 18", "drainage = 18", ["không khớp với tệp làng", "drainage"]),
        ("field.toml", 'id = "vuon-quyt"', 'id = "vuon-cam"', ["không khớp với tệp làng", "vuon-quyt"]),
        ("field.toml", "area_m2 = 800", "area_m2 = 0", ["ditch.area_m2"]),
        ("field.toml", "mean_mm = 1350", "mean_mm = ", ["không đọc được TOML"]),
        ("faults.toml", 'zone = "liep-rau"', 'zone = "liep-dua"', ["probe[2].zone = liep-dua", "vuon-xoai"]),
        ("faults.toml", "probe = 2", "probe = 4", ["probe[1].probe = 4", "1..3"]),
        ("faults.toml", '"spike"', '"broken"', ["probe[1].kind = broken", "stuck"]),
        ("faults.toml", "size = 0.1", "size = 10", ["probe[1].size = 10", "0.001..0.5"]),
        ("faults.toml", "to = 2024-02-09", "to = 2024-02-01", ["probe[2].to", "2024-02-07"]),
        ("faults.toml", "hours = 3", "hours = -3", ["link[1].hours = -3"]),
        ("faults.toml", "hours = 3", "hour_s = 3", ["link[1]", "hours"]),
    ],
)
def test_a_village_a_field_or_faults_that_cannot_be_are_one_line(
    file: str, before: str, after: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path(file).read_text(encoding="utf-8")
    assert before in text
    Path(file).write_text(text.replace(before, after, 1), encoding="utf-8")
    assert simulate(faults="faults.toml") == 1
    assert_refused(capsys, file, words)


def test_days_that_the_weather_does_not_have_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(to="2029-01-01") == 1
    assert_refused(capsys, "weather.csv", ["thời tiết chỉ có từ 2024-01-01", "2029-01-01"])


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"to": "2024-02-01"}, "1 đến 3660 ngày"),
        ({"from": "5/2/2024"}, "2024-03-01"),
        ({"weather": "none.csv"}, "none.csv"),
        ({"village": None}, "--village"),
        ({"report": "no/such/folder"}, "no/such"),
        ({"report": "weather.csv"}, "không phải là thư mục"),
        ({"seed": "-1"}, "-1"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    changes: dict[str, str | None], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        simulate(**changes)
    assert stopped.value.code == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1 and word in told.err
    assert not Path("out").exists()
