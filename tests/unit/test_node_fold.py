"""Rule 8 of the node's journal: small segments, and how they become a large one. What it saves: test_wear.py."""

from __future__ import annotations

from pathlib import Path

from firmware.node import journal, segment
from firmware.node.journal import FOLD, Journal
from tests.unit.test_node_journal import BLOCKS, LATER_MS, keys, rows, sent
from wire import fields


def files(folder: Path) -> list[int]:
    """The bytes of all segments, by their number."""
    return [path.stat().st_size for path in sorted(folder.glob("s*"))]


def filled(folder: Path, batches: int, count: int = 4) -> Journal:
    store = Journal(str(folder), BLOCKS, 0)
    for at in range(batches):
        assert store.append(rows(count, 1000 * at)) is not None
    return store


def test_small_batches_wait_in_small_files_and_are_folded_at_once(tmp_path: Path) -> None:
    store = filled(tmp_path, FOLD)
    assert len(files(tmp_path)) == FOLD and max(files(tmp_path)) <= journal.INLINE
    assert store.append(rows(4)) == (4 * FOLD + 1, 4 * FOLD + 4)
    large, small = files(tmp_path)
    assert large > 4 * FOLD * 20 and small <= journal.INLINE
    for _ in range(FOLD):
        store.append(rows(4))
    assert len(files(tmp_path)) == 2, "the same large one goes on"
    got = [key for frame in sent(store) for key in keys(frame)]
    assert sorted(got) == [(store.boot_id, seq) for seq in range(1, 8 * FOLD + 5)], "each once"
    assert got[0] == (store.boot_id, 8 * FOLD + 1), "the newest first"


def test_batches_of_one_share_a_small_file(tmp_path: Path) -> None:
    filled(tmp_path, 12, count=1)
    assert len(files(tmp_path)) == 3


def test_what_is_under_way_is_not_sent_again_because_it_was_folded(tmp_path: Path) -> None:
    store = filled(tmp_path, FOLD)
    first = [key for frame in sent(store) for key in keys(frame)]
    store.append(rows(4))
    assert store.in_flight() == 4 * FOLD
    assert [key for frame in sent(store) for key in keys(frame)] == [
        (store.boot_id, seq) for seq in range(4 * FOLD + 1, 4 * FOLD + 5)
    ]
    assert store.acknowledge(store.boot_id, [(seq, seq) for _, seq in first]) == 4 * FOLD
    assert len(files(tmp_path)) == 1 and store.dropped == 0


def test_what_was_acknowledged_is_not_copied(tmp_path: Path) -> None:
    store = filled(tmp_path, FOLD)
    assert len(list(sent(store))) == FOLD
    store.acknowledge(store.boot_id, [(2, 4 * FOLD - 1)])
    store.forget_flight()
    for _ in range(FOLD):
        store.append(rows(4))
    left = [key for frame in sent(store) for key in keys(frame)]
    assert (
        (store.boot_id, 1) in left
        and (store.boot_id, 4 * FOLD) in left
        and len(left) == 2 + 4 * FOLD == store.in_flight()
    )


def test_what_a_boot_left_small_is_one_segment_in_the_next_with_its_own_clock(tmp_path: Path) -> None:
    first = filled(tmp_path, 5)
    first.set_clock(1_700_000_000_000, fields.CLOCK_GATEWAY)
    second = Journal(str(tmp_path), BLOCKS, 0)
    assert len(files(tmp_path)) == 1
    (frame,) = sent(second)
    assert keys(frame) == [(first.boot_id, seq) for seq in range(1, 21)]
    assert (frame.clock_offset_ms, frame.clock_quality) == (1_700_000_000_000, fields.CLOCK_GATEWAY)
    second.append(rows(1))
    assert len(files(tmp_path)) == 2, "a boot never writes to a segment of another"


def test_a_damaged_small_file_is_left_as_it_is_and_stops_nothing(tmp_path: Path) -> None:
    store = filled(tmp_path, FOLD)
    third = sorted(tmp_path.glob("s*"))[2]
    third.write_bytes(third.read_bytes()[:-9])
    for _ in range(3):
        assert store.append(rows(4)) is not None
    assert third.exists() and store.dropped == 0
    got = [key for ms in (0, LATER_MS, 2 * LATER_MS) for frame in sent(store, ms) for key in keys(frame)]
    assert set(got) == {(store.boot_id, seq) for seq in range(1, 4 * FOLD + 13) if not 9 <= seq <= 12}


def test_what_is_far_apart_becomes_two_segments(tmp_path: Path) -> None:
    store = Journal(str(tmp_path), BLOCKS, 0)
    for _ in range(FOLD // 2):
        store.append(rows(4))
    for _ in range(5):
        store.append(rows(40))  # too large for a small file
    for _ in range(FOLD):
        store.append(rows(4))
    last = store.next_seq - 1
    assert last > segment.MAX_RECORDS
    again = Journal(str(tmp_path), BLOCKS, 0)
    got: list[tuple[int, int]] = []
    while frame := next(sent(again), None):
        got += keys(frame)
        again.acknowledge(frame.boot_id, [(seq, seq) for _, seq in keys(frame)])
    assert sorted(got) == [(store.boot_id, seq) for seq in range(1, last + 1)] and again.dropped == 0
