"""Latching valves on H-bridges behind one bank of capacitors (drivers/latch.py says what comes next).

Rules
1. Charging and pulsing are done here to the end, while the node only tends to its leases: nothing is sent meanwhile.
   Before a pulse QUIET_MS pass, so that what was handed to the radio before has left. What the radio does by itself
   (beacons, repeats of TCP) is for the bench.
2. A lease that ends while this waits for the capacitors is remembered, and comes next.
3. Pins low leave a valve where it is, so the guard gets a function that closes: ``shut`` pulses every valve out of what
   the capacitors hold. It runs as a callback beside a program that hangs, and allocates nothing.
4. The cell is looked at every CELL_MS while a valve is open, or while it is too weak to open one.
"""

import time

from drivers import latch
from machine import Pin

import hal
from hal import adc, guard

PULSE_MS = 50
QUIET_MS = 50
STEP_MS = 50
CELL_MS = 60_000
_DIVIDER = 502  # 1M over 249k: a fifth, in hundredths

_valves = {}  # output -> (place in the bank, pin that opens, pin that closes)
_bank = None
_charge = None
_wake = None
_sense = 0
_cell = None  # (pin, ratio) of the cell's voltage, where the config has it
_cell_ms = 0
_busy = False


def setup(outputs: dict, cell: tuple | None) -> None:
    """``outputs``: {index: (open, close, charge, wake, sense)}."""
    global _bank, _charge, _wake, _sense, _cell
    for place, index in enumerate(sorted(outputs)):
        opens, closes, charge, wake, sense = outputs[index]
        _valves[index] = (place, Pin(opens, Pin.OUT, value=0), Pin(closes, Pin.OUT, value=0))
        _charge, _wake, _sense = Pin(charge, Pin.OUT, value=0), Pin(wake, Pin.OUT, value=0), sense
    _bank = latch.Bank(len(outputs))
    _cell = cell
    guard.closes(shut)


def set_output(index: int, on: bool) -> None:
    _bank.want(_valves[index][0], on)
    _work()


def idle() -> None:
    """At the end of each turn: what is still to be closed, and the cell."""
    global _cell_ms
    now_ms = hal.now_ms()
    if _cell is not None and (_bank.weak or _bank.is_open()) and now_ms >= _cell_ms:
        _cell_ms = now_ms + CELL_MS
        pin, ratio = _cell
        _bank.cell(adc.read_uv(pin) * (ratio[0] + ratio[1]) // ratio[1] // 1000)
    if _bank.due(now_ms) is not None:
        _work()


def failed() -> bool:
    """Whether valves were closed, or not opened, against what was asked; told once."""
    found, _bank.failed = _bank.failed, False
    return found


def shut() -> None:
    _wake.on()
    for valve in _valves.values():
        valve[1].off()
        valve[2].on()
        time.sleep_ms(PULSE_MS)
        valve[2].off()
    _wake.off()
    _bank.shut()


def _work() -> None:
    global _busy
    if _busy:
        return  # the one that works is told by the bank
    _busy = True
    try:
        while True:
            valve = _bank.next(hal.now_ms(), adc.read_uv(_sense) * _DIVIDER // 100_000)
            _charge.value(1 if _bank.charge() else 0)
            if valve is None:
                return
            if valve == latch.WAIT:
                hal.rest(STEP_MS)
            else:
                _pulse(valve)
    finally:
        _busy = False


def _pulse(place: int) -> None:
    opened = _bank.wants(place)
    for valve in _valves.values():
        if valve[0] == place:
            pin = valve[1 if opened else 2]
            time.sleep_ms(QUIET_MS)
            _wake.on()
            pin.on()
            time.sleep_ms(PULSE_MS)
            pin.off()
            _wake.off()
            _bank.done(place, opened)
