"""RS485 probe of water: conductivity at 25 degC and temperature.

Rules
1. Its supply is on only while it is read: current through a cell that stands in salt water eats it.
2. Conductivity is told at 25 degC. A probe that does not reckon that itself (``compensated`` False) is reckoned here,
   2 % for each degree; without a temperature that can be, there is no conductivity then.
3. ``format``: "u16" whole numbers, or "float" and "float_swapped" for IEEE 754 in two registers, high or low word
   first. NaN and infinity are NOT_A_NUMBER. ``registers`` = places of conductivity and temperature after ``first``.
4. ``ec_scale`` and ``temperature_scale`` = (up, down): what the probe says times up / down is uS/cm, or 0.01 degC.
5. The median of five answers: bubbles and fish pass.
"""

from struct import unpack

from wire import fields

from . import modbus

WARM_MS = 3_000
ANSWERS = 5
_MAX_CONDUCTIVITY = 80_000
_PER_DEGREE = 200  # of 10,000: 2 %


def measure(sensor: dict, io, _known) -> dict:
    floating = sensor.get("format", "u16") != "u16"
    places = sensor.get("registers", (0, 2) if floating else (0, 1))
    count = max(places) + (2 if floating else 1)
    rows = []
    for _ in range(ANSWERS):
        data = modbus.ask(sensor, io, sensor.get("first", 0), count)
        rows.append([number(data, place, sensor.get("format", "u16")) for place in places])
    said = modbus.median(rows)
    conductivity = _scaled(said[0], sensor.get("ec_scale", (1, 1)))
    cdeg = _scaled(said[1], sensor.get("temperature_scale", (10, 1)))
    if not any(said):
        raise OSError(fields.FAULT_ERRNO + fields.FAULT_WARM_UP)
    if not -500 <= cdeg <= 6_000:
        cdeg = None
    if not sensor.get("compensated", True):
        conductivity = None if cdeg is None else at_25(conductivity, cdeg)
    if conductivity is not None and not 0 <= conductivity <= _MAX_CONDUCTIVITY:
        conductivity = None
    return {fields.CONDUCTIVITY_25: conductivity, fields.WATER_TEMPERATURE: cdeg}


def number(data: bytes, place: int, format: str) -> int | float:
    """What stands in the registers at ``place``; a float that is none is a fault."""
    if format == "u16":
        word = data[2 * place] << 8 | data[2 * place + 1]
        return modbus.signed(word) if place else word
    high, low = data[2 * place : 2 * place + 2], data[2 * place + 2 : 2 * place + 4]
    if format == "float_swapped":
        high, low = low, high
    found = unpack(">f", high + low)[0]
    if found * 0 != 0:
        raise OSError(fields.FAULT_ERRNO + fields.FAULT_NOT_A_NUMBER)
    return found


def at_25(conductivity: int, cdeg: int) -> int:
    """Conductivity at 25 degC of one that was measured at ``cdeg``."""
    return conductivity * 10_000 * 100 // (10_000 * 100 + _PER_DEGREE * (cdeg - 2_500))


def _scaled(said: int | float, scale: tuple[int, int]) -> int:
    return int(max(-(2.0**31), min(2.0**31, said)) * scale[0] / scale[1])
