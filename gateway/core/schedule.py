"""Wanted doses packed into the hours of their pump: who runs when, and what does not fit.

Rules
1. One garden at a time. The wants come in their order, the driest first, and whoever is first and ready has the pump;
   one whose soil soaks is not ready, so others fill the gap.
2. A dose is cut into even cycles of at most ``cycle_ms``; between two of them lie ``soak_ms`` at least.
3. Nothing begins that would last less than the pump's least run, nothing runs outside the hours or beyond its ``by``.
   A pump that starts takes its lead off the hours, after it has rested; from one garden to the next it goes on.
4. Whatever is wanted is either in the plan or in what is missing: nothing is left out silently. The plan is a forecast,
   made anew whenever it is asked for; what happens in the end is told by the doses themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

MAX_TURNS = 1_000


@dataclass(frozen=True, slots=True)
class Want:
    """Water that a garden is to have, as the time for which it has to flow."""

    zone: str
    left_ms: int
    by_at_ms: int
    cycle_ms: int | None = None
    soak_ms: int = 0
    ready_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """What a pump asks for, and whether it runs now."""

    least_ms: int
    lead_ms: int = 0
    rest_ms: int = 0
    is_on: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """From when to when its water flows."""

    zone: str
    from_at_ms: int
    to_at_ms: int


def even_ms(left_ms: int, cycle_ms: int | None) -> int:
    """The next cycle of a dose: all alike, two per cent too long at most, so that no sliver is left."""
    if cycle_ms is None or left_ms <= cycle_ms:
        return left_ms
    cycles = -(-left_ms // (cycle_ms + cycle_ms // 50))
    return -(-left_ms // cycles)


def pack(
    wants: Sequence[Want], hours: Sequence[tuple[int, int]], pace: Pace
) -> tuple[tuple[Slot, ...], Mapping[str, int]]:
    """The plan, and of each garden the time that is missing."""
    left = {want.zone: want for want in wants}
    plan: list[Slot] = []
    off_at_ms = hours[0][0] if hours and pace.is_on else None  # when the pump stops, if nobody goes on with it
    for start_ms, end_ms in hours:
        at_ms = start_ms
        while at_ms < end_ms and len(plan) < MAX_TURNS:
            from_at_ms = at_ms if at_ms == off_at_ms else max(at_ms, (off_at_ms or 0) + pace.rest_ms) + pace.lead_ms
            slot = _first(left, at_ms, from_at_ms, end_ms, pace.least_ms)
            if slot is None:
                later = [want.ready_at_ms for want in left.values() if want.left_ms > 0 and want.ready_at_ms > at_ms]
                at_ms = min(later, default=end_ms)
                continue
            plan.append(slot)
            want = left[slot.zone]
            run_ms = slot.to_at_ms - slot.from_at_ms
            ready_at_ms = slot.to_at_ms + want.soak_ms
            left[slot.zone] = replace(want, left_ms=want.left_ms - run_ms, ready_at_ms=ready_at_ms)
            at_ms = off_at_ms = slot.to_at_ms
    return tuple(plan), {zone: want.left_ms for zone, want in left.items() if want.left_ms > 0}


def _first(left: Mapping[str, Want], at_ms: int, from_at_ms: int, end_ms: int, least_ms: int) -> Slot | None:
    """The turn of the first one that is ready at an instant and has time from when water can flow."""
    for want in left.values():
        run_ms = min(even_ms(want.left_ms, want.cycle_ms), end_ms - from_at_ms, want.by_at_ms - from_at_ms)
        if want.left_ms > 0 and want.ready_at_ms <= at_ms and run_ms >= max(1, least_ms):
            return Slot(want.zone, from_at_ms, from_at_ms + run_ms)
    return None
