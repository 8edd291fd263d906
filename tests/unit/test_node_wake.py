"""Single wakes of a node that sleeps, on a board that the test holds in its hands: when it talks, and by which clock.

Whole lives with real parts are in tests/net/test_sleeping_node.py and tests/sim/test_node_season.py.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from firmware.node import lastgood, parley, wake
from firmware.node.rtclog import BYTES, RtcLog
from wire import fields, frames

CONFIG: dict[str, Any] = {
    "sensors": [{"field": fields.SOIL_MOISTURE, "every_s": 600, "reads": 1}],
    "send_s": 1800,
}
MINUTE_MS = 60_000


class Board:
    """The hal: RTC memory that lasts, a clock that the test sets."""

    def __init__(self) -> None:
        self.clock_ms = 1_000
        self.memory = bytearray(BYTES)
        log = RtcLog(self.memory)
        log.begin(0x10001, self.clock_ms)
        self.memory[:] = log.sealed()
        self.lines: list[str] = []
        self.cause = frames.BOOT_SLEEP
        self.kept = 0
        self.briefing = None  # there are no slots

    def rtc(self) -> bytearray:
        return bytearray(self.memory)

    def rtc_keep(self, memory: bytearray) -> None:
        self.memory[:] = memory
        self.kept += 1

    def rtc_ms(self) -> int:
        return self.clock_ms

    link_ms = rtc_ms

    def feed(self) -> None:
        """Nobody watches."""

    def measuring(self) -> bool:
        return True

    def read_raw(self, _sensor: dict[str, int]) -> int:
        return 1_500_000 + self.clock_ms % 977

    def trace(self, line: str) -> None:
        self.lines.append(line)

    def config_proved(self) -> None:
        """It had no other."""

    def wake(self, config: dict[str, Any] = CONFIG) -> int:
        """One wake and the sleep behind it; how long it slept. What a wake raises goes up."""
        slept_ms = wake.Sleeper(dict(config), self).wake()
        self.clock_ms += slept_ms
        return slept_ms

    def log(self) -> RtcLog:
        return RtcLog(bytearray(self.memory))


def test_a_talk_that_ends_the_program_is_tried_again_when_the_next_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the next start would talk at once, and the one after it: that empties a battery in days."""
    tries: list[int] = []

    def hold(*_: Any) -> bool:
        tries.append(board.clock_ms)
        raise MemoryError("memory allocation failed")

    monkeypatch.setattr(parley, "hold", hold)
    board = Board()
    for _ in range(60):
        try:
            board.wake()
        except MemoryError:
            board.clock_ms += MINUTE_MS  # the reset, and the rest before it
    gaps = [round((b - a) / (1800 * 1000)) for a, b in pairwise(tries)]
    assert len(tries) >= 3 and set(gaps) == {1}, gaps
    assert board.log().room() < 95 - 20, "it measured all the while"


def test_a_clock_that_was_set_back_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a reset that takes the time but leaves RTC memory, the uptime goes on from what was known last."""
    talks: list[int] = []

    def hold(_config: Any, hal: Any, log: RtcLog, *_: Any) -> bool:
        talks.append(log.uptime_ms(hal.rtc_ms()))
        log.clear()
        return True

    monkeypatch.setattr(parley, "hold", hold)
    board = Board()
    for at in range(40):
        if at in (10, 21):
            board.clock_ms = 5_000
        before_ms = board.log().sampled_ms
        assert board.wake() <= 11 * MINUTE_MS
        assert board.log().sampled_ms >= before_ms
    assert len(board.lines) >= 36, "it costs the reading that was due, no more"
    assert len(talks) >= 10
    assert talks == sorted(talks)


@pytest.mark.parametrize(
    "bad",
    [
        {"sensors": [{"field": fields.RAIN, "every_s": 600}]},
        {"send_s": 0},
        {"send_s": "1800"},
        {"still_s": "12"},
        {"battery_mv": 3_100},
        {"battery_mv": [2_900]},
        {"battery_mv": [2_900, 3_100]},
        {"sensors": [["soil"]]},
        {"sensors": [{"field": fields.SOIL_MOISTURE, "every_s": "600"}]},
        {"sensors": [{"field": fields.SOIL_MOISTURE, "every_s": float("inf")}]},
        {"sensors": [{"field": fields.SOIL_MOISTURE, "every_s": 600, "on_s": 0}]},
    ],
)
def test_a_config_that_a_sleeper_cannot_live_by_is_refused_before_it_measures(bad: dict[str, Any]) -> None:
    board = Board()
    with pytest.raises(lastgood.WRONG):
        wake.Sleeper({**CONFIG, **bad}, board)
    assert not board.lines
