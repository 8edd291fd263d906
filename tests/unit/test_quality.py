"""QARTOD flags: every test finds its fault and nothing else, also in a real series of a whole winter."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.fao56.atmosphere import Array, floats
from gateway.core.quality import SeriesLimits, Verdict, judge, names_of
from tests.support.shared_data import folder
from wire import fields

HOUR_S = 3600.0
SOIL = SeriesLimits(fail_range=(0.0, 0.6), resolution=0.001, period_s=HOUR_S, largest_step=0.05, stuck_s=86_400.0)
FULL = SeriesLimits(fail_range=(0.0, 0.6), period_s=HOUR_S, largest_step=0.05, drift=0.02)


def hours(count: int) -> Array:
    return floats(np.arange(count) * HOUR_S)


def drying(count: int, seed: int = 1) -> Array:
    """A probe in drying soil, with noise of its resolution and the daily swing of temperature."""
    source = np.random.default_rng(seed)
    n = np.arange(count)
    swing = 0.002 * np.sin(n / 24 * 2 * np.pi)
    return floats(np.round(0.35 * np.exp(-n / 900) + swing + source.normal(0, 0.0005, count), 3))


def failures(verdict: Verdict) -> dict[int, tuple[str, ...]]:
    return {row: verdict.names(row) for row in np.flatnonzero(verdict.failed).tolist()}


def test_a_good_series_is_good() -> None:
    verdict = judge(hours(1000), drying(1000), SOIL)
    assert failures(verdict) == {}
    assert set(verdict.flags.tolist()) == {fields.GOOD}


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_spike_marks_itself_only(width: int, sign: int) -> None:
    values = drying(100)
    values[50 : 50 + width] += sign * 0.1
    verdict = judge(hours(100), values, SOIL)
    assert failures(verdict) == dict.fromkeys(range(50, 50 + width), ("spike",))
    assert (verdict.flags[50 : 50 + width] == fields.FAIL).all()


def test_a_step_that_stays_is_a_rate_and_suspect_once() -> None:
    values = drying(100)
    values[50:] += 0.1
    verdict = judge(hours(100), values, SOIL)
    assert failures(verdict) == {50: ("rate",)}
    assert verdict.flags[50] == fields.SUSPECT


def test_a_step_grows_with_the_time_that_passed() -> None:
    time_s = np.concatenate([hours(50), 60 * HOUR_S + hours(50)])
    values = floats([0.2] * 50 + [0.4] * 50) + np.tile([0.0, 0.001], 50)
    assert failures(judge(time_s, values, SOIL)) == {50: ("gap",)}
    assert judge(time_s, values, SOIL).flags[50] == fields.NOT_EVALUATED


def test_what_fails_the_range_is_left_out_of_the_rest() -> None:
    values = drying(100)
    values[[40, 41, 42, 43, 44]] = 23.0
    values[60] = np.nan
    verdict = judge(hours(100), values, SOIL)
    assert failures(verdict) == dict.fromkeys(range(40, 45), ("range",)) | {60: ("missing",)}
    assert verdict.flags[60] == fields.MISSING


def test_a_suspect_range_lies_within_the_other() -> None:
    limits = SeriesLimits(fail_range=(0.0, 0.6), suspect_range=(0.05, 0.5))
    assert judge(hours(5), floats([0.3, 0.02, 0.55, 0.7, -0.1]), limits).flags.tolist() == [1, 3, 3, 4, 4]


def test_stuck_is_suspect_after_a_day_and_fails_after_two() -> None:
    values = drying(200)
    values[50:150] = values[50]
    verdict = judge(hours(200), values, SOIL)
    found = failures(verdict)
    assert set(found.values()) == {("stuck",)}
    first = min(found)
    assert 72 <= first <= 74
    assert verdict.flags[first] == fields.SUSPECT
    assert verdict.flags[first + 24] == fields.FAIL
    assert max(found) in (149, 150)


def test_two_equal_values_far_apart_are_not_stuck() -> None:
    verdict = judge(floats([0.0, 3 * 86_400.0]), floats([0.2, 0.2]), SOIL)
    assert failures(verdict) == {1: ("gap",)}


def test_values_off_the_grid_are_suspect_when_asked_for() -> None:
    limits = SeriesLimits(resolution=0.1, on_grid=True)
    assert judge(hours(4), floats([20.1, 20.15, 1e6 + 0.3, 20.3]), limits).flags.tolist() == [1, 3, 1, 1]


@pytest.mark.parametrize("per_day", [0.01, -0.01])
def test_drift_is_found_within_days_and_only_in_the_probe_that_drifts(per_day: float) -> None:
    probes = [drying(24 * 20, seed) + offset for seed, offset in ((1, 0.0), (2, 0.02), (3, -0.03))]
    probes[0][240:] += per_day / 24 * np.arange(240)
    time_s = hours(480)
    verdicts = [judge(time_s, probe, FULL, [other for other in probes if other is not probe]) for probe in probes]
    found = failures(verdicts[0])
    assert 240 < min(found) <= 240 + 24 * 4
    assert set(found.values()) == {("drift",)}
    assert sum(len(failures(verdict)) for verdict in verdicts[1:]) == 0


def test_without_limits_nothing_is_evaluated() -> None:
    assert judge(hours(3), floats([1.0, np.nan, 2.0]), SeriesLimits()).flags.tolist() == [2, 9, 2]


def test_names_of_several_tests() -> None:
    assert names_of(0) == ()
    assert names_of(0b1000010) == ("range", "gap")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.floats(-1, 2, allow_nan=False), min_size=1, max_size=80), st.integers(0, 2**32 - 1))
def test_flags_and_failed_tests_agree(values: list[float | None], seed: int) -> None:
    series = floats([np.nan if value is None else value for value in values])
    time_s = np.cumsum(np.random.default_rng(seed).uniform(60, 3 * HOUR_S, series.size))
    verdict = judge(time_s, series, SOIL)
    for row, flag in enumerate(verdict.flags.tolist()):
        names = set(verdict.names(row))
        worst = (
            fields.MISSING if "missing" in names else fields.FAIL if names & {"range", "spike"} else
            None if "stuck" in names else fields.SUSPECT if "rate" in names else
            fields.NOT_EVALUATED if "gap" in names else fields.GOOD
        )  # fmt: skip
        assert flag == worst or (worst is None and flag in (fields.SUSPECT, fields.FAIL))
        assert ("missing" in names) == bool(np.isnan(series[row]))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(5, 90))
def test_what_comes_later_never_takes_a_failure_back(seed: int, cut: int) -> None:
    """A prefix is judged as within the whole, but for the last values, of which spike or step is not yet known."""
    values = drying(100, seed)
    values[::17] += 0.2
    whole, part = judge(hours(100), values, SOIL), judge(hours(cut), values[:cut], SOIL)
    assert np.array_equal(whole.flags[: cut - 4], part.flags[: cut - 4])


def test_a_real_winter_of_thirteen_probes() -> None:
    """Hourly soil moisture of a park, in per cent: healthy probes stay good, and a fault that is put in is found."""
    with (folder("soil") / "simpact_sopivot_idx.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name.startswith("SENS")]
    limits = SeriesLimits(fail_range=(0, 60), resolution=0.001, period_s=HOUR_S, largest_step=5.0, stuck_s=86_400.0)
    time_s = hours(len(rows))
    flagged = 0
    for name in names:
        values = floats([float(row[name]) for row in rows])
        flagged += int((judge(time_s, values, limits).flags > fields.NOT_EVALUATED).sum())
        values[700] += 12.0
        values[800:860] = values[800]
        verdict = judge(time_s, values, limits)
        assert verdict.names(700) == ("spike",), name
        assert "stuck" in verdict.names(859), name
    assert flagged <= 0.01 * len(rows) * len(names)


def test_a_long_series_is_judged_at_once() -> None:
    values = np.tile(drying(1000), 300)
    verdict = judge(hours(values.size), values, SOIL)
    assert verdict.flags.size == 300_000
