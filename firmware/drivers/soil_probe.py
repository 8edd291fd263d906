"""RS485 soil probe: moisture, temperature and salt in one answer.

Rules
1. Moisture travels as the probe says it, in 0.1 %; its calibration to m3/m3 is the gateway's, as with any other probe.
   Temperature becomes 0.01 degC, conductivity is uS/cm.
2. Where a probe keeps what: ``registers`` = places of moisture, temperature and conductivity after ``first``; -1 for
   what it has not. Without it 0, 1, 2.
3. The median of three answers, each number by itself. All zeros is a probe that has not woken up.
"""

from wire import fields

from . import modbus

WARM_MS = 1_500
ANSWERS = 3
_MAX_MOISTURE = 1_000
_MAX_CONDUCTIVITY = 20_000


def measure(sensor: dict, io, _known) -> dict:
    places = sensor.get("registers", (0, 1, 2))
    first, count = sensor.get("first", 0), max(places) + 1
    rows = [modbus.words(modbus.ask(sensor, io, first, count)) for _ in range(ANSWERS)]
    row = modbus.median(rows)
    if not any(row):
        raise OSError(fields.FAULT_ERRNO + fields.FAULT_WARM_UP)
    found = {}
    for at, field in enumerate((fields.SOIL_MOISTURE, fields.SOIL_TEMPERATURE, fields.CONDUCTIVITY_25)):
        if at < len(places) and places[at] >= 0:
            found[field] = _number(field, row[places[at]])
    return found


def _number(field: int, word: int) -> int | None:
    if field == fields.SOIL_TEMPERATURE:
        cdeg = 10 * modbus.signed(word)
        return cdeg if -4_000 <= cdeg <= 8_000 else None
    return word if word <= (_MAX_MOISTURE if field == fields.SOIL_MOISTURE else _MAX_CONDUCTIVITY) else None
