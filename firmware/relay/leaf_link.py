"""The link of a node out of Wi-Fi reach: as node/link.py, but over the air to a bridge, which publishes for it.

Rules
1. The frames are the same, sealed for the same topics: the gateway does not see a difference.
2. What is queued is sent until the bridge has published it, also over later sessions, but is lost with the power.
3. ``step`` takes in STEP_PACKETS at most. What the radio cannot take now (it raises, or its queue is full) is as lost
   as a packet in the air: it is sent again.
"""

import select

from node.backoff import Backoff

from .leaf import Leaf

CONNECTED, MESSAGE, LOST = 1, 2, 3  # as in node/link.py, which a leaf has no room for
STEP_PACKETS = 16
_NO_EVENTS = ()
_LEAST_REST_MS, _MOST_REST_MS = 1_000, 60_000


class LeafLink:
    def __init__(self, hal, config: dict, will: bytes) -> None:
        """``config`` is the node's; its ``bridge`` has ``hop`` and may have ``channel``."""
        bridge = config["bridge"]
        self._hal = hal
        self._backoff = Backoff(_LEAST_REST_MS, _MOST_REST_MS)
        self._leaf = Leaf(
            config["node"],
            bytes.fromhex(bridge["hop"]),
            will,
            bridge.get("channel", 1),
            hal.random_bytes,
            self._rest_ms,
        )
        self._radio = hal.radio()
        self._radio.channel(self._leaf.channel)
        self._channel = self._leaf.channel
        self.poller = select.poll()
        self.poller.register(self._radio.stream, select.POLLIN)
        self.connected = False
        self.reason = ""
        self.failures = 0
        self.foreign = 0
        self.skipped = 0

    @property
    def room(self) -> int:
        """How many publishes would be accepted now."""
        return self._leaf.room if self.connected else 0

    @property
    def in_flight(self) -> int:
        return self._leaf.queued

    def publish(self, kind: str, payload: bytes) -> bool:
        """Hand over one sealed frame. False when there is no connection or no room: keep it, and try again."""
        if not self.room:
            return False
        self._leaf.publish(kind, payload)
        return True

    def step(self, link_ms: int):
        """Move packets and time; the events of this step, oldest first."""
        leaf = self._leaf
        for _ in range(STEP_PACKETS):
            got = self._radio.recv()
            if got is None:
                break
            leaf.heard(got[0], got[1], link_ms)
        leaf.step(link_ms)
        if leaf.channel != self._channel:
            self._channel = leaf.channel
            self._radio.channel(leaf.channel)
        out, leaf.out = leaf.out, []
        for mac, data in out:
            self._radio.send(mac, data)
        return self._events() or _NO_EVENTS

    def wait_ms(self, link_ms: int) -> int:
        """How long ``step`` has nothing to do unless ``poller`` reports something."""
        return self._leaf.wait_ms(link_ms)

    def close(self, _link_ms: int) -> None:
        """The bridge finds out; there is no goodbye over the air."""
        self.connected = False
        self._radio.close()

    def _events(self) -> list:
        events = []
        if self._leaf.connected != self.connected:
            self.connected = self._leaf.connected
            if self.connected:
                self._backoff.calm()
                events.append((CONNECTED, True))
            else:
                self.failures += 1
                self.reason = self._leaf.reason or "the bridge has no broker"
                events.append((LOST, self.reason))
        came, self._leaf.came = self._leaf.came, []
        for kind, payload in came:
            events.append((MESSAGE, kind, payload, False))
        return events

    def _rest_ms(self) -> int:
        return self._backoff.next_ms(int.from_bytes(self._hal.random_bytes(2), "big"))
