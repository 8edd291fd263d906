"""What the processes of a gateway have in common: the one error that ends them, and how they are asked to end."""

from __future__ import annotations

import signal
from types import FrameType


class ProcessError(Exception):
    """A process cannot start or go on; one line that says what to mend."""


class Stop:
    """Becomes true when the process is asked to end (SIGTERM, SIGINT), so that it can end between two steps."""

    def __init__(self) -> None:
        self._asked = False

    def __bool__(self) -> bool:
        return self._asked

    def on_signals(self) -> Stop:
        """Listen to the signals; only the main thread may."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)
        return self

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
