"""What a message is worth: identity, ranges, calibration, time, quarantine; a bad record never takes a neighbour."""

from __future__ import annotations

import pytest

from gateway.core.boots import DRIFT_PPM, FUTURE_MS, MAX_UPTIME_MS, PAST_MS, YEAR_2020_MS, Boots
from tests.support import sealed
from tests.support.sealed import BOOT, NONCE, Desk, record
from wire import commands, fields, frames, topics
from wire.seal import Sealer

NOW = 1_709_251_200_000
HOUR = 3_600_000
YEAR = 365 * 24 * HOUR


@pytest.fixture
def desk() -> Desk:
    """A desk at which dat-1 and van-1 said hello, 500 ms after their boot."""
    desk = Desk()
    desk.take(sealed.hello(), NOW + 500)
    desk.take(sealed.hello(node="van-1"), NOW + 500)
    return desk


def test_a_reading_keeps_its_identity_raw_value_and_calibration(desk: Desk) -> None:
    sent = sealed.readings(record(7, field=fields.SOIL_MOISTURE, channel=1, raw=2_000_000, uptime_ms=30_000))
    verdict = desk.take(sent, NOW + 60_000)
    (kept,) = verdict.readings
    assert (kept.node, kept.boot, kept.seq) == ("dat-1", BOOT, 7)
    assert (kept.raw, kept.value, kept.flag, kept.calibration) == (2_000_000, 2500, fields.GOOD, 2)
    assert verdict.ack == ("dat-1", BOOT, [7]) and not verdict.quarantine and not verdict.hurry


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (record(0), "bad_seq"),
        (record(2, field=200), "unknown_field"),
        (record(2, field=fields.FLOW), "unknown_channel"),
        (record(2, channel=9), "unknown_channel"),
        (record(2, raw=8001), "raw_out_of_range"),
        (record(2, raw=-4001), "raw_out_of_range"),
        (record(2, quality=5), "bad_quality"),
        (record(2, quality=0), "bad_quality"),
        (record(2, fault=fields.FAULT_LAST + 1), "bad_fault"),
        (record(2, uptime_ms=60_001), "bad_uptime"),
        (record(2, uptime_ms=2**64 - 1), "bad_uptime"),
    ],
)
def test_a_bad_record_is_quarantined_and_its_neighbours_survive(
    desk: Desk, bad: sealed.Record, reason: str
) -> None:  # P5
    verdict = desk.take(sealed.readings(record(1), bad, record(3)), NOW + 60_000)
    assert [r.seq for r in verdict.readings] == [1, 3]
    assert [(q.reason, q.payload) for q in verdict.quarantine] == [(reason, frames.pack_record(bad))]
    assert verdict.ack == ("dat-1", BOOT, [1, bad[0], 3])


def test_a_value_beyond_its_range_is_held_at_the_bound_and_flagged(desk: Desk) -> None:
    moist = {"field": fields.SOIL_MOISTURE}
    sent = sealed.readings(
        record(1, raw=3_000_000, **moist),  # the line gives 0.0000
        record(2, raw=3_100_000, **moist),  # -0.025: a little too dry
        record(3, raw=3_300_000, **moist),  # -0.075: not soil
        record(4, raw=0, **moist),  # 0.75: within the range
        record(5, raw=3_300_000, quality=fields.FAIL, **moist),
    )
    values = [(r.raw, r.value, r.flag) for r in desk.take(sent, NOW + 60_000).readings]
    assert values == [
        (3_000_000, 0, fields.GOOD),
        (3_100_000, 0, fields.SUSPECT),
        (3_300_000, 0, fields.FAIL),
        (0, 7500, fields.GOOD),
        (3_300_000, 0, fields.FAIL),
    ]


def test_what_the_node_calls_missing_or_failed_is_kept_without_a_value(desk: Desk) -> None:
    sent = sealed.readings(
        record(1, quality=fields.MISSING, fault=fields.FAULT_NO_ANSWER, raw=0),
        record(2, quality=fields.FAIL, fault=fields.FAULT_OUT_OF_RANGE, raw=99_999),
    )
    kept = desk.take(sent, NOW + 60_000).readings
    assert [(r.raw, r.value, r.flag) for r in kept] == [(0, None, fields.MISSING), (99_999, None, fields.FAIL)]


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("hq/1/thu/dat-1/up/readings", b"", "bad_seal"),
        ("hq/1/thu/dat-1/up/readings", b"x" * 40, "bad_seal"),
        ("hq/1/thu/dat-1/up/readings", b"x" * 1041, "oversized"),
        ("hq/1/thu/dat-9/up/readings", b"x" * 40, "unknown_node"),
        ("hq/1/khac/dat-1/up/readings", b"x" * 40, "foreign_topic"),
        ("hq/1/thu/dat-1/down/command", b"x" * 40, "foreign_topic"),
        ("hq/2/thu/dat-1/up/readings", b"x" * 40, "bad_topic"),
        ("hq/1/thu/dat-1/up/wish", b"x" * 40, "bad_topic"),
        ("$SYS/broker", b"", "bad_topic"),
        ("", b"", "bad_topic"),
        ("x" * 65_000, b"", "bad_topic"),
    ],
)
def test_what_nobody_of_ours_sealed_is_counted_and_acknowledged_to_nobody(
    desk: Desk, topic: str, payload: bytes, reason: str
) -> None:
    verdict = desk.take((topic, payload), NOW)
    (row,) = verdict.quarantine
    assert row.reason == reason and verdict.ack is None and not verdict.readings
    assert len(row.topic) <= topics.MAX_TOPIC and len(row.payload) <= 1040


