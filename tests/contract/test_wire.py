"""The wire contract gives the same bytes and the same errors in CPython and in real MicroPython.

Promise P5: bad bytes never crash a part. Invariant of the fuzzers here: a decoder returns a value or raises
WireError, and nothing else, and both interpreters agree which.
"""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract import outcome_runner, vectors_runner
from tests.support.mp import REPOSITORY, run_micropython
from wire import columns, commands, fields, frames, seal, topics
from wire.errors import WireError

VECTORS = Path(__file__).parent / "vectors.json"
LOADED = json.loads(VECTORS.read_text(encoding="utf-8"))
U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
I32 = st.integers(-(2**31), 2**31 - 1)
U8 = st.integers(0, 255)
NODES = st.sampled_from(["soil-1", "level-1", "v", "a" * 32])
INT64 = st.integers(-(2**61), 2**61)


def mutants(count: int, seed: int) -> list[tuple[str, bytes]]:
    """Golden frames with bytes flipped, cut, doubled or put in, and plain noise."""
    draw = random.Random(seed)
    made = []
    for _ in range(count):
        case = draw.choice(LOADED["frames"])
        frame = bytearray.fromhex(case["frame"])
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(frame)) if frame else 0
            change = draw.randrange(5)
            if change == 0 and frame:
                frame[at] ^= 1 << draw.randrange(8)
            elif change == 1:
                del frame[at:]
            elif change == 2:
                frame[at:at] = draw.randbytes(draw.randint(1, 9))
            elif change == 3:
                frame += frame[at:]
            else:
                frame[at : at + 4] = draw.choice([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"])
        made.append((case["kind"], bytes(frame)))
        if case["kind"] == "columns" and draw.random() < 0.7:
            made[-1] = ("columns", with_right_checksum(bytes(frame)))
    return made


def with_right_checksum(frame: bytes) -> bytes:
    """Mutated columns whose CRC is right again, so that what lies behind the check is tried too."""
    import binascii
    import struct

    body = frame[:-4]
    return body + struct.pack(">I", binascii.crc32(body))


def test_golden_vectors_in_cpython() -> None:
    assert vectors_runner.check(LOADED) == sum(len(v) for k, v in LOADED.items() if k != "key")


def test_golden_vectors_in_micropython() -> None:
    expected = vectors_runner.check(LOADED)
    # all vectors at once, and wire compiled from source, need more than a node; test_node.py keeps to a node's heap
    done = run_micropython(REPOSITORY / "tests/contract/vectors_runner.py", heap="512k", arguments=[str(VECTORS)])
    assert done.stdout.strip() == f"ok {expected}"


def test_both_interpreters_agree_on_mutated_frames(tmp_path: Path) -> None:
    tried = mutants(2500, seed=20261124)
    lines = tmp_path / "frames.txt"
    lines.write_text("".join(f"{kind} {frame.hex()}\n" for kind, frame in tried), encoding="ascii")
    ours = [outcome_runner.outcome(kind, frame) for kind, frame in tried]
    done = run_micropython(
        REPOSITORY / "tests/contract/outcome_runner.py", heap="1m", arguments=[str(lines)], timeout=60
    )
    theirs = done.stdout.splitlines()
    # MicroPython prints bytes and characters as CPython does, so the values can be compared as text
    assert len(theirs) == len(ours)
    assert [i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b] == []
    taken = sum(1 for o in ours if "(" in o)
    assert 100 < taken < len(ours) - 100, "the mutants must reach both ways out"


def test_decoders_raise_wire_errors_only() -> None:
    for kind, frame in mutants(20_000, seed=1):
        outcome_runner.outcome(kind, frame)  # anything but a value or a WireError fails the test


@given(kind=st.sampled_from(sorted(outcome_runner.DECODERS)), frame=st.binary(max_size=1100))
def test_noise_raises_wire_errors_only(kind: str, frame: bytes) -> None:
    assert outcome_runner.outcome(kind, frame)


@given(U32, U64, st.integers(-(2**63), 2**63 - 1), st.integers(0, 3), st.data())
def test_readings_round_trip(boot: int, sent: int, offset: int, quality: int, data: st.DataObject) -> None:
    record = st.tuples(U32, U64, U8, U8, U8, U8, I32)
    records = data.draw(st.lists(record, min_size=1, max_size=frames.MAX_RECORDS))
    frame = frames.encode_readings(boot, sent, offset, quality, b"".join(map(frames.pack_record, records)))
    assert len(frame) + seal.TAG_BYTES <= frames.MAX_FRAME
    found = frames.decode_readings(frame)
    assert list(found.records) == records
    assert (found.boot_id, found.sent_uptime_ms, found.clock_offset_ms, found.clock_quality) == (
        boot,
        sent,
        offset,
        quality,
    )


@given(st.lists(U32, max_size=200))
def test_ranges_cover_exactly_the_seqs(seqs: list[int]) -> None:
    ranges = frames.ranges_of(seqs)
    # consecutive ranges never touch: otherwise they would be one
    assert all(b[0] > a[1] + 1 for a, b in itertools.pairwise(ranges))
    assert sum(last - first + 1 for first, last in ranges) == len(set(seqs))
    assert all(any(first <= seq <= last for first, last in ranges) for seq in seqs)


ROW = st.tuples(
    NODES,
    U32,
    U32,
    U8,
    U8,
    st.integers(0, 2**53),
    INT64,
    st.integers(0, 4),
    INT64,
    I32,
    st.none() | I32,
    st.sampled_from(fields.QUALITIES),
    st.integers(0, 2**31),
)


@settings(max_examples=60)
@given(st.lists(ROW, min_size=1, max_size=60))
def test_columns_round_trip(rows: list[columns.Row]) -> None:
    assert columns.decode_columns(columns.encode_columns(rows)) == rows


def test_columns_have_limits() -> None:
    row: columns.Row = ("n", 1, 1, 1, 0, 0, 0, 0, 0, 0, None, 1, 0)
    bad_node: columns.Row = ("N!", *row[1:])
    too_big: columns.Row = (*row[:9], 2**70, *row[10:])
    for rows in ([], [row] * (columns.MAX_ROWS + 1), [bad_node], [too_big]):
        with pytest.raises(WireError, match="bad_columns"):
            columns.encode_columns(rows)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=900), st.data())
