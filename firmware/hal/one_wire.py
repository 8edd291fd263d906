"""One wire: reset, write, read. The timing is MicroPython's own (module ``onewire``)."""

from machine import Pin
from onewire import OneWire

import hal

_open = {}

rest = hal.rest


def _bus(pin: int) -> OneWire:
    bus = _open.get(pin)
    if bus is None:
        bus = _open[pin] = OneWire(Pin(pin))
    return bus


def reset(pin: int) -> bool:
    """Whether anybody answered."""
    return bool(_bus(pin).reset())


def write(pin: int, data: bytes) -> None:
    _bus(pin).write(data)


def read(pin: int, count: int) -> bytes:
    got = bytearray(count)
    _bus(pin).readinto(got)
    return bytes(got)
