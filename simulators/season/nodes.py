"""A node of the season: its real lease code, its uptime, and a link that can be down.

Rules of this module:
- A command that reaches a node is judged by ``firmware.node.lease``; nothing else switches an output.
- While its link is down a node gets no command, goes on by its leases, and keeps readings and receipts until it is
  back. It keeps the newest HELD of each, as its flash would.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from firmware.node.lease import Leases, outputs_of
from gateway.core.types import Reading, Receipt, Send
from gateway.core.village import Node as RegistryNode
from simulators.season.faults import Faults
from wire import commands

BOOT = 1
NONCE = bytes(8)
HELD = 5_000


class Node:
    def __init__(self, node: RegistryNode, booted_ms: int, faults: Faults) -> None:
        outputs = [
            {"index": o.index, "kind": o.kind, "hard_max_s": o.hard_max_s, "min_rest_s": o.min_rest_s}
            for o in node.outputs
        ]
        self.id = node.id
        self.booted_ms = booted_ms
        self.heard_ms = booted_ms
        self.leases = Leases(outputs_of({"outputs": outputs}), BOOT, NONCE)
        self._faults = faults
        self._readings: deque[Reading] = deque(maxlen=HELD)
        self._receipts: deque[Receipt] = deque(maxlen=HELD)

    def is_down(self, at_ms: int) -> bool:
        return self._faults.is_down(self.id, at_ms)

    def due_ms(self) -> int | None:
        """When a lease ends."""
        due_ms = self.leases.due_ms()
        return None if due_ms is None else self.booted_ms + due_ms

    def order(self, send: Send, at_ms: int) -> None:
        """A command on its way; lost when the link is down."""
        if not self.is_down(at_ms):
            order = commands.Command(
                send.counter, send.nonce, send.action, send.output, send.duration_ms, send.expires_uptime_ms
            )
            self._receipts.append(self._kept(self.leases.command(order, False, at_ms - self.booted_ms)))

    def tick(self, at_ms: int) -> list[tuple[int, bool]]:
        """End what is due; the outputs that have changed since the last call, in their order."""
        self.leases.tick(at_ms - self.booted_ms)
        for receipt in self.leases.take_ended():
            self._receipts.append(self._kept(receipt))
        return list(self.leases.take_changes())

    def measure(self, readings: Iterable[Reading], at_ms: int) -> list[Reading]:
        """Take readings; what of them, and of those kept, reaches the gateway."""
        self._readings.extend(readings)
        if self.is_down(at_ms):
            return []
        self.heard_ms = at_ms
        sent = list(self._readings)
        self._readings.clear()
        return sent

    def receipts(self, at_ms: int) -> list[Receipt]:
        """Receipts that reach the gateway now."""
        if not self._receipts or self.is_down(at_ms):
            return []
        sent = list(self._receipts)
        self._receipts.clear()
        return sent

    def _kept(self, receipt: commands.Receipt) -> Receipt:
        return Receipt(
            self.id,
            receipt.boot_id,
            receipt.counter,
            receipt.status,
            receipt.output,
            receipt.outputs_mask,
            receipt.until_uptime_ms,
            receipt.uptime_ms,
        )
