"""The hal of an ESP32: the only package that touches machine, network and esp32.

Not one line of it can run on the build machine: docs/node.md has the list of what a bench must show.

Rules
1. ``outputs_off`` needs nothing but the pin numbers of board.py, so it works as the first statement of boot.py.
2. Nothing here waits longer than 300 ms, but for one name look-up; WLAN comes up step by step, asked by
   ``open_socket``, and is never a reason to reset.
3. Functions mean the same as in simulators/node_hal/hal.py. ``trace`` has no listener, ``measuring`` is always true.
"""

import gc
import os
import time

from machine import Pin

from hal import board

_WATCHDOG_MS = 8_000
_MAX_WAIT_MS = 250
_MARK = b"HQE1"  # in RTC memory: the last reset was ours, after an error

_watchdog = None
_wlan = None
_config = None
_last_ticks = time.ticks_ms()
_uptime_ms = 0


def outputs_off() -> None:
    """Every output pin of the board low. Gates have pull-downs, so this is also their state without power."""
    for number in board.OUTPUT_PINS:
        Pin(number, Pin.OUT, value=0)


def set_output(index: int, on: bool) -> None:
    Pin(board.OUTPUT_PINS[index], Pin.OUT, value=1 if on else 0)


def config() -> dict:
    """The node's config, as provisioning wrote it. OSError or ValueError says what is wrong with it."""
    global _config
    if _config is None:
        import json

        with open(board.CONFIG_PATH) as file:
            _config = json.load(file)
    return _config


def ticks_ms() -> int:
    """Milliseconds since start, never wrapping. Is called in every turn of the loop, so no wrap is missed."""
    global _last_ticks, _uptime_ms
    now = time.ticks_ms()
    _uptime_ms += time.ticks_diff(now, _last_ticks)
    _last_ticks = now
    return _uptime_ms


def link_ms() -> int:
    return ticks_ms()


def read_raw(sensor: dict) -> int | None:
    """One raw value of a sensor, by its driver. OSError is a bus fault."""
    from hal import sensors

    return sensors.read(sensor)


def block_device():
    """The partition of the data volume: 4096-byte blocks, apart from the one that holds the code."""
    from esp32 import Partition

    found = Partition.find(Partition.TYPE_DATA, label=board.DATA_PARTITION)
    if not found:
        raise OSError("no partition " + board.DATA_PARTITION)
    return found[0]


def random_bytes(count: int) -> bytes:
    return os.urandom(count)


def open_socket(host: str, port: int):
    """A non-blocking socket that still connects. OSError when WLAN is not up yet; then ask again later."""
    import socket

    global _wlan
    if _wlan is None:
        from hal.wlan import Wlan

        _wlan = Wlan(config()["wifi"])
    if not _wlan.up(link_ms()):
        raise OSError("no wlan")
    address = socket.getaddrinfo(host, port)[0][-1]
    opened = socket.socket()
    opened.setblocking(False)
    try:
        opened.connect(address)
    except OSError as error:
        if error.errno not in board.CONNECTING:
            opened.close()
            raise
    return opened


def wait(poller, link_ms: int, due_ms: int | None = None) -> None:
    """Rest until a socket has something or the first of the two times has come; short enough for the watchdog."""
    rest_ms = min(max(link_ms, 0), _MAX_WAIT_MS)
    if due_ms is not None:
        rest_ms = min(rest_ms, max(0, due_ms - ticks_ms()))
    if poller is None:
        time.sleep_ms(rest_ms)
    else:
        poller.poll(rest_ms)


def feed() -> None:
    """Feed the watchdog; the first feed starts it."""
    global _watchdog
    if _watchdog is None:
        from machine import WDT

        _watchdog = WDT(timeout=_WATCHDOG_MS)
    _watchdog.feed()


def heap_free() -> int:
    gc.collect()
    return gc.mem_free()


def boot_cause() -> int:
    """One of wire.frames.BOOT_*."""
    import machine

    from wire import frames

    memory = machine.RTC()
    if memory.memory() == _MARK:
        memory.memory(b"")
        return frames.BOOT_ERROR
    causes = {
        machine.PWRON_RESET: frames.BOOT_POWER,
        machine.HARD_RESET: frames.BOOT_RESET,
        machine.SOFT_RESET: frames.BOOT_RESET,
        machine.WDT_RESET: frames.BOOT_WATCHDOG,
        machine.DEEPSLEEP_RESET: frames.BOOT_SLEEP,
    }
    return causes.get(machine.reset_cause(), frames.BOOT_UNKNOWN)


def reset() -> None:
    """Leave the mark of an error and start again; does not return."""
    import machine

    machine.RTC().memory(_MARK)
    machine.reset()


def trace(line: str) -> None:
    """Nobody listens on a board."""


def measuring() -> bool:
    return True


def stopping() -> bool:
    return False
