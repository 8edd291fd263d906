"""What is kept of a node: the rows that ingest makes, the store keeps and everybody else reads.

Rules
1. A reading is known by (node, boot, seq) for ever; its columns stand in the order in which they go to the cloud.
2. ``raw`` is what the node measured. ``value`` is derived from it by the calibration named beside it, in the scaled
   integer of the field, and is None when nothing was measured or it cannot be believed.
3. ``measured_ms`` is village time, UTC. ``time_q`` (``wire.fields.CLOCK_*``) says how it is known; with
   CLOCK_NONE it only means "not after".
"""

from __future__ import annotations

from typing import NamedTuple


class Reading(NamedTuple):
    node: str
    boot: int
    seq: int
    field: int
    channel: int
    uptime_ms: int
    measured_ms: int
    time_q: int
    received_ms: int
    raw: int
    value: int | None
    flag: int
    calibration: int


class Boot(NamedTuple):
    """One life of a node, from its hello on.

    ``offset_ms + uptime`` is the gateway's estimate of its own steady clock, the one named by ``steady``; 0 is none:
    nothing is known of when this boot began. ``hello`` rises with every hello of any node: the highest of a node is
    that of its present boot, whatever the wall clock showed.
    """

    node: str
    boot: int
    nonce: bytes
    offset_ms: int
    first_received_ms: int
    last_received_ms: int
    last_uptime_ms: int
    firmware: str
    model: str
    cause: int
    outputs: int
    steady: int = 0
    hello: int = 0


class Receipt(NamedTuple):
    node: str
    boot: int
    counter: int
    status: int
    output: int
    outputs_mask: int
    until_uptime_ms: int
    uptime_ms: int
    received_ms: int


class Quarantined(NamedTuple):
    """Bytes that were not taken, and why: ``reason`` is a short stable name, ``detail`` is for people."""

    received_ms: int
    topic: str
    reason: str
    detail: str
    payload: bytes


Key = tuple[str, int, int]  # of a series: node, field, channel


class Failed(NamedTuple):
    """The tests that a reading failed, as bits of ``gateway.core.quality.TESTS``."""

    node: str
    boot: int
    seq: int
    field: int
    channel: int
    received_ms: int
    flag: int
    tests: int