def test_a_frame_cannot_be_moved_to_another_node_or_kind(desk: Desk) -> None:
    topic, payload = sealed.readings(record(1))
    for moved in (topic.replace("dat-1", "dat-2"), topic.replace("readings", "hello")):
        assert desk.take((moved, payload), NOW).quarantine[0].reason == "bad_seal"
    wrong_key = Sealer(sealed.KEYS["dat-2"]).seal(topic, payload[:-16])
    assert desk.take((topic, wrong_key), NOW).quarantine[0].reason == "bad_seal"


@pytest.mark.parametrize(
    ("change", "reason"),
    [(b"\x02\x01", "bad_version"), (b"\x01\x02", "bad_kind"), (b"\x01", "bad_length"), (b"\x01\x01\x00", "bad_length")],
)
def test_a_sealed_but_broken_frame_is_quarantined(desk: Desk, change: bytes, reason: str) -> None:
    _, good = sealed.readings(record(1))
    broken = change + good[2:-16] if len(change) == 2 else change
    verdict = desk.take(sealed.message("dat-1", topics.READINGS, broken), NOW)
    assert [q.reason for q in verdict.quarantine] == [reason] and verdict.ack is None


def test_hello_begins_a_boot_and_is_answered_with_the_time(desk: Desk) -> None:
    verdict = desk.take(sealed.hello(boot=BOOT + 0x10000, uptime_ms=900, nonce=b"nonce--2"), NOW + 10_900)
    assert verdict.hurry and verdict.ack == ("dat-1", BOOT + 0x10000, [])
    current = desk.boots.current("dat-1")
    assert current is not None and current == verdict.boot
    assert (current.nonce, current.offset_ms, current.model) == (b"nonce--2", NOW + 10_000, "soil")
    old = desk.boots.get("dat-1", BOOT)
    assert old is not None and old.nonce == NONCE


def test_a_receipt_is_kept_and_hurries(desk: Desk) -> None:
    verdict = desk.take(sealed.receipt(), NOW + 900)
    assert verdict.hurry and verdict.receipt is not None and verdict.ack is None
    assert verdict.receipt[:4] == ("van-1", BOOT, 1, commands.ACCEPTED)
    assert verdict.boot is not None and verdict.boot.outputs == 2
    late = commands.Receipt(BOOT, 1, commands.ACCEPTED, 1, 2, MAX_UPTIME_MS + 1, 900)
    broken = desk.take(sealed.message("van-1", topics.RECEIPT, commands.encode_receipt(late)), NOW)
    assert [q.reason for q in broken.quarantine] == ["bad_uptime"] and broken.receipt is None


def test_gone_is_counted(desk: Desk) -> None:
    assert desk.take(sealed.message("dat-1", topics.GONE, frames.encode_gone(BOOT)), NOW).count == "gone"


