"""What the real irrigation has used, and what three other ways of watering would have: on one record, garden by garden.

Rules
1. Each shadow (``shadow``) waters the soil of the record (``record.Soil``): the same begin, weather, rain and
   corrections by the probes. It is asked at 05:30 each morning, gives its whole dose at once, and never lacks water.
2. Ours is what was really watered: litres of the runs, by the meter where there is one, else reckoned by the valve's
   flow; and the soil water that was reckoned then.
3. Water that a way has left in the soil, or has taken out of it, is told beside what it gave: a week with less
   watering and a drier end has saved nothing yet. ``saved_mm`` has it taken off.
4. ``doubt_mm`` says how far ``saved_mm`` may be off for what is ours: the litres, known to METERED or RECKONED of
   themselves, and how surely the soil water was known at the end. What the model of the soil is off itself is in no
   figure here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.core.reckon import NOWHERE
from gateway.core.record import SOIL_MS, Record, Soil, Tick
from gateway.core.shadow import SHADOWS, Morning, Plot, Shadow
from gateway.core.types import SensorRef, ZoneSettings
from gateway.core.weather import driest_et0_mm, local_day
from wire import fields

BEGIN_MS = round(5.5 * 3_600_000)
METERED, RECKONED = 0.03, 0.10
SEEN_MS = 3_600_000


@dataclass(frozen=True)
class Way:
    """One way of watering a garden; ``spans`` are when it watered, ``seen`` the depletion over time."""

    name: str
    litres: float
    mm: float
    times: int
    stress_days: int
    drained_mm: float | None
    end_mm: float  # depletion at the end
    seen: tuple[tuple[int, float], ...]
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Saving:
    """A garden: ours, the others, and how surely."""

    zone: ZoneSettings
    area_m2: float
    metered: bool
    ours: Way
    others: tuple[Way, ...]
    doubt_mm: float

    def saved_mm(self, other: Way) -> float:
        """Rule 3."""
        return other.mm - self.ours.mm - (self.ours.end_mm - other.end_mm)

    def saved_pct(self, other: Way) -> float | None:
        return 100.0 * self.saved_mm(other) / other.mm if other.mm > 0.0 else None


def savings(record: Record, metered: Mapping[str, bool]) -> list[Saving]:
    """Every garden whose soil water is reckoned; ``metered`` says whose litres a meter has told."""
    return [
        _saving(record, zone, metered.get(zone.id, False))
        for zone in record.settings.grounded
        if zone.id in record.begun
    ]


def _saving(record: Record, zone: ZoneSettings, metered: bool) -> Saving:
    ground = zone.ground
    assert ground is not None  # it is of those that are reckoned
    ours, sd_mm = _ours(record, zone)
    others = tuple(_shadowed(record, zone, shadow) for shadow in SHADOWS)
    doubt_mm = math.hypot((METERED if metered else RECKONED) * ours.mm, sd_mm)
    return Saving(zone, ground.area_m2, metered, ours, others, doubt_mm)


def _ours(record: Record, zone: ZoneSettings) -> tuple[Way, float]:
    """What was really done, and how surely the soil water was known at the end."""
    assert zone.ground is not None
    runs = [run for run in record.watered if run.zone == zone.id]
    litres = sum(run.millilitres for run in runs) / 1000.0
    came = [(tick.at_ms, tick.came[zone.id]) for tick in record.ticks if zone.id in tick.came]
    soil = Soil(zone.ground, record.begun[zone.id])
    way = Way(
        name="ours",
        litres=litres,
        mm=litres / zone.ground.area_m2,
        times=len(runs),
        stress_days=len(record.stressed(zone.id, soil)),
        drained_mm=None,
        end_mm=came[-1][1].depletion_um / 1000.0,
        seen=tuple(_hourly((at_ms, one.depletion_um / 1000.0) for at_ms, one in came)),
        spans=tuple((run.on_ms, run.off_ms) for run in runs),
    )
    return way, came[-1][1].sd_um / 1000.0


def _shadowed(record: Record, zone: ZoneSettings, shadow: Shadow) -> Way:
    ground = zone.ground
    assert ground is not None
    run = _Run(record, zone, shadow)
    for tick in record.ticks:
        run.to(tick)
    soil, minutes = run.soil, ground.area_m2 / zone.flow_ml_min * 1_000.0 if zone.flow_ml_min else 0.0
    given_mm = sum(mm for _, mm in run.given)
    return Way(
        name=shadow.name,
        litres=given_mm * ground.area_m2,
        mm=given_mm,
        times=len(run.given),
        stress_days=len(soil.stressed),
        drained_mm=soil.drained_um / 1000.0,
        end_mm=soil.depletion_mm,
        seen=tuple(_hourly(iter(run.seen))),
        spans=tuple((at_ms, at_ms + round(mm * minutes * 60_000)) for at_ms, mm in run.given),
    )


class _Run:
    """A shadow on the soil of one garden."""

    def __init__(self, record: Record, zone: ZoneSettings, shadow: Shadow) -> None:
        assert zone.ground is not None
        self.soil = Soil(zone.ground, record.begun[zone.id])
        self.given: list[tuple[int, float]] = []
        self.seen: list[tuple[int, float]] = []
        self._record, self._zone, self._shadow = record, zone, shadow
        self._plot = _plot(record, zone, self.soil.depletion_mm)
        self._memory = shadow.begin(self._plot)
        self._rain_mm: dict[int, float] = {}
        self._probe: tuple[int, int] | None = None  # what the first probe showed: off from the reckoned, and when
        self._asked = local_day(record.from_ms - BEGIN_MS)

    def to(self, tick: Tick) -> None:
        came, zone = tick.came.get(self._zone.id), self._zone
        to_ms = tick.at_ms // SOIL_MS * SOIL_MS
        if to_ms > self.soil.known.reckoned_at_ms:
            self.soil.dry(to_ms, self._record.et0)
        if came is None:
            return
        day = local_day(tick.at_ms)
        self._rain_mm[day] = self._rain_mm.get(day, 0.0) + came.rain_um / 1000.0
        self.soil.rain(came.rain_um, tick.at_ms)
        self.soil.correct(came.corrected_um)
        self._hear(tick, zone.probes[0] if zone.probes else None, came.depletion_um / 1000.0)
        if local_day(tick.at_ms - BEGIN_MS) > self._asked:
            self._asked = local_day(tick.at_ms - BEGIN_MS)
            self._water(tick.at_ms, day)
        self.seen.append((tick.at_ms, self.soil.depletion_mm))

    def _hear(self, tick: Tick, probe: SensorRef | None, recorded_mm: float) -> None:
        """How far the first probe is from what was reckoned: it would be as far in the soil of the shadow."""
        for reading in tick.readings:
            if reading.sensor == probe:
                known = reading.value is not None and reading.quality < fields.FAIL
                off = reading.value - self.soil.ground.soil_e4(recorded_mm) if known and reading.value else None
                self._probe = None if off is None else (off, reading.measured_at_ms)

    def _water(self, at_ms: int, day: int) -> None:
        heard = self._probe is not None and at_ms - self._probe[1] < self._zone.probe_max_age_ms
        probe_e4 = self.soil.ground.soil_e4(self.soil.depletion_mm) + self._probe[0] if self._probe and heard else None
        et0 = self._record.et0.get(day - 1)
        morning = Morning(et0.mm if et0 else 0.0, self._rain_mm.get(day - 1, 0.0), probe_e4)
        self._memory, mm = self._shadow.water(self._plot, self._memory, morning)
        if mm > 0.0:
            self.given.append((at_ms, mm))
            self.soil.irrigate(round(mm * 1000.0), at_ms)


def _plot(record: Record, zone: ZoneSettings, depletion_mm: float) -> Plot:
    """What an installer would set: the crop's coefficient in the middle of the record, and the garden's marks."""
    ground = zone.ground
    assert ground is not None
    kc = float(
        record.settings.plots.kc(local_day((record.from_ms + record.to_ms) // 2))[record.settings.grounded.index(zone)]
    )
    return Plot(
        crop_coefficient=kc,
        raw_mm=ground.p * ground.taw_mm,
        root_mm=ground.root_m * 1000.0,
        dry_e4=zone.dry_e4,
        target_e4=zone.target_e4,
        driest_mm=kc * driest_et0_mm(record.settings.place or NOWHERE),
        depletion_mm=depletion_mm,
    )


def _hourly(points: Iterator[tuple[int, float]]) -> Iterator[tuple[int, float]]:
    last_ms: int | None = None
    for at_ms, value in points:
        if last_ms is None or at_ms - last_ms >= SEEN_MS:
            last_ms = at_ms
            yield at_ms, value
