# mypy: ignore-errors
# ruff: noqa: ARG002, RET503 (it has the signatures of what it stands for)
"""``machine`` of a simulated board (see world.py): as much of it as the hal uses, with its signatures."""

import world

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5


def reset_cause():
    return PWRON_RESET


class Pin:
    IN, OUT = 0, 1
    PULL_UP = 2

    def __init__(self, number, mode=-1, pull=None, value=None):
        self.number = number
        if mode == Pin.OUT and value is not None:
            world.board.set(number, value)

    def on(self):
        world.board.set(self.number, 1)

    def off(self):
        world.board.set(self.number, 0)

    def value(self, level=None):
        if level is None:
            return world.board.pins.get(self.number, 0)
        world.board.set(self.number, level)


class ADC:
    ATTN_11DB = 3

    def __init__(self, pin, atten):
        assert atten == ADC.ATTN_11DB
        self._pin = pin.number

    def read_uv(self):
        world.board.pass_us(60)
        return world.board.volts[self._pin]()


class UART:
    def __init__(self, number, baudrate, rx, tx, rxbuf):
        self._number = number
        self._baud = baudrate
        self._busy_us = 0

    def _device(self):
        return world.board.ports[self._number]

    def any(self):
        self._device().work()
        return sum(len(data) for at, data in self._device().answers if at <= world.board.now_us)

    def read(self):
        return self._device().take() or None

    def write(self, data):
        takes_us = len(data) * 10_000_000 // self._baud
        self._busy_us = world.board.now_us + takes_us
        self._device().hear(data, takes_us)
        return len(data)

    def txdone(self):
        return world.board.now_us >= self._busy_us


class I2C:
    def __init__(self, number, scl, sda, freq):
        self.pins = scl.number, sda.number

    def writeto(self, address, data):
        if address not in world.board.chips:
            raise OSError(19)
        world.board.chips[address].hear(data)

    def readfrom(self, address, count):
        if address not in world.board.chips:
            raise OSError(19)
        return world.board.chips[address].say(count)


class Counter:
    RISING, FALLING = 1, 2

    def __init__(self, number, pin, edge, filter_ns):
        self._pin = pin.number

    def value(self):
        return world.board.counts[self._pin]


class Timer:
    ONE_SHOT = 0

    def __init__(self, number):
        self.due_us = None
        world.board.timers.append(self)

    def init(self, mode, period, callback):
        self.due_us = world.board.now_us + 1000 * period
        self._callback = callback

    def deinit(self):
        self.due_us = None

    def fire(self):
        self.due_us = None
        self._callback(self)


class WDT:
    def __init__(self, timeout):
        self._us = 1000 * timeout
        self.feed()

    def feed(self):
        bites = world.board.bites_us
        assert bites is None or world.board.now_us < bites, "the watchdog has bitten"
        world.board.bites_us = world.board.now_us + self._us
