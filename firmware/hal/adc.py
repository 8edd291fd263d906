"""Voltages, calibrated by the chip's own fuses. ADC1 only: ADC2 is dead while WLAN is on."""

from machine import ADC, Pin

import hal

_open = {}

rest = hal.rest
now_ms = hal.now_ms


def read_uv(pin: int) -> int:
    converter = _open.get(pin)
    if converter is None:
        converter = _open[pin] = ADC(Pin(pin), atten=ADC.ATTN_11DB)
    return converter.read_uv()
