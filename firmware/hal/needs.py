"""What a board needs of a node's config beside what the node itself reads. Pure, so that it is tested without a board.

Rules
1. A config that lacks something is refused as a whole, with one line that says what: a node that knows half of its
   pins must not run. ValueError.
2. An output is on a pin that the board holds low at boot; on any other it might be on before the program runs. So are
   the supplies and the direction pins of sensors.
"""

from wire import fields

_LEVEL = ("uart", "rx", "tx", "zero_mm")
_BUS = ("uart", "rx", "tx", "de")
# driver -> what a sensor that names it must say as well
SENSORS = {
    "adc": ("pin",),
    "current_loop": ("pin", "zero_mm", "span_mm"),
    "a02yyuw": _LEVEL,
    "jsn_sr04t": _LEVEL,
    "modbus_soil": _BUS,
    "modbus_ec": _BUS,
    "ds18b20": ("pin",),
    "sht3x": ("scl", "sda"),
    "pulse": ("pin",),
    "mains_current": ("pin",),
}
_GATES = ("power", "bus_power", "de")
# driver of an output -> the pins that it must name; a valve that returns by its capacitor is on while it has power
OUTPUTS = {"level": ("pin",), "capacitor": ("pin",), "latching": ("open", "close", "charge", "wake")}
_SHARED = ("charge", "wake")


def check(config: dict, output_pins: tuple[int, ...]) -> None:
    """Raises ValueError with the first thing that is missing."""
    wifi = config.get("wifi") or {}
    if not wifi.get("ssid") or "password" not in wifi:
        raise ValueError("wifi: ssid and password are missing")
    for sensor in config.get("sensors", ()):
        name = "sensor %s/%s" % (sensor.get("field"), sensor.get("channel", 0))
        if sensor.get("driver") not in SENSORS:
            raise ValueError("%s: driver %r, must be one of %s" % (name, sensor.get("driver"), sorted(SENSORS)))
        for key in SENSORS[sensor["driver"]]:
            if key not in sensor:
                raise ValueError("%s: %s is missing" % (name, key))
        for key in _GATES:
            if key in sensor and sensor[key] not in output_pins:
                raise ValueError("%s: %s %r, must be one of %s" % (name, key, sensor[key], list(output_pins)))
    pins(config, output_pins)


def pins(config: dict, output_pins: tuple[int, ...]) -> dict:
    """{output: GPIO that is high while it is on}; of a latching one (open, close, charge, wake, sense)."""
    found = {}
    own = []
    for output in config.get("outputs", ()):
        name = "output %s" % output.get("index")
        driver = output.get("driver")
        if driver not in OUTPUTS:
            raise ValueError("%s: driver %r, must be one of %s" % (name, driver, sorted(OUTPUTS)))
        for key in OUTPUTS[driver]:
            if output.get(key) not in output_pins:
                raise ValueError("%s: %s %r, must be one of %s" % (name, key, output.get(key), list(output_pins)))
            if key not in _SHARED:
                own.append(output[key])
        if driver == "latching":
            if "sense" not in output:
                raise ValueError("%s: sense is missing" % name)
            found[output["index"]] = tuple(output[key] for key in OUTPUTS[driver] + ("sense",))
        else:
            found[output["index"]] = output["pin"]
    if len(set(own)) != len(own):
        raise ValueError("two outputs have one pin")
    if len({what[2:] for what in found.values() if isinstance(what, tuple)}) > 1:
        raise ValueError("latching outputs share charge, wake and sense")
    return found


def cell(config: dict) -> tuple | None:
    """(pin, ratio) of the voltage of the node's own cell."""
    for sensor in config.get("sensors", ()):
        if sensor.get("field") == fields.BATTERY and "ratio" in sensor:
            return sensor["pin"], sensor["ratio"]
    return None
