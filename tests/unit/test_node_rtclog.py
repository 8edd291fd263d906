"""What a node that sleeps keeps in RTC memory: only what is whole counts, no seq comes twice, uptime never leads."""

from __future__ import annotations

from typing import Any

import pytest

from firmware.node import doze, pace, sampler
from firmware.node.rtclog import BYTES, MAX_RECORDS, RtcLog
from wire import fields, frames

NOW_MS = 1_790_000_000_000
HALF_HOUR_MS = 1_800_000


def rows(count: int, at_ms: int = 1_000) -> list[tuple[int, int, int, int, int, int]]:
    return [(at_ms, fields.SOIL_MOISTURE, 0, fields.GOOD, 0, 1_500_000 + n) for n in range(count)]


def begun() -> RtcLog:
    log = RtcLog(bytearray(BYTES))
    assert log.fresh
    log.begin(0x10001, 500)
    return log


def again(log: RtcLog) -> RtcLog:
    """The same memory after a sleep."""
    return RtcLog(bytearray(log.sealed()))


def frame_of(log: RtcLog) -> frames.Readings:
    found = log.next_frame(9_999)
    assert found is not None
    log.sent(found[1])
    return frames.decode_readings(found[0])


def test_a_life_goes_on_after_a_sleep() -> None:
    log = begun()
    assert log.append(rows(4)) == (1, 4)
    log.send_ms, log.failures, log.backlog, log.reads = 77, 3, True, 12
    log.set_clock(NOW_MS, fields.CLOCK_GATEWAY)
    woken = again(log)
    assert not woken.fresh and woken.boot_id == 0x10001 and woken.next_seq == 5
    assert (woken.send_ms, woken.failures, woken.backlog, woken.reads) == (77, 3, True, 12)
    assert woken.clock == (NOW_MS, fields.CLOCK_GATEWAY)
    got = frame_of(woken)
    assert [record[0] for record in got.records] == [1, 2, 3, 4] and got.clock_offset_ms == NOW_MS


def test_any_flipped_bit_and_any_cut_is_a_new_life() -> None:
    log = begun()
    log.append(rows(3))
    whole = bytes(log.sealed())
    for at in range(0, BYTES, 7):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        assert RtcLog(damaged).fresh, at
        assert RtcLog(bytearray(whole[:at] + bytes(BYTES - at))).fresh or whole[at:] == bytes(BYTES - at)
    assert not RtcLog(bytearray(whole)).fresh


def test_it_takes_what_it_has_room_for_and_gives_it_in_pieces_for_the_flash() -> None:
    log = begun()
    while log.room() >= 4:
        log.append(rows(4))
    assert log.append(rows(4)) is None and MAX_RECORDS - 3 <= MAX_RECORDS - log.room() <= MAX_RECORDS
    pieces = list(log.pieces())
    seqs = [frames.unpack_record(piece, at)[0] for piece in pieces for at in range(0, len(piece), frames.RECORD_BYTES)]
    assert seqs == list(range(1, log.next_seq)) and max(map(len, pieces)) <= 40 * frames.RECORD_BYTES
    log.drop_oldest(40)
    assert log.dropped == 40 and frame_of(log).records[0][0] == 41
    log.clear()
    assert log.empty() and log.backlog and log.append(rows(1)) == (93, 93), "no seq comes again"


def test_only_the_acknowledged_is_forgotten_and_the_rest_stays_under_way() -> None:
    log = begun()
    for _ in range(15):
        log.append(rows(4))
    assert [r[0] for r in frame_of(log).records] == list(range(1, 41))
    assert [r[0] for r in frame_of(log).records] == list(range(41, 61))
    assert log.next_frame(1) is None and log.in_flight() == 60
    assert log.acknowledge(0x10002, ((1, 60),)) == 0, "another boot"
    assert log.acknowledge(0x10001, ((1, 10), (20, 50))) == 41 and log.in_flight() == 19
    log.forget_flight()
    assert [r[0] for r in frame_of(log).records] == [*range(11, 20), *range(51, 61)]


