# mypy: ignore-errors
"""``time`` of a simulated board (see world.py): it passes only while somebody waits."""

import world


def ticks_us():
    return world.board.now_us


def ticks_ms():
    return world.board.now_us // 1000


def ticks_diff(after, before):
    return after - before


def ticks_add(ticks, delta):
    return ticks + delta


def sleep_us(us):
    world.board.pass_us(us)


def sleep_ms(ms):
    world.board.pass_us(1000 * ms)


def sleep(seconds):
    world.board.pass_us(int(1_000_000 * seconds))
