"""A leaf's side of the air: find the bridge, send to it, hear from it. Pure: packets and time in, packets out.

Rules
1. It looks for its bridge on one channel after the other, JOIN_TRIES times on each, and rests after each round; it
   starts on the channel where it was last. Whoever answers must know the hop's key.
2. In a session it sends its last will first, then what is queued, one message at a time, and a ping when it has said
   nothing for PING_MS. What the bridge says of its broker comes with every acknowledgement.
3. A session ends when nothing good was heard for SILENT_MS, a message failed, or the numbers are used up. What is
   queued stays, and is sent in the next session.
4. ``connected`` means that the bridge has its broker, as the link of another node means it.
"""

from wire import relay
from wire.seal import Sealer

from . import air
from .parts import MAX_NUMBER, Receiver, Sender

CHANNELS = 13
JOIN_TRIES = 3
JOIN_MS = 250
PING_MS = 5_000
SILENT_MS = 16_000
MAX_QUEUE = 3
_GONE = air.KINDS.index("gone")


class Leaf:
    def __init__(self, node: str, hop: bytes, will: bytes, channel: int, random, rest_ms) -> None:
        """``random(count)`` gives bytes, ``rest_ms()`` how long to rest after a round of all channels."""
        self._id = node.encode()
        self._address = relay.address(node)
        self._hop = Sealer(hop)
        self._will = will
        self._random = random
        self._rest_ms = rest_ms
        self.channel = channel
        self.out = []  # (MAC or None for everybody, packet)
        self.came = []  # (kind, payload)
        self.connected = False
        self.reason = ""
        self._nonce = b""
        self._name = ""  # the session; empty: there is none
        self._mac = None
        self._tries = 0
        self._tried_channels = 0
        self._due_ms = None  # of the next JOIN
        self._heard_ms = 0
        self._said_ms = 0
        self._queue = []  # (kind, payload)
        self._sending = False  # the first of them is under way
        self._sender = Sender()
        self._receiver = Receiver()

    @property
    def room(self) -> int:
        return MAX_QUEUE - len(self._queue)

    @property
    def queued(self) -> int:
        return len(self._queue)

    @property
    def joined(self) -> bool:
        return self._name != ""

    def publish(self, kind: str, payload: bytes) -> None:
        self._queue.append((air.KINDS.index(kind), bytes(payload)))

    def heard(self, mac: bytes, data: bytes, now_ms: int) -> None:
        """Take in a packet, whatever it is."""
        found = air.split(data)
        if found is None or found[1] != self._address:
            return
        kind, _, body = found
        if kind == air.WELCOME and not self._name:
            self._welcome(mac, data, body, now_ms)
        elif kind in (air.UP_ACK, air.DOWN) and self._name and air.tagged(self._hop, self._name, data):
            self._heard_ms = now_ms
            if kind == air.UP_ACK:
                self._acked(body, now_ms)
            else:
                self._down(body)

    def step(self, now_ms: int) -> None:
        """Move time on."""
        if not self._name:
            self._join(now_ms)
            return
        if now_ms - self._heard_ms >= SILENT_MS:
            self.lose("silent")
            return
        if not self._sender.busy:
            if self._sender.number >= MAX_NUMBER:
                self.lose("numbers")
                return
            self._next(now_ms)
        for body in self._sender.due(now_ms):
            self._say(air.UP, body)
            self._said_ms = now_ms
        if self._sender.failed:
            self.lose("no answer")

    def wait_ms(self, now_ms: int) -> int:
        """How long ``step`` has nothing to do if nothing is heard."""
        if not self._name:
            return 0 if self._due_ms is None else max(0, self._due_ms - now_ms)
        if self._sender.busy:
            return self._sender.due_ms(now_ms)
        return 0 if self._queue and self.connected else max(0, self._said_ms + PING_MS - now_ms)

    def lose(self, reason: str) -> None:
        """The session is over."""
        self.reason = reason
        self.connected = False
        self._name = ""
        self._due_ms = None
        self._tries = 0
        self._tried_channels = 0

    def _join(self, now_ms: int) -> None:
        if self._due_ms is not None and now_ms < self._due_ms:
            return
        if self._tries >= JOIN_TRIES:
            self._tries = 0
            self._tried_channels += 1
            self.channel = self.channel % CHANNELS + 1
            if self._tried_channels >= CHANNELS:
                self._tried_channels = 0
                self._due_ms = now_ms + self._rest_ms()
                return
        if not self._tries:
            self._nonce = self._random(air.NONCE_BYTES)
        self._tries += 1
        self._due_ms = now_ms + JOIN_MS
        self.out.append((None, air.packet(self._hop, "", air.JOIN, self._address, self._nonce + self._id)))

    def _welcome(self, mac: bytes, data: bytes, body: bytes, now_ms: int) -> None:
        size = air.NONCE_BYTES
        if len(body) != 2 * size + 1 or not self._nonce or body[:size] != self._nonce:
            return
        if not air.tagged(self._hop, "", data):
            return
        self._name = air.session(self._nonce, body[size : 2 * size])
        self._nonce = b""
        self._mac = bytes(mac)
        self._heard_ms = self._said_ms = now_ms
        self._sender, self._receiver = Sender(), Receiver()
        self._sending = False
        self._sender.start(_GONE, self._will, now_ms)

    def _acked(self, body: bytes, now_ms: int) -> None:
        found = air.split_ack(body)
        if found is None:
            return
        number, bitmap, state, flags = found
        if self._sender.acked(number, bitmap, state, now_ms) and self._sending:
            self._sending = False
            self._queue.pop(0)
        if self._sender.number > 1 or not self._sender.busy:  # the will is there: before that a session is not up
            self.connected = bool(flags & air.ONLINE)

    def _next(self, now_ms: int) -> None:
        if self._queue and self.connected:
            self._sending = True
            self._sender.start(self._queue[0][0], self._queue[0][1], now_ms)
        elif now_ms - self._said_ms >= PING_MS:
            self._sender.start(0, b"", now_ms)

    def _down(self, body: bytes) -> None:
        said = self._receiver.take(body)
        if self._receiver.ready is not None:
            kind, payload = self._receiver.ready
            said = self._receiver.accept()
            self.came.append((air.KINDS[kind], payload))
        if said is not None:
            self._say(air.DOWN_ACK, air.ack(said[0], said[1], said[2], 0))

    def _say(self, kind: int, body: bytes) -> None:
        self.out.append((self._mac, air.packet(self._hop, self._name, kind, self._address, body)))
