"""What a board must do before anything that could fail is imported. Plain source, never changed over the air.

Rules
1. ``outputs_off`` needs nothing but the pin numbers of board.py, which lies beside this file: every output pin low.
   Gates have pull-downs, so that is also their state without power.
2. The watchdog is started with LOADING_MS, time enough to verify a slot; the hal shortens it when the program runs.
3. The reason of a failure is kept in one small file, for the next program that reaches the gateway.
"""

import board
from machine import Pin

ROOT = ""  # where slots and pointer lie
HARDWARE = getattr(board, "MCU", "wroom32e")  # the reference board has no file of its own
LOADING_MS = 30_000
REASON = "/error"


def outputs_off() -> None:
    for number in board.OUTPUT_PINS:
        Pin(number, Pin.OUT, value=0)


def watchdog() -> None:
    from machine import WDT

    WDT(timeout=LOADING_MS)


def slept() -> bool:
    """Whether this boot is a waking from deep sleep."""
    import machine

    return machine.reset_cause() == machine.DEEPSLEEP_RESET


def powered() -> bool:
    """Whether this boot is one by power, or by a person's hand at the reset button."""
    import machine

    return machine.reset_cause() in (machine.PWRON_RESET, machine.HARD_RESET)


def keep_reason(text: str) -> None:
    """Why the program failed. A flash that cannot be written keeps nothing, and that must not be a second failure."""
    try:
        with open(ROOT + REASON, "w") as file:
            file.write(text[:80])
    except OSError:
        pass  # it is told on the console as well
