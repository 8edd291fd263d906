"""The faults of a run and their village times. Pure: says what is due, does nothing.

Rules of this module:
- Every fault has its stated time, so that a run can be told in words and repeated: the cloud's line is cut for
  a whole day (in a run of less than three days for a quarter of it), the broker is killed once, the gateway is
  killed once.
- The gateway is killed while water flows: from its stated time on, as soon as a pump runs with its valve open.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

DAY_MS = 86_400_000


class Fault(StrEnum):
    CUT_CLOUD = "cloud link cut"
    MEND_CLOUD = "cloud link mended"
    KILL_BROKER = "broker killed"
    KILL_GATEWAY = "gateway killed while a valve was open"


VIETNAMESE = {
    Fault.CUT_CLOUD: "mất mạng ra ngoài",
    Fault.MEND_CLOUD: "có mạng lại",
    Fault.KILL_BROKER: "tắt trạm MQTT",
    Fault.KILL_GATEWAY: "tắt máy chủ lúc đang tưới",
}


@dataclass(frozen=True)
class Due:
    fault: Fault
    at_ms: int
    needs_water: bool = False


def plan(start_ms: int, length_ms: int) -> tuple[Due, ...]:
    """The faults of a run of this length. The times are fractions of it, or days where it is long enough."""
    short = length_ms < 3 * DAY_MS
    unit_ms = length_ms if short else DAY_MS

    def at(units: float) -> int:
        return start_ms + round(units * unit_ms)

    cut, mend, broker = (0.45, 0.7, 0.85) if short else (1.0, 2.0, 1.25)
    return (
        Due(Fault.KILL_GATEWAY, at(0.25), needs_water=True),
        Due(Fault.CUT_CLOUD, at(cut)),
        Due(Fault.KILL_BROKER, at(broker)),
        Due(Fault.MEND_CLOUD, at(mend)),
    )


@dataclass
class Faults:
    """What is still to come, and what has happened when."""

    waiting: list[Due]
    happened: list[tuple[Fault, int]] = field(default_factory=list)

    def due(self, now_ms: int, watering: bool) -> list[Fault]:
        """The faults to commit now; each is handed out once."""
        ready = [due for due in self.waiting if now_ms >= due.at_ms and (watering or not due.needs_water)]
        self.waiting = [due for due in self.waiting if due not in ready]
        self.happened += [(due.fault, now_ms) for due in ready]
        return [due.fault for due in ready]
