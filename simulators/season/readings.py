"""From a converter's raw value to the reading that the irrigation is given: calibration, range and flag of ingest.

Rules of this module:
- The value and the flag are those that ``gateway.core.ingest`` makes of the same raw; a test holds the two together.
- A sensor that does not answer gives a reading without a value, flagged MISSING, as its node does.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.ingest import SLACK
from gateway.core.types import Reading, SensorRef
from gateway.core.village import Calibration, Village
from simulators.field.world import World
from wire import fields


@dataclass(frozen=True)
class Gauge:
    """One sensor as the gateway knows it."""

    ref: SensorRef
    calibration: Calibration | None
    value_min: int
    value_max: int

    def read(self, world: World, at_ms: int) -> Reading:
        return self.reading(world.read(self.ref.node, self.ref.field, self.ref.channel), at_ms)

    def reading(self, raw: int | None, at_ms: int) -> Reading:
        if raw is None:
            return Reading(self.ref, at_ms, None, fields.MISSING)
        value = raw if self.calibration is None else self.calibration.apply(raw)
        if self.value_min <= value <= self.value_max:
            return Reading(self.ref, at_ms, value)
        bound = self.value_min if value < self.value_min else self.value_max
        doubtful = abs(value - bound) <= (self.value_max - self.value_min) // SLACK
        return Reading(self.ref, at_ms, bound, fields.SUSPECT if doubtful else fields.FAIL)


def gauge(village: Village, ref: SensorRef) -> Gauge:
    """The gauge of a sensor of the registry. KeyError for one that is not there."""
    sensor = village.nodes[ref.node].channels[(ref.field, ref.channel)]
    what = fields.field(ref.field)
    return Gauge(ref, sensor.calibration, what.value_min, what.value_max)
