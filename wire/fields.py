"""What can be measured: the unit, the scale and the possible range of every field.

Rules
1. A node sends the *raw* integer of its converter or bus, in ``raw_unit``. The gateway derives the *value*, an
   integer too: ``quantity = value / 10 ** decimals`` in ``unit``. So a calibration can be mended years later.
2. An id is never given to another field; a field that is no longer used keeps its row.
3. A raw outside its range cannot be and is quarantined, with the field's name and range. A value that a calibration
   puts outside its range is kept at the nearest bound and flagged; the raw stays what it was.
"""

from wire.errors import WireError

# Quality of a reading as the node saw it; the numbers of QARTOD (IOOS).
GOOD = 1
NOT_EVALUATED = 2
SUSPECT = 3
FAIL = 4
MISSING = 9
QUALITIES = (GOOD, NOT_EVALUATED, SUSPECT, FAIL, MISSING)

# Why a reading is not good.
FAULT_NONE = 0
FAULT_NO_ANSWER = 1
FAULT_OUT_OF_RANGE = 2
FAULT_STUCK = 3
FAULT_WARM_UP = 4
FAULT_BUS = 5
FAULT_GARBAGE = 6  # bytes came, but no whole frame
FAULT_DEAD_ZONE = 7  # nearer than the sensor can see
FAULT_NO_ECHO = 8
FAULT_BROKEN_WIRE = 9
FAULT_SHORT = 10
FAULT_POWER_ON = 11  # a value that a chip gives when its supply fell away: 85 degC
FAULT_NOT_A_NUMBER = 12
FAULT_REFUSED = 13  # the device itself says that it cannot
FAULT_UNSTEADY = 14  # its readings contradict each other
FAULT_TOO_FAST = 15  # more pulses than can be
FAULT_DRIVER = 16  # the driver failed
FAULT_DRY_RUN = 17  # an output went off because no water came
FAULT_BY_BUTTON = 18  # an output was switched by the button at the node
FAULT_FALLBACK = 19  # an output was switched by the node itself, because no gateway answered
FAULT_LAST = 19
FAULT_NAMES = (
    "none", "no_answer", "out_of_range", "stuck", "warm_up", "bus_error", "garbage", "dead_zone", "no_echo",
    "broken_wire", "short", "power_on_value", "not_a_number", "refused", "unsteady", "too_fast", "driver", "dry_run",
    "by_button", "fallback",
)  # fmt: skip
FAULT_ERRNO = 1_000  # a driver raises OSError(FAULT_ERRNO + fault); any other OSError is FAULT_BUS

# How well a time is known. A node knows up to 3; 4 is for the gateway, which then tells the time itself.
CLOCK_NONE = 0
CLOCK_KEPT = 1
CLOCK_GATEWAY = 2
CLOCK_SNTP = 3
CLOCK_BY_GATEWAY = 4
CLOCK_NAMES = ("unknown", "kept over sleep", "set by gateway", "SNTP", "told by gateway from uptime")


class Field:
    """One measurable thing. Ranges are inclusive and in the integers that travel."""

    def __init__(
        self,
        id: int,
        name: str,
        raw_unit: str,
        unit: str,
        decimals: int,
        value_min: int,
        value_max: int,
        doc: str,
    ) -> None:
        self.id = id
        self.name = name
        self.raw_unit = raw_unit
        self.raw_min, self.raw_max = RAW_RANGES[id]
        self.unit = unit
        self.decimals = decimals
        self.value_min = value_min
        self.value_max = value_max
        self.doc = doc

    def raw_ok(self, raw: int) -> bool:
        return self.raw_min <= raw <= self.raw_max

    def value_ok(self, value: int) -> bool:
        return self.value_min <= value <= self.value_max


SOIL_MOISTURE = 1
SOIL_TEMPERATURE = 2
WATER_LEVEL = 3
CONDUCTIVITY_25 = 4
WATER_TEMPERATURE = 5
FLOW = 6
BATTERY = 7
RAIN = 8
OUTPUT = 9
HEAP_FREE = 10
RSSI = 11
REFUSED_COMMANDS = 12
DROPPED_READINGS = 13
VOLUME = 14
AIR_TEMPERATURE = 15
AIR_HUMIDITY = 16
WIND = 17
SOLAR = 18
AWAKE = 19
RADIO = 20
CONFIG = 21
CURRENT = 22

# How a node's volume stands: raw of VOLUME.
VOLUME_KEPT = 0
VOLUME_MADE = 1
VOLUME_NONE = 2

_U32 = 2147483647

