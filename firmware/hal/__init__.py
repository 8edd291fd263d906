"""The hal of an ESP32: the only package that touches machine, network and esp32.

The chip's modules exist on a chip only. What stands on them is tested in MicroPython with stand-ins for the modules
(sensors, buses); docs/node.md has the list of what a bench must show.

Rules
1. ``outputs_off`` needs nothing but the pin numbers of board.py, so it works as the first statement of boot.py.
2. Nothing here waits longer than 250 ms without ``tend``, which is how the node looks after its leases while a probe
   warms up; and no name is ever looked up. WLAN comes up step by step, asked by ``open_socket``, and is never a reason
   to reset. What hangs all the same is ended by guard.py.
3. Functions mean the same as in simulators/node_hal/hal.py. ``trace`` has no listener, ``measuring`` is always true.
4. A config that the board cannot use is a ValueError of ``config`` (needs.py). ``reset`` says the reason on the
   console, and a node that fails soon after its start rests with its outputs off before it tries again.
"""

import gc
import os
import time

from machine import Pin

from hal import board

ROOT = ""  # where slots and pointer lie
briefing = None  # what the loader tells the program (update/briefing.py)
CONFIG_PATH = "/node.json"
DATA_PARTITION = "data"
_CONNECTING = (115, 119)  # EINPROGRESS as POSIX and as lwIP number it
_MAX_WAIT_MS = 250
_SLICE_MS = 50
_SOON_MS = 60_000
_REST_S = 60
RTC_BYTES = 2044  # of RTC memory that the node has; behind them stands the mark
_MARK = b"HQE1"  # the last reset was ours, after an error; it stays until somebody asks for the cause
_marked = False

_wlan = None
_config = None
_news = None
_pins = {}  # output -> GPIO
_sensors = None  # the module, once a sensor was read
_latching = None  # the module, on a board whose valves need it
_last_ticks = time.ticks_ms()
_uptime_ms = 0
tend = None  # what the node wants done while a measurement waits


def enrolling():
    """What sets this node up (portal.py), when this start is for that: no config, or the button held. Else None."""
    import sys

    from hal import portal

    if portal.wanted():
        return portal
    del sys.modules["hal.portal"], sys.modules["hal"].portal
    return None


def outputs_off() -> None:
    """Every output pin of the board low. Gates have pull-downs, so this is also their state without power."""
    for number in board.OUTPUT_PINS:
        Pin(number, Pin.OUT, value=0)
    if _latching is not None:
        _latching.shut()


def set_output(index: int, on: bool) -> None:
    if _latching is not None and isinstance(_pins[index], tuple):
        _latching.set_output(index, on)
    else:
        Pin(_pins[index], Pin.OUT, value=1 if on else 0)


def arm(due_ms: int | None) -> None:
    """Set the guard: all outputs off by themselves soon after ``due_ms`` unless it is set anew; None: nothing is on."""
    from hal import guard

    guard.arm(due_ms, ticks_ms())


def fired() -> int | None:
    """The ticks_ms at which the board switched everything off by itself; it is told once."""
    from hal import guard

    if _latching is not None and _latching.failed():
        for index in _pins:
            set_output(index, False)
        return ticks_ms()
    return guard.fired(ticks_ms())


def config() -> dict:
    """The node's config, as provisioning wrote it. OSError or ValueError says what is wrong with it."""
    global _config, _news, _pins, _latching
    if _config is None:
        from node import lastgood

        from hal import needs

        found, _news = lastgood.find("/", CONFIG_PATH, lambda given: needs.check(given, board.OUTPUT_PINS))
        _pins = needs.pins(found, board.OUTPUT_PINS)
        latched = {index: pin for index, pin in _pins.items() if isinstance(pin, tuple)}
        if latched:
            from hal import latching

            latching.setup(latched, needs.cell(found))
            _latching = latching
        _config = found
    return _config


def config_news() -> int | None:
    """What the reading ``config`` is to say; None: nothing."""
    return _news


def config_proved() -> None:
    """The node could be built by its config."""
    from node import lastgood

    lastgood.proved("/", CONFIG_PATH)


def config_refused() -> bool:
    """The node could not be built by it; whether there is another to start again with."""
    from node import lastgood

    return lastgood.refused("/", CONFIG_PATH)


def ticks_ms() -> int:
    """Milliseconds since start, never wrapping. Is called in every turn of the loop, so no wrap is missed."""
    global _last_ticks, _uptime_ms
    now = time.ticks_ms()
    _uptime_ms += time.ticks_diff(now, _last_ticks)
    _last_ticks = now
    return _uptime_ms


now_ms = ticks_ms


def link_ms() -> int:
    return ticks_ms()


def rest(rest_ms: int) -> None:
    """Let time pass inside of a measurement; what is on goes off on time all the same."""
    until_ms = ticks_ms() + rest_ms
    while True:
        left_ms = until_ms - ticks_ms()
        if left_ms <= 0:
            return
        time.sleep_ms(min(left_ms, _SLICE_MS))
        if tend is not None:
            tend()
        feed()


