"""Which seqs of one boot have arrived, kept as spans.

Rules
1. A span is (first, last), both inclusive. Spans of one boot are sorted, disjoint and never adjacent, so that what
   lies between two of them is exactly a gap.
2. ``seq`` starts at FIRST_SEQ in each boot; the contiguous watermark is the end of the span that starts there.
3. Only the spans within NEAR of a seq of the batch need to be looked at, and the one that starts at FIRST_SEQ. A
   seq has at most NEAR spans near it, so the work is bounded by the batch, whatever history looks like.
4. What is kept is bounded by what has arrived: each span holds at least one reading or rejected row. A node that
   loses nothing has one span for each boot; one that loses every second reading has as many spans as readings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Span = tuple[int, int]

FIRST_SEQ = 1
NEAR = 16


def merge(spans: Iterable[Span], seqs: Iterable[int]) -> list[Span]:
    """The spans that cover all of ``spans`` and ``seqs``."""
    merged: list[Span] = []
    for first, last in sorted([*spans, *((seq, seq) for seq in seqs)]):
        if merged and first <= merged[-1][1] + 1:
            if last > merged[-1][1]:
                merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return merged


def windows(seqs: Iterable[int]) -> list[Span]:
    """Where spans can touch these seqs: ranges of seqs at most NEAR apart, with one more on each side."""
    found: list[Span] = []
    for seq in sorted(seqs):
        if found and seq <= found[-1][1] + NEAR:
            found[-1] = (found[-1][0], seq)
        else:
            found.append((seq, seq))
    return [(first - 1, last + 1) for first, last in found]


def covered(spans: Sequence[Span], seqs: Iterable[int]) -> list[int]:
    """Those of ``seqs`` that lie in a span, sorted."""
    found = []
    at = 0
    for seq in sorted(set(seqs)):
        while at < len(spans) and spans[at][1] < seq:
            at += 1
        if at == len(spans):
            break
        if spans[at][0] <= seq:
            found.append(seq)
    return found


def contiguous(spans: Iterable[Span]) -> int:
    """The highest seq up to which nothing is missing; 0 when the first is."""
    return next((last for first, last in spans if first == FIRST_SEQ), FIRST_SEQ - 1)
