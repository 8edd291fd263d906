"""How long to wait before the next try to connect.

Rules
1. The wait is drawn evenly from least_ms to a ceiling; the ceiling starts at 2 * least_ms, doubles with every failure
   in a row and stops at most_ms. So nodes that lost one broker together do not come back together.
2. ``calm`` starts again from the beginning; it is for a connection that has proved itself, not for one that just
   opened, or a broker that drops every client at once would be asked for ever at full speed.
"""


class Backoff:
    def __init__(self, least_ms: int = 500, most_ms: int = 60_000) -> None:
        assert 0 < least_ms <= most_ms
        self._least_ms = least_ms
        self._most_ms = most_ms
        self._ceiling_ms = least_ms

    def next_ms(self, draw: int) -> int:
        """``draw`` is random, 0 to 65535."""
        self._ceiling_ms = min(self._most_ms, 2 * self._ceiling_ms)
        span = self._ceiling_ms - self._least_ms
        return self._least_ms + span * draw // 0xFFFF

    def calm(self) -> None:
        self._ceiling_ms = self._least_ms
