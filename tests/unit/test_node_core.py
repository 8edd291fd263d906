"""One turn of the node's loop after the other, on a board that the test holds in its hands.

The whole node with real parts is in tests/net/test_node_process.py; here are the rules that need an exact moment.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from firmware.node import core, link, sampler, talk
from firmware.node.journal import Journal
from firmware.node.ramstore import RamStore
from wire import commands, fields, frames, topics
from wire.seal import Sealer

KEY = bytes(range(32))
NOW_MS = 1_709_251_200_000
CONFIG = {
    "village": "v1",
    "node": "n1",
    "model": "valve",
    "key": KEY.hex(),
    "sensors": [{"field": fields.SOIL_MOISTURE, "every_s": 10, "reads": 1}],
    "outputs": [{"index": 0, "kind": "valve", "hard_max_s": 60}],
}


class Board:
    """The hal: time stands still until the test moves it; every call is written down."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.calls: list[tuple[Any, ...]] = []
        self.wants_readings = True
        self.fired_ms: int | None = None
        self.radio_stuck = False

    def ticks_ms(self) -> int:
        return self.now_ms

    link_ms = ticks_ms

    def random_bytes(self, count: int) -> bytes:
        return b"n" * count

    def boot_cause(self) -> int:
        return frames.BOOT_POWER

    def heap_free(self) -> int:
        return 50_000

    def measuring(self) -> bool:
        return self.wants_readings

    def read_raw(self, _sensor: dict[str, int]) -> int:
        self.calls.append(("read",))
        return 1_500_000

    def rssi(self) -> None:
        return None

    def stuck(self) -> bool:
        return self.radio_stuck

    def arm(self, due_ms: int | None) -> None:
        self.calls.append(("arm", due_ms))

    def fired(self) -> int | None:
        fired, self.fired_ms = self.fired_ms, None
        return fired

    def set_output(self, index: int, on: bool) -> None:
        self.calls.append(("output", index, on))

    def feed(self) -> None:
        self.calls.append(("feed",))

    def trace(self, line: str) -> None:
        self.calls.append(("trace", line))

    def wait(self, _poller: object, link_ms: int, due_ms: int) -> None:
        self.calls.append(("wait", link_ms, due_ms))


