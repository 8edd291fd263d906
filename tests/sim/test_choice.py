"""What weather a run gets: what was asked for, else the archive's, else generated and labelled."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from simulators.choice import AHEAD_DAYS, Choice, Fetch, choose
from simulators.field.generator import generate
from simulators.field.weather import Weather, WeatherError, write_csv

TODAY = dt.date(2024, 5, 20)


def archive(first: dt.date, last: dt.date) -> Weather:
    return Weather("archive", generate(9, first, (last - first).days + 1).days)


def no_internet(_first: dt.date, _last: dt.date) -> Weather:
    raise WeatherError("Open-Meteo did not answer")


def asked(
    *, file: Path | None = None, first: dt.date | None = None, days: int | None = None, fetch: Fetch = archive
) -> Choice:
    return choose(file=file, first=first, days=days, seed=1, today=TODAY, fetch=fetch)


def test_a_file_gives_exactly_the_days_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "w.csv"
    write_csv(generate(1, dt.date(2024, 2, 1), 60), file)
    choice = asked(file=file, first=dt.date(2024, 3, 1), days=4, fetch=no_internet)
    assert (choice.first, choice.weather.label) == (dt.date(2024, 3, 1), "file w.csv")
    assert choice.weather.days[:4] == generate(1, dt.date(2024, 2, 1), 60).days[29:33]
    assert all(day.rain_mm == 0.0 for day in choice.weather.days[4:])
    assert asked(file=file).first == dt.date(2024, 2, 1)
    with pytest.raises(WeatherError, match="no weather for 2024-04-03"):
        asked(file=file, first=dt.date(2024, 3, 30), days=5)


def test_without_a_file_the_archive_is_asked() -> None:
    choice = asked()
    assert choice.first == TODAY - dt.timedelta(days=14)
    assert choice.weather.label.startswith("archive, then generated")
    assert len(choice.weather.days) > AHEAD_DAYS
    assert asked(first=dt.date(2024, 3, 1), days=4).weather.label == "archive"


@pytest.mark.parametrize("days", [None, 4])
def test_without_internet_it_is_generated_and_says_so(days: int | None) -> None:
    choice = asked(days=days, fetch=no_internet)
    assert choice.weather.label.startswith("generated")
    assert "Open-Meteo did not answer" in choice.weather.label
    assert choice.weather.first == choice.first


def test_days_of_the_future_are_generated() -> None:
    choice = asked(first=TODAY, days=4)
    assert choice.weather.label.startswith("generated")
