"""How often somebody may try a code: so many at once, then slowly; for each address, and for all together.

Rules
1. With 60 bits in a code this is not what keeps it from being guessed; it keeps a fault or a joker from wearing out
   the gateway. So nothing is locked for good, and nobody can shut the technician out by wrong tries of his own code.
2. The table of addresses is bounded; the one that was not seen for longest goes.
"""

from __future__ import annotations

from collections import OrderedDict

BURST, EVERY_S = 10.0, 3.0
BURST_ALL, EVERY_ALL_S = 40.0, 0.25
MAX_ADDRESSES = 256


class Bucket:
    """``burst`` tries at once, and a new one every ``every_s``."""

    def __init__(self, burst: float, every_s: float, now_s: float) -> None:
        self._burst, self._every_s = burst, every_s
        self._left, self._at_s = burst, now_s

    def take(self, now_s: float) -> bool:
        self._left = min(self._burst, self._left + max(0.0, now_s - self._at_s) / self._every_s)
        self._at_s = now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Limits:
    def __init__(self, now_s: float) -> None:
        self._all = Bucket(BURST_ALL, EVERY_ALL_S, now_s)
        self._each: OrderedDict[str, Bucket] = OrderedDict()

    def allow(self, address: str, now_s: float) -> bool:
        """Whether this address may try now."""
        own = self._each.pop(address, None) or Bucket(BURST, EVERY_S, now_s)
        self._each[address] = own
        while len(self._each) > MAX_ADDRESSES:
            self._each.popitem(last=False)
        return own.take(now_s) and self._all.take(now_s)