class Line:
    """The link: the test puts events in and takes frames out."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.room = 0
        self.out: list[tuple[str, bytes]] = []
        self.poller = None
        self.foreign = self.skipped = 0
        self.error: Exception | None = None

    def step(self, _link_ms: int) -> list[tuple[Any, ...]]:
        if self.error:
            raise self.error
        taken, self.events = self.events, []
        return taken

    def publish(self, kind: str, sealed: bytes) -> bool:
        topic = topics.topic("v1", "n1", topics.UP, kind)
        self.out.append((kind, Sealer(KEY).unseal(topic, sealed)))
        return True

    def wait_ms(self, _link_ms: int) -> int:
        return 10**6

    def connect(self) -> None:
        self.room = 3
        self.events.append((link.CONNECTED, False))

    def down(self, kind: str, frame: bytes, retained: bool = False) -> None:
        sealed = Sealer(KEY).seal(topics.topic("v1", "n1", topics.DOWN, kind), frame)
        self.events.append((link.MESSAGE, kind, sealed, retained))


class Bench:
    def __init__(self, folder: Path) -> None:
        self.board, self.line = Board(), Line()
        self.store = Journal(str(folder), 100, 1)
        self.node = core.Node(CONFIG, self.board, self.store, self.line)

    def turn(self, ms: int = 0) -> list[tuple[Any, ...]]:
        """One step after ``ms``; what it did."""
        self.board.now_ms += ms
        self.board.calls.clear()
        self.line.out.clear()
        self.node.step()
        return list(self.board.calls)

    def ack(self, now_ms: int, ranges: list[tuple[int, int]] | None = None, quality: int = fields.CLOCK_SNTP) -> None:
        self.line.down(topics.ACK, frames.encode_ack(self.store.boot_id, now_ms, quality, ranges or []))

    def open(self, counter: int, ms: int) -> None:
        nonce = talk.nonce_of(KEY, self.store.boot_id, b"n" * 16)
        command = commands.Command(counter, nonce, commands.OPEN, 0, ms, 2**40)
        self.line.down(topics.COMMAND, commands.encode_command(command))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_leases_come_before_all_else_and_the_watchdog_next(bench: Bench) -> None:
    bench.open(1, 500)
    bench.turn(1000)
    calls = bench.turn(9_500)
    assert [call[0] for call in calls if call[0] in ("output", "feed", "read")] == ["output", "feed", "read"]
    assert calls[0] == ("output", 0, False)


def test_a_lease_is_witnessed_before_its_output_moves(bench: Bench) -> None:
    bench.open(1, 500)
    calls = bench.turn(1000)
    assert calls.index(("trace", "lease 0 1500")) < calls.index(("output", 0, True))


def test_the_guard_is_armed_before_an_output_moves_and_disarmed_after_the_last(bench: Bench) -> None:
    bench.open(1, 500)
    calls = [call for call in bench.turn(1000) if call[0] in ("arm", "output")]
    assert calls == [("arm", 1500), ("output", 0, True)]
    bench.open(2, 700)
    assert ("arm", 1800) in bench.turn(100), "a renewal arms it anew"
    calls = [call for call in bench.turn(700) if call[0] in ("arm", "output")]
    assert calls == [("output", 0, False), ("arm", None)]


def test_what_the_guard_ended_is_told_and_journaled_at_its_time(bench: Bench) -> None:
    bench.line.connect()
    bench.open(1, 500)
    bench.turn(1000)
    bench.board.fired_ms = 2000
    bench.turn(9_000)
    sent = dict(bench.line.out)
    receipt = commands.decode_receipt(sent[topics.RECEIPT])
    assert (receipt.status, receipt.uptime_ms, receipt.outputs_mask) == (commands.ENDED_LEASE, 2000, 0)
    records = frames.decode_readings(sent[topics.READINGS]).records
    assert [r[1:4] + r[6:] for r in records if r[2] == fields.OUTPUT][-1] == (2000, fields.OUTPUT, 0, 0)


def test_what_the_guard_ended_in_the_middle_of_a_turn_is_known_before_the_next_command(bench: Bench) -> None:
    """Else a command that waited behind a call that hung would end the lease late, and its own output be cut."""
    bench.line.connect()
    bench.open(1, 500)
    bench.turn(1000)
    step = bench.line.step

    def hung(_link_ms: int) -> list[tuple[Any, ...]]:
        bench.board.now_ms, bench.board.fired_ms = 6_000, 2_000
        return step(_link_ms)

    bench.line.step = hung  # type: ignore[method-assign]
    bench.open(2, 700)
    bench.turn()
    out = list(bench.line.out)
    bench.line.step = step  # type: ignore[method-assign]
    calls = bench.turn(100)
    records = [frames.decode_readings(frame).records for kind, frame in out if kind == topics.READINGS]
    told = [r[1:4:2] + r[6:] for batch in records for r in batch if r[2] == fields.OUTPUT]
    assert told[-2:] == [(2_000, 0, 0), (6_000, 0, 1)] and ("output", 0, False) not in calls


def test_a_lease_ends_between_the_sensors_of_one_sample(bench: Bench) -> None:
    """Silent sensors take their time, each; the lease waits for one of them at most."""
    bench.turn()
    bench.open(1, 9_100)
    bench.turn(1000)

    def slow(_sensor: dict[str, int]) -> None:
        bench.board.calls.append(("read",))
        bench.board.now_ms += 250

    bench.board.read_raw = slow  # type: ignore[method-assign, assignment]
    sensors = 3 * [{"field": fields.SOIL_MOISTURE, "every_s": 10, "reads": 1}]
    bench.node._sampler = sampler.Sampler({"sensors": sensors}, bench.node._read)
    calls = [call[0] for call in bench.turn(9_000) if call[0] in ("read", "output")]
    assert calls == ["read", "output", "read", "read"]


def test_the_nonce_is_new_though_the_random_numbers_are_not(tmp_path: Path) -> None:
    """Before the radio is up an ESP32 may draw the same numbers at each boot; the stored counter does not repeat."""
    nonces = {talk.nonce_of(KEY, Journal(str(tmp_path), 100, 1).boot_id, bytes(16)) for _ in range(50)}
    assert len(nonces) == 50 and {len(nonce) for nonce in nonces} == {frames.NONCE_BYTES}
    assert talk.nonce_of(bytes(32), 0x10001, bytes(16)) != talk.nonce_of(KEY, 0x10001, bytes(16)), "another node"


def test_a_node_without_a_volume_works_in_ram_and_tries_again_when_nothing_is_on() -> None:
    board, line = Board(), Line()
    store = RamStore(0xABCD)
    node = core.Node(CONFIG, board, store, line)
    line.connect()
    node.step()
    (got,) = [frames.decode_readings(frame) for kind, frame in line.out if kind == topics.READINGS]
    assert (fields.VOLUME, fields.VOLUME_NONE) in [(r[2], r[6]) for r in got.records]
    assert not any(call[0] == "trace" and call[1].startswith("stored") for call in board.calls), "nothing is stored"
    line.down(topics.ACK, frames.encode_ack(store.boot_id, NOW_MS, fields.CLOCK_SNTP, [(1, len(got.records))]))
    command = commands.Command(1, talk.nonce_of(KEY, store.boot_id, b"n" * 16), commands.OPEN, 0, 60_000, 2**40)
    board.now_ms = core.RETRY_VOLUME_MS
    line.down(topics.COMMAND, commands.encode_command(command))
    node.step()
    assert ("output", 0, True) in board.calls and not node.wants_restart(), "never while something is on"
    board.now_ms += 60_001
    node.step()
    assert board.calls.count(("output", 0, False)) == 2 and node.wants_restart()


def test_a_stuck_radio_is_a_reason_to_start_anew_when_nothing_is_on(tmp_path: Path) -> None:
    board, line = Board(), Line()
    store = Journal(str(tmp_path), 100, 1)
    node = core.Node(CONFIG, board, store, line)
    line.connect()
    node.step()
    command = commands.Command(1, talk.nonce_of(KEY, store.boot_id, b"n" * 16), commands.OPEN, 0, 10_000, 2**40)
    line.down(topics.COMMAND, commands.encode_command(command))
    node.step()
    board.radio_stuck = True
    assert ("output", 0, True) in board.calls and not node.wants_restart(), "never while something is on"
    board.now_ms += 10_001
    node.step()
    assert node.wants_restart()
    board.radio_stuck = False
    assert not node.wants_restart()


def test_the_ram_keeps_the_newest_and_counts_the_rest() -> None:
    store = RamStore(0)
    for at in range(50):
        store.append([(at, fields.SOIL_MOISTURE, 0, fields.GOOD, 0, at)])
    frame, token = store.next_frame(99) or (b"", None)
    seqs = [record[0] for record in frames.decode_readings(frame).records]
    assert seqs == list(range(11, 51)) and store.dropped == 10 and store.boot_id
    store.sent(token)
    assert store.next_frame(99) is None and store.in_flight() == 40
    assert store.acknowledge(store.boot_id, [(11, 20), (50, 90)]) == 11 and store.in_flight() == 0
    assert store.acknowledge(store.boot_id ^ 1, [(1, 50)]) == 0
    assert len(frames.decode_readings((store.next_frame(99) or (b"", None))[0]).records) == 29


def test_the_loop_rests_until_the_next_thing_is_due(bench: Bench) -> None:
    assert bench.turn()[-1] == ("wait", core.IDLE_MS, 10_000)
    bench.open(1, 700)
    assert bench.turn(1000)[-1] == ("wait", core.IDLE_MS, 1_700)


def test_hello_is_first_at_each_connection_and_one_place_stays_free(bench: Bench) -> None:
    bench.turn()
    for _ in range(2):
        bench.line.connect()
        bench.line.room = 2
        bench.turn()
        assert [kind for kind, _ in bench.line.out] == [topics.HELLO, topics.READINGS]
    hello = frames.decode_hello(bench.line.out[0][1])
    assert (hello.boot_id, hello.next_seq, hello.model) == (bench.store.boot_id, 3, "valve")
    bench.line.room = 1
    bench.turn(10_000)
    assert bench.line.out == [], "readings leave a place for a receipt"
    bench.open(1, 500)
    bench.turn()
    assert [kind for kind, _ in bench.line.out] == [topics.RECEIPT]


def test_what_nobody_acknowledges_is_sent_again_after_a_while(bench: Bench) -> None:
    bench.line.connect()
    bench.turn()
    bench.board.wants_readings = False
    bench.turn(talk.ACK_WAIT_MS)
    assert bench.line.out == []
    bench.turn(1)
    assert [kind for kind, _ in bench.line.out] == [topics.HELLO, topics.READINGS]
    bench.ack(NOW_MS)  # the answer to hello
    bench.turn(talk.ACK_WAIT_MS + 1)
    assert [kind for kind, _ in bench.line.out] == [topics.READINGS]
    bench.ack(NOW_MS, [(1, 2)])
    bench.turn(talk.ACK_WAIT_MS + 1)
    assert bench.store.empty() and bench.line.out == []


@pytest.mark.parametrize(
    ("told", "quality", "offset_ms", "known"),
    [
        (NOW_MS, fields.CLOCK_SNTP, NOW_MS - 1000, fields.CLOCK_GATEWAY),
        (NOW_MS, fields.CLOCK_KEPT, NOW_MS - 1000, fields.CLOCK_KEPT),
        (NOW_MS, fields.CLOCK_NONE, 0, fields.CLOCK_NONE),
        (946_684_800_000, fields.CLOCK_SNTP, 0, fields.CLOCK_NONE),
        (talk.EARLIEST_MS - 1, fields.CLOCK_SNTP, 0, fields.CLOCK_NONE),
        (talk.LATEST_MS, fields.CLOCK_SNTP, 0, fields.CLOCK_NONE),
    ],
)
def test_only_a_plausible_time_is_taken(bench: Bench, told: int, quality: int, offset_ms: int, known: int) -> None:
    bench.ack(told, quality=quality)
    bench.turn(1000)
    assert bench.store.clock == (offset_ms, known)


def test_a_late_acknowledgement_does_not_set_the_clock_back_but_a_stepped_one_does(bench: Bench) -> None:
    offsets = []
    for told in (0, -500, 300, -5_000, 86_400_000):
        bench.ack(NOW_MS + told)
        bench.turn()
        offsets.append(bench.store.clock[0] - NOW_MS)
    assert offsets == [0, 0, 300, -5_000, 86_400_000]
    bench.ack(NOW_MS, quality=fields.CLOCK_KEPT)
    bench.turn()
    assert bench.store.clock[0] == NOW_MS + 86_400_000, "a worse clock does not replace a better one"


def test_a_clock_step_changes_no_lease(bench: Bench) -> None:
    bench.open(1, 5_000)
    bench.turn(1_000)
    bench.ack(NOW_MS + 86_400_000)
    bench.turn()
    bench.ack(NOW_MS - 86_400_000)
    assert ("output", 0, False) not in bench.turn(4_999)
    assert ("output", 0, False) in bench.turn(1)


def test_receipts_that_cannot_leave_are_bounded(bench: Bench) -> None:
    for counter in range(1, 40):
        bench.open(counter, 100)
        bench.turn(1_000)
    bench.line.connect()
    bench.turn()
    receipts = [commands.decode_receipt(frame) for kind, frame in bench.line.out if kind == topics.RECEIPT]
    assert len(receipts) == talk.MAX_RECEIPTS and receipts[-1].counter == 39, "the newest are kept"


def test_nothing_is_measured_when_nothing_is_wanted(bench: Bench) -> None:
    bench.board.wants_readings = False
    assert ("read",) not in bench.turn() and bench.store.empty()


def test_what_is_not_expected_goes_up(bench: Bench) -> None:
    bench.line.error = RuntimeError("not ours to hide")
    with pytest.raises(RuntimeError):
        bench.turn()
