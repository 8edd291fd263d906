"""Bytes over a serial line, with the direction of an RS485 transceiver. See firmware/drivers for who speaks.

Rules
1. What lies in the buffer before we ask is old, and goes.
2. A request leaves in one write. Its direction pin stays high for as long as the bytes take at this speed and until
   the port says that they are out, then it falls at once: the probe answers within two characters.
3. Waits end by their time, the buffer by MAX_BYTES.
"""

import time

from machine import UART, Pin

from hal import now_ms, rest

MAX_BYTES = 256
STEP_MS = 5
_ROOM_MS = 20  # for a port that is slow to say that all is out

_open = {}


def talk(sensor: dict, baud: int, sent: bytes, wait_ms: int, done) -> bytes:
    """Send, then gather until ``done`` says that it is enough or the time is over."""
    number = sensor["uart"]
    port = _open.get(number)
    if port is None:
        port = _open[number] = UART(number, baudrate=baud, rx=sensor["rx"], tx=sensor["tx"], rxbuf=MAX_BYTES)
    if port.any():
        port.read()
    if sent:
        _send(port, sensor.get("de"), sent, baud)
    got = b""
    until_ms = now_ms() + wait_ms
    while True:
        got = (got + (port.read() or b""))[-MAX_BYTES:]
        if done(got) or now_ms() >= until_ms:
            return got
        rest(STEP_MS)


def _send(port, de: int | None, sent: bytes, baud: int) -> None:
    direction = None if de is None else Pin(de, Pin.OUT, value=1)
    port.write(sent)
    time.sleep_us(len(sent) * 10_000_000 // baud)
    until_ms = now_ms() + _ROOM_MS
    while not port.txdone() and now_ms() < until_ms:
        time.sleep_us(50)
    if direction is not None:
        direction.off()
