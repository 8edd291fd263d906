"""The link of a node that is a bridge: its own MQTT connection, over which it also publishes for its leaves.

Rules
1. A leaf's frames go to the leaf's own topics and come from there. The broker's access list lets a bridge do that for
   the leaves that the registry gives it, and for no others.
2. A leaf's topics are subscribed to when it comes, and again at each connection. What comes down while the leaf has no
   session is dropped; the gateway says it again. A retained message is dropped too: a leaf cannot tell that it was.
3. One place of the broker's link stays free for the bridge's own frames.
4. A refused topic ends nothing: MQTT 3.1.1 does not tell. The gateway sees that nothing comes.
"""

import select

from node.link import CONNECTED, MESSAGE, Link

from wire import topics

from .bridge import Bridge

STEP_PACKETS = 32
MAX_UP = 4  # a step
_ONE_TOPIC = topics.MAX_TOPIC + 16
_DOWN_KINDS = (topics.ACK, topics.COMMAND)


def _may_subscribe(client) -> bool:
    """Whether no earlier SUBSCRIBE waits for its answer, and one more topic has room."""
    return not client._subscribe_id and client._tx_room() >= _ONE_TOPIC


class _Topics:
    """What is listened to. Iterated, it is the node's own topics, which the link subscribes to at once."""

    def __init__(self, own: dict) -> None:
        self._own = own
        self.leaves = {}  # topic -> "/leaf/kind"

    def __iter__(self):
        return iter(self._own)

    def get(self, topic: str) -> str | None:
        return self._own.get(topic) or self.leaves.get(topic)


class BridgeLink(Link):
    def __init__(self, hal, config: dict, will: bytes | None, **options) -> None:
        super().__init__(hal, config, will, **options)
        self._radio = hal.radio()
        self._bridge = Bridge(bytes.fromhex(config["key"]), hal.random_bytes, config["relays"]["gone_s"] * 1000)
        self._down = _Topics(self._down)
        self._wanted = []  # topics of leaves that are still to be subscribed to
        self.poller.register(self._radio.stream, select.POLLIN)

    def step(self, link_ms: int):
        """As of a link; what is for leaves is not among the events."""
        events = []
        for event in super().step(link_ms):
            if event[0] == MESSAGE and event[1][0] == "/":
                self._pass_down(event[1], event[2], event[3])
                continue
            if event[0] == CONNECTED:
                self._wanted = sorted(self._down.leaves)
            events.append(event)
        bridge = self._bridge
        bridge.online = self.connected
        for _ in range(STEP_PACKETS):
            got = self._radio.recv()
            if got is None:
                break
            bridge.heard(got[0], got[1], link_ms)
        bridge.step(link_ms)
        self._pass_up(link_ms)
        out, bridge.out = bridge.out, []
        for mac, data in out:
            self._radio.send(mac, data)
        return events

    def wait_ms(self, link_ms: int) -> int:
        """How long ``step`` has nothing to do unless ``poller`` reports something."""
        return min(super().wait_ms(link_ms), self._bridge.wait_ms(link_ms))

    def _pass_down(self, name: str, payload: bytes, retained: bool) -> None:
        _, leaf, kind = name.split("/")
        if not retained and not self._bridge.send(leaf, kind, payload):
            self.foreign += 1

    def _pass_up(self, link_ms: int) -> None:
        bridge = self._bridge
        while bridge.joined:
            self._listen_for(bridge.joined.pop(0))
        if self._wanted and self.connected and _may_subscribe(self._mqtt):
            self._mqtt.subscribe([self._wanted.pop()], link_ms)
        while bridge.wills and self.room > 1:
            leaf, will = bridge.wills.pop(0)
            self._publish_for(leaf, topics.GONE, will, link_ms)
        for _ in range(MAX_UP):
            found = bridge.ready() if self.room > 1 else None
            if found is None:
                return
            leaf, kind, payload = found
            self._publish_for(leaf, kind, payload, link_ms)
            bridge.accept(leaf)

    def _publish_for(self, leaf: str, kind: str, payload: bytes, link_ms: int) -> None:
        self._mqtt.publish(topics.topic(self._names[0], leaf, topics.UP, kind).encode(), payload, link_ms)

    def _listen_for(self, leaf: str) -> None:
        for kind in _DOWN_KINDS:
            topic = topics.topic(self._names[0], leaf, topics.DOWN, kind)
            if topic not in self._down.leaves:
                self._down.leaves[topic] = "/" + leaf + "/" + kind
                self._wanted.append(topic)
