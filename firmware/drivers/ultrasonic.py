"""Ultrasonic level: A02YYUW, and JSN-SR04T in its serial mode.

Rules
1. Frames are FF hh ll sum, in mm. Only frames that come after we began to listen count: what lies in the buffer is
   old. A sum that is wrong, or bytes that are no frame, are skipped.
2. Of three distances two must agree within AGREE_MM, and the one in the middle counts: an insect, a wave or the wall
   of the tube gives one that stands alone (UNSTEADY).
3. Nearer than the sensor can see is DEAD_ZONE, further than it reaches is NO_ECHO. Neither is a level.
4. Sound is faster in warm air, 0.17 % for each degree. Where ``air`` = (field, channel) names a thermometer of this
   node, a distance is corrected from ``air_cdeg``, the temperature that the sensor reckons with (2000 without it).
5. The raw level is ``zero_mm``, the height of the sensor above the datum, minus the distance.
"""

from wire import fields

WARM_MS = 500
BAUD = 9600
READS = 3
WAIT_MS = 250
AGREE_MM = 20
# driver -> (nearest, furthest, what it must be sent for an answer)
KINDS = {"a02yyuw": (30, 4_500, b""), "jsn_sr04t": (200, 6_000, b"\x55")}
_PER_DEGREE = 17  # of 10,000
_FRAME = 4


def measure(sensor: dict, io, known) -> dict:
    nearest, furthest, trigger = KINDS[sensor["driver"]]
    distances = []
    heard = False
    for _ in range(READS):
        got = io.talk(sensor, BAUD, trigger, WAIT_MS, lambda b: distance(b) is not None)
        found = distance(got)
        heard = heard or len(got) > 0
        if found is not None:
            distances.append(found)
    if len(distances) < 2:
        raise OSError(fields.FAULT_ERRNO + (fields.FAULT_GARBAGE if heard else fields.FAULT_NO_ANSWER))
    middle = two_of(distances)
    if middle is None:
        raise OSError(fields.FAULT_ERRNO + fields.FAULT_UNSTEADY)
    if middle <= nearest:
        raise OSError(fields.FAULT_ERRNO + fields.FAULT_DEAD_ZONE)
    if middle >= furthest:
        raise OSError(fields.FAULT_ERRNO + fields.FAULT_NO_ECHO)
    air = sensor.get("air")
    cdeg = known(air[0], air[1]) if air else None
    if cdeg is not None:
        middle = in_air(middle, cdeg - sensor.get("air_cdeg", 2_000))
    return {sensor["field"]: sensor["zero_mm"] - middle}


def distance(got: bytes) -> int | None:
    """The distance of the newest whole frame in these bytes."""
    for at in range(len(got) - _FRAME, -1, -1):
        head, high, low, total = got[at : at + _FRAME]
        if head == 0xFF and (head + high + low) & 0xFF == total:
            return high << 8 | low
    return None


def two_of(distances: list) -> int | None:
    """The middle one of two or three of which two agree."""
    ordered = sorted(distances)
    gaps = [ordered[at] - ordered[at - 1] for at in range(1, len(ordered))]
    if min(gaps) > AGREE_MM:
        return None
    if len(ordered) == 3 and max(gaps) <= AGREE_MM:
        return ordered[1]
    at = 0 if gaps[0] <= AGREE_MM else 1
    return (ordered[at] + ordered[at + 1]) // 2


def in_air(distance: int, warmer_cdeg: int) -> int:
    """A distance that a sensor reckoned for another air than the one it measured in."""
    return distance * (1_000_000 + _PER_DEGREE * warmer_cdeg) // 1_000_000
