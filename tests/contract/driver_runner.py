# mypy: ignore-errors
# ruff: noqa: ARG005, B023, UP031 (MicroPython; each function here is called at once)
"""Reads simulated sensors through the node's own sampler, hal and drivers. For MicroPython, with tests/support/shims.

Prints ``name: what the sampler made of it`` for each scenario, and ``fuzz name: …`` for each bus full of garbage.
"""

import math
import sys

import hal
import world
from drivers import ds18b20, modbus, sht3x
from hal import sensors
from node import sampler

from wire import fields

POWER, BUS, DE = 26, 27, 33
SOIL = {"driver": "modbus_soil", "uart": 2, "rx": 1, "tx": 3, "de": DE, "power": POWER, "bus_power": BUS, "address": 1}
EC = {"driver": "modbus_ec", "uart": 2, "rx": 1, "tx": 3, "de": DE, "power": POWER, "bus_power": BUS, "address": 1}
A02 = {"driver": "a02yyuw", "uart": 1, "rx": 5, "tx": 6, "power": POWER, "zero_mm": 3_000, "field": fields.WATER_LEVEL}
JSN = dict(A02, driver="jsn_sr04t")
HEAT = {"driver": "ds18b20", "pin": 8, "power": POWER, "field": fields.WATER_TEMPERATURE}
AIR = {"driver": "sht3x", "scl": 9, "sda": 10}
PROBE = {"driver": "adc", "pin": 32, "power": POWER, "field": fields.SOIL_MOISTURE}
CELL = {"driver": "adc", "pin": 35, "ratio": (1, 1), "field": fields.BATTERY}
LOOP = {
    "driver": "current_loop",
    "pin": 34,
    "power": POWER,
    "zero_mm": -500,
    "span_mm": 5_000,
    "field": fields.WATER_LEVEL,
}
RAIN = {"driver": "pulse", "pin": 13, "tip": 20, "field": fields.RAIN}
MOTOR = {"driver": "mains_current", "pin": 36, "ma_per_mv": 30, "field": fields.CURRENT}
FLOW = {"driver": "pulse", "pin": 14, "pulses_per_litre": 450, "field": fields.FLOW}


