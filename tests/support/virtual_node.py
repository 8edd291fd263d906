"""A node of the virtual village: its real lease code, its uptime, and the link to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from firmware.node.lease import Leases, outputs_of
from gateway.core.types import (
    OutputRef,
)
from tests.support.gardens import (
    HARD_MAX_S,
    HOP_MS,
    SLUICE,
)


@dataclass
class VirtualNode:
    """One node: its real lease code, its uptime, and the link to it."""

    id: str
    boot: int
    booted_ms: int
    leases: Leases
    nonce: bytes
    link: str = "up"  # "up", "cut": kept and delivered later, "deaf": what is sent is lost
    hop_ms: int = HOP_MS
    held: list[Callable[[], None]] = field(default_factory=list)

    @classmethod
    def start(cls, id: str, boot: int, now_ms: int) -> VirtualNode:
        kinds = ("sluice", "lift") if id == SLUICE.node else ("pump", "valve", "valve", "main")
        outputs = [
            {"index": i, "kind": kind, "hard_max_s": HARD_MAX_S, "min_rest_s": 0 if kind in ("valve", "main") else 60}
            for i, kind in enumerate(kinds)
        ]
        nonce = boot.to_bytes(8, "big")
        return cls(id, boot, now_ms, Leases(outputs_of({"outputs": outputs}), boot, nonce), nonce)


@dataclass(frozen=True)
class Switched:
    at_ms: int
    output: OutputRef
    on: bool
