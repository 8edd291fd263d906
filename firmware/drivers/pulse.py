"""What comes as pulses: a rain gauge that tips, and a flow meter that turns.

Rules
1. The chip counts; here the count becomes a total that does not wrap, by what came since the last look. Whoever looks
   less often than the counter wraps loses pulses, so a look is due at least once an hour.
2. More pulses than ``max_hz`` allows (rain 5, flow 500) are a bouncing contact or a cable beside a motor: they are left
   out, and TOO_FAST is told. Fewer than MIN_FLOW in an interval are a wheel that trembles in still water: no flow.
3. Rain is the total since boot, ``tip`` hundredths of a millimetre for each tip. Flow is the mean since the last look,
   by ``pulses_per_litre``; the first look has none before it: WARM_UP.
"""

from wire import fields

WARM_MS = 0
MIN_FLOW = 3
MIN_LOOK_MS = 1_000
_I31 = 0x7FFFFFFF

_totals = {}  # pin -> [total, last count, ms of the last look, flow in mL/min of the last interval]


def measure(sensor: dict, io, _known) -> dict:
    rain = sensor["field"] == fields.RAIN
    now_ms, count = io.now_ms(), io.count(sensor)
    kept = _totals.get(sensor["pin"])
    if kept is None:
        kept = _totals[sensor["pin"]] = [0, count, now_ms, None]
    took_ms = now_ms - kept[2]
    if took_ms >= MIN_LOOK_MS:
        came = (count - kept[1]) % io.WRAP
        kept[1], kept[2] = count, now_ms
        if came * 1000 > sensor.get("max_hz", 5 if rain else 500) * took_ms + 1000:
            kept[3] = None
            raise OSError(fields.FAULT_ERRNO + fields.FAULT_TOO_FAST)
        kept[0] += came
        if not rain:
            kept[3] = flow(came, took_ms, sensor.get("pulses_per_litre", 450))
    if rain:
        return {sensor["field"]: kept[0] * sensor.get("tip", 20) & _I31}
    if kept[3] is None:
        raise OSError(fields.FAULT_ERRNO + fields.FAULT_WARM_UP)
    return {sensor["field"]: kept[3]}


def flow(pulses: int, took_ms: int, pulses_per_litre: int) -> int:
    """mL/min."""
    return 0 if pulses < MIN_FLOW else pulses * 60_000_000 // (pulses_per_litre * took_ms)
