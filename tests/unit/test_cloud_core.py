"""The pure rules of the cloud: what becomes of a batch, which seqs are there, periods and lines."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.core import spans, table
from cloud.core.batch import Reading, classify, objection
from cloud.core.period import Period, PeriodError, parse_period
from tests.support.readings import START_MS, reading
from wire import fields


def test_a_batch_is_sorted_and_nothing_of_it_is_forgotten() -> None:
    stored = reading(1)
    changed = reading(1, raw=7)
    impossible = reading(9, raw=3_300_001)
    verdict = classify([stored, changed, reading(2), reading(2), impossible], {stored.identity: stored})
    assert verdict.same == 2  # the stored one, and the second copy of seq 2
    assert verdict.conflicts == [changed]
    assert verdict.new == [reading(2)]
    assert [r.code for r in verdict.rejected] == ["raw_out_of_range"]


def test_a_batch_that_contradicts_itself_is_a_conflict() -> None:
    verdict = classify([reading(1), reading(1, value=1)], {})
    assert (verdict.new, verdict.conflicts) == ([reading(1)], [reading(1, value=1)])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"field": 99}, "unknown_field"),
        ({"field": -1}, "unknown_field"),
        ({"raw": -1}, "raw_out_of_range"),
        ({"raw": -1, "flag": fields.FAIL}, "raw_out_of_range"),  # it claims a value
        ({"raw": -1, "flag": fields.SUSPECT, "value": None}, "raw_out_of_range"),
        ({"raw": 2**31, "flag": fields.FAIL, "value": None}, "bad_raw"),  # no node can have sent it
        ({"value": 10_001}, "value_out_of_range"),
        ({"seq": 0}, "bad_seq"),
        ({"boot": 2**32}, "bad_boot"),
        ({"channel": 256}, "bad_channel"),
        ({"flag": 5}, "bad_flag"),
        ({"time_quality": 5}, "bad_time_quality"),
        ({"measured_ms": 2**62}, "bad_measured_ms"),
        ({"uptime_ms": -1}, "bad_uptime_ms"),
        ({"received_ms": -1}, "bad_received_ms"),
        ({"calibration": 2**40}, "bad_calibration"),
    ],
)
def test_what_cannot_be_true_is_refused_with_a_reason(changes: dict[str, Any], code: str) -> None:
    found = objection(reading(1)._replace(**changes))
    assert found is not None
    assert found.code == code
    assert found.detail


def test_a_wrong_clock_is_no_reason_to_refuse() -> None:
    assert objection(reading(1, measured_ms=946_684_800_000)) is None  # 2000-01-01
    assert objection(reading(1, measured_ms=START_MS + 10 * 365 * 86_400_000)) is None
    assert objection(reading(1, value=None, flag=fields.MISSING)) is None


@pytest.mark.parametrize("flag", [fields.FAIL, fields.MISSING])
@pytest.mark.parametrize("raw", [-(2**31), -1, 3_300_001, 2**31 - 1])
def test_the_raw_of_a_broken_probe_is_kept(raw: int, flag: int) -> None:
    assert objection(reading(1, raw=raw, value=None, flag=flag)) is None


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(1, 60), max_size=12), max_size=8))
def test_spans_are_the_set_of_seqs(batches: list[list[int]]) -> None:
    """Invariant: after any batches, spans cover exactly the seqs sent, are disjoint and never adjacent."""
    found: list[spans.Span] = []
    sent: set[int] = set()
    for batch in batches:
        assert spans.covered(found, batch) == sorted(sent & set(batch))
        found = spans.merge(found, batch)
        sent |= set(batch)
        assert {seq for first, last in found for seq in range(first, last + 1)} == sent
        assert all(a[1] + 1 < b[0] for a, b in itertools.pairwise(found))
        assert spans.contiguous(found) == next(n for n in range(62) if n + 1 not in sent)


@settings(max_examples=200, deadline=None)
@given(st.sets(st.integers(1, 400), max_size=150), st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_windows_hold_every_span_that_a_batch_can_touch(kept: set[int], batch: list[int]) -> None:
    """Invariant: merging what the windows show changes the spans as merging all of them would."""
    everything = spans.merge([], kept)
    windows = spans.windows(batch)
    near = [(a, b) for a, b in everything if any(a <= high and low <= b for low, high in windows)]
    far = [span for span in everything if span not in near]
    assert sorted([*far, *spans.merge(near, batch)]) == spans.merge(everything, batch)
    assert spans.covered(near, batch) == spans.covered(everything, batch)
    assert len(near) <= spans.NEAR * len(set(batch))


def test_period_is_half_open_and_in_vietnamese_days() -> None:
    assert parse_period("2024-03-01", "2024-03-02") == Period(START_MS, START_MS + 86_400_000)
    assert parse_period("2024-02-29T17:00Z", "2024-03-01T00:00:01") == Period(START_MS, START_MS + 1_000)


@pytest.mark.parametrize(
    ("start", "end"),
    [("yesterday", "2024-03-02"), ("2024-03-02", "2024-03-01"), ("2024-03-01", "2024-03-01"), ("", "2024-03-01"),
     ("2024-02-30", "2024-03-01"), ("2024-03-01", "1e9")],
)  # fmt: skip
def test_bad_periods_are_refused_in_a_sentence(start: str, end: str) -> None:
    with pytest.raises(PeriodError, match=r"\.$"):
        parse_period(start, end)


def test_a_line_is_exact() -> None:
    assert table.line("my-khanh", reading(1)) == (
        "my-khanh,soil-1,65537,1,soil_moisture,0,m3/m3,2024-02-29T17:01:00.000+00:00,4,"
        "2024-02-29T17:01:00.400+00:00,1200037,0.2346,1,1\n"
    )
    cold: Reading = reading(2, field=fields.SOIL_TEMPERATURE, raw=-5, value=-5)
    assert table.line("v", cold).split(",")[10:12] == ["-5", "-0.05"]
    assert table.line("v", reading(3, value=None)).split(",")[11] == ""
    assert len(table.line("v", cold).split(",")) == len(table.COLUMNS)


@given(st.integers(-(10**9), 10**9), st.integers(0, 6))
def test_decimals_lose_nothing(scaled: int, decimals: int) -> None:
    text = table.decimal(scaled, decimals)
    assert int(text.replace(".", "").replace("-", "")) == abs(scaled)
    assert text.startswith("-") == (scaled < 0)
    assert len(text.partition(".")[2]) == decimals