def sample(*found, turns=1, between_ms=10_000):
    """What ``turns`` samples say of sensors: (field, channel, quality, fault, raw) of the last one."""
    found = [dict(sensor, every_s=between_ms // 1000) for sensor in found]
    node = sampler.Sampler({"sensors": found}, hal.read_raw)
    rows = []
    for turn in range(turns):
        if turn:
            hal.rest(between_ms)
        rows = [row[1:] for row in node.sample(hal.ticks_ms())]
        hal.wait(None, 0)
        assert not any(world.board.pins.get(pin) for pin in (POWER, BUS, DE)), "a supply stays on"
    return rows


def frame(mm):
    high, low = mm >> 8 & 0xFF, mm & 0xFF
    return bytes((0xFF, high, low, (0xFF + high + low) & 0xFF))


def registers(*words):
    data = b"".join(bytes((word >> 8 & 0xFF, word & 0xFF)) for word in words)

    def say(request):
        body = bytes((request[0], request[1], len(data))) + data
        return body + modbus.crc16(body).to_bytes(2, "little")

    return say


def refuses(request):
    body = bytes((request[0], request[1] | 0x80, 2))
    return body + modbus.crc16(body).to_bytes(2, "little")


def spoiled(say, every=1):
    """Every so many answers has a flipped bit."""
    count = [0]

    def wrong(request):
        count[0] += 1
        said = bytearray(say(request))
        if count[0] % every == 0:
            said[4] ^= 1
        return bytes(said)

    return wrong


def rs485(say, warm_ms=1_000, **more):
    world.board.ports[2] = world.Modbus(say, (BUS, POWER), warm_ms, DE, **more)
    return world.board.ports[2]


def level(say, **more):
    world.board.ports[1] = world.Level(say, (POWER,), 200, **more)


def pad(sixteenths, wrong=False):
    data = bytes((sixteenths & 0xFF, sixteenths >> 8 & 0xFF)) + b"\x4b\x46\x7f\xff\x0c\x10"
    crc = ds18b20.crc8(data)
    return data + bytes((crc ^ wrong,))


def heat(say, **more):
    world.board.wires[8] = world.Thermometer(say, (POWER,), **more)


class Air:
    def __init__(self, say):
        self._say = say

    def hear(self, data):
        assert data == b"\x24\x00"

    def say(self, count):
        return self._say()[:count]


def words(first, second, wrong=0):
    a, b = first.to_bytes(2, "big"), second.to_bytes(2, "big")
    return a + bytes((sht3x.crc8(a) ^ wrong,)) + b + bytes((sht3x.crc8(b),))


def all_of(sensor, *found):
    return [dict(sensor, field=field) for field in found]


SOILS = all_of(SOIL, fields.SOIL_MOISTURE, fields.SOIL_TEMPERATURE, fields.CONDUCTIVITY_25)
WATER = all_of(EC, fields.CONDUCTIVITY_25, fields.WATER_TEMPERATURE)
AIRS = all_of(AIR, fields.AIR_TEMPERATURE, fields.AIR_HUMIDITY)
scenarios = {}


def scenario(function):
    scenarios[function.__name__] = function
    return function


@scenario
def soil():
    device = rs485(registers(312, 285, 1_450))
    rows = sample(*SOILS)
    print("soil asked:", len(device.heard), device.heard[0] == b"\x01\x03\x00\x00\x00\x03\x05\xcb")
    return rows


@scenario
def soil_frost():
    rs485(registers(312, 0x10000 - 15, 1_450))
    return sample(*SOILS)


@scenario
def soil_behind_noise_and_its_own_echo():
    rs485(registers(312, 285, 1_450), before=b"\x00\x00\x01\x03\x06" + modbus.request(1, 3, 0, 3))
    return sample(*SOILS)


@scenario
def soil_every_third_answer_wrong():
    rs485(spoiled(registers(312, 285, 1_450), 3))
    return sample(*SOILS)


@scenario
def soil_every_answer_wrong():
    device = rs485(spoiled(registers(312, 285, 1_450)))
    rows = sample(*SOILS)
    print("wrong asked:", len(device.heard))
    return rows


@scenario
def soil_silent():
    device = rs485(lambda request: None)
    rows = sample(*SOILS)
    print("silent asked:", len(device.heard))
    return rows


@scenario
def soil_only_zeros_on_the_line():
    rs485(lambda request: b"\x00\x00")
    return sample(*SOILS)


@scenario
def soil_says_no():
    device = rs485(refuses)
    rows = sample(*SOILS)
    print("refused asked:", len(device.heard))
    return rows


@scenario
def soil_not_awake():
    rs485(registers(0, 0, 0))
    return sample(*SOILS)


@scenario
def soil_warms_up_longer():
    rs485(registers(312, 285, 1_450), warm_ms=2_500)
    return sample(*[dict(sensor, warm_ms=2_600) for sensor in SOILS])


@scenario
def soil_impossible():
    rs485(registers(65_535, 2_000, 65_535))
    return sample(*SOILS)


@scenario
def soil_answers_at_once():
    """The direction must turn before the first bit of the answer, 2 ms after the last of the request."""
    rs485(registers(312, 285, 1_450), delay_us=2_000)
    return sample(*SOILS)


@scenario
def water():
    rs485(registers(4_200, 281))
    return sample(*WATER)


@scenario
def water_at_its_own_temperature():
    rs485(registers(4_200, 350))
    return sample(*[dict(sensor, compensated=False) for sensor in WATER])


@scenario
def water_scaled():
    rs485(registers(420, 2_810))
    return sample(*[dict(sensor, ec_scale=(10, 1), temperature_scale=(1, 1)) for sensor in WATER])


@scenario
def water_as_float():
    rs485(registers(0x4583, 0x4000, 0x41E0, 0xCCCD))  # 4200.0, 28.1
    return sample(*[dict(sensor, format="float", temperature_scale=(100, 1)) for sensor in WATER])


@scenario
def water_not_a_number():
    rs485(registers(0x7FC0, 0, 0x41E0, 0xCCCD))
    return sample(*[dict(sensor, format="float", temperature_scale=(100, 1)) for sensor in WATER])


@scenario
def water_infinite():
    rs485(registers(0, 0x7F80, 0xCCCD, 0x41E0))
    return sample(*[dict(sensor, format="float_swapped", temperature_scale=(100, 1)) for sensor in WATER])


@scenario
def ultrasonic():
    level(lambda n: frame(1_260))
    return sample(A02)


@scenario
def ultrasonic_one_of_three_wrong():
    level(lambda n: frame((1_260, 400, 1_264)[n % 3]))
    return sample(A02)


@scenario
def ultrasonic_unsteady():
    level(lambda n: frame((1_260, 400, 2_264)[n % 3]))
    return sample(A02)


@scenario
def ultrasonic_dead_zone():
    level(lambda n: frame(30))
    return sample(A02)


@scenario
def ultrasonic_no_echo():
    level(lambda n: frame(0xFFFD))
    return sample(A02)


@scenario
def ultrasonic_wrong_sums():
    level(lambda n: frame(1_260)[:3] + b"\x00")
    return sample(A02)


@scenario
def ultrasonic_silent():
    level(lambda n: b"")
    return sample(A02)


@scenario
def ultrasonic_stuck():
    level(lambda n: frame(1_260))
    return sample(dict(A02, stuck_samples=4), turns=4)


@scenario
def ultrasonic_in_warm_air():
    level(lambda n: frame(1_000))
    heat(lambda n, early: pad(30 * 16))
    return sample(HEAT, dict(A02, air=(fields.WATER_TEMPERATURE, 0)))


@scenario
def ultrasonic_without_its_thermometer():
    level(lambda n: frame(1_000))
    heat(lambda n, early: pad(85 * 16))
    return sample(HEAT, dict(A02, air=(fields.WATER_TEMPERATURE, 0)))


@scenario
def ultrasonic_by_trigger():
    level(lambda n: frame(2_260), triggered=True)
    return sample(JSN)


@scenario
def ultrasonic_by_trigger_garbage():
    level(lambda n: b"\xff\xff\xff\xff", triggered=True)
    return sample(JSN)


@scenario
def thermometer():
    heat(lambda n, early: pad(85 * 16 if early else 453))
    return sample(HEAT)


@scenario
def thermometer_frost():
    heat(lambda n, early: pad(-40))
    return sample(HEAT)


@scenario
def thermometer_85():
    heat(lambda n, early: pad(85 * 16))
    return sample(HEAT)


@scenario
def thermometer_one_wrong_crc():
    heat(lambda n, early: pad(453, n % 2 == 1))
    return sample(HEAT)


@scenario
def thermometer_wrong_crc():
    heat(lambda n, early: pad(453, True))
    return sample(HEAT)


@scenario
def thermometer_shorted():
    heat(lambda n, early: bytes(9))
    return sample(HEAT)


@scenario
def thermometer_away():
    heat(lambda n, early: pad(453), present=False)
    return sample(HEAT)


@scenario
def thermometer_open_wire():
    heat(lambda n, early: b"\xff" * 9)
    return sample(HEAT)


@scenario
def air():
    world.board.chips[0x44] = Air(lambda: words(27_000, 50_000))
    return sample(*AIRS)


@scenario
def air_wrong_crc():
    world.board.chips[0x44] = Air(lambda: words(27_000, 50_000, 1))
    return sample(*AIRS)


@scenario
def air_away():
    return sample(*AIRS)


@scenario
def probe():
    draws = iter([1_500_000, 3_000_000, 100_000] + [1_500_000 + 500 * n for n in range(60)])
    world.board.volts[32] = lambda: next(draws)
    return sample(PROBE)


@scenario
def probe_broken():
    world.board.volts[32] = lambda: 2_000
    return sample(PROBE)


@scenario
def probe_shorted():
    world.board.volts[32] = lambda: 3_280_000
    return sample(PROBE)


@scenario
def probe_floating():
    draw = Draw(7)
    world.board.volts[32] = lambda: draw(3_000_000)
    return sample(PROBE)


@scenario
def cell():
    world.board.volts[35] = lambda: 1_640_000
    return sample(CELL)


@scenario
def loop():
    world.board.volts[34] = lambda: 1_200_000
    return sample(LOOP)


@scenario
def loop_ends():
    rows = []
    for microvolt in (359_000, 361_000, 2_099_000, 2_101_000):
        world.board.volts[34] = lambda: microvolt
        rows += sample(LOOP)
    return rows


@scenario
def motor():
    """1 A and more of a sine of 50 Hz, as the converter samples it."""
    world.board.volts[36] = lambda: 1_650_000 + int(100_000 * math.sin(world.board.now_us * 314.159 / 1_000_000))
    return sample(MOTOR)


@scenario
def motor_off():
    world.board.volts[36] = lambda: 1_652_000
    return sample(MOTOR)


@scenario
def motor_without_its_lift():
    world.board.volts[36] = lambda: 3_000
    return sample(MOTOR)


@scenario
def rain():
    world.board.counts[13] = 0
    first = sample(RAIN)
    world.board.counts[13] += 7
    hal.rest(60_000)
    return first + sample(RAIN)


@scenario
def rain_bounces():
    world.board.counts[13] = 0
    sample(RAIN)
    world.board.counts[13] += 400
    hal.rest(10_000)
    wrong = sample(RAIN)
    hal.rest(10_000)
    world.board.counts[13] += 1
    return wrong + sample(RAIN)


@scenario
def rain_over_the_wrap():
    world.board.counts[13] = 2**32 - 3
    sample(RAIN)
    world.board.counts[13] = 4
    hal.rest(60_000)
    return sample(RAIN)


@scenario
def flow():
    world.board.counts[14] = 0
    first = sample(FLOW)
    hal.rest(60_000)
    world.board.counts[14] += 4_500
    second = sample(FLOW)
    hal.rest(60_000)
    world.board.counts[14] += 2
    return first + second + sample(FLOW)


@scenario
def a_driver_that_fails():
    return sample(dict(HEAT, rom="zz"))


class Draw:
    def __init__(self, state):
        self.state = state

    def __call__(self, below):
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 8) % below


def fuzz(name, rounds, prepare, found):
    """However a bus is: rows of a quality, a fault where there is one, a bounded time, supplies off, watchdog fed."""
    draw, faults, longest_ms = Draw(11), {}, 0
    for _ in range(rounds):
        start_over()
        prepare(draw)
        began_ms = hal.ticks_ms()
        for field, _channel, quality, fault, raw in sample(*found):
            low, high = fields.RAW_RANGES[field]
            wanted = {fields.GOOD: fault == 0, fields.MISSING: fault > 0, fields.FAIL: not low <= raw <= high}
            assert wanted[quality], (field, quality, fault, raw)
            faults[fault] = faults.get(fault, 0) + 1
        longest_ms = max(longest_ms, hal.ticks_ms() - began_ms)
    print("fuzz %s: longest %d ms, faults %s" % (name, longest_ms, sorted(faults)))


def noise(draw, most=40):
    return bytes([draw(256) for _ in range(draw(most))])


def mangled(draw, whole):
    """A whole answer, cut, flipped, doubled, or with something before it."""
    kind = draw(12)
    data = bytearray(whole)
    if kind == 0:
        return bytes(data[: draw(len(data))])
    if kind == 1:
        data[draw(len(data))] ^= 1 << draw(8)
        return bytes(data)
    if kind == 2:
        return noise(draw) + whole
    if kind == 3:
        return noise(draw)
    return (noise(draw) if kind == 4 else b"") + whole + (noise(draw) if kind == 5 else b"")


def garbage(draw):
    rs485(lambda request: mangled(draw, registers(*[draw(1_100) for _ in range(request[5])])(request)))
    near = draw(5_000)
    level(lambda n: mangled(draw, frame(near + draw(25))))
    heat(lambda n, early: mangled(draw, pad(draw(65_536))), present=draw(9) > 0)
    if draw(9):
        world.board.chips[0x44] = Air(lambda: mangled(draw, words(draw(65_536), draw(65_536))))
    for pin in (32, 34, 35):
        base, spread = draw(3_300_000), 1 + draw(500_000)
        world.board.volts[pin] = lambda: base + draw(spread)
    for pin in (13, 14):
        world.board.counts[pin] = draw(2**31) * 2


def start_over():
    world.reset()
    sensors.done()
    for name in list(sys.modules):
        if name in ("drivers.pulse", "hal.uart", "hal.adc", "hal.one_wire", "hal.i2c", "hal.counter"):
            del sys.modules[name]
    sensors._known.clear()
    if sys.modules.pop("hal.guard", None) is not None:
        delattr(hal, "guard")
    hal._sensors = None
    hal._last_ticks = world.board.now_us // 1000
    hal.outputs_off()  # as main.py begins


for name in scenarios:
    start_over()
    print("%s: %s" % (name, [row[2:] for row in scenarios[name]()]))
floats = [dict(sensor, format="float", temperature_scale=(100, 1), compensated=False) for sensor in WATER]
for name, rounds, found in (
    ("soil", 60, SOILS), ("water", 40, WATER), ("water as float", 40, floats), ("level", 60, [A02]),
    ("thermometer", 60, [HEAT]), ("air", 60, AIRS), ("volts", 60, [PROBE, CELL, LOOP]), ("pulses", 40, [RAIN, FLOW]),
):  # fmt: skip
    fuzz(name, rounds, garbage, found)
