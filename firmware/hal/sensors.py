"""One raw integer of a sensor, by the driver that its config names (firmware/drivers).

Rules
1. A driver is loaded when its first sensor is read, and never on a node that has none.
2. What is wired together is measured once in a turn of the loop: a probe that tells three numbers is asked for them
   together, and a dead one costs its silence once. ``done``, at the end of the turn, forgets all of it.
3. ``power`` and ``bus_power`` are switched on before the first reading, are given the time that the slowest needs, and
   go off with ``done``. They are outputs of the board, so they are low at boot and in deep sleep.
4. What a driver raises that it should not is FAULT_DRIVER: bytes from outside never end the program.
"""

import sys

from machine import Pin

from hal import now_ms, rest
from wire import fields

# driver -> (module of firmware/drivers, module of hal that speaks its bus)
DRIVERS = {
    "adc": ("analogue", "adc"),
    "current_loop": ("current_loop", "adc"),
    "a02yyuw": ("ultrasonic", "uart"),
    "jsn_sr04t": ("ultrasonic", "uart"),
    "modbus_soil": ("soil_probe", "uart"),
    "modbus_ec": ("ec_probe", "uart"),
    "ds18b20": ("ds18b20", "one_wire"),
    "sht3x": ("sht3x", "i2c"),
    "pulse": ("pulse", "counter"),
    "mains_current": ("mains_current", "adc"),
}
MAX_WARM_MS = 10_000

_measured = {}  # place -> {field: raw}, or the fault of all
_powered = {}  # pin -> since when
_known = {}  # (field, channel) -> raw, of thermometers only


def read(sensor: dict) -> int:
    """The raw value. OSError carries the fault."""
    field, place = sensor["field"], _place(sensor)
    found = _measured.get(place)
    if found is None or (isinstance(found, dict) and field not in found):
        found = _measured[place] = _measure(sensor)
    raw = None if isinstance(found, int) else found.get(field)
    if raw is None:
        _known.pop((field, sensor.get("channel", 0)), None)
        raise OSError(found if isinstance(found, int) else fields.FAULT_ERRNO + fields.FAULT_OUT_OF_RANGE)
    if field in (fields.AIR_TEMPERATURE, fields.WATER_TEMPERATURE):
        _known[field, sensor.get("channel", 0)] = raw
    return raw


def done() -> None:
    """The end of a turn: all supplies off, and what was measured is old."""
    for pin in _powered:
        Pin(pin, Pin.OUT, value=0)
    _powered.clear()
    _measured.clear()


def _place(sensor: dict) -> tuple:
    get = sensor.get
    return get("driver"), get("pin"), get("uart"), get("address"), get("rom"), get("scl"), get("ratio") is None


def _measure(sensor: dict) -> dict | int:
    name, bus = DRIVERS[sensor["driver"]]
    driver, io = _module("drivers." + name), _module("hal." + bus)
    _power(sensor, driver.WARM_MS)
    try:
        return driver.measure(sensor, io, _told)
    except OSError as error:
        return error.args[0] if error.args else 0
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
        print("driver %s: %r" % (sensor["driver"], error))
        return fields.FAULT_ERRNO + fields.FAULT_DRIVER


def _module(name: str):
    __import__(name)
    return sys.modules[name]


def _told(field: int, channel: int) -> int | None:
    return _known.get((field, channel))


def _power(sensor: dict, warm_ms: int) -> None:
    """All supplies of a sensor on, and warm."""
    pins = [sensor[key] for key in ("bus_power", "power") if key in sensor]
    for pin in pins:
        if pin not in _powered:
            Pin(pin, Pin.OUT, value=1)
            _powered[pin] = now_ms()
    if pins:
        ready_ms = max(_powered[pin] for pin in pins) + min(sensor.get("warm_ms", warm_ms), MAX_WARM_MS)
        rest(max(0, ready_ms - now_ms()))
