"""Commands between their commit and their answer.

Rules
1. Only a committed command is published; in the order of its id, sealed with its node's key.
2. One that could not be published before it expires, or that no frame can hold, is never published (``unsent``): for
   the irrigation it is a command without an answer.
3. One that has no answer after half of its time is published once more, the very same: a node knows the counter of its
   last command and gives the same receipt again without doing it twice (S3). Only its last: an earlier one it would
   refuse as replayed.
4. After a crash a command that was committed but not marked as sent is published again while it is valid, by the same
   right.
5. What ends by itself (ENDED) carries the counter of its OPEN and is not the answer to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gateway.core.types import Link, Receipt
from gateway.store.control import Command as StoredCommand
from kit import log
from wire import commands, topics
from wire.errors import WireError
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
    sent_ms: int | None = None
    repeated: bool = False

    def is_to_repeat(self, now_ms: int) -> bool:
        """Whether half of its time has passed."""
        return self.sent_ms is not None and not self.repeated and 2 * now_ms >= self.sent_ms + self.expires_at_ms


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
        self._last: dict[str, tuple[int, int]] = {}  # by node: boot and counter of its last published command

    def add(self, waiting: Waiting) -> None:
        """Take over a committed command."""
        self._waiting[waiting.row] = waiting

    def restore(self, stored: Iterable[StoredCommand], links: Mapping[str, Link]) -> None:
        """Take over what an earlier process has left; of an earlier boot of a node nothing is worth sending."""
        for row in sorted(stored, key=lambda command: command.id):
            link = links.get(row.node)
            if row.sent_ms is not None:
                self._last[row.node] = (row.boot, row.counter)
            if row.state not in (DECIDED, SENT):
                continue
            nonce, expires_at_ms = bytes(8), 0
            if link is not None and link.boot == row.boot:
                nonce, expires_at_ms = link.nonce, link.offset_ms + row.expires_uptime_ms
            sent_ms = row.at_ms if row.sent_ms is None and row.state == SENT else row.sent_ms
            order = commands.Command(
                row.counter, nonce, row.action, row.output, row.duration_ms, row.expires_uptime_ms
            )
            self.add(Waiting(row.id, row.node, row.boot, order, expires_at_ms, sent_ms))

    def send(self, now_ms: int) -> list[Change]:
        """Publish what can be published, give up what has expired."""
        changes: list[Change] = []
        for row, waiting in sorted(self._waiting.items()):
            if now_ms > waiting.expires_at_ms:
                changes.append(Change(row, UNSENT if waiting.sent_ms is None else UNANSWERED))
            elif waiting.sent_ms is None:
                changes += self._publish_first(row, waiting, now_ms)
            elif waiting.is_to_repeat(now_ms):
                waiting.repeated = self._is_last(waiting) and self._put(waiting)
        self.forget(change for change in changes if change.state != SENT)
        return changes

    def _publish_first(self, row: int, waiting: Waiting, now_ms: int) -> list[Change]:
        try:
            if not self._put(waiting):
                return []
        except WireError as error:
            log.get().error("a command that no frame can hold is not sent", node=waiting.node, why=str(error))
            return [Change(row, UNSENT)]
        waiting.sent_ms = now_ms
        self._last[waiting.node] = (waiting.boot, waiting.order.counter)
        return [Change(row, SENT, sent_ms=now_ms)]

    def _is_last(self, waiting: Waiting) -> bool:
        return self._last.get(waiting.node) == (waiting.boot, waiting.order.counter)

    def answered(self, receipts: Iterable[Receipt], now_ms: int) -> list[Change]:
        """The commands that these receipts answer; ``forget`` them once that is stored."""
        by_counter = {(w.node, w.boot, w.order.counter): row for row, w in self._waiting.items()}
        changes: list[Change] = []
        for receipt in receipts:
            if receipt.status >= commands.ENDED_LEASE:
                continue
            row = by_counter.pop((receipt.node, receipt.boot, receipt.counter), None)
            if row is not None:
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
