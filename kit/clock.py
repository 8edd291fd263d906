"""The one source of time. No other module asks the operating system what time it is.

Rules
1. *Village time* is what a process lives by: leases, sampling, irrigation, the age of a reading. On a real
   gateway it is the system's time. In a sped-up run it moves ``speed`` times as fast, equally for all
   processes of the machine, because all read the same anchor (a file named by ``HOIQUAN_CLOCK``).
2. *Transport time* is real and belongs to the network libraries (keep-alive, resend, HTTP time-outs). A wait
   that spans both, such as "no answer within 10 s", is stretched: see ``stretch_ms``.
3. Safety uses ``mono_ms`` only; ``now_ms`` may jump when somebody sets the clock.
4. ``steady_id`` names the steady clock behind ``mono_ms``: two processes that read the same name, at whatever time,
   read the same clock. After the machine has restarted it is another one, and what was kept of the old one is void.
5. Days are days of Vietnam, fixed +07:00 with no daylight saving; what is stored is UTC.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Protocol

CLOCK_ENV = "HOIQUAN_CLOCK"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
VIETNAM = timezone(timedelta(hours=7))
MAX_SPEED = 1200.0


class ClockFileError(Exception):
    """The file named by HOIQUAN_CLOCK is not a clock file."""


class Clock(Protocol):
    """Village time in milliseconds."""

    @property
    def speed(self) -> float:
        """Village milliseconds per real millisecond."""

    def now_ms(self) -> int:
        """Wall time, UTC, milliseconds since 1970."""

    def mono_ms(self) -> int:
        """Milliseconds that never run backwards; the zero is arbitrary but shared on one machine."""

    @property
    def steady_id(self) -> int:
        """Which clock ``mono_ms`` reads; never 0, and fits a database."""

    def sleep_ms(self, village_ms: float) -> None:
        """Wait for this much village time."""


@dataclass(frozen=True)
class SystemClock:
    """The real clock of a gateway or cloud."""

    speed: float = 1.0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def mono_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    @property
    def steady_id(self) -> int:
        return _steady_id("")

    def sleep_ms(self, village_ms: float) -> None:
        time.sleep(max(0.0, village_ms) / 1000)


@dataclass(frozen=True)
class SpedClock:
    """Village time that runs ``speed`` times as fast as real time from an anchor.

    The anchor is on CLOCK_MONOTONIC, which CPython (``monotonic_ns``) and MicroPython (``ticks_us``) share.
    """

    anchor_mono_us: int
    anchor_village_ms: int
    speed: float

    def now_ms(self) -> int:
        return self.anchor_village_ms + self.mono_ms()

    def mono_ms(self) -> int:
        return int((time.monotonic_ns() // 1000 - self.anchor_mono_us) * self.speed / 1000)

    @property
    def steady_id(self) -> int:
        return _steady_id(self.to_json())

    def sleep_ms(self, village_ms: float) -> None:
        time.sleep(max(0.0, village_ms) / 1000 / self.speed)

    def to_json(self) -> str:
        return json.dumps({"mono_us": self.anchor_mono_us, "village_ms": self.anchor_village_ms, "speed": self.speed})


@dataclass
class ManualClock:
    """A clock that stands still until it is told to move: for tests and simulation."""

    wall_ms: int
    monotonic_ms: int = 0
    speed: float = 1.0
    slept_ms: list[float] = field(default_factory=list)
    steady_id: int = 1

    def now_ms(self) -> int:
        return self.wall_ms

    def mono_ms(self) -> int:
        return self.monotonic_ms

    def sleep_ms(self, village_ms: float) -> None:
        self.slept_ms.append(village_ms)
        self.advance_ms(int(village_ms))

    def advance_ms(self, ms: int) -> None:
        self.wall_ms += ms
        self.monotonic_ms += ms


def ahead_ms(clock: Clock) -> int:
    """How far the wall clock is ahead of the steady one: it changes when somebody sets the clock, and only then."""
    return clock.now_ms() - clock.mono_ms()


@cache
def _steady_id(anchor: str) -> int:
    """The start of this machine, and the anchor on it, as a number."""
    try:
        start = BOOT_ID.read_bytes()
    except OSError:
        start = os.urandom(16)  # no telling: then nothing outlives this process
    return int.from_bytes(sha256(start + anchor.encode()).digest()[:7], "big") + 1


def sped_clock_from(village_ms: int, speed: float) -> SpedClock:
    """A sped-up clock that shows ``village_ms`` now."""
    return SpedClock(time.monotonic_ns() // 1000, village_ms, speed)


def clock_from_environment() -> Clock:
    """The clock that the process was given: the file named by HOIQUAN_CLOCK, else the system's.

    Raises ClockFileError when the file is missing or wrong, because a process on the wrong clock would
    irrigate at the wrong time.
    """
    name = os.environ.get(CLOCK_ENV)
    if not name:
        return SystemClock()
    try:
        found = json.loads(Path(name).read_text(encoding="utf-8"))
        clock = SpedClock(int(found["mono_us"]), int(found["village_ms"]), float(found["speed"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ClockFileError(f"{CLOCK_ENV}={name} is not a clock file: {error}") from error
    if not 0 < clock.speed <= MAX_SPEED:
        raise ClockFileError(f"{CLOCK_ENV}={name}: speed {clock.speed} is not in 0..{MAX_SPEED:g}")
    return clock


def stretch_ms(clock: Clock, village_ms: int, real_ms: int) -> int:
    """An interval of village time that also lasts at least ``real_ms`` of real time.

    A sped-up run speeds up the village but not the broker and the processor: an answer that may take 10 s on a
    real gateway would have to come within 17 ms at 600 times. On a real gateway this is ``village_ms``.
    """
    if clock.speed <= 1.0:
        return village_ms
    return max(village_ms, int(clock.speed * real_ms))


def real_sleep_s(seconds: float) -> None:
    """Wait in real (transport) time."""
    time.sleep(seconds)


def real_mono_s() -> float:
    """Real monotonic seconds, for transport deadlines."""
    return time.monotonic()


def vietnam_time(ms: int) -> datetime:
    """The civil time of Vietnam at an instant given in UTC milliseconds."""
    return datetime.fromtimestamp(ms / 1000, VIETNAM)
