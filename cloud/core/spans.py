"""Which seqs of one boot have arrived, kept as spans.

Rules
1. A span is (first, last), both inclusive. Spans of one boot are sorted, disjoint and never adjacent, so that what
   lies between two of them is exactly a gap.
2. ``seq`` starts at FIRST_SEQ in each boot; the contiguous watermark is the end of the span that starts there.
3. Only the spans next to a batch need to be looked at: the work grows with the batch, not with history.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Span = tuple[int, int]

FIRST_SEQ = 1


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