def test_a_changed_seal_is_refused(key: bytes, frame: bytes, data: st.DataObject) -> None:
    topic = topics.topic("v", "n", "down", "command")
    sealed = seal.seal(key, topic, b"x" + frame)
    assert seal.unseal(key, topic, sealed) == b"x" + frame
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    changed = bytearray(sealed)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(WireError, match="bad_seal"):
        seal.unseal(key, topic, bytes(changed))


def test_the_seal_is_hmac_sha256() -> None:
    import hashlib
    import hmac

    key, topic, frame = bytes(range(32)), "hq/1/v/n/up/gone", b"\x01\x03abcd"
    expected = hmac.new(key, topic.encode() + b"\0" + frame, hashlib.sha256).digest()[:16]
    assert seal.Sealer(key).tag(topic, frame) == expected
    with pytest.raises(WireError, match="bad_key"):
        seal.Sealer(b"short")


def test_every_prefix_of_a_tag_is_refused() -> None:
    topic = topics.topic("v", "n", "up", "gone")
    sealed = seal.seal(bytes(32), topic, frames.encode_gone(1))
    for length in range(len(sealed)):
        with pytest.raises(WireError, match="bad_seal"):
            seal.unseal(bytes(32), topic, sealed[:length])


@given(st.text(max_size=60))
def test_topics_parse_only_what_topic_makes(name: str) -> None:
    try:
        parsed = topics.parse(name)
    except WireError:
        return
    assert topics.topic(*parsed) == name


def test_access_lists_never_cross_nodes() -> None:
    assert all("/n1/" in name and "+" not in name and "#" not in name for _, name in topics.node_acl("v", "n1"))
    writes = {name for access, name in topics.node_acl("v", "n1") if access == "write"}
    assert writes == {topics.topic("v", "n1", "up", kind) for kind in topics.UP_KINDS}
    assert all(("/up/" in name) == (access == "read") for access, name in topics.gateway_acl("v"))


def test_fields_are_consistent() -> None:
    assert len({f.id for f in fields.FIELDS}) == len({f.name for f in fields.FIELDS}) == len(fields.FIELDS)
    for f in fields.FIELDS:
        assert 0 < f.id < 256 and f.raw_min < f.raw_max and f.value_min < f.value_max
        assert f.raw_min >= -(2**31) and f.raw_max < 2**31
        assert f.raw_ok(f.raw_min) and not f.raw_ok(f.raw_max + 1) and not f.value_ok(f.value_min - 1)
        assert fields.field_by_name(f.name) is fields.field(f.id) is f
    with pytest.raises(WireError, match="unknown_field"):
        fields.field(200)
    with pytest.raises(WireError, match="unknown_field"):
        fields.field_by_name("moisture")


def test_the_statuses_are_those_that_have_a_name() -> None:
    assert [status for status in range(256) if commands.status_ok(status)] == sorted(commands.STATUSES)


def test_status_names() -> None:
    assert commands.status_name(commands.EXPIRED) == "expired"
    assert commands.status_name(77) == "status_77"
    assert commands.is_refusal(commands.RETAINED) and not commands.is_refusal(commands.ACCEPTED)
    assert not commands.is_refusal(commands.ENDED_LEASE)
