"""What goes to the cloud next: the two lanes and the meaning of answers, without a network."""

import itertools
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core import sync
from gateway.core.sync import Action, Progress, acknowledged

TOLD = {"new": 3, "same": 1, "conflict": 0, "rejected_count": 1}


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 8)), max_size=20))
def test_progress_is_exactly_what_was_acknowledged(spans: list[tuple[int, int]]) -> None:  # P2
    """Invariant: cursor and spans together are the set of acknowledged ids, and nothing else."""
    progress, ids = Progress(), set()
    for first, length in spans:
        progress = acknowledged(progress, first, first + length)
        ids |= set(range(first, first + length + 1))
        known = set(range(1, progress.cursor + 1))
        known |= {i for a, b in progress.ahead for i in range(a, b + 1)}
        assert known == ids
        edges = [(0, progress.cursor), *progress.ahead]
        assert all(a[1] + 1 < b[0] for a, b in itertools.pairwise(edges))


def test_an_empty_span_changes_nothing() -> None:
    assert acknowledged(Progress(5), 7, 6) == Progress(5)


def test_newest_first_after_an_outage_then_the_backlog_joins() -> None:
    progress = Progress(cursor=100)
    first, last = sync.live_span(progress, 9_001, 11_000, complete=False)
    progress = acknowledged(progress, first, last)
    assert progress == Progress(100, ((9_001, 11_000),))
    assert (progress.top, progress.backlog_end) == (11_000, 9_000)
    # next cycle: few new rows; ids that data.db skipped are covered by the span
    first, last = sync.live_span(progress, 11_005, 11_010, complete=True)
    progress = acknowledged(progress, first, last)
    assert progress == Progress(100, ((9_001, 11_010),))
    progress = acknowledged(progress, 101, 9_000)
    assert progress == Progress(11_010)
    assert progress.backlog_end is None


def test_the_live_lane_is_bounded() -> None:
    spans = tuple((n * 10, n * 10 + 1) for n in range(1, sync.MAX_SPANS + 1))
    assert not sync.live_allowed(Progress(1, spans))
    assert sync.live_allowed(Progress(1, spans[1:]))


@pytest.mark.parametrize(
    ("status", "answer", "rows", "action"),
    [
        (200, TOLD, 5, Action.FORGET),
        (200, TOLD, 6, Action.WAIT),  # the cloud did not account for a row
        (200, {}, 1, Action.WAIT),  # a captive portal says yes to everything
        (200, {**TOLD, "new": True}, 5, Action.WAIT),
        (None, {}, 5, Action.WAIT),
        (503, {"code": "database"}, 5, Action.WAIT),
        (401, {"code": "unauthorized"}, 5, Action.WAIT),
        (400, {}, 1, Action.WAIT),  # not one of the cloud's own codes
        (400, {"code": "bad_columns"}, 5, Action.SPLIT),
        (413, {"code": "too_large"}, 5, Action.SPLIT),
        (400, {"code": "bad_columns"}, 1, Action.SET_ASIDE),
        (302, {}, 5, Action.WAIT),
    ],
)
def test_only_the_clouds_own_word_moves_anything(
    status: int | None, answer: dict[str, object], rows: int, action: Action
) -> None:
    assert sync.judge(status, answer, rows) is action


def test_waits_grow_to_a_limit_and_are_spread() -> None:
    pace = sync.pace_for(1.0)
    assert sync.wait_ms(pace, 0, 0.5) == 10_000
    waits = [sync.wait_ms(pace, n, 1.0) for n in range(1, 60)]
    assert waits == sorted(waits)
    assert waits[-1] == 30_000
    rng = Random(1)
    assert all(15_000 <= sync.wait_ms(pace, 50, rng.random()) <= 30_000 for _ in range(100))
    assert sync.wait_ms(sync.pace_for(600), 50, 1.0) == 6_000


def test_the_page_goes_out_when_it_changed_and_as_a_sign_of_life() -> None:
    assert sync.snapshot_due(0, None, changed=False)
    assert not sync.snapshot_due(59_999, 0, changed=True)
    assert sync.snapshot_due(60_000, 0, changed=True)
    assert not sync.snapshot_due(599_999, 0, changed=False)
    assert sync.snapshot_due(600_000, 0, changed=False)
    assert sync.snapshot_due(5, 10, changed=False)  # the clock was set back
