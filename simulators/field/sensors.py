"""What a sensor's converter would give for the true state of the field: raw integers, with noise and faults.

Rules of this module:
- A probe answers by its own two-point response, turned round: the gateway's calibration of the same probe gets
  the truth back, but for noise and the probe's place.
- Noise comes from a seeded stream of the sensor's own. A stuck probe keeps the first value it gave; a missing
  one never answers.
- Every raw value is kept inside the range that its converter can give.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from gateway.core.village import Calibration
from wire.fields import Field, field_by_name

FAULTS = ("", "stuck", "missing")


@dataclass
class Sensor:
    """One channel of one node. Mutable: it keeps its noise stream and, when stuck, what it is stuck at."""

    node: str
    field_name: str
    channel: int
    noise: float
    fault: str = ""
    offset: float = 0.0
    response: Calibration | None = None
    seed: int = 0
    stream: random.Random = field(init=False)
    stuck_at: int | None = None
    _field: Field = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.fault not in FAULTS:
            raise ValueError(f"{self.node}/{self.field_name}/{self.channel}: fault {self.fault!r} is not in {FAULTS}")
        self._field = field_by_name(self.field_name)
        self.stream = random.Random(f"noise/{self.seed}/{self.node}/{self.field_name}/{self.channel}")

    def read(self, true_value: float) -> int | None:
        """The raw integer for a true value in the field's scaled unit, or None when nothing answers."""
        if self.fault == "missing":
            return None
        value = true_value + self.offset
        raw = (_raw_of(self.response, value) if self.response else value) + self.stream.gauss(0.0, self.noise)
        reading = round(min(self._field.raw_max, max(self._field.raw_min, raw)))
        if self.fault == "stuck":
            if self.stuck_at is None:
                self.stuck_at = reading
            return self.stuck_at
        return reading


def _raw_of(calibration: Calibration, value: float) -> float:
    """The calibration's line, turned round."""
    (raw_0, raw_1), (value_0, value_1) = calibration.raw, calibration.value
    return raw_0 + (value - value_0) * (raw_1 - raw_0) / (value_1 - value_0)


def battery_mv(day_fraction: float, drain_mv: float) -> float:
    """A LiFePO4 cell with a small panel: charged by day, a little lower at night."""
    sun = max(0.0, math.sin(math.pi * (day_fraction - 0.25) / 0.5)) if 0.25 < day_fraction < 0.75 else 0.0
    return 3270.0 + 90.0 * sun - drain_mv


def humidity_pct(rh_mean_pct: float, tmin_c: float, tmax_c: float, now_c: float) -> float:
    """Relative humidity of air that holds the same vapour all day: high in the cool morning, low after noon."""
    saturation = (_saturation_kpa(tmin_c) + _saturation_kpa(tmax_c)) / 2.0
    return min(100.0, rh_mean_pct * saturation / _saturation_kpa(now_c))


def _saturation_kpa(temperature: float) -> float:
    return 0.6108 * math.exp(17.27 * temperature / (temperature + 237.3))  # FAO-56 Eq. 11


def temperature_c(tmin_c: float, tmax_c: float, day_fraction: float, damping: float, lag: float) -> float:
    """Temperature of air, soil or water: the air's daily wave (warmest at 14:00), damped and late in soil and water."""
    mean, swing = (tmax_c + tmin_c) / 2.0, (tmax_c - tmin_c) / 2.0
    return mean + damping * swing * math.cos(2.0 * math.pi * (day_fraction - 14.0 / 24.0 - lag))
