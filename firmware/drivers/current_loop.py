"""Level by a submersible pressure sensor on a loop of 4 to 20 mA.

Rules
1. The loop flows through ``shunt_ohm`` (100: 0.4 to 2.0 V). Below 3.6 mA a wire is broken, above 21 mA it is shorted;
   between there and the ends of the scale the end counts.
2. The raw level is ``zero_mm``, where the sensor hangs above the datum, plus its share of ``span_mm``.
"""

from wire import fields

from . import analogue

WARM_MS = 1_000
BROKEN_UA = 3_600
SHORT_UA = 21_000


def measure(sensor: dict, io, _known) -> dict:
    microvolt = analogue.middle([io.read_uv(sensor["pin"]) for _ in range(analogue.READS)])
    return {sensor["field"]: level(microvolt // sensor.get("shunt_ohm", 100), sensor["zero_mm"], sensor["span_mm"])}


def level(microampere: int, zero_mm: int, span_mm: int) -> int:
    if microampere < BROKEN_UA:
        raise OSError(fields.FAULT_ERRNO + fields.FAULT_BROKEN_WIRE)
    if microampere > SHORT_UA:
        raise OSError(fields.FAULT_ERRNO + fields.FAULT_SHORT)
    return zero_mm + (min(max(microampere, 4_000), 20_000) - 4_000) * span_mm // 16_000
