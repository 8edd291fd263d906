"""A program proves that it is healthy, and tells the gateway what runs. Let go of when it is over.

Rules
1. Healthy is who the gateway has answered, and answers again ``healthy_s`` later (real time; HEALTHY_S if the config
   says nothing). The pointer then counts no bad boot any more, and a program on trial is the good one.
2. A program on trial that is not healthy within TRIES times that, and TRIAL_MS at least, starts again as soon as
   nothing is on: that is a bad boot, and after three of them the other slot runs.
3. A node that sleeps is healthy after one whole talk with the gateway. An interpreter on trial is proved by the same,
   but its first bad boot is its last: the boot loader of the chip starts the one before (image.py).
4. Heap is dear while the node works: what is sent and written here was made at boot (briefing.py).
"""

import os
import sys

from wire import topics

HEALTHY_S = 300
LEAST_S = 1
MOST_S = 3_600
TRIES = 3
TRIAL_MS = 900_000
TELL_MS = 5_000
_INTERPRETER = 2  # as in briefing.py


class Probation:
    """Watches over one boot of a node."""

    def __init__(self, hal, node) -> None:
        self._hal = hal
        self._node = node
        self._healthy_ms = 1000 * min(MOST_S, max(LEAST_S, hal.config().get("healthy_s", HEALTHY_S)))
        self._end_ms = hal.link_ms() + max(TRIES * self._healthy_ms, TRIAL_MS)
        self._first_ms = None
        self._due, self._proud = hal.briefing[:2]
        self._trial = hal.briefing[6]
        self._proved = False

    def step(self) -> bool:
        """One turn; True when there is nothing left to do, and this module is let go of."""
        talk = self._node.talk
        if self._first_ms is not None and self._due:
            if talk.publish(topics.REPORT, self._due):
                self._due = b""
        elif self._proved:
            sys.modules.pop("update.probation", None)
            return True
        elif talk.answered():
            link_ms = self._hal.link_ms()
            if self._first_ms is None:
                self._first_ms = link_ms
            elif link_ms - self._first_ms >= self._healthy_ms:
                prove(self._hal)
                self._due, self._proved, self._trial = self._proud, True, 0
        elif self._trial and self._hal.link_ms() > self._end_ms and self._node.idle():
            self._hal.reset("not healthy in time")
        return False


def woke(hal, talk, connection) -> None:
    """A node that sleeps has had its talk with the gateway: that is its proof. It stays awake until that is told."""
    boot, proud = hal.briefing[:2]
    prove(hal)
    due = [frame for frame in (boot, proud) if frame]
    until_ms = hal.link_ms() + TELL_MS
    while (due or connection.in_flight) and hal.link_ms() < until_ms:
        hal.feed()
        if due and talk.publish(topics.REPORT, due[0]):
            due.pop(0)
        talk.listen()
        if due or connection.in_flight:
            hal.wait(connection.poller, connection.wait_ms(hal.link_ms()))


def prove(hal) -> None:
    """Write that what runs is good, tell the boot loader, and forget by what the last one failed."""
    told = hal.briefing
    for name, data in (("/slot", told[2]), ("/image", told[7])):
        if data:
            with open(hal.ROOT + "/new.tmp", "wb") as file:
                file.write(data)
            os.rename(hal.ROOT + "/new.tmp", hal.ROOT + name)
    if told[6] == _INTERPRETER:
        hal.partition().mark_app_valid_cancel_rollback()
    hal.briefing = told[:2] + (b"",) + told[3:6] + (0, b"")  # noqa: RUF005 - MicroPython stars only in calls
    try:
        os.remove(hal.ROOT + "/error")
    except OSError:
        pass  # there was none
