"""The air of the last days as the village's own station has measured it: what a day's ET0 needs, and no more.

Rules
1. Of each quantity a local day keeps the lowest, the highest, the sum, and in which hours it was heard.
2. A quantity counts for a day when it was heard in ``WHOLE_HOURS`` of its hours; a day is whole when its temperature
   counts. Less would take a morning for a day.
3. Days are kept by number, the newest ``KEPT_DAYS``; a reading that comes late goes to its own day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wire import fields

WHOLE_HOURS = 20
KEPT_DAYS = 4
HOUR_MS = 3_600_000
MJ_PER_W_DAY = 0.0864
QUANTITIES = {
    fields.AIR_TEMPERATURE: "temperature",
    fields.AIR_HUMIDITY: "humidity",
    fields.WIND: "wind",
    fields.SOLAR: "solar",
}


@dataclass(frozen=True, slots=True)
class Course:
    """One quantity over a day, in the integers of its field; ``hours`` has a bit for each hour it was heard in."""

    low: int
    high: int
    total: int
    count: int
    hours: int

    @property
    def is_whole(self) -> bool:
        return self.hours.bit_count() >= WHOLE_HOURS

    @property
    def mean(self) -> float:
        return self.total / self.count


@dataclass(frozen=True, slots=True)
class AirDay:
    day: int
    courses: Mapping[str, Course] = field(default_factory=dict)

    def course(self, name: str) -> Course | None:
        """The course of a quantity if it counts."""
        found = self.courses.get(name)
        return found if found is not None and found.is_whole else None

    def columns(self) -> tuple[tuple[str, float], ...]:
        """What it tells, under the names of ``fao56.station.Observations``."""
        told: list[tuple[str, float]] = []
        if temperature := self.course("temperature"):
            told += [("tmax_c", temperature.high / 100.0), ("tmin_c", temperature.low / 100.0)]
        if humidity := self.course("humidity"):
            told += [("rhmax_pct", humidity.high / 100.0), ("rhmin_pct", humidity.low / 100.0)]
        if wind := self.course("wind"):
            told += [("wind_ms", wind.mean / 100.0), ("wind_height_m", 2.0)]
        if solar := self.course("solar"):
            told += [("srad_mj_m2", solar.mean * MJ_PER_W_DAY)]
        return tuple(told)


@dataclass(frozen=True, slots=True)
class Air:
    days: tuple[AirDay, ...] = ()  # by rising number

    def whole_day(self, first: int, last: int) -> AirDay | None:
        """The newest whole day of a span of days."""
        return next((d for d in reversed(self.days) if first <= d.day <= last and d.course("temperature")), None)


def take(air: Air, field_id: int, value: int, day: int, hour: int) -> Air:
    """The air with one more value, measured in an hour (0 to 23) of a local day."""
    name = QUANTITIES[field_id]
    known = {kept.day: kept for kept in air.days}
    today = known.get(day) or AirDay(day)
    course = today.courses.get(name) or Course(value, value, 0, 0, 0)
    more = Course(
        min(course.low, value),
        max(course.high, value),
        course.total + value,
        course.count + 1,
        course.hours | 1 << hour,
    )
    known[day] = AirDay(day, {**today.courses, name: more})
    return Air(tuple(known[number] for number in sorted(known)[-KEPT_DAYS:]))
