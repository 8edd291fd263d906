"""A simulated farmer who keeps the phases of the gardens: he confirms the next one on the day that the plan suggests.

Rules of this module:
- He looks in the morning of each day, at ``HOUR``, and says what he would say at his phone; the core does the rest.
- He is never late and never early. Real farmers look at trees and not at days, so a run shows the plan, not them.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.core.plans.kinds import phases_of
from gateway.core.state import State
from gateway.core.types import Intent, Settings
from gateway.core.weather import LOCAL_MS, local_day

HOUR_MS = 3_600_000
HOUR = 6
NAME = "nông dân mô phỏng"


class Farmer:
    def __init__(self, settings: Settings) -> None:
        self._gardens = [zone for zone in settings.zones if phases_of(zone.plan)]
        self._looked_day = -1
        self._asked = 0

    def asks(self, state: State, at_ms: int) -> tuple[Intent, ...]:
        """What he says now; nothing but once a morning."""
        day = local_day(at_ms)
        if day == self._looked_day or (at_ms + LOCAL_MS) // HOUR_MS % 24 < HOUR:
            return ()
        self._looked_day = day
        return tuple(self._seen(state, at_ms, day))

    def _seen(self, state: State, at_ms: int, day: int) -> Iterator[Intent]:
        for zone in self._gardens:
            phases, memory = phases_of(zone.plan), state.zones.get(zone.id)
            known = memory.plan.phase if memory else None
            present = phases.of(known.id) if phases and known else None
            following = phases.after(known.id) if phases and known else None
            if known and present and following and day - local_day(known.since_at_ms) >= present.days:
                self._asked += 1
                yield Intent(self._asked, at_ms, at_ms + HOUR_MS, "phase", zone.id, user=NAME, what=following.id)
