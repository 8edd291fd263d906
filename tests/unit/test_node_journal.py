"""The journal of a node, on a plain folder. On LittleFS with power cuts: tests/crash/test_journal_power_cuts.py."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.node import boots, journal, segment
from firmware.node.journal import WINDOW, Journal
from wire import fields, frames

Key = tuple[int, int]
BLOCKS = 100
LATER_MS = 9000 + journal.UNREAD_MS


def rows(count: int, uptime_ms: int = 1000) -> list[tuple[int, int, int, int, int, int]]:
    return [(uptime_ms, fields.SOIL_MOISTURE, channel, fields.GOOD, 0, 5000 + channel) for channel in range(count)]


def sent(store: Journal, now_ms: int = 9000, limit: int = 10_000) -> Iterator[frames.Readings]:
    """Frames as a link would take them, each under way at once."""
    while limit and (found := store.next_frame(now_ms)):
        store.sent(found[1])
        limit -= 1
        yield frames.decode_readings(found[0])


def keys(got: frames.Readings) -> list[Key]:
    return [(got.boot_id, record[0]) for record in got.records]


def test_what_is_stored_is_sent_and_forgotten_only_when_acknowledged(tmp_path: Path) -> None:
    store = Journal(str(tmp_path), BLOCKS, 7)
    assert store.append(rows(3)) == (1, 3) and store.append(rows(2, 2000)) == (4, 5)
    (frame,) = sent(store)
    assert keys(frame) == [(store.boot_id, seq) for seq in range(1, 6)] and frame.sent_uptime_ms == 9000
    assert frame.records[3] == (4, 2000, fields.SOIL_MOISTURE, 0, fields.GOOD, 0, 5000)
    assert list(sent(store)) == [], "under way"
    store.forget_flight()
    assert [keys(frame) for frame in sent(store)] == [keys(frame)]
    assert store.acknowledge(store.boot_id, [(1, 2), (5, 5)]) == 3
    assert store.acknowledge(store.boot_id, [(1, 2)]) == 0
    assert store.acknowledge(store.boot_id ^ 1, [(1, 5)]) == 0, "another boot"
    store.forget_flight()
    assert [keys(frame) for frame in sent(store)] == [[(store.boot_id, 3), (store.boot_id, 4)]]
    assert store.acknowledge(store.boot_id, [(0, 2**32 - 1)]) == 2 and store.empty()
    assert not [name for name in tmp_path.iterdir() if name.name.startswith("s")]


def test_a_reboot_keeps_all_and_begins_a_new_boot(tmp_path: Path) -> None:
    first = Journal(str(tmp_path), BLOCKS, 7)
    first.append(rows(3))
    second = Journal(str(tmp_path), BLOCKS, 7)
    assert second.boot_id >> 16 == (first.boot_id >> 16) + 1 and second.next_seq == 1
    second.append(rows(2))
    assert [keys(frame) for frame in sent(second)] == [
        [(second.boot_id, 1), (second.boot_id, 2)],  # now, then the backlog
        [(first.boot_id, seq) for seq in (1, 2, 3)],
    ]


def test_newest_first_then_the_backlog_from_its_oldest(tmp_path: Path) -> None:
    store = Journal(str(tmp_path), BLOCKS, 0)
    for _ in range(12):
        store.append(rows(40))
    order = []
    while frame := next(sent(store), None):
        order.append(frame.records[0][0])
        store.acknowledge(frame.boot_id, [(frame.records[0][0], frame.records[-1][0])])
    assert sorted(order) == list(range(1, 481, 40)) and order[0] > 280 and order[4:] == sorted(order[4:])


def test_no_more_than_the_window_is_under_way(tmp_path: Path) -> None:
    store = Journal(str(tmp_path), BLOCKS, 0)
    for _ in range(12):
        store.append(rows(40))
    assert sum(len(frame.records) for frame in sent(store)) == WINDOW == store.in_flight()


def test_a_frame_never_mixes_boots_and_carries_the_clock_of_its_boot(tmp_path: Path) -> None:
    first = Journal(str(tmp_path), BLOCKS, 0)
    first.append(rows(2, 500))
    first.set_clock(1_700_000_000_000, fields.CLOCK_GATEWAY)  # stored at once, for the records before
    second = Journal(str(tmp_path), BLOCKS, 0)
    second.append(rows(1))
    new, old = sent(second, now_ms=77)
    assert (new.clock_quality, new.sent_uptime_ms) == (fields.CLOCK_NONE, 77)
    assert (old.clock_offset_ms, old.clock_quality) == (1_700_000_000_000, fields.CLOCK_GATEWAY)
    assert old.sent_uptime_ms == 500, "an upper bound of the offset, not the uptime of another boot"
    second.set_clock(1_800_000_000_000, fields.CLOCK_GATEWAY)
    second.forget_flight()
    assert next(sent(second)).clock_offset_ms == 1_800_000_000_000


def test_a_torn_tail_costs_the_torn_batch_only(tmp_path: Path) -> None:
    store = Journal(str(tmp_path), BLOCKS, 0)
    store.append(rows(3))
    store.append(rows(2))
    (file,) = tmp_path.glob("s*")
    whole = file.read_bytes()
    for cut in range(1, 2 * frames.RECORD_BYTES + segment.BATCH_BYTES):
        file.write_bytes(whole[:-cut])
        again = Journal(str(tmp_path), BLOCKS, 0)
        assert list(sent(again)) == [], "it is read a second time before that is believed"
        assert [keys(frame) for frame in sent(again, LATER_MS)] == [[(store.boot_id, seq) for seq in (1, 2, 3)]]
        assert again.dropped == 0
    flipped = bytearray(whole)
    flipped[segment.HEADER_BYTES + 30] ^= 1
    file.write_bytes(flipped)
    again = Journal(str(tmp_path), BLOCKS, 0)
    assert list(sent(again)) == [] and keys(next(sent(again, LATER_MS))) == [(store.boot_id, 4), (store.boot_id, 5)]
    again.acknowledge(store.boot_id, [(4, 5)])
    assert again.empty() and again.dropped == 1, "the damaged batch is counted when its file goes"


def test_a_file_that_is_no_segment_does_not_stop_the_others(tmp_path: Path) -> None:
    store = Journal(str(tmp_path), BLOCKS, 0)
    store.append(rows(1))
    for name in ("s0000000a", "s0000000b", "s00000000", "readme", "sxyzxyzxy"):
        (tmp_path / name).write_bytes(b"not a segment" * 3)
    (tmp_path / "s0000000c").touch()  # begun when the power went
    again = Journal(str(tmp_path), BLOCKS, 0)
    assert [keys(frame) for frame in sent(again)] == [[(store.boot_id, 1)]]
    again.acknowledge(store.boot_id, [(1, 1)])
    assert (tmp_path / "s0000000a").exists() and list(sent(again, LATER_MS)) == []
    assert again.empty() and again.dropped == 2 and (tmp_path / "readme").exists()


class Chip:
    """What opens the files of a journal; the test says which of them cannot be read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.failing: set[str] = set()
        monkeypatch.setattr(journal, "open", self.open, raising=False)

    def open(self, path: str, mode: str) -> IO[bytes]:
        if mode == "rb" and Path(path).name in self.failing:
            raise OSError(errno.EIO, "no answer")
        return cast(IO[bytes], Path(path).open(mode))


