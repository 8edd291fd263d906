"""What a season run is made of, and how closely it looks.

Rules of this module:
- A scenario holds everything that decides a run; the same scenario gives the same figures to the last digit.
- A pace trades closeness for speed, never rules: with CLOSE every reading is taken when the node would and the core
  is woken when it asks; with QUICK a quiet field is looked at now and then, as through a slow link. What the core
  may wait for is stretched with it, as the shell does in a sped-up run, so that being late is not a fault. With SPARSE
  it is looked at every hour, as often as a vote is weighed, and a run is one lease: for thousands of seasons.
- Faults come from the schedule only; a probe fault in the field's own file belongs to the demonstration.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from gateway.core.types import Limits
from gateway.core.village import Village
from simulators.field.weather import DAY_MS, Weather, local_midnight_ms
from simulators.season.faults import Faults

MINUTE_MS = 60_000
MAX_DAYS = 3_660


class ScenarioError(Exception):
    """A season that cannot be run."""


@dataclass(frozen=True)
class Pace:
    """How often the field is looked at and the core is woken."""

    quiet_ms: int  # between two looks while nothing is on
    watch_ms: int  # and while a garden is watered; if that is closer, never longer than a probe's own period
    wake_ms: int  # the core is not woken more often than this while a garden is watered
    field_ms: int  # longest step of the field's physics
    limits: Limits


QUICK = Pace(30 * MINUTE_MS, 5 * MINUTE_MS, 2 * MINUTE_MS, 30 * MINUTE_MS, Limits(answer_ms=60_000, lease_ms=360_000))
SPARSE = Pace(
    60 * MINUTE_MS, 60 * MINUTE_MS, 60 * MINUTE_MS, 30 * MINUTE_MS,
    Limits(answer_ms=10 * MINUTE_MS, lease_ms=180 * MINUTE_MS),
)  # fmt: skip
CLOSE = Pace(5 * MINUTE_MS, MINUTE_MS, 5_000, 30_000, Limits())


@dataclass(frozen=True)
class Scenario:
    village: Village
    truth: dict[str, Any]  # the field's own file, or simulators.season.ground
    weather: Weather  # may be longer than the run: the driest month is sought in all of it
    first: dt.date
    last: dt.date
    seed: int = 1
    faults: Faults = field(default_factory=Faults)
    pace: Pace = QUICK
    outlook: bool = True  # whether the gateway gets the weather service's file

    def __post_init__(self) -> None:
        if not self.village.zones:
            raise ScenarioError("the village has no zone")
        if not 0 < self.days <= MAX_DAYS:
            raise ScenarioError(f"{self.days} days, must be 1 to {MAX_DAYS}")
        self.weather.between(self.first, self.last)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def start_ms(self) -> int:
        return local_midnight_ms(self.first)

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.days * DAY_MS
