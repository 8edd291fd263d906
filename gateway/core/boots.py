"""How the uptime of a node is turned into village time, and whether a node's own clock is to be believed.

Rules
1. An estimate is made on the gateway's steady clock: ``steady = offset + uptime``. Nobody can set that clock, so
   setting the wall clock forward or back, while ingest runs or while it does not, moves no estimate. Village time is
   the steady time by the present wall clock.
2. The estimate is the smallest of ``steady - sent_uptime``: a frame can be late, never early. Crystals drift apart by
   up to DRIFT_PPM, so it may rise again that slowly. A frame that the broker held back for hours does not move it.
3. It begins with a frame that the broker cannot have held back (``Arrival.live``); of a boot that was heard through
   old frames only, nothing is known. When the machine has restarted its steady clock is another one, and all begins
   anew in the same way.
4. The present boot of a node is the one of its newest hello. Only its frames tell the offset: what is sent of an
   older boot is timed by what was known of that boot, or not at all.
5. Where there is an estimate it is used, unless the node has a clock of its own (SNTP): the time that we gave it
   earlier is as good as our wall clock was then. Without an estimate a node's clock of any quality is used; it can
   have been ours when ours was wrong, so no such reading starts water.
6. A node's clock is refused when it says before 2020, more than FUTURE_MS ahead or more than PAST_MS behind. The
   readings are kept all the same.
7. While the gateway's own wall clock is before 2020 nobody's time is known, unless a node knows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gateway.core.rows import Boot
from wire import fields

YEAR_2020_MS = 1_577_836_800_000
FUTURE_MS = 5 * 60 * 1000
PAST_MS = 24 * 3600 * 1000
DRIFT_PPM = 100
# No node runs longer without a restart; it also keeps every sum far from the 64 bits of the database.
MAX_UPTIME_MS = 50 * 366 * 24 * 3600 * 1000
# Later than anybody's clock may say; used where the gateway itself does not know the time.
MAX_WALL_MS = YEAR_2020_MS + MAX_UPTIME_MS
MAX_BOOTS_PER_NODE = 1000


class Arrival(NamedTuple):
    """When a message came in: by the wall clock, and by the steady clock that ``steady`` names. ``live`` says that
    the broker has passed it on at once."""

    received_ms: int
    steady_ms: int
    steady: int
    live: bool


class Boots:
    """The boots that said hello, by node; each node's last one is its present one."""

    def __init__(self, known: Iterable[Boot] = ()) -> None:
        """``known`` in the order of their hellos."""
        self._by_node: dict[str, dict[int, Boot]] = {}
        self._hellos = 0
        for boot in known:
            self.begin(boot)

    def get(self, node: str, boot: int) -> Boot | None:
        return self._by_node.get(node, {}).get(boot)

    def current(self, node: str) -> Boot | None:
        lives = self._by_node.get(node)
        return next(reversed(lives.values())) if lives else None

    def next_hello(self) -> int:
        """The number of the hello that is coming in now."""
        return self._hellos + 1

    def begin(self, boot: Boot) -> None:
        """Make this the present boot of its node."""
        self._hellos = max(self._hellos, boot.hello)
        lives = self._by_node.setdefault(boot.node, {})
        lives.pop(boot.boot, None)
        lives[boot.boot] = boot
        if len(lives) > MAX_BOOTS_PER_NODE:
            del lives[next(iter(lives))]

    def update(self, boot: Boot) -> None:
        """Replace what is known of a boot, without making it the present one."""
        self._by_node[boot.node][boot.boot] = boot


def heard(boot: Boot, uptime_ms: int, arrival: Arrival) -> Boot:
    """The present boot of a node after a frame that was sent at ``uptime_ms`` has come in."""
    sample_ms = arrival.steady_ms - uptime_ms
    offset_ms, steady = boot.offset_ms, boot.steady
    if steady == arrival.steady:
        # By the node's own time: what the broker kept comes in all at once, and may not add up.
        since_ms = max(0, uptime_ms - boot.last_uptime_ms)
        offset_ms = min(sample_ms, offset_ms + since_ms * DRIFT_PPM // 1_000_000)
    elif arrival.live:
        offset_ms, steady = sample_ms, arrival.steady
    return boot._replace(
        offset_ms=offset_ms,
        steady=steady,
        last_received_ms=arrival.received_ms,
        last_uptime_ms=max(boot.last_uptime_ms, uptime_ms),
    )


def estimate_ms(boot: Boot | None, arrival: Arrival) -> int | None:
    """The offset of a boot on the wall clock of now; None when it is not known, or the wall clock is not."""
    if boot is None or boot.steady != arrival.steady or arrival.received_ms < YEAR_2020_MS:
        return None
    return boot.offset_ms + arrival.received_ms - arrival.steady_ms


class Timing(NamedTuple):
    """The offset of a frame's readings (None: unknown), how well it is known, and why a clock was refused."""

    offset_ms: int | None
    time_q: int
    refused: str


def timing(claim_ms: int, claim_q: int, newest_uptime_ms: int, estimate_ms: int | None, received_ms: int) -> Timing:
    """Choose between the node's clock (an offset with its quality) and the gateway's estimate of the offset."""
    refused = ""
    if claim_q != fields.CLOCK_NONE:
        refused = _doubt(claim_ms, newest_uptime_ms, estimate_ms, received_ms)
        if not refused and (claim_q >= fields.CLOCK_SNTP or estimate_ms is None):
            return Timing(claim_ms, claim_q, "")
    if estimate_ms is None:
        return Timing(None, fields.CLOCK_NONE, refused)
    return Timing(estimate_ms, fields.CLOCK_BY_GATEWAY, refused)


def _doubt(claim_ms: int, uptime_ms: int, estimate_ms: int | None, received_ms: int) -> str:
    """Why the clock of a node is not to be believed; empty when it is."""
    if claim_ms + uptime_ms < YEAR_2020_MS:
        return "before 2020"
    if received_ms >= YEAR_2020_MS and claim_ms + uptime_ms > received_ms + FUTURE_MS:
        return "in the future"
    if estimate_ms is not None and claim_ms > estimate_ms + FUTURE_MS:
        return "ahead of the gateway"
    if estimate_ms is not None and claim_ms < estimate_ms - PAST_MS:
        return "more than a day behind"
    return ""