def test_a_segment_that_cannot_be_read_is_left_alone_and_sent_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chip = Chip(monkeypatch)
    stored = []
    for _ in range(3):
        store = Journal(str(tmp_path), BLOCKS, 0)
        store.append(rows(2))
        stored.append([(store.boot_id, 1), (store.boot_id, 2)])
    chip.failing = {"s00000001", "s00000003"}
    again = Journal(str(tmp_path), BLOCKS, 0)
    assert again.boot_id >> 16 == 4
    assert [keys(frame) for frame in sent(again, 1000)] == [stored[1]], "the others do not wait"
    chip.failing = {"s00000001"}
    assert list(sent(again, 999 + journal.UNREAD_MS)) == [], "nor is the chip asked all the time"
    assert [keys(frame) for frame in sent(again, 1000 + journal.UNREAD_MS)] == [stored[2]]
    chip.failing = set()
    assert [keys(frame) for frame in sent(again, 1000 + 2 * journal.UNREAD_MS)] == [stored[0]]
    assert again.dropped == 0 and len(list(tmp_path.glob("s*"))) == 3


def test_a_segment_that_was_read_and_then_fails_keeps_its_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chip = Chip(monkeypatch)
    store = Journal(str(tmp_path), BLOCKS, 0)
    store.append(rows(3))
    chip.failing = {"s00000001"}
    assert list(sent(store, 0)) == []
    chip.failing = set()
    assert list(sent(store, 0)) == []
    assert len(next(sent(store, journal.UNREAD_MS)).records) == 3 and store.dropped == 0


def test_what_was_there_and_is_no_more_is_read_anew_and_counted(tmp_path: Path) -> None:
    store = Journal(str(tmp_path), BLOCKS, 0)
    store.append(rows(3))
    store.append(rows(2))
    (file,) = tmp_path.glob("s*")
    file.write_bytes(file.read_bytes()[:-50])
    frames_sent = [keys(frame) for ms in (0, LATER_MS, 2 * LATER_MS) for frame in sent(store, ms)]
    assert frames_sent[-1] == [(store.boot_id, 1), (store.boot_id, 2), (store.boot_id, 3)]
    assert store.append(rows(1)) == (6, 6)
    store.acknowledge(store.boot_id, [(1, 6)])
    assert store.empty() and store.dropped == 1


