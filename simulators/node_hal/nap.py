"""Deep sleep of a simulated node: RTC memory and the time of waking in files, the node itself away meanwhile.

Beside the flash file: ``.rtc``, what RTC memory holds, and ``.nap``, the village time at which the board wakes.

Rules
1. ``deepsleep`` ends the process with ASLEEP. Who starts it again at once gets a process that first waits for its time,
   as a board would, and then begins like one that never was.
2. With HOIQUAN_VIRTUAL nothing waits: the village clock of that process begins at the time of waking.
3. A file ``.rtc`` that is taken away is a battery that was pulled. A killed process leaves what ``keep`` wrote last.
4. HOIQUAN_RTC_PPM is how much the RTC runs too fast.
"""

import os
import sys
import time

import hal

ASLEEP = 43
BYTES = 2044
_STEP_MS = 100


def _path(kind: str) -> str:
    return (os.getenv("HOIQUAN_NODE_FLASH") or "node.flash") + kind


def _ppm() -> int:
    return int(os.getenv("HOIQUAN_RTC_PPM") or 0)


def woken_ms(village_ms, speed: float) -> int:
    """The village time at which this process, which was asleep, begins; with real time it is waited for."""
    with open(_path(".nap")) as file:
        at_ms = int(file.read())
    os.remove(_path(".nap"))
    if os.getenv("HOIQUAN_VIRTUAL"):
        return at_ms
    while village_ms() < at_ms:
        time.sleep_ms(min(_STEP_MS, int((at_ms - village_ms()) / speed) + 1))
    return village_ms()


def rtc() -> bytearray:
    """What RTC memory holds, in RAM; zeros when the battery was away."""
    found = bytearray(BYTES)
    try:
        with open(_path(".rtc"), "rb") as file:
            file.readinto(found)
    except OSError:
        pass  # a cold start
    return found


def rtc_keep(memory) -> None:
    """Put it back: what is there now survives deep sleep."""
    with open(_path(".rtc.new"), "wb") as file:
        file.write(memory)
    os.rename(_path(".rtc.new"), _path(".rtc"))


def rtc_ms() -> int:
    """Milliseconds that go on in deep sleep, as badly as the oscillator has them."""
    now_ms = hal.village_ms()
    return now_ms + now_ms * _ppm() // 1_000_000


def deepsleep(ms: int) -> None:
    """Sleep ``ms`` of the RTC; does not return: waking is a start."""
    with open(_path(".nap.new"), "w") as file:
        file.write(str(hal.village_ms() + ms * 1_000_000 // (1_000_000 + _ppm())))
    os.rename(_path(".nap.new"), _path(".nap"))  # who is killed while it writes was still awake
    sys.exit(ASLEEP)
