"""How the water of a pump is let out, as people chose it: its main valve, waiting times, hours and meter.

Rules
1. A pump of which nothing is said is like ``PumpSettings()``: no main valve, no waiting, S7's run, rest and starts.
2. Hours are minutes of the local day (+07:00), may go over midnight, and bind only what starts by itself: a person who
   asks for water has looked at the clock.
3. Water may run in ``open_hours``, if there are any, and never in ``quiet_hours``.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.refs import OutputRef, SensorRef, require

DAY_MIN = 1_440
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = DAY_MIN * MINUTE_MS
LOCAL_MS = 7 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of every day; from 22:00 to 5:00 goes over midnight."""

    from_min: int
    to_min: int

    def __post_init__(self) -> None:
        require(0 <= self.from_min < DAY_MIN and 0 <= self.to_min < DAY_MIN, "hours: minutes of a day")
        require(self.from_min != self.to_min, "hours: from and to are the same")

    def holds(self, minute: int) -> bool:
        if self.from_min < self.to_min:
            return self.from_min <= minute < self.to_min
        return minute >= self.from_min or minute < self.to_min


@dataclass(frozen=True, slots=True)
class PumpSettings:
    """``lead`` lies between the open valve and the pump, ``lag`` between the pump that is off and the valve."""

    main: OutputRef | None = None
    lead_ms: int = 0
    lag_ms: int = 0
    min_run_ms: int = MINUTE_MS
    min_rest_ms: int = MINUTE_MS
    starts_an_hour: int = 6
    meter: SensorRef | None = None
    prime_ms: int = MINUTE_MS
    min_flow_ml_min: int = 0  # less is a pump that runs dry; 0: a fifth of what its garden should get
    open_hours: tuple[Hours, ...] = ()
    quiet_hours: tuple[Hours, ...] = ()

    def __post_init__(self) -> None:
        lengths = (self.lead_ms, self.lag_ms, self.min_run_ms, self.min_rest_ms, self.prime_ms, self.min_flow_ml_min)
        require(min(lengths) >= 0, "pump: lengths and flows must not be negative")
        require(self.starts_an_hour > 0, "pump: starts_an_hour")

    def may_run(self, minute: int) -> bool:
        """Rule 3, at a minute of the local day."""
        open_now = not self.open_hours or any(hours.holds(minute) for hours in self.open_hours)
        return open_now and not any(hours.holds(minute) for hours in self.quiet_hours)

    def windows(self, from_at_ms: int, to_at_ms: int) -> tuple[tuple[int, int], ...]:
        """When it may run between two instants, in order; none of them touches the next."""
        found: list[tuple[int, int]] = []
        at_ms = from_at_ms
        while at_ms < to_at_ms:
            shut_at_ms = min(to_at_ms, self._changes_at_ms(at_ms))
            if self.may_run(_minute(at_ms)):
                start = found.pop()[0] if found and found[-1][1] == at_ms else at_ms
                found.append((start, shut_at_ms))
            at_ms = shut_at_ms
        return tuple(found)

    def _changes_at_ms(self, at_ms: int) -> int:
        """The next instant at which one of the hours begins or ends; without hours that never comes."""
        marks = {mark for hours in (*self.open_hours, *self.quiet_hours) for mark in (hours.from_min, hours.to_min)}
        day_ms = (at_ms + LOCAL_MS) // DAY_MS * DAY_MS - LOCAL_MS
        coming = [day_ms + days * DAY_MS + mark * MINUTE_MS for mark in marks for days in (0, 1)]
        return min((mark_ms for mark_ms in coming if mark_ms > at_ms), default=at_ms + 3_660 * DAY_MS)


PLAIN = PumpSettings()


def _minute(at_ms: int) -> int:
    return (at_ms + LOCAL_MS) % DAY_MS // MINUTE_MS
