"""Sealed frames as the nodes of tests/support/village.py would send them."""

from __future__ import annotations

from gateway.core.boots import Arrival, Boots
from gateway.core.ingest import Judge, Verdict, learn
from tests.support import village
from wire import commands, fields, frames, topics
from wire.seal import Sealer

VILLAGE = village.village()
KEYS = {node: bytes([number]) * 32 for number, node in enumerate(VILLAGE.nodes, start=1)}
BOOT = 0x0001_ABCD
NONCE = b"nonce--1"

Record = tuple[int, int, int, int, int, int, int]


def record(
    seq: int,
    *,
    uptime_ms: int = 1000,
    field: int = fields.SOIL_TEMPERATURE,
    channel: int = 0,
    quality: int = fields.GOOD,
    fault: int = 0,
    raw: int = 2500,
) -> Record:
    return seq, uptime_ms, field, channel, quality, fault, raw


def message(node: str, kind: str, frame: bytes) -> tuple[str, bytes]:
    """(topic, payload) of a frame, sealed by its node."""
    topic = topics.topic(VILLAGE.id, node, topics.UP, kind)
    return topic, Sealer(KEYS[node]).seal(topic, frame)


def readings(
    *records: Record,
    node: str = "dat-1",
    boot: int = BOOT,
    sent_ms: int = 60_000,
    offset_ms: int = 0,
    clock: int = fields.CLOCK_NONE,
) -> tuple[str, bytes]:
    packed = b"".join(frames.pack_record(r) for r in records)
    return message(node, topics.READINGS, frames.encode_readings(boot, sent_ms, offset_ms, clock, packed))


def hello(*, node: str = "dat-1", boot: int = BOOT, uptime_ms: int = 500, nonce: bytes = NONCE) -> tuple[str, bytes]:
    sent = frames.Hello(boot, nonce, uptime_ms, 1, frames.BOOT_POWER, 0, 90_000, "0.1.0", "soil")
    return message(node, topics.HELLO, frames.encode_hello(sent))


def receipt(*, node: str = "van-1", boot: int = BOOT, counter: int = 1, uptime_ms: int = 900) -> tuple[str, bytes]:
    sent = commands.Receipt(boot, counter, commands.ACCEPTED, 1, 2, 5000, uptime_ms)
    return message(node, topics.RECEIPT, commands.encode_receipt(sent))


class Desk:
    """A judge with its knowledge of the boots, as ingest keeps it."""

    def __init__(self) -> None:
        self.judge = Judge(VILLAGE, KEYS)
        self.boots = Boots()
        self.ahead_ms = 0
        self.steady = 1

    def take(self, sent: tuple[str, bytes], received_ms: int, *, live: bool = True) -> Verdict:
        """``received_ms`` by the wall clock; that is ``ahead_ms`` before the steady one."""
        arrival = Arrival(received_ms, received_ms - self.ahead_ms, self.steady, live)
        verdict = self.judge.judge(*sent, arrival, self.boots)
        learn(self.boots, verdict)
        return verdict