class TestTime:
    """measured_ms and time_q of one reading, taken 10 s after boot; the boot was at NOW."""

    def measured(self, desk: Desk, received_ms: int, **sent: int) -> tuple[int, int, list[str]]:
        verdict = desk.take(sealed.readings(record(1, uptime_ms=10_000), **sent), received_ms)  # type: ignore[arg-type]
        (kept,) = verdict.readings
        return kept.measured_ms, kept.time_q, [q.reason for q in verdict.quarantine]

    def test_a_node_without_a_clock_is_timed_from_its_uptime(self, desk: Desk) -> None:
        assert self.measured(desk, NOW + 60_000) == (NOW + 10_000, fields.CLOCK_BY_GATEWAY, [])

    def test_a_good_clock_is_used(self, desk: Desk) -> None:
        found = self.measured(desk, NOW + 60_000, offset_ms=NOW - 40, clock=fields.CLOCK_SNTP)
        assert found == (NOW + 9_960, fields.CLOCK_SNTP, [])

    def test_a_kept_clock_gives_way_to_the_gateways_estimate(self, desk: Desk) -> None:
        found = self.measured(desk, NOW + 60_000, offset_ms=NOW - 40, clock=fields.CLOCK_KEPT)
        assert found == (NOW + 10_000, fields.CLOCK_BY_GATEWAY, [])

    @pytest.mark.parametrize(
        "offset_ms",
        [
            946_684_800_000,  # 2000-01-01
            NOW + 10 * 365 * 24 * HOUR,
            NOW + FUTURE_MS + 1,
            NOW - PAST_MS - 1,
            0,
            -(2**63),
            2**63 - 1,
        ],
    )
    def test_a_wrong_clock_is_refused_and_the_reading_kept(self, desk: Desk, offset_ms: int) -> None:  # P12
        for quality in (fields.CLOCK_KEPT, fields.CLOCK_GATEWAY, fields.CLOCK_SNTP):
            found = self.measured(desk, NOW + 60_000, offset_ms=offset_ms, clock=quality)
            assert found == (NOW + 10_000, fields.CLOCK_BY_GATEWAY, ["bad_clock"])

    def test_a_clock_a_little_off_is_believed_but_never_beyond_the_receipt(self, desk: Desk) -> None:
        found = self.measured(desk, NOW + 60_000, offset_ms=NOW + FUTURE_MS, clock=fields.CLOCK_SNTP)
        assert found == (NOW + 60_000, fields.CLOCK_SNTP, [])
        found = self.measured(desk, NOW + 60_000, offset_ms=NOW - PAST_MS, clock=fields.CLOCK_SNTP)
        assert found == (NOW + 10_000 - PAST_MS, fields.CLOCK_SNTP, [])

    def test_a_frame_held_back_for_two_days_keeps_its_true_time(self, desk: Desk) -> None:
        two_days_late = NOW + 60_000 + 48 * HOUR
        slow = 48 * HOUR * DRIFT_PPM // 1_000_000 + 10_000
        measured_ms, time_q, reasons = self.measured(desk, two_days_late)
        assert NOW + 10_000 <= measured_ms <= NOW + 10_000 + slow and time_q == fields.CLOCK_BY_GATEWAY and not reasons
        found = self.measured(desk, two_days_late, offset_ms=NOW, clock=fields.CLOCK_SNTP)
        assert found == (NOW + 10_000, fields.CLOCK_SNTP, [])

    def test_an_older_boot_is_timed_by_what_was_known_of_it(self, desk: Desk) -> None:
        desk.take(sealed.hello(boot=BOOT + 0x10000), NOW + 5 * HOUR)
        found = self.measured(desk, NOW + 5 * HOUR + 100, sent_ms=600)  # the uptime of the new boot says nothing
        assert found == (NOW + 10_000, fields.CLOCK_BY_GATEWAY, [])

    def test_an_unknown_boot_has_no_time_unless_the_node_knows_it(self, desk: Desk) -> None:
        unknown = BOOT - 0x10000
        found = self.measured(desk, NOW + 60_000, boot=unknown)
        assert found == (NOW + 60_000, fields.CLOCK_NONE, [])
        for quality in (fields.CLOCK_KEPT, fields.CLOCK_GATEWAY):
            found = self.measured(desk, NOW + 60_000, boot=unknown, offset_ms=NOW - HOUR, clock=quality)
            assert found == (NOW - HOUR + 10_000, quality, [])
        found = self.measured(desk, NOW + 60_000, boot=unknown, offset_ms=NOW + HOUR, clock=fields.CLOCK_SNTP)
        assert found == (NOW + 60_000, fields.CLOCK_NONE, ["bad_clock"])

    def test_a_gateway_that_does_not_know_the_time_claims_none(self) -> None:
        desk, received_ms = Desk(), YEAR_2020_MS - HOUR
        desk.take(sealed.hello(), received_ms + 500)
        assert self.measured(desk, received_ms + 60_000)[1] == fields.CLOCK_NONE
        found = self.measured(desk, received_ms + 60_000, offset_ms=NOW, clock=fields.CLOCK_SNTP)
        assert found == (NOW + 10_000, fields.CLOCK_SNTP, [])
        desk.ahead_ms = NOW - received_ms  # its clock is set
        measured_ms, time_q, reasons = self.measured(desk, NOW + 60_000)
        assert 0 <= measured_ms - (NOW + 10_000) < 10 and time_q == fields.CLOCK_BY_GATEWAY and not reasons

    @pytest.mark.parametrize("step_ms", [3 * HOUR, -3 * HOUR, 10 * YEAR, -2 * YEAR, 5_000, -5_000])
    @pytest.mark.parametrize("restarted", [False, True])
    def test_a_set_clock_of_the_gateway_moves_no_estimate(self, desk: Desk, step_ms: int, restarted: bool) -> None:
        # P12
        desk.ahead_ms += step_ms
        if restarted:
            boot = desk.boots.current("dat-1")
            assert boot is not None
            desk.boots = Boots([boot])
        # The node still says the time that we gave it before; the broker kept the frame for an hour.
        sent = sealed.readings(record(1, uptime_ms=10_000), offset_ms=NOW, clock=fields.CLOCK_GATEWAY)
        for live, late_ms in ((False, HOUR), (True, 0), (True, HOUR), (True, 0)):
            verdict = desk.take(sent, NOW + step_ms + 60_000 + late_ms, live=live)
            (kept,) = verdict.readings
            assert 0 <= kept.measured_ms - (NOW + step_ms + 10_000) <= 400 and kept.time_q == fields.CLOCK_BY_GATEWAY
            boot = desk.boots.current("dat-1")
            assert boot is not None and 0 <= boot.offset_ms - NOW <= 400, "no command expires later than it should"

    def test_the_restart_of_the_machine_begins_the_estimate_anew(self, desk: Desk) -> None:  # P12
        desk.steady, desk.ahead_ms = 2, NOW  # the steady clock starts again, and so does nobody know the wall clock
        sent = sealed.readings(record(1, uptime_ms=10_000))
        old = desk.take(sent, NOW + 9 * HOUR, live=False)
        assert [r.time_q for r in old.readings] == [fields.CLOCK_NONE] and old.ack is not None
        claimed = sealed.readings(record(1, uptime_ms=10_000), offset_ms=NOW, clock=fields.CLOCK_GATEWAY)
        assert desk.take(claimed, NOW + 9 * HOUR, live=False).readings[0].time_q == fields.CLOCK_GATEWAY
        assert desk.take(sent, NOW + 9 * HOUR).readings[0][6:8] == (NOW + 9 * HOUR - 50_000, fields.CLOCK_BY_GATEWAY)

    def test_what_the_broker_kept_of_a_new_boot_has_no_time_until_it_is_heard_at_once(self, desk: Desk) -> None:  # S12
        late_ms, boot = NOW + 8 * HOUR, BOOT + 0x10000
        hello = desk.take(sealed.hello(boot=boot), late_ms, live=False)
        assert hello.ack is None and hello.begins
        old = desk.take(sealed.readings(record(1, uptime_ms=10_000), boot=boot), late_ms, live=False)
        assert [(r.measured_ms, r.time_q) for r in old.readings] == [(late_ms, fields.CLOCK_NONE)]
        assert old.ack == ("dat-1", boot, [1])
        again = desk.take(sealed.hello(boot=boot, uptime_ms=8 * HOUR), late_ms + 500)
        assert again.ack == ("dat-1", boot, [])
        fresh = sealed.readings(record(2, uptime_ms=10_000), boot=boot, sent_ms=8 * HOUR + 500)
        assert desk.take(fresh, late_ms + 1_000).readings[0].measured_ms == NOW + 10_500

    def test_the_estimate_follows_a_drifting_crystal(self, desk: Desk) -> None:
        for hour in range(1, 101):  # the node loses 20 ppm: 72 ms an hour
            lost_ms = 72 * hour
            desk.take(sealed.readings(record(hour), sent_ms=hour * HOUR - lost_ms), NOW + hour * HOUR)
        boot = desk.boots.current("dat-1")
        assert boot is not None and boot.offset_ms == NOW + 7200


def test_acknowledgements_are_sealed_ranges_and_tell_the_time(desk: Desk) -> None:
    seqs = [*range(1, 20), *range(30, 130, 2)]
    sent = desk.judge.acknowledge("dat-1", BOOT, seqs, NOW)
    acks = [frames.decode_ack(Sealer(sealed.KEYS["dat-1"]).unseal(topic, payload)) for topic, payload in sent]
    assert {topic for topic, _ in sent} == {"hq/1/thu/dat-1/down/ack"}
    assert [r for ack in acks for r in ack.ranges] == frames.ranges_of(seqs) and len(acks) == 2
    assert all((ack.now_ms, ack.clock_quality, ack.boot_id) == (NOW, fields.CLOCK_GATEWAY, BOOT) for ack in acks)
    ((topic, payload),) = desk.judge.acknowledge("dat-1", BOOT, [], YEAR_2020_MS - 1)
    ack = frames.decode_ack(Sealer(sealed.KEYS["dat-1"]).unseal(topic, payload))
    assert ack.ranges == () and ack.clock_quality == fields.CLOCK_NONE