def test_a_file_that_the_listing_did_not_show_is_not_written_to(tmp_path: Path) -> None:
    store = Journal(str(tmp_path), BLOCKS, 0)
    hidden = tmp_path / "s00000001"
    hidden.write_bytes(b"of an earlier boot")
    assert store.append(rows(1)) == (1, 1)
    assert hidden.read_bytes() == b"of an earlier boot" and (tmp_path / "s00000002").exists()


def test_an_unreadable_segment_goes_like_any_other_when_there_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Journal(str(tmp_path), 10, 0).append(rows(40))
    Chip(monkeypatch).failing = {"s00000001"}
    store = Journal(str(tmp_path), 10, 0)
    for _ in range(30):
        store.append(rows(40))
    assert not (tmp_path / "s00000001").exists() and store.dropped > 0


def test_when_full_the_oldest_goes_and_is_counted(tmp_path: Path) -> None:
    store = Journal(str(tmp_path), 10, 0)
    last = 0
    for _ in range(100):
        stored = store.append(rows(20))
        assert stored is not None
        last = stored[1]
    assert len(list(tmp_path.glob("s*"))) <= 10 * journal.CAPACITY_PERCENT // 100
    left = []
    while frame := next(sent(store), None):
        left += keys(frame)
        store.acknowledge(frame.boot_id, [(record[0], record[0]) for record in frame.records])
    seqs = sorted(seq for _, seq in left)
    assert seqs == list(range(last - len(seqs) + 1, last + 1)) and store.dropped == last - len(seqs) > 0


def test_a_flash_that_takes_nothing_is_counted_and_never_raises(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    store = Journal(str(folder), BLOCKS, 0)
    folder.rename(tmp_path / "away")
    assert store.append(rows(3)) is None and store.dropped == 3
    assert store.next_frame(0) is None
    (tmp_path / "away").rename(folder)
    assert store.append(rows(1)) == (4, 4), "seqs that were lost are a gap, not given again"


def test_the_boot_counter_survives_either_slot(tmp_path: Path) -> None:
    assert [boots.next_boot(str(tmp_path), 5) for _ in range(3)] == [0x10005, 0x20005, 0x30005]
    newest, older = sorted((tmp_path / slot for slot in boots.SLOTS), key=lambda path: path.read_bytes(), reverse=True)
    kept = newest.read_bytes()
    newest.write_bytes(kept[:7])
    assert boots.next_boot(str(tmp_path), 5) == 0x30005, "one back, and the random half makes it new"
    newest.write_bytes(kept)
    older.write_bytes(b"")
    assert boots.next_boot(str(tmp_path), 5) >> 16 == 4
    for path in (newest, older):
        path.write_bytes(b"HQB1garbage!")
    assert boots.next_boot(str(tmp_path), 5, seen=0x90001) >> 16 == 10, "segments know the boots too"
    assert boots.next_boot(str(tmp_path), 5, seen=0xFFFF0001) >> 16 == boots.MAX_COUNTER


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 40)),
        st.tuples(st.just("send"), st.integers(1, 5)),
        st.tuples(st.just("ack"), st.integers(0, 10)),
        st.tuples(st.just("lost"), st.just(0)),
        st.tuples(st.just("reboot"), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_nothing_is_lost_and_nothing_invented(steps: list[tuple[str, int]]) -> None:
    """Invariant: what was stored and not acknowledged is what a patient gateway gets, whatever happened between."""
    with TemporaryDirectory() as folder:
        store = Journal(folder, BLOCKS, 0)
        stored: set[Key] = set()
        acked: set[Key] = set()
        on_the_way: list[Key] = []
        for step, count in steps:
            if step == "append":
                got = store.append(rows(count))
                assert got is not None
                new = {(store.boot_id, seq) for seq in range(got[0], got[1] + 1)}
                assert not new & stored and got[1] - got[0] == count - 1
                stored |= new
            elif step == "send":
                on_the_way += [key for frame in sent(store, limit=count) for key in keys(frame)]
            elif step == "ack":
                for boot, seq in on_the_way[:count]:
                    store.acknowledge(boot, [(seq, seq)])
                    acked.add((boot, seq))
                on_the_way = on_the_way[count:]
            elif step == "lost":
                store.forget_flight()
            else:
                store = Journal(folder, BLOCKS, 0)
        store.forget_flight()
        left: set[Key] = set()
        while frame := next(sent(store), None):
            left |= set(keys(frame))
            store.acknowledge(frame.boot_id, frames.ranges_of([record[0] for record in frame.records]))
        assert stored - acked <= left <= stored
        assert store.empty() and store.dropped == 0


def test_a_batch_that_is_too_long_is_refused(tmp_path: Path) -> None:
    store = Journal(str(tmp_path), BLOCKS, 0)
    with pytest.raises(ValueError, match="batch"):
        store.append(rows(segment.MAX_BATCH + 1))
