"""A program proves that it is healthy, and tells the gateway what runs. Let go of by node/start.py when it is over.

Rules
1. Healthy is who the gateway has answered, and answers again ``healthy_s`` later (real time; HEALTHY_S if the config
   says nothing). The pointer then counts no bad boot any more, and a program on trial is the good one.
2. A program on trial that is not healthy within TRIES times that, and TRIAL_MS at least, starts again as soon as
   nothing is on: that is a bad boot, and after loader.BAD_BOOTS of them the other slot runs.
3. Heap is dear while the node works: what is needed for one moment is imported for that moment.
"""

import sys

HEALTHY_S = 300
LEAST_S = 1
MOST_S = 3_600
TRIES = 3
TRIAL_MS = 900_000
TRIAL = 2
_MOMENT = ("update.report", "wire.updates", "loader", "safe")
_ALL = _MOMENT + ("update.probation", "update")  # noqa: RUF005 - MicroPython stars only in calls


class Probation:
    """Watches over one boot of a node."""

    def __init__(self, hal, node) -> None:
        self._root = hal.ROOT
        self._hal = hal
        self._node = node
        self._healthy_ms = 1000 * min(MOST_S, max(LEAST_S, hal.config().get("healthy_s", HEALTHY_S)))
        self._end_ms = hal.link_ms() + max(TRIES * self._healthy_ms, TRIAL_MS)
        self._first_ms = None
        self._due = ""  # what is to be told: "boot" or "healthy"
        self._state = _pointer(hal.ROOT).state

    def step(self) -> bool:
        """One turn; True when there is nothing left to do, and this module is let go of."""
        over = self._turn(self._hal.link_ms())
        if over:
            forget(_ALL)
        return over

    def _turn(self, link_ms: int) -> bool:
        if self._due:
            return self._tell() and self._due == "healthy"
        if self._node.talk.answered():
            if self._first_ms is None:
                self._first_ms = link_ms
                self._due = "boot"
            elif link_ms - self._first_ms >= self._healthy_ms:
                return self._prove()
        if self._state == TRIAL and link_ms > self._end_ms and self._node.idle():
            self._hal.reset("not healthy in time")
        return False

    def _prove(self) -> bool:
        """Count no bad boots any more; whether nothing has to be told of it."""
        import os

        import loader
        import safe

        pointer = loader.read(self._root)
        if pointer.state != loader.GOOD or pointer.boots or pointer.wakes or pointer.outcome:
            loader.healthy(self._root, pointer)
        if loader.exists(self._root + safe.REASON):
            os.remove(self._root + safe.REASON)
        self._due = "healthy" if self._state != loader.GOOD else ""
        forget(_MOMENT)
        return not self._due

    def _tell(self) -> bool:
        """Send the report that is due; False when there is no room for it now."""
        import loader

        from wire import topics, updates

        from . import report

        pointer = loader.read(self._root)
        text = ""
        release = loader.release_of(self._root, pointer.slot) or updates.NO_RELEASE
        if self._due == "healthy":
            status = updates.HEALTHY
        else:
            text = report.reason(self._root)
            status = pointer.outcome or (updates.CRASHED if text else updates.RUNS)
            if pointer.outcome:
                release = pointer.release
        sent = self._node.talk.publish(topics.REPORT, report.report(self._root, status, release, 0, 0, text))
        if sent and self._due == "boot":
            self._due = ""
        forget(_MOMENT)
        return sent


def _pointer(root: str):
    import loader

    found = loader.read(root)
    forget(_MOMENT)
    return found


def forget(names: tuple) -> None:
    """Let go of modules, and of what their packages know of them (rule 3)."""
    for name in names:
        if sys.modules.pop(name, None) is not None:
            package, _, child = name.rpartition(".")
            if package in sys.modules and hasattr(sys.modules[package], child):
                delattr(sys.modules[package], child)