# What a raw integer can be. Apart from FIELDS, because it is all that a node needs to know of them.
RAW_RANGES = {
    SOIL_MOISTURE: (0, 3300000),
    SOIL_TEMPERATURE: (-4000, 8000),
    WATER_LEVEL: (-2000, 10000),
    CONDUCTIVITY_25: (0, 80000),
    WATER_TEMPERATURE: (-500, 6000),
    FLOW: (0, 5000000),
    BATTERY: (0, 60000),
    RAIN: (0, _U32),
    OUTPUT: (0, 1),
    HEAP_FREE: (0, _U32),
    RSSI: (-127, 0),
    REFUSED_COMMANDS: (0, _U32),
    DROPPED_READINGS: (0, _U32),
    VOLUME: (VOLUME_KEPT, VOLUME_NONE),
    AIR_TEMPERATURE: (-4000, 8000),
    AIR_HUMIDITY: (0, 10000),
    WIND: (0, 10000),
    SOLAR: (0, 2000),
    AWAKE: (0, _U32),
    RADIO: (0, _U32),
    CONFIG: (0, 1),
    CURRENT: (0, 100000),
}

FIELDS = (
    Field(SOIL_MOISTURE, "soil_moisture", "uV", "m3/m3", 4, 0, 10000, "Volumetric water content"),
    Field(SOIL_TEMPERATURE, "soil_temperature", "0.01 degC", "degC", 2, -4000, 8000, "Soil"),
    Field(WATER_LEVEL, "water_level", "mm", "mm", 0, -2000, 10000, "Above the local datum"),
    Field(CONDUCTIVITY_25, "conductivity_25", "uS/cm", "uS/cm", 0, 0, 80000, "EC at 25 degC"),
    Field(WATER_TEMPERATURE, "water_temperature", "0.01 degC", "degC", 2, -500, 6000, "Water"),
    Field(FLOW, "flow", "mL/min", "L/min", 3, 0, 5000000, "Water through a valve"),
    Field(BATTERY, "battery", "mV", "V", 3, 0, 60000, "Supply of the node"),
    Field(RAIN, "rain", "0.01 mm", "mm", 2, 0, _U32, "Total of the tipping bucket since boot"),
    Field(OUTPUT, "output", "0/1", "0/1", 0, 0, 1, "An output was switched; channel is its number"),
    Field(HEAP_FREE, "heap_free", "B", "B", 0, 0, _U32, "Free heap of the node after collection"),
    Field(RSSI, "rssi", "dBm", "dBm", 0, -127, 0, "Signal of the access point"),
    Field(REFUSED_COMMANDS, "refused_commands", "count", "count", 0, 0, _U32, "Since boot"),
    Field(DROPPED_READINGS, "dropped_readings", "count", "count", 0, 0, _U32, "Lost: flash was full or damaged"),
    Field(VOLUME, "volume", "0/1/2", "0/1/2", 0, 0, 2, "Flash at boot: 0 as it was, 1 made new and empty, 2 none"),
    Field(AIR_TEMPERATURE, "air_temperature", "0.01 degC", "degC", 2, -4000, 8000, "Air in the shade, at 2 m"),
    Field(AIR_HUMIDITY, "air_humidity", "0.01 %", "%", 2, 0, 10000, "Relative humidity of the air, at 2 m"),
    Field(WIND, "wind", "0.01 m/s", "m/s", 2, 0, 10000, "Wind at 2 m"),
    Field(SOLAR, "solar", "W/m2", "W/m2", 0, 0, 2000, "Sunlight on level ground"),
    Field(AWAKE, "awake", "s", "s", 0, 0, _U32, "Time awake since boot, of a node that sleeps"),
    Field(RADIO, "radio", "s", "s", 0, 0, _U32, "Time with the radio on since boot, of a node that sleeps"),
    Field(CONFIG, "config", "0/1", "0/1", 0, 0, 1, "1: the given one was refused, the last good one used; 0: mended"),
    Field(CURRENT, "current", "mA", "A", 3, 0, 100000, "Alternating current of a motor"),
)

_BY_ID = {f.id: f for f in FIELDS}
_BY_NAME = {f.name: f for f in FIELDS}


def field(id: int) -> Field:
    """The field with this id. Raises WireError ``unknown_field``."""
    found = _BY_ID.get(id)
    if found is None:
        raise WireError("unknown_field", str(id))
    return found


def field_by_name(name: str) -> Field:
    """The field with this name. Raises WireError ``unknown_field``."""
    found = _BY_NAME.get(name)
    if found is None:
        raise WireError("unknown_field", name)
    return found
