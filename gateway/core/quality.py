"""Quality flags by QARTOD for a series of readings, each with the tests that it failed.

Rules
1. One flag a value: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing (``wire.fields``); the worst test decides.
2. Only tests whose limits are given run. A value that no test could judge is 2, and so is one that passed every test
   but stands alone behind a gap.
3. *missing*: no value (9). *range*: outside of ``fail_range`` (4) or ``suspect_range`` (3).
   *spike*: up to ``MAX_SPIKE`` values that leave by more than ``largest_step`` and come back (4).
   *rate*: a change by more than ``largest_step`` that stays (3, the first value of the new level).
   *stuck*: at least ``MIN_STUCK`` values without a change of ``resolution`` for ``stuck_s`` (3), for twice that (4).
   *resolution*: not a multiple of ``resolution``, when ``on_grid`` says that it must be (3).
   *gap*: more than ``MAX_AGE_PERIODS`` periods since the last value (2).
   *drift*: the mean distance over ``drift_window_s`` from more than half of the neighbours has moved by more than
   ``drift`` from its median in the first ``BASELINE_WINDOWS`` windows (3).
4. What failed the range is left out of the tests that compare values with each other; a spike is left out of the
   tests after it. ``largest_step`` is for one ``period_s`` and grows with the time that passed.
5. Times are seconds that grow from value to value; NaN is a missing value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wire import fields

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

TESTS = ("missing", "range", "spike", "rate", "stuck", "resolution", "gap", "drift", "node")
MAX_SPIKE = 3
MIN_STUCK = 5
MAX_AGE_PERIODS = 2.0
BASELINE_WINDOWS = 3
DAY_S = 86_400.0
TINY = 1e-9  # what floating point loses, as a part of the number


@dataclass(frozen=True, slots=True)
class SeriesLimits:
    """The limits of one series; None where a test is not asked for."""

    fail_range: tuple[float, float] | None = None
    suspect_range: tuple[float, float] | None = None
    resolution: float | None = None
    on_grid: bool = False
    period_s: float | None = None
    largest_step: float | None = None
    stuck_s: float | None = None
    drift: float | None = None
    drift_window_s: float = DAY_S


@dataclass(frozen=True, slots=True)
class Verdict:
    """``flags`` (n,) by QARTOD; ``failed`` (n,) has bit ``1 << TESTS.index(name)`` for each failed test."""

    flags: NDArray[np.int8]
    failed: NDArray[np.uint16]

    def names(self, row: int) -> tuple[str, ...]:
        """The tests that one value failed."""
        return names_of(int(self.failed[row]))


def names_of(failed: int) -> tuple[str, ...]:
    """The tests of a set of bits."""
    return tuple(name for place, name in enumerate(TESTS) if failed >> place & 1)


class _Sheet:
    """The flags as they are being found."""

    def __init__(self, values: Array) -> None:
        self.flags = np.full(values.shape, fields.NOT_EVALUATED, dtype=np.int8)
        self.failed = np.zeros(values.shape, dtype=np.uint16)

    def judged(self, rows: Mask) -> None:
        """These values have passed a test, unless they fail another."""
        self.flags[rows & (self.flags == fields.NOT_EVALUATED)] = fields.GOOD

    def fail(self, name: str, rows: Mask, flag: int) -> None:
        self.failed[rows] |= np.uint16(1 << TESTS.index(name))
        worse = rows & (_rank(self.flags) < _RANK[flag])
        self.flags[worse] = flag

    def verdict(self) -> Verdict:
        return Verdict(self.flags, self.failed)


# "not evaluated" behind a gap outranks good; a value that is not there has nothing but its being missing
_RANK = {fields.GOOD: 0, fields.NOT_EVALUATED: 1, fields.SUSPECT: 2, fields.FAIL: 3, fields.MISSING: 4}


def _rank(flags: NDArray[np.int8]) -> NDArray[np.int8]:
    table = np.zeros(10, dtype=np.int8)
    for flag, rank in _RANK.items():
        table[flag] = rank
    return np.asarray(table[flags])


def judge(time_s: Array, values: Array, limits: SeriesLimits, neighbours: Sequence[Array] = ()) -> Verdict:
    """Judge a series; ``neighbours`` are series at the same times, NaN where they are not to be trusted."""
    sheet = _Sheet(values)
    known = ~np.isnan(values)
    _range(sheet, values, known, limits)
    sound = known & (sheet.flags != fields.FAIL)
    rows = np.flatnonzero(sound)
    if limits.on_grid and limits.resolution:
        _grid(sheet, values, sound, limits.resolution)
    if limits.largest_step is not None:
        rows = _steps(sheet, time_s, values, rows, limits.largest_step, limits.period_s)
    if limits.stuck_s:
        _stuck(sheet, time_s, values, rows, limits.stuck_s, limits.resolution or 0.0)
    if limits.drift is not None and neighbours:
        _drift(sheet, time_s, values, rows, neighbours, limits.drift, limits.drift_window_s)
    if limits.period_s is not None:
        _gaps(sheet, time_s, known, limits.period_s)
    sheet.fail("missing", ~known, fields.MISSING)
    return sheet.verdict()


def _range(sheet: _Sheet, values: Array, known: Mask, limits: SeriesLimits) -> None:
    for allowed, flag in ((limits.suspect_range, fields.SUSPECT), (limits.fail_range, fields.FAIL)):
        if allowed is not None:
            sheet.judged(known)
            sheet.fail("range", known & ((values < allowed[0]) | (values > allowed[1])), flag)


def _grid(sheet: _Sheet, values: Array, sound: Mask, resolution: float) -> None:
    steps = np.where(sound, values, 0.0) / resolution
    off = np.abs(steps - np.round(steps)) > 1e-6 + TINY * np.abs(steps)
    sheet.judged(sound)
    sheet.fail("resolution", sound & off, fields.SUSPECT)


def _steps(
    sheet: _Sheet, time_s: Array, values: Array, rows: NDArray[np.intp], largest: float, period_s: float | None
) -> NDArray[np.intp]:
    """Spikes and rates; returns the rows that are no spikes."""
    spikes = _spikes(time_s[rows], values[rows], largest, period_s)
    _mark(sheet, "spike", rows[spikes], fields.FAIL)
    rest = rows[~spikes]
    t, v = time_s[rest], values[rest]
    jump = np.abs(np.diff(v)) > _allowed(np.diff(t), largest, period_s)
    judged = np.zeros(values.shape, dtype=bool)
    judged[rest[1:]] = True
    sheet.judged(judged)
    _mark(sheet, "rate", rest[1:][jump], fields.SUSPECT)
    return rest


def _allowed(passed_s: Array, largest: float, period_s: float | None) -> Array:
    """The largest change in the time that passed, at least that of one period."""
    grown = passed_s / period_s if period_s else np.ones(passed_s.shape)
    return np.asarray(largest * np.maximum(grown, 1.0) * (1.0 + TINY))


def _spikes(t: Array, v: Array, largest: float, period_s: float | None) -> Mask:
    """Blocks of 1 to MAX_SPIKE values that jump away and come back to where they came from."""
    found = np.zeros(v.shape, dtype=bool)
    for width in range(1, MAX_SPIKE + 1):
        if v.size < width + 2:
            break
        before, first, last, after = v[: -width - 1], v[1:-width], v[width:-1], v[width + 1 :]
        t_before, t_first, t_last, t_after = t[: -width - 1], t[1:-width], t[width:-1], t[width + 1 :]
        away, back = first - before, last - after
        leaves = np.abs(away) > _allowed(t_first - t_before, largest, period_s)
        returns = np.abs(back) > _allowed(t_after - t_last, largest, period_s)
        level = np.abs(after - before) <= _allowed(t_after - t_before, largest, period_s)
        free = ~found[: -width - 1] & ~found[width + 1 :]
        block = np.flatnonzero(leaves & returns & (away * back > 0.0) & level & free)
        for offset in range(1, width + 1):
            found[block + offset] = True
    return found


def _stuck(
    sheet: _Sheet, time_s: Array, values: Array, rows: NDArray[np.intp], stuck_s: float, resolution: float
) -> None:
    """The first value of a level is its anchor: slow drift below the resolution ends a level as soon as it shows."""
    change = resolution * (1.0 - 1e-6)
    suspect: list[int] = []
    fail: list[int] = []
    anchor = since_s = 0.0
    count = 0
    for row, t, v in zip(rows.tolist(), time_s[rows].tolist(), values[rows].tolist(), strict=True):
        moved = abs(v - anchor) >= change if change else v != anchor
        if moved or not count:
            anchor, since_s, count = v, t, 0
        count += 1
        if count >= MIN_STUCK and t - since_s >= stuck_s:
            (fail if t - since_s >= 2.0 * stuck_s else suspect).append(row)
    judged = np.zeros(values.shape, dtype=bool)
    judged[rows[1:]] = True
    sheet.judged(judged)
    _mark(sheet, "stuck", np.asarray(suspect, dtype=np.intp), fields.SUSPECT)
    _mark(sheet, "stuck", np.asarray(fail, dtype=np.intp), fields.FAIL)


def _drift(
    sheet: _Sheet,
    time_s: Array,
    values: Array,
    rows: NDArray[np.intp],
    neighbours: Sequence[Array],
    largest: float,
    window_s: float,
) -> None:
    """Each neighbour votes: has the mean distance from it moved? So one bad neighbour of two accuses nobody."""
    votes = np.zeros(values.shape, dtype=np.int64)
    voters = np.zeros(values.shape, dtype=np.int64)
    for series in neighbours:
        shared = rows[~np.isnan(series[rows])]
        if not shared.size:
            continue
        t, distance = time_s[shared], values[shared] - series[shared]
        later = t > t[0] + BASELINE_WINDOWS * window_s
        baseline = float(np.median(distance[~later]))
        moved = np.abs(_trailing_mean(t, distance, window_s) - baseline) > largest
        voters[shared[later]] += 1
        votes[shared[later & moved]] += 1
    sheet.judged(voters > 0)
    sheet.fail("drift", 2 * votes > voters, fields.SUSPECT)


def _trailing_mean(t: Array, v: Array, window_s: float) -> Array:
    """Mean of the values of the last ``window_s`` seconds, at each value."""
    total = np.concatenate([[0.0], np.cumsum(v)])
    begin = np.searchsorted(t, t - window_s, side="right")
    end = np.arange(1, t.size + 1)
    return np.asarray((total[end] - total[begin]) / (end - begin))


def _gaps(sheet: _Sheet, time_s: Array, known: Mask, period_s: float) -> None:
    rows = np.flatnonzero(known)
    late = np.diff(time_s[rows]) > MAX_AGE_PERIODS * period_s * (1.0 + TINY)
    _mark(sheet, "gap", rows[1:][late], fields.NOT_EVALUATED)


def _mark(sheet: _Sheet, name: str, rows: NDArray[np.intp], flag: int) -> None:
    marked = np.zeros(sheet.flags.shape, dtype=bool)
    marked[rows] = True
    sheet.fail(name, marked, flag)
