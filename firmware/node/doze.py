"""What a node that sleeps keeps of its sensors, and how it goes on with them.

for each sensor, as many as there is room for: last reading i32, how often it was the same u8
"""

import struct

from . import pace

_SENSOR = ">iB"
_BYTES = 5


def keep(sensors: list, memory) -> None:
    for at in range(len(sensors)):
        sensor = sensors[at]
        if (at + 1) * _BYTES <= len(memory):
            same = 0 if sensor.last is None else min(sensor.same, 255)
            struct.pack_into(_SENSOR, memory, at * _BYTES, sensor.last or 0, same)


def resume(sensors: list, memory, sampled_ms: int, quarters: int) -> None:
    """Go on with what was kept, and with what is due after the sample at ``sampled_ms``."""
    for at in range(len(sensors)):
        sensor = sensors[at]
        if (at + 1) * _BYTES <= len(memory):
            last, sensor.same = struct.unpack_from(_SENSOR, memory, at * _BYTES)
            sensor.last = last if sensor.same else None
        sensor.next_point(sampled_ms, quarters)


def moved(sensors: list, memory) -> bool:
    """Whether one has moved by more than its swing since what was kept."""
    for at in range(len(sensors)):
        sensor = sensors[at]
        swing = sensor.config.get("swing", pace.SWINGS.get(sensor.field, 0))
        if swing and sensor.last is not None and (at + 1) * _BYTES <= len(memory):
            last, same = struct.unpack_from(_SENSOR, memory, at * _BYTES)
            if same and abs(sensor.last - last) >= swing:
                return True
    return False


def last(sensors: list, field: int) -> int | None:
    """The last good reading of a field."""
    for sensor in sensors:
        if sensor.field == field:
            return sensor.last
    return None
