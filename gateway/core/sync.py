"""What goes to the cloud next, and what an answer means. Two lanes: what is new first, what is old behind it.

Rules
1. Everything up to ``cursor`` is in the cloud, and so is every span in ``ahead``; nothing else may be forgotten.
   Spans are ids of data.db, both ends inclusive, sorted, disjoint, never adjacent to each other or to the cursor.
2. The *live* lane takes the newest rows above all that is known to be sent, so that a farmer sees the present
   within one cycle after an outage. The *backlog* lane takes the oldest from the cursor on, up to the first span ahead.
3. Only an answer that says the cloud has committed moves anything. No answer, a wrong answer and a refusal of the
   credential mean: wait, and send the same again. The cloud knows what it has.
4. A batch that the cloud cannot read is halved; the one row that is left at the end is set aside with the reason, so
   that it stops nobody. Only the cloud's own codes count for this: a captive portal's 400 must not cost a reading.
5. The progress counts ids of one file. When data.db was made anew, or an older copy of it was put back, it is worth
   nothing and everything is sent again. The row at the top tells: where that is the same, all below it are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

MAX_ROWS = 2000
# Each newest-first batch during an outage's drain can leave one span; beyond this the live lane waits for the backlog.
MAX_SPANS = 500

LIVE = "live"
BACKLOG = "backlog"

Span = tuple[int, int]


@dataclass(frozen=True)
class Progress:
    """What the cloud is known to have."""

    cursor: int = 0
    ahead: tuple[Span, ...] = ()

    @property
    def top(self) -> int:
        """The highest id that is known to be sent."""
        return self.ahead[-1][1] if self.ahead else self.cursor

    @property
    def backlog_end(self) -> int | None:
        """The last id of the gap that the backlog lane is in; None when nothing is ahead of it."""
        return self.ahead[0][0] - 1 if self.ahead else None


def acknowledged(progress: Progress, first: int, last: int) -> Progress:
    """The cloud has committed every row with an id in first..last."""
    if last < first:
        return progress
    merged: list[Span] = []
    for span in sorted([*progress.ahead, (first, last)]):
        if merged and span[0] <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], span[1]))
        else:
            merged.append(span)
    cursor = progress.cursor
    while merged and merged[0][0] <= cursor + 1:
        cursor = max(cursor, merged.pop(0)[1])
    return Progress(cursor, tuple(merged))


def live_allowed(progress: Progress) -> bool:
    return len(progress.ahead) < MAX_SPANS


def live_span(progress: Progress, oldest_id: int, newest_id: int, *, complete: bool) -> Span:
    """What a batch of the newest rows stands for. ``complete``: it holds all there is above the top."""
    return (progress.top + 1 if complete else oldest_id, newest_id)


class Action(Enum):
    """What to do after an answer."""

    FORGET = "forget"
    SPLIT = "split"
    SET_ASIDE = "set aside"
    WAIT = "wait"


# What the cloud says of a body that it will never be able to take.
UNREADABLE_CODES = frozenset({"bad_columns", "bad_zstd", "too_large"})


def judge(status: int | None, answer: Mapping[str, object], rows: int) -> Action:
    """What an answer to a batch means; ``status`` is None when there was none."""
    if status == 200:
        counts = [answer.get(name) for name in ("new", "same", "conflict", "rejected_count")]
        told = sum(n for n in counts if isinstance(n, int) and not isinstance(n, bool))
        return Action.FORGET if told == rows else Action.WAIT
    if status in (400, 413) and answer.get("code") in UNREADABLE_CODES:
        return Action.SPLIT if rows > 1 else Action.SET_ASIDE
    return Action.WAIT


@dataclass(frozen=True)
class Pace:
    """How often, in real milliseconds; a sped-up village cannot wait as long as a real one."""

    cycle_ms: int
    longest_wait_ms: int


REAL_PACE = Pace(cycle_ms=10_000, longest_wait_ms=30_000)
SPED_PACE = Pace(cycle_ms=2_000, longest_wait_ms=6_000)


def pace_for(speed: float) -> Pace:
    return REAL_PACE if speed <= 1.0 else SPED_PACE


def wait_ms(pace: Pace, failures: int, jitter: float) -> int:
    """How long to wait after this many failures in a row. ``jitter`` in 0..1 keeps villages from coming at once."""
    if failures <= 0:
        return pace.cycle_ms
    longest = min(pace.longest_wait_ms, pace.cycle_ms * 2 ** min(failures - 1, 16))
    return int(longest * (0.5 + 0.5 * jitter))


# How often the farmer's page goes out, in village milliseconds: when it changed, and now and then as a sign of life.
SNAPSHOT_CHANGED_MS = 60_000
SNAPSHOT_ALWAYS_MS = 600_000


def snapshot_due(now_ms: int, sent_ms: int | None, *, changed: bool) -> bool:
    """Whether the page is to be sent again. A clock that was set back counts as a long time."""
    if sent_ms is None or now_ms < sent_ms:
        return True
    return now_ms - sent_ms >= (SNAPSHOT_CHANGED_MS if changed else SNAPSHOT_ALWAYS_MS)
