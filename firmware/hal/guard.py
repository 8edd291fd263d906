"""What switches a board's outputs off when the program that should is not there: a timer, and behind it the watchdog.

Rules
1. Once it is armed, all output pins go low TIMER_MS after the armed time. MicroPython runs the callback of an ESP32's
   timer between two bytecodes, so this ends what hangs in Python or in a call that lets callbacks run.
2. A call into C that does not come back (arithmetic of TLS, a flash that hangs) holds callbacks up. The watchdog needs
   nobody: while it is armed it bites BITE_MS after the armed time, 8 s after the last feed at the latest; a reset lets
   the pins float, and pull-downs hold the outputs off.
   Valves that stay where they are without power get a closing pulse by the callback (``closes``); a reset closes them
   when the board has started again and its capacitors are full.
3. The callback allocates nothing: pins and timer are made at import, when all outputs are off.
"""

from machine import WDT, Pin, Timer

from hal import board

TIMER_MS = 500
BITE_MS = 1_000
IDLE_MS = 8_000

_pins = tuple(Pin(number, Pin.OUT, value=0) for number in board.OUTPUT_PINS)
_timer = Timer(0)
_watchdog = None
_limit_ms = 0
_armed_ms = None
_fires_ms = 0
_fired = False
_closes = None  # what closes valves that stay where they are without power


def closes(function) -> None:
    """``function`` is called when the timer fires, after all pins are low."""
    global _closes
    _closes = function


def arm(due_ms: int | None, now_ms: int) -> None:
    """Guard what is on until ``due_ms``; None: nothing is on."""
    global _armed_ms, _fires_ms
    _timer.deinit()
    _armed_ms = due_ms
    if due_ms is not None:
        _fires_ms = due_ms + TIMER_MS
        _timer.init(mode=Timer.ONE_SHOT, period=max(1, _fires_ms - now_ms), callback=_fire)
    feed(now_ms)


def fired(now_ms: int) -> int | None:
    """When the timer switched everything off; told once."""
    global _fired
    if not _fired:
        return None
    _fired = False
    return min(now_ms, _fires_ms)


def feed(now_ms: int) -> None:
    """Feed the watchdog; the first feed starts it. While a lease is about to end it has less time."""
    global _watchdog, _limit_ms
    limit_ms = IDLE_MS if _armed_ms is None else min(IDLE_MS, max(BITE_MS, _armed_ms + BITE_MS - now_ms))
    if limit_ms != _limit_ms:
        _limit_ms = limit_ms
        _watchdog = WDT(timeout=limit_ms)
    _watchdog.feed()


def _fire(_timer: Timer) -> None:
    global _fired
    for pin in _pins:
        pin.off()
    if _closes is not None:
        _closes()
    _fired = True
