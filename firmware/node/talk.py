"""What a node and its gateway say to each other, over one link: hello, readings, receipts; acknowledgements, commands.

Rules
1. Nothing is sent that is not stored. Receipts and hello are not stored: a receipt that got lost is asked for again
   by the gateway with the same command, and hello is said at each connection.
2. What comes down and is not for us, or not ours, is counted and dropped. It never ends the loop and is never answered:
   an answer is for who has the key.
3. The time of day comes with the gateway's acknowledgements. A time outside EARLIEST_MS..LATEST_MS, or of a gateway
   that does not know it either, is refused. An acknowledgement that was under way for long shows too early a clock, so
   of two that differ by less than CLOCK_STEP_MS the later clock is kept.
4. Readings and a hello that no acknowledgement answers within ACK_WAIT_MS (real time) are sent again. The broker may
   have taken them while the gateway had not subscribed yet; without a hello it cannot command this boot.
5. The nonce of a boot is a hash of the node's key, the stored boot counter and random bytes: before the radio is up
   a board's random numbers are weak, and a nonce that came again would let old commands pass.
"""

from hashlib import sha256

from wire import commands, fields, frames, topics
from wire.errors import WireError
from wire.seal import Sealer

from . import link

EARLIEST_MS = 1_577_836_800_000  # 2020-01-01
LATEST_MS = 4_102_444_800_000  # 2100-01-01
CLOCK_STEP_MS = 2_000
ACK_WAIT_MS = 10_000
MAX_RECEIPTS = 16


class Talk:
    """One node's talk about what is in ``store``. ``owner`` is asked ``now_ms``, ``hello`` and ``idle``, and told
    ``obey``. ``update``: start again to load a release."""

    def __init__(self, config: dict, hal, store, connection, owner) -> None:
        self.store = store
        self.strange = 0
        self.update = False
        self._hal = hal
        self._link = connection
        self._owner = owner
        self._village, self._node = config["village"], config["node"]
        self._sealer = Sealer(bytes.fromhex(config["key"]))
        self._hello_due = False
        self._hello_sent_ms = None  # since when a hello waits for its answer: the acknowledgement without ranges
        self._receipts = []
        self.heard_ms = 0  # when the gateway said something last; 0: never in this boot
        self._progress_ms = 0

    def listen(self) -> None:
        """Take in what came down."""
        for event in self._link.step(self._hal.link_ms()):
            if event[0] == link.CONNECTED:
                self._hello_due = True
                self.store.forget_flight()
            elif event[0] == link.LOST:
                self.store.forget_flight()
            else:
                self._take(event[1], event[2], event[3])

    def answer(self, receipt: commands.Receipt) -> None:
        """A receipt is to be sent."""
        if len(self._receipts) >= MAX_RECEIPTS:
            self._receipts.pop(0)  # the older one: the gateway asks again for what it misses
        self._receipts.append(receipt)

    def send(self) -> None:
        """Send what is due, as far as the link has room."""
        link_ms = self._hal.link_ms()
        if self._hello_sent_ms is not None and link_ms - self._hello_sent_ms > ACK_WAIT_MS:
            self._hello_due = True
        if self._hello_due and self.publish(topics.HELLO, frames.encode_hello(self._owner.hello())):
            self._hello_due = False
            self._hello_sent_ms = link_ms
        while self._receipts and self.publish(topics.RECEIPT, commands.encode_receipt(self._receipts[0])):
            self._receipts.pop(0)
        if self.store.in_flight() and link_ms - self._progress_ms > ACK_WAIT_MS:
            self.store.forget_flight()
        # One place stays free, so that a receipt never waits for readings.
        while not self._hello_due and self._link.room > 1:
            found = self.store.next_frame(self._owner.now_ms())
            if found is None or not self.publish(topics.READINGS, found[0]):
                return
            if not self.store.in_flight():
                self._progress_ms = link_ms
            self.store.sent(found[1])

    def answered(self) -> bool:
        """Whether a hello was said and answered."""
        return self._link.connected and not self._hello_due and self._hello_sent_ms is None

    def _take(self, kind: str, payload: bytes, retained: bool) -> None:
        now_ms = self._owner.now_ms()
        try:
            topic = topics.topic(self._village, self._node, topics.DOWN, kind)
            frame = self._sealer.unseal(topic, payload)
            self.heard_ms = now_ms
            if kind == topics.COMMAND:
                self._owner.obey(commands.decode_command(frame), retained)
            elif kind == topics.OFFER:
                from update import offer  # loaded for this moment, and let go of

                self.update = offer.take(frame, self, self._hal, self._owner.idle())
            else:
                self._forget(frames.decode_ack(frame), now_ms)
        except WireError:
            self.strange += 1

    def _forget(self, ack: frames.Ack, now_ms: int) -> None:
        if ack.boot_id == self.store.boot_id and not ack.ranges:
            self._hello_sent_ms = None
        if self.store.acknowledge(ack.boot_id, ack.ranges):
            self._progress_ms = self._hal.link_ms()
        quality = min(ack.clock_quality, fields.CLOCK_GATEWAY)
        if quality == fields.CLOCK_NONE or not EARLIEST_MS <= ack.now_ms < LATEST_MS:
            return
        offset_ms = ack.now_ms - now_ms
        known_ms, known_quality = self.store.clock
        if quality < known_quality or (quality == known_quality and 0 <= known_ms - offset_ms < CLOCK_STEP_MS):
            return
        self.store.set_clock(offset_ms, quality)

    def publish(self, kind: str, frame: bytes) -> bool:
        """Send a frame now; False when there is no connection or no room for it."""
        if not self._link.room:
            return False
        topic = topics.topic(self._village, self._node, topics.UP, kind)
        return self._link.publish(kind, self._sealer.seal(topic, frame))


def nonce_of(key: bytes, boot_id: int, drawn: bytes) -> bytes:
    """The nonce of a boot (rule 5)."""
    return sha256(key + boot_id.to_bytes(4, "big") + drawn).digest()[: frames.NONCE_BYTES]
