"""Drivers of a board's sensors: one raw integer each, or None when nothing answers.

Rules
1. A sensor names its driver in the config; that it names a known one, and all that it needs, was seen to by needs.py.
2. ``adc``: median of 16 calibrated readings in microvolt (``read_uv``), ADC1 pins only; ``ratio`` = (up, down) of a
   divider turns it into millivolt of the supply.
3. ``a02yyuw``: ultrasonic distance by UART, 9600 baud, frames FF hh ll sum in mm. The newest whole frame counts; the
   raw level is ``zero_mm`` (height of the sensor above the datum) minus the distance.
4. No driver waits longer than 250 ms.
"""

import time

from machine import ADC, UART, Pin

_ADC_READS = 16
_A02_WAIT_MS = 250
_A02_FRAME = 4

_adcs = {}
_uarts = {}


def read(sensor: dict) -> int | None:
    driver = sensor.get("driver")
    if driver == "adc":
        return _adc(sensor)
    return _a02yyuw(sensor)


def _adc(sensor: dict) -> int:
    pin = sensor["pin"]
    if pin not in _adcs:
        _adcs[pin] = ADC(Pin(pin), atten=ADC.ATTN_11DB)
    read_uv = _adcs[pin].read_uv
    values = sorted(read_uv() for _ in range(_ADC_READS))
    microvolt = values[_ADC_READS // 2]
    ratio = sensor.get("ratio")
    if ratio is None:
        return microvolt
    return microvolt * (ratio[0] + ratio[1]) // ratio[1] // 1000


def _a02yyuw(sensor: dict) -> int | None:
    number = sensor["uart"]
    if number not in _uarts:
        _uarts[number] = UART(number, baudrate=9600, rx=sensor["rx"], tx=sensor["tx"], rxbuf=64)
    uart = _uarts[number]
    deadline = time.ticks_add(time.ticks_ms(), _A02_WAIT_MS)
    got = b""
    while time.ticks_diff(deadline, time.ticks_ms()) > 0:
        got = (got + (uart.read() or b""))[-64:]
        distance = last_distance(got)
        if distance is not None:
            return sensor["zero_mm"] - distance
        time.sleep_ms(10)
    return None


def last_distance(got: bytes) -> int | None:
    """The distance of the newest whole frame in these bytes."""
    for at in range(len(got) - _A02_FRAME, -1, -1):
        head, high, low, total = got[at : at + _A02_FRAME]
        if head == 0xFF and (head + high + low) & 0xFF == total:
            return high << 8 | low
    return None
