"""Alternating current by a transformer that gives a voltage, lifted to half of the supply: the motor of a pump.

Rules
1. Readings are taken for SPAN_MS, two periods of 50 Hz, at most MOST of them; fewer than LEAST say nothing: UNSTEADY.
   The current is the root of their mean square around their mean, so that the lift need not be known.
2. When the mean lies outside of LOW_MV..HIGH_MV the lift is gone: BROKEN_WIRE.
3. ``ma_per_mv`` is what the transformer gives (30 A for 1 V: 30). Below ``floor_ma`` (300) it is noise: 0.
"""

from wire import fields

WARM_MS = 0
SPAN_MS = 40
MOST = 4_000
LEAST = 40
LOW_MV = 1_200
HIGH_MV = 2_100
_LIFT_MV = 1_650


def measure(sensor: dict, io, _known) -> dict:
    pin = sensor["pin"]
    count = total = squares = 0
    until_ms = io.now_ms() + SPAN_MS
    while io.now_ms() < until_ms and count < MOST:
        value = io.read_uv(pin) // 1000 - _LIFT_MV
        count += 1
        total += value
        squares += value * value
    current = root_mean_square(count, total, squares) * sensor.get("ma_per_mv", 30)
    return {sensor["field"]: int(current) if current >= sensor.get("floor_ma", 300) else 0}


def root_mean_square(count: int, total: int, squares: int) -> float:
    """In mV, of as many values around the lift, by their sum and that of their squares."""
    if count < LEAST:
        raise OSError(fields.FAULT_ERRNO + fields.FAULT_UNSTEADY)
    mean = total / count
    if not LOW_MV <= mean + _LIFT_MV <= HIGH_MV:
        raise OSError(fields.FAULT_ERRNO + fields.FAULT_BROKEN_WIRE)
    return max(0.0, squares / count - mean * mean) ** 0.5
