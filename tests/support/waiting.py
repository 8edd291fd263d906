"""Waiting for something that other processes bring about."""

import time
from collections.abc import Callable


def eventually(true: Callable[[], object], within_s: float = 15.0) -> None:
    """Return when ``true()`` is; fail when that takes too long."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"did not come true within {within_s} s"
        time.sleep(0.1)
