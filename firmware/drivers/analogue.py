"""What comes as a voltage: capacitive soil probes, and supplies behind a divider.

Rules
1. The median of READS calibrated readings in microvolt. When the middle half of them lies further apart than
   SPREAD_UV, nothing drives the pin: UNSTEADY.
2. A soil probe never gives less than LOW_UV (a pull-down holds the pin of a broken wire at 0 V) nor more than HIGH_UV
   (a wire that touches its supply): BROKEN_WIRE, SHORT. Its calibration is the gateway's.
3. ``ratio`` = (up, down) of a divider makes millivolt of a supply out of it.
"""

from wire import fields

WARM_MS = 200
READS = 16
LOW_UV = 100_000
HIGH_UV = 3_100_000
SPREAD_UV = 200_000


def measure(sensor: dict, io, _known) -> dict:
    microvolt = middle([io.read_uv(sensor["pin"]) for _ in range(READS)])
    ratio = sensor.get("ratio")
    if ratio is not None:
        return {sensor["field"]: microvolt * (ratio[0] + ratio[1]) // ratio[1] // 1000}
    if sensor["field"] == fields.SOIL_MOISTURE:
        if microvolt < LOW_UV:
            raise OSError(fields.FAULT_ERRNO + fields.FAULT_BROKEN_WIRE)
        if microvolt > HIGH_UV:
            raise OSError(fields.FAULT_ERRNO + fields.FAULT_SHORT)
    return {sensor["field"]: microvolt}


def middle(values: list) -> int:
    """The median of values of which half lie close together."""
    ordered = sorted(values)
    quarter = len(ordered) // 4
    if ordered[-1 - quarter] - ordered[quarter] > SPREAD_UV:
        raise OSError(fields.FAULT_ERRNO + fields.FAULT_UNSTEADY)
    return ordered[len(ordered) // 2]