def read_raw(sensor: dict) -> int | None:
    """One raw value of a sensor, by its driver. OSError carries the fault."""
    global _sensors
    if _sensors is None:
        from hal import sensors

        feed()  # loads the guard, which makes all pins low: before a supply goes on
        _sensors = sensors
    return _sensors.read(sensor)


def block_device():
    """The partition of the data volume: 4096-byte blocks, apart from the one that holds the code."""
    chip = partition()
    found = chip.find(chip.TYPE_DATA, label=DATA_PARTITION)
    if not found:
        raise OSError("no partition " + DATA_PARTITION)
    return found[0]


def partition():
    """The class of the chip's partitions."""
    from esp32 import Partition

    return Partition


def random_bytes(count: int) -> bytes:
    return os.urandom(count)


def open_socket(host: str, port: int):
    """A non-blocking socket, to a numeric address, that still connects. OSError while WLAN is not up."""
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
        if error.errno not in _CONNECTING:
            opened.close()
            raise
    return opened


def wait(poller, link_ms: int, due_ms: int | None = None) -> None:
    """Rest until a socket has something or the first of the two times has come; short enough for the watchdog."""
    if _sensors is not None:
        _sensors.done()
    if _latching is not None:
        _latching.idle()
    rest_ms = min(max(link_ms, 0), _MAX_WAIT_MS)
    if due_ms is not None:
        rest_ms = min(rest_ms, max(0, due_ms - ticks_ms()))
    if poller is None:
        time.sleep_ms(rest_ms)
    else:
        poller.poll(rest_ms)


def radio():
    """The ESP-NOW radio, of a node that relays or is relayed."""
    from hal import radio as found

    return found.Radio()


def stuck() -> bool:
    """Whether the radio has brought nothing for hours, so that a new start is worth a try when nothing is on."""
    return _wlan is not None and _wlan.stuck(link_ms())


def feed() -> None:
    """Feed the watchdog; the first feed starts it."""
    from hal import guard

    guard.feed(ticks_ms())


def pressed() -> bool:
    """Whether somebody presses the button of the board."""
    return hasattr(board, "BUTTON_PIN") and not Pin(board.BUTTON_PIN, Pin.IN).value()


def rssi() -> int | None:
    """Signal of the access point in dBm; None without one."""
    return _wlan.rssi() if _wlan is not None else None


def heap_free() -> int:
    gc.collect()
    return gc.mem_free()


def boot_cause() -> int:
    """One of wire.frames.BOOT_*."""
    global _marked
    import machine

    from wire import frames

    memory = rtc()
    if _marked:
        _marked = False
        rtc_keep(memory)
        return frames.BOOT_ERROR
    causes = {
        machine.PWRON_RESET: frames.BOOT_POWER,
        machine.HARD_RESET: frames.BOOT_RESET,
        machine.SOFT_RESET: frames.BOOT_RESET,
        machine.WDT_RESET: frames.BOOT_WATCHDOG,
        machine.DEEPSLEEP_RESET: frames.BOOT_SLEEP,
    }
    return causes.get(machine.reset_cause(), frames.BOOT_UNKNOWN)


def restart() -> None:
    """Start again as planned; does not return."""
    import machine

    machine.reset()


def reset(reason: str) -> None:
    """Say why, keep it for the gateway, leave the mark of an error and start again; does not return."""
    import machine
    import safe

    print("reset:", reason)
    safe.keep_reason(reason)
    if ticks_ms() < _SOON_MS:
        for _ in range(_REST_S):
            feed()
            time.sleep(1)
    machine.RTC().memory(rtc() + _MARK)
    machine.reset()


def rtc() -> bytearray:
    """What RTC memory holds for the node, in RAM; zeros after a cold start."""
    global _marked
    import machine

    found = machine.RTC().memory()
    _marked = found[RTC_BYTES:] == _MARK
    kept = found[:RTC_BYTES]
    return bytearray(kept) + bytearray(RTC_BYTES - len(kept))


def rtc_keep(memory: bytearray) -> None:
    """Put it back: what is there now survives deep sleep and resets."""
    import machine

    machine.RTC().memory(memory + _MARK if _marked else memory)


def rtc_ms() -> int:
    """Milliseconds of the clock that goes on in deep sleep. Nobody sets it; it drifts by percents."""
    return time.time_ns() // 1_000_000


def deepsleep(ms: int) -> None:
    """Radio off, or it would draw a hundred times as much, and sleep; does not return: waking is a start."""
    import machine

    if _sensors is not None:
        _sensors.done()
    if _wlan is not None:
        _wlan.off()
    machine.deepsleep(ms)


def trace(line: str) -> None:
    """Nobody listens on a board."""


def measuring() -> bool:
    return True


def stopping() -> bool:
    return False
