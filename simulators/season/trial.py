"""One copy of the field with its books: what each garden got, used and lost, day by day.

Rules of this module:
- Every controller waters a copy of its own; the copies begin alike and live under the same weather and faults.
- Days are closed at local midnight. A day's row is the difference of the field's own sums, so that no millimetre is
  counted twice or lost, and ``Day.imbalance_mm`` shows it.
- A crop is stressed on a day on which it used less than it asked for (Ks < 1 of the true field, FAO-56 Eq. 84).
- Water that is saltier than the limit of the garden's source, where it was drawn, is counted apart.
- What is above field capacity is kept in two parts, by rain and by irrigation, in the order in which they came. What
  drains below the roots, and what the crop takes of it before, is taken of both alike: so each mm that drains is
  either the rain's or the irrigation's.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from simulators.field import ditch, soil
from simulators.field.evapotranspiration import reference_et_mm
from simulators.field.layout import Zone, layout
from simulators.field.weather import Weather, local_date
from simulators.field.world import World
from simulators.season.faults import Mischief
from simulators.season.scenario import MINUTE_MS, Scenario

STRESS_MM = 1e-6  # less than this missing from a day's use is rounding
CULVERT_SHARE = 0.2  # of the time constant of ditch and culvert: longer steps would be wrong


@dataclass(frozen=True)
class Day:
    """One day of one garden, in mm over the garden; litres and seconds where it says so."""

    date: dt.date
    rain_mm: float
    et0_mm: float
    etc_mm: float  # what the crop asked for
    eta_mm: float  # what it used
    irrigation_mm: float
    drained_mm: float  # below the roots
    lost_mm: float  # what of it was irrigation
    runoff_mm: float
    stored_mm: float  # in and on the soil at the end of the day
    stored_before_mm: float
    litres: float
    salty_litres: float
    pump_s: float

    @property
    def stressed(self) -> bool:
        return self.eta_mm < self.etc_mm - STRESS_MM

    @property
    def imbalance_mm(self) -> float:
        into = self.rain_mm + self.irrigation_mm
        out = self.eta_mm + self.drained_mm + self.runoff_mm
        return into - out - (self.stored_mm - self.stored_before_mm)


@dataclass
class _Book:
    """The running sums of one garden that the field itself does not keep. Mutable."""

    capacity_mm: float  # at field capacity
    limit_us_cm: float
    excess_mm: float  # of irrigation, above field capacity
    lost_mm: float = 0.0
    salty_l: float = 0.0

    def follow(self, before: soil.SoilState, after: soil.SoilState) -> None:
        """One step of the field: irrigation comes first, then rain, then what drains and what the crop takes."""
        held = before.root_mm + before.surface_mm - self.capacity_mm
        watered = held + after.irrigation_mm - before.irrigation_mm
        rained = watered + after.rain_mm - before.rain_mm
        if rained <= 0.0:
            self.excess_mm = 0.0
            return
        share = (self.excess_mm + max(0.0, watered) - max(0.0, held)) / rained
        self.lost_mm += share * (after.drained_mm - before.drained_mm)
        self.excess_mm = share * max(0.0, after.root_mm + after.surface_mm - self.capacity_mm)


@dataclass(frozen=True)
class _Mark:
    """The sums at a midnight."""

    state: soil.SoilState
    litres: float
    open_s: float
    salty_l: float
    lost_mm: float


class Trial:
    """A copy of the field, moved on by ``advance``; ``days`` are its books by garden."""

    def __init__(self, scenario: Scenario) -> None:
        plan = layout(scenario.village, scenario.truth, scenario.seed)
        self.zones = {zone.id: zone for zone in plan.zones}
        minutes = CULVERT_SHARE * plan.ditch.area_m2 / max(1e-9, plan.ditch.culvert_lpm_per_mm)
        step_ms = max(1_000, min(scenario.pace.field_ms, int(minutes * MINUTE_MS)))
        sky = _and_a_day(scenario.weather.between(scenario.first, scenario.last))
        self.world = World(plan, sky, scenario.seed, scenario.start_ms, step_ms)
        self.mischief = Mischief(scenario.faults.probes, scenario.village.zones, plan, scenario.seed)
        self.days: dict[str, list[Day]] = {zone: [] for zone in self.zones}
        sources = scenario.village.sources
        self._books = {
            id: _Book(
                capacity_mm=zone.soil.capacity_mm,
                limit_us_cm=sources[scenario.village.zones[id].source].limit_us_cm,
                excess_mm=0.0,
            )
            for id, zone in self.zones.items()
        }
        self._begin = self.world.ditch, dict(self.world.soil)
        self._marks = self._marked()

    def advance(self, to_ms: int) -> None:
        """Let the field live until an instant; outputs stay as they are."""
        world = self.world
        while world.now_ms < to_ms:
            midnight_ms = world.midnight_ms
            self._step(min(to_ms, world.now_ms + world.step_ms, midnight_ms))
            if world.now_ms == midnight_ms:
                self._close_day(local_date(midnight_ms - 1))

    def _step(self, to_ms: int) -> None:
        world = self.world
        before = dict(world.soil)
        litres = {zone: world.delivered[zone].litres for zone in self.zones} if any(world.flow_lpm.values()) else {}
        world.advance(to_ms)
        for zone, book in self._books.items():
            book.follow(before[zone], world.soil[zone])
        for zone, litres_before in litres.items():
            if world.water("ditch_salinity") >= self._books[zone].limit_us_cm:
                self._books[zone].salty_l += world.delivered[zone].litres - litres_before

    def imbalance_mm(self) -> float:
        """The worst of all gardens' balances over the whole run."""
        return max(abs(soil.imbalance_mm(self._begin[1][zone], self.world.soil[zone])) for zone in self.zones)

    def ditch_imbalance_l(self) -> float:
        return ditch.imbalance_l(self._begin[0], self.world.ditch)

    def _marked(self) -> dict[str, _Mark]:
        world = self.world
        return {
            zone: _Mark(
                world.soil[zone],
                world.delivered[zone].litres,
                world.delivered[zone].open_s,
                book.salty_l,
                book.lost_mm,
            )
            for zone, book in self._books.items()
        }

    def _close_day(self, date: dt.date) -> None:
        et0_mm = reference_et_mm(self.world.weather.day(date), self.world.layout.place)
        marks, self._marks = self._marks, self._marked()
        for zone in self.zones.values():
            self.days[zone.id].append(_day(zone, date, et0_mm, marks[zone.id], self._marks[zone.id]))


def _and_a_day(weather: Weather) -> Weather:
    """The field looks up the next day at the last midnight already; no time passes in it."""
    last = weather.days[-1]
    return Weather(weather.label, (*weather.days, replace(last, date=last.date + dt.timedelta(days=1))))


def _day(zone: Zone, date: dt.date, et0_mm: float, begin: _Mark, end: _Mark) -> Day:
    a, b = begin.state, end.state
    return Day(
        date=date,
        rain_mm=b.rain_mm - a.rain_mm,
        et0_mm=et0_mm,
        etc_mm=zone.soil.crop_coefficient * et0_mm,
        eta_mm=b.evaporated_mm - a.evaporated_mm,
        irrigation_mm=b.irrigation_mm - a.irrigation_mm,
        drained_mm=b.drained_mm - a.drained_mm,
        lost_mm=end.lost_mm - begin.lost_mm,
        runoff_mm=b.runoff_mm - a.runoff_mm,
        stored_mm=b.root_mm + b.surface_mm,
        stored_before_mm=a.root_mm + a.surface_mm,
        litres=end.litres - begin.litres,
        salty_litres=end.salty_l - begin.salty_l,
        pump_s=end.open_s - begin.open_s,
    )
