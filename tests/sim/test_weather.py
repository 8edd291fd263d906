"""Weather from a file, from the archive's JSON and from the generator: right, or refused with one clear line."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.field.archive import DAILY, fetch, parse
from simulators.field.generator import OBSERVED, generate
from simulators.field.weather import (
    Day,
    WeatherError,
    local_date,
    local_midnight_ms,
    rain_between_mm,
    read_csv,
    write_csv,
)

HEAD = "date,tmax_c,tmin_c,tmean_c,rain_mm,wind10m_max_kmh,rh_mean_pct"
GOOD = ["2024-03-01,34.1,24.0,28.6,0.0,18.0,69", "2024-03-02,34.5,24.3,28.9,1.2,16.5,70"]


def write(tmp_path: Path, *rows: str, head: str = HEAD) -> Path:
    path = tmp_path / "weather.csv"
    path.write_text("\n".join((head, *rows)) + "\n", encoding="utf-8")
    return path


def test_a_good_file_gives_every_day(tmp_path: Path) -> None:
    weather = read_csv(write(tmp_path, *GOOD))
    assert weather.label == "file weather.csv"
    assert weather.day(dt.date(2024, 3, 2)) == Day(dt.date(2024, 3, 2), 34.5, 24.3, 1.2, 16.5, 70.0)
    assert weather.between(dt.date(2024, 3, 2), dt.date(2024, 3, 2)).days == weather.days[1:]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    made = generate(3, dt.date(2024, 6, 1), 40)
    write_csv(made, tmp_path / "made.csv")
    assert read_csv(tmp_path / "made.csv").days == made.days


@pytest.mark.parametrize(
    ("rows", "head", "says"),
    [
        (GOOD, HEAD.replace("rain_mm", "rain"), "no column rain_mm"),
        ([], HEAD, "holds no day"),
        ([GOOD[0], GOOD[0]], HEAD, "line 3: the date 2024-03-01 is there twice"),
        ([GOOD[1], GOOD[0]], HEAD, "line 3: the date 2024-03-01 comes after 2024-03-02"),
        ([GOOD[0], "2024-03-04,34,24,28,0,18,69"], HEAD, "2 missing day(s) between 2024-03-01 and 2024-03-04"),
        (["2024-03-01,340,24,28,0,18,69"], HEAD, "line 2: tmax_c is 340, outside 5 to 50"),
        (["2024-03-01,34,24,28,nan,18,69"], HEAD, "rain_mm is nan"),
        (["2024-03-01,34,24,28,-1,18,69"], HEAD, "rain_mm is -1"),
        (["2024-03-01,34,24,28,,18,69"], HEAD, "rain_mm is '', not a number"),
        (["2024-03-01,34,24,28"], HEAD, "rain_mm is None, not a number"),
        (["2024-03-01,24,34,28,0,18,69"], HEAD, "not in rising order"),
        (["1/3/2024,34,24,28,0,18,69"], HEAD, "'1/3/2024' is not a date"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_one_line(tmp_path: Path, rows: list[str], head: str, says: str) -> None:
    with pytest.raises(WeatherError) as caught:
        read_csv(write(tmp_path, *rows, head=head))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeatherError, match="No such file"):
        read_csv(tmp_path / "nothing.csv")
    with pytest.raises(WeatherError, match="Is a directory"):
        read_csv(tmp_path)
    binary = tmp_path / "b.csv"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WeatherError, match="not UTF-8"):
        read_csv(binary)


def test_days_outside_the_file_are_named(tmp_path: Path) -> None:
    weather = read_csv(write(tmp_path, *GOOD))
    with pytest.raises(WeatherError, match="no weather for 2024-03-03: it runs from 2024-03-01 to 2024-03-02"):
        weather.between(dt.date(2024, 3, 1), dt.date(2024, 3, 3))


def archive_answer(first: dt.date, days: int) -> dict[str, object]:
    values = {"tmax_c": 33.0, "tmin_c": 24.0, "rain_mm": 0.4, "wind10m_max_kmh": 15.0, "rh_mean_pct": 75}
    daily: dict[str, object] = {name: [values[column]] * days for name, (column, _unit) in DAILY.items()}
    daily["time"] = [(first + dt.timedelta(days=i)).isoformat() for i in range(days)]
    return {"daily": daily, "daily_units": {name: unit for name, (_column, unit) in DAILY.items()}}


def test_the_archive_is_checked_like_a_file() -> None:
    first, last = dt.date(2024, 3, 1), dt.date(2024, 3, 3)
    good = archive_answer(first, 3)
    assert len(parse(good, first, last).days) == 3

    hole = archive_answer(first, 3)
    hole["daily"]["precipitation_sum"] = [0.0, None, 0.0]  # type: ignore[index]
    foreign = archive_answer(first, 3)
    foreign["daily_units"]["wind_speed_10m_max"] = "mph"  # type: ignore[index]
    answers: tuple[object, ...] = (hole, foreign, archive_answer(first, 2), {}, [], None)
    for bad in answers:
        with pytest.raises(WeatherError):
            parse(bad, first, last)


def test_no_answer_from_the_archive_is_one_line() -> None:
    with pytest.raises(WeatherError, match="Open-Meteo did not answer"):
        fetch(10.45, 105.63, dt.date(2024, 3, 1), dt.date(2024, 3, 3), url="http://127.0.0.1:9/v1/archive")


def test_the_generator_repeats_itself_and_says_what_it_is() -> None:
    first = dt.date(2024, 1, 1)
    assert generate(7, first, 60) == generate(7, first, 60)
    assert generate(7, first, 60).days != generate(8, first, 60).days
    assert "generated" in generate(7, first, 1).label
    with pytest.raises(WeatherError):
        generate(7, first, 0)


def test_the_generator_keeps_to_the_monthly_figures() -> None:
    """Over forty made years, the means of each month lie within the observed years' range, with a margin."""
    by_month: dict[int, list[Day]] = {month: [] for month in range(1, 13)}
    for year in range(1980, 2020):
        for day in generate(1, dt.date(year, 1, 1), 365).days:
            by_month[day.date.month].append(day)
    for month, days in by_month.items():
        observed = OBSERVED[month]
        rain = 30.0 * sum(day.rain_mm for day in days) / len(days)
        assert min(o.rain_mm for o in observed) * 0.7 - 5 <= rain <= max(o.rain_mm for o in observed) * 1.3 + 5
        tmax = sum(day.tmax_c for day in days) / len(days)
        assert min(o.tmax_c for o in observed) - 1.0 <= tmax <= max(o.tmax_c for o in observed) + 0.5
        assert all(day.tmin_c < day.tmax_c for day in days)


@given(cuts=st.lists(st.floats(0, 1), max_size=20), rain=st.floats(0, 120), seed=st.integers(0, 1000))
@settings(max_examples=200, deadline=None)
def test_a_shower_adds_up_to_the_day(cuts: list[float], rain: float, seed: int) -> None:
    day = Day(dt.date(2024, 6, 3), 31.0, 25.0, rain, 15.0, 85.0)
    marks = [0.0, *sorted(cuts), 1.0]
    parts = [rain_between_mm(day, seed, a, b) for a, b in itertools.pairwise(marks)]
    assert all(part >= 0.0 for part in parts)
    assert abs(sum(parts) - rain) < 1e-9


def test_local_days_begin_at_vietnam_midnight() -> None:
    date = dt.date(2024, 3, 1)
    assert local_midnight_ms(date) == 1_709_226_000_000  # 2024-02-29 17:00 UTC
    assert local_date(local_midnight_ms(date)) == date
    assert local_date(local_midnight_ms(date) - 1) == date - dt.timedelta(days=1)
