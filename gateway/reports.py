"""``python -m gateway reports``: makes the report of each week once it is over.

Rules
1. It reads the databases and writes files in the home's reports, nothing else; it is the only one that makes them by
   itself. The pages show the newest.
2. A week is reckoned in a process of its own, at the lowest priority: it takes half a minute and some memory, which
   this process does not keep.
3. Only a week of which the journal has all but a day; what cannot be made is tried again after RETRY_S, and stops
   nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, datetime, timedelta, timezone

from gateway.home import Home
from gateway.process import Stop, alone
from kit import log
from kit.clock import Clock, real_mono_s, real_sleep_s

LOOK_S = 60.0
RETRY_S = 6 * 3600.0
LONGEST_S = 3600.0
NICE = 19
VIETNAM = timezone(timedelta(hours=7))


def week_before(now_ms: int) -> str:
    """The last week that is over, such as 2024-W09."""
    today: date = datetime.fromtimestamp(now_ms / 1000, VIETNAM).date()
    year, week, _ = (today - timedelta(days=7)).isocalendar()
    return f"{year}-W{week:02d}"


def run(home: Home, clock: Clock) -> None:
    """Run until the process is asked to end. Raises ProcessError."""
    stop = Stop().on_signals()
    with alone(home.held["reports"]):
        next_s = real_mono_s() + LOOK_S  # a gateway that starts has better to do
        while not stop:
            if real_mono_s() >= next_s:
                week = week_before(clock.now_ms())
                made = (home.reports / f"{week}.html").exists() or make(home, week)
                next_s = real_mono_s() + (LOOK_S if made else RETRY_S)
            real_sleep_s(0.2)


def make(home: Home, week: str) -> bool:
    """Have the report of a week made; whether it is there now."""
    argv = [sys.executable, "-m", "gateway", "report", "--home", str(home.root), "--week", week, "--whole"]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=LONGEST_S, preexec_fn=lambda: os.nice(NICE)
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.get().warning("the report of the week could not be made", week=week, why=str(error))
        return False
    if done.returncode:
        log.get().info("there is no report of the week", week=week, why=done.stderr.strip()[-300:])
        return False
    log.get().info("the report of the week is made", week=week)
    return True
