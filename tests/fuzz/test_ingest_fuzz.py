"""Whatever comes from the broker, the judge raises nothing, and what it keeps its database and the cloud keep too."""

from __future__ import annotations

import random
from pathlib import Path

from cloud.core.batch import Reading as InCloud
from cloud.core.batch import objection
from gateway.core.ingest import Verdict
from gateway.store.data import Batch, DataReader, DataWriter
from tests.support import sealed
from tests.support.sealed import Desk, record
from wire import fields, frames, topics

NOW = 1_709_251_200_000
ROUNDS = 20_000
TOPICS = (
    "hq/1/thu/dat-1/up/readings",
    "hq/1/thu/van-1/up/receipt",
    "hq/1/thu/dat-1/up/hello",
    "hq/1/thu/dat-1/up/gone",
)


def _mutated(chance: random.Random, frame: bytes) -> bytes:
    """A frame with some bytes changed, cut, doubled or put in."""
    changed = bytearray(frame)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(changed)) if changed else 0
        match chance.randrange(4):
            case 0 if changed:
                changed[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            case 1:
                del changed[at : at + chance.randint(1, 30)]
            case 2:
                changed[at:at] = chance.randbytes(chance.randint(1, 30))
            case _:
                changed += changed[at : at + 20]
    return bytes(changed)


def _record(chance: random.Random) -> sealed.Record:
    if chance.random() < 0.5:
        return record(chance.randrange(1, 2**32), uptime_ms=0)
    return record(
        chance.choice((0, 1, chance.randrange(2**32))),
        uptime_ms=chance.choice((0, 1000, chance.randrange(2**64))),
        field=chance.randrange(16),
        channel=chance.randrange(4),
        quality=chance.choice((*fields.QUALITIES, chance.randrange(256))),
        fault=chance.choice((0, 1, 6)),
        raw=chance.choice((0, -1, 100, chance.randrange(-(2**31), 2**31))),
    )


def _message(chance: random.Random) -> tuple[str, bytes]:
    if chance.random() < 0.2:
        topic = chance.choice((*TOPICS, "".join(chance.choices("hq/1thu+#\0ấ-", k=chance.randrange(40)))))
        return topic, chance.randbytes(chance.choice((0, 1, 15, 16, 17, 60, 1040, 1041)))
    records = [_record(chance) for _ in range(chance.randint(1, 40))]
    offset_ms = chance.choice((0, NOW, -(2**63), 2**63 - 1))
    sent_ms = chance.choice((0, 60_000, 2**64 - 1))
    topic, payload = chance.choice(
        (
            sealed.readings(*records, offset_ms=offset_ms, clock=chance.randrange(4), sent_ms=sent_ms),
            sealed.hello(boot=chance.randrange(2**32), uptime_ms=chance.choice((0, 500, 2**64 - 1))),
            sealed.receipt(uptime_ms=chance.choice((0, 900, 2**64 - 1)), counter=chance.randrange(2**32)),
            sealed.message("dat-1", topics.GONE, frames.encode_gone(sealed.BOOT)),
        )
    )
    if chance.random() < 0.7:
        _, node, _, kind = topics.parse(topic)
        return sealed.message(node, kind, _mutated(chance, payload[:-16])[:2000])
    return topic, _mutated(chance, payload)


def test_no_bytes_make_the_judge_raise_and_all_its_rows_can_be_kept(tmp_path: Path) -> None:  # P5
    chance, desk, batch = random.Random(2024), Desk(), Batch()
    desk.take(sealed.hello(), NOW)
    seen: set[str] = set()
    with DataWriter(tmp_path / "data.db") as writer, DataReader(tmp_path / "data.db") as reader:
        for number in range(ROUNDS):
            verdict = desk.take(_message(chance), NOW + number * 10)
            assert isinstance(verdict, Verdict)
            assert verdict.readings or verdict.quarantine or verdict.count, "nothing comes in unseen"
            seen.update(q.reason for q in verdict.quarantine)
            assert [objection(InCloud._make(row)) for row in verdict.readings] == [None] * len(verdict.readings)
            _collect(batch, verdict)
            if number % 500 == 499:
                writer.commit(batch)
                batch = Batch()
        counters = reader.counters()
        assert counters["readings_new"] > 1000 and counters["quarantine_bad_seal"] > 1000
    assert {"bad_seal", "bad_length", "bad_kind", "bad_clock", "raw_out_of_range", "unknown_field"} <= seen


def _collect(batch: Batch, verdict: Verdict) -> None:
    batch.readings.extend(verdict.readings)
    batch.quarantine.extend(verdict.quarantine)
    batch.counts[verdict.count] += 1
    if verdict.receipt is not None:
        batch.receipts.append(verdict.receipt)
    if verdict.boot is not None:
        batch.boots[verdict.boot.node, verdict.boot.boot] = verdict.boot
