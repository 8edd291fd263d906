"""Commands between their commit and their answer.

Rules
1. Only a committed command is published; in the order of its id, sealed with its node's key.
2. One that could not be published before it expires is never published (``unsent``): for the irrigation it is a
   command without an answer.
3. After a crash a command that was committed but not marked as sent is published again while it is valid. If it had
   been sent, the node knows its counter and gives the same receipt without doing it twice (S3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gateway.core.rows import Boot
from gateway.core.types import Receipt
from gateway.store.control import Command as StoredCommand
from wire import commands, topics
from wire.seal import Sealer

DECIDED, SENT, UNSENT, ANSWERED, UNANSWERED = "decided", "sent", "unsent", "answered", "unanswered"

Publish = Callable[[str, bytes, int], bool]


@dataclass
class Waiting:
    """A command that is not answered yet."""

    row: int
    node: str
    boot: int
    order: commands.Command
    expires_at_ms: int
    sent: bool = False


@dataclass(frozen=True)
class Change:
    """A new state of a stored command."""

    row: int
    state: str
    sent_ms: int | None = None
    answered_ms: int | None = None
    status: int | None = None


class Dispatch:
    """Publishes what is waiting and tells how each command fared; the caller stores that."""

    def __init__(self, village: str, keys: Mapping[str, bytes], publish: Publish) -> None:
        self._village = village
        self._sealers = {node: Sealer(key) for node, key in keys.items()}
        self._publish = publish
        self._waiting: dict[int, Waiting] = {}

    def add(self, waiting: Waiting) -> None:
        """Take over a committed command."""
        self._waiting[waiting.row] = waiting

    def restore(self, stored: Iterable[StoredCommand], boots: Mapping[str, Boot]) -> None:
        """Take over what an earlier process has left; of an earlier boot of a node nothing is worth sending."""
        for row in sorted(stored, key=lambda command: command.id):
            boot = boots.get(row.node)
            if row.state not in (DECIDED, SENT):
                continue
            nonce, expires_at_ms = bytes(8), 0
            if boot is not None and boot.boot == row.boot:
                nonce, expires_at_ms = boot.nonce, boot.offset_ms + row.expires_uptime_ms
            order = commands.Command(
                row.counter, nonce, row.action, row.output, row.duration_ms, row.expires_uptime_ms
            )
            self.add(Waiting(row.id, row.node, row.boot, order, expires_at_ms, row.state == SENT))

    def send(self, now_ms: int) -> list[Change]:
        """Publish what can be published, give up what has expired."""
        changes: list[Change] = []
        for row, waiting in sorted(self._waiting.items()):
            if now_ms > waiting.expires_at_ms:
                changes.append(Change(row, UNANSWERED if waiting.sent else UNSENT))
                del self._waiting[row]
            elif not waiting.sent and self._put(waiting):
                waiting.sent = True
                changes.append(Change(row, SENT, sent_ms=now_ms))
        return changes

    def answered(self, receipts: Iterable[Receipt], now_ms: int) -> list[Change]:
        """The commands that these receipts answer; ``forget`` them once that is stored."""
        by_counter = {(w.node, w.boot, w.order.counter): row for row, w in self._waiting.items()}
        changes: list[Change] = []
        for receipt in receipts:
            row = by_counter.pop((receipt.node, receipt.boot, receipt.counter), None)
            if row is not None and receipt.status < commands.ENDED_LEASE:
                changes.append(Change(row, ANSWERED, answered_ms=now_ms, status=receipt.status))
        return changes

    def forget(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self._waiting.pop(change.row, None)

    def _put(self, waiting: Waiting) -> bool:
        sealer = self._sealers.get(waiting.node)
        if sealer is None:
            return False
        topic = topics.topic(self._village, waiting.node, topics.DOWN, topics.COMMAND)
        return self._publish(topic, sealer.seal(topic, commands.encode_command(waiting.order)), 1)
