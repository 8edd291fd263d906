"""What the broker held back is told from what it passed on at once, by an echo."""

from __future__ import annotations

from gateway.mqtt.echo import LIVE_MS, PERIOD_MS, Echo
from kit.clock import ManualClock

TOPIC = "hq/1/thu/echo"


class Queue:
    """What the broker has taken from us and not given back yet."""

    def __init__(self) -> None:
        self.up = True
        self.kept: list[bytes] = []

    def publish(self, topic: str, payload: bytes, qos: int = 0) -> bool:
        assert (topic, qos) == (TOPIC, 1)
        if self.up:
            self.kept.append(payload)
        return self.up


def test_it_is_live_behind_an_echo_and_no_longer_than_that_is_young() -> None:
    clock, queue = ManualClock(0), Queue()
    echo = Echo(TOPIC, clock)
    echo.send(queue.publish)
    assert not echo.is_live(), "what comes in before the first echo may be hours old"
    clock.advance_ms(4_000)
    assert echo.heard(queue.kept.pop()) and echo.is_live()
    clock.advance_ms(LIVE_MS - 4_000)
    assert echo.is_live()
    clock.advance_ms(1)
    assert not echo.is_live(), "ingest was away: what the broker kept meanwhile comes before the next echo"
    echo.send(queue.publish)
    assert echo.heard(queue.kept.pop()) and echo.is_live()


def test_only_an_echo_of_this_process_counts() -> None:
    clock, queue = ManualClock(0), Queue()
    Echo(TOPIC, clock).send(queue.publish)
    echo = Echo(TOPIC, clock)
    echo.send(queue.publish)
    for strange in (queue.kept[0], b"", b"x" * 8):
        assert not echo.heard(strange) and not echo.is_live()
    assert echo.heard(queue.kept[1]) and not echo.heard(queue.kept[1])


def test_one_is_under_way_at_a_time_and_a_lost_one_is_followed_by_the_next() -> None:
    clock, queue = ManualClock(0), Queue()
    echo = Echo(TOPIC, clock)
    queue.up = False
    echo.send(queue.publish)
    queue.up = True
    for _ in range(3):
        echo.send(queue.publish)
    assert len(queue.kept) == 1
    clock.advance_ms(PERIOD_MS)
    echo.send(queue.publish)
    assert len(queue.kept) == 1
    clock.advance_ms(LIVE_MS - PERIOD_MS)
    echo.send(queue.publish)
    assert len(queue.kept) == 2
    echo.heard(queue.kept[1])
    clock.advance_ms(PERIOD_MS)
    echo.send(queue.publish)
    assert len(queue.kept) == 3