@pytest.mark.parametrize("ppm", [-40_000, -3_000, 0, 5_000, 40_000])
def test_uptime_follows_the_gateways_time_and_never_leads(ppm: int) -> None:
    log = begun()
    lags_ms = []
    start_ms = 0  # true time at uptime 0, as the gateway has it
    for n in range(1, 50):
        true_ms = n * HALF_HOUR_MS
        rtc_ms = 500 + true_ms + true_ms * ppm // 1_000_000
        before_ms = log.uptime_ms(rtc_ms)
        lags_ms.append(true_ms - start_ms - before_ms)
        log.set_clock(NOW_MS + true_ms - before_ms, fields.CLOCK_GATEWAY)
        log.learn(rtc_ms)
        assert log.uptime_ms(rtc_ms) >= before_ms, "never back"
        log = again(log)
        start_ms = true_ms - log.uptime_ms(rtc_ms)
    # Two times of the gateway have to be known before anything is learned.
    assert min(lags_ms[2:]) >= -50, "it never leads"
    assert max(lags_ms[2:]) <= 6_000, "2 s for every 1,000 s that it was not told"


def test_a_clock_that_was_set_teaches_nothing() -> None:
    log = begun()
    for n, wall_ms in enumerate((NOW_MS, NOW_MS + 86_400_000, NOW_MS - 10**9), 1):
        rtc_ms = 500 + n * HALF_HOUR_MS
        before_ms = log.uptime_ms(rtc_ms)
        log.set_clock(wall_ms - before_ms, fields.CLOCK_GATEWAY)
        log.learn(rtc_ms)
        assert log.uptime_ms(rtc_ms) == before_ms


@pytest.mark.parametrize("ppm", [-20_000, 0, 30_000])
def test_a_sleep_ends_when_the_next_reading_is_due(ppm: int) -> None:
    log = begun()
    log._rate_ppm = ppm
    rtc_ms = 500 + 61_000
    woken_ms = rtc_ms + log.sleep_ms(600_000, rtc_ms)
    assert 600_000 <= log.uptime_ms(woken_ms) <= 600_010
    assert log.sleep_ms(10, rtc_ms) == 1


def test_the_sampler_goes_on_after_a_sleep() -> None:
    config: dict[str, Any] = {"sensors": [
        {"field": fields.SOIL_MOISTURE, "every_s": 600, "reads": 1, "stuck_samples": 3},
        {"field": fields.BATTERY, "every_s": 3_600, "reads": 1},
    ]}  # fmt: skip
    memory = memoryview(bytearray(40))
    got = []
    for n in range(4):
        probes = sampler.Sampler(config, lambda sensor: 3_300 if sensor["field"] == fields.BATTERY else 700_000)
        if n:
            doze.resume(probes.sensors, memory, (n - 1) * 600_000, sampler.PLAIN)
        got.append(probes.sample(n * 600_000))
        doze.keep(probes.sensors, memory)
        assert doze.last(probes.sensors, fields.SOIL_MOISTURE) == 700_000 and probes.due_ms() == (n + 1) * 600_000
    assert [len(found) for found in got] == [2, 1, 1, 1]
    assert [found[0][3] for found in got] == [fields.GOOD, fields.GOOD, fields.SUSPECT, fields.SUSPECT]


def test_the_pace_follows_change_water_and_battery() -> None:
    assert pace.quarters(False, False, None, None) == sampler.PLAIN
    assert pace.quarters(True, False, 3_300, (3_100, 2_900)) == pace.quarters(False, True, None, None) == 2
    assert pace.quarters(True, True, 3_000, (3_100, 2_900)) == 8
    assert pace.quarters(True, True, 2_800, (3_100, 2_900)) == 16
    config = {"sensors": [{"field": fields.SOIL_MOISTURE, "every_s": 600, "reads": 1, "swing": 100}]}
    values = iter((1_000, 1_050, 1_200, 1_210))
    probe = sampler.Sampler(config, lambda _: next(values))
    moved = []
    memory = memoryview(bytearray(40))
    for at_ms in range(0, 2_400_000, 600_000):
        probe.sample(at_ms)
        moved.append(doze.moved(probe.sensors, memory))
        doze.keep(probe.sensors, memory)
    assert moved == [False, False, True, False]
    doze.resume(probe.sensors, memory, 1_800_000, 2)
    assert probe.due_ms() == 2_100_000
