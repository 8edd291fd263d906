# mypy: ignore-errors
"""``onewire`` of a simulated board (see world.py)."""

import world


class OneWire:
    def __init__(self, pin):
        self._pin = pin.number

    def _device(self):
        return world.board.wires[self._pin]

    def reset(self):
        world.board.pass_us(960)
        return self._device().reset()

    def write(self, data):
        world.board.pass_us(500 * len(data))
        self._device().write(data)

    def readinto(self, buffer):
        world.board.pass_us(500 * len(buffer))
        got = self._device().read(len(buffer))
        buffer[: len(got)] = got
