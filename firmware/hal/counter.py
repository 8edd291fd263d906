"""Pulses that the chip counts by itself (PCNT), with its filter at the longest it has.

12.8 us end a spike, not the bounce of a reed contact: that is for the capacitor at the terminal and the driver's limit.
"""

from machine import Counter, Pin

import hal

WRAP = 1 << 32  # a count is looked at modulo this; more than comes between two looks
FILTER_NS = 12_000

_open = {}

now_ms = hal.now_ms


def count(sensor: dict) -> int:
    pin = sensor["pin"]
    counter = _open.get(pin)
    if counter is None:
        counter = _open[pin] = Counter(len(_open), Pin(pin, Pin.IN), edge=Counter.FALLING, filter_ns=FILTER_NS)
    return counter.value()
