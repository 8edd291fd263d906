"""MQTT 3.1.1 client core: bytes in, events out; calls in, bytes out. No socket, no clock, no randomness.

Rules
1. The owner moves bytes and time: it reads into ``rx_room()`` and tells ``received(n)``, takes ``next_event()`` until
   NOTHING, writes ``tx_pending()`` and tells ``sent(n)``, and calls ``tick(link_ms)`` after it has read. ``link_ms``
   is real time in ms, monotonic, and never wraps.
2. One life: ``connect`` -> CONNECTED -> ``subscribe`` -> SUBSCRIBED -> messages and publishes -> ``disconnect``, or
   an error. After an error the stream is useless: close it and ``connect`` again on a new one.
3. What the peer, or the network, does wrong is a ProtocolError with a short ``code``, and the connection must be
   closed [MQTT-4.8.0-1]. What the caller does wrong is an AssertionError.
4. Everything has a bound; ``sizes`` are smaller ones for three of them. One packet in: MAX_PACKET; a longer PUBLISH is
   acknowledged, skipped and counted, because the broker would else send it again for ever. Publishes in flight:
   ``window``, each of MAX_PUBLISH bytes; ``publish`` refuses with 0 beyond. Bytes out: TX_BYTES; while they do not
   leave, no further message is taken in.
5. Delivery is at least once. A publish is sent again with DUP every ``response_ms`` until its PUBACK comes, and on
   every later connection with its old packet id, in the old order [MQTT-4.4.0-1] [MQTT-4.6.0-1]; only a clean session
   forgets it [MQTT-3.1.2-6]. Whether the broker kept its half of the session changes nothing here.
6. Silence is death: a CONNECT, SUBSCRIBE, PUBLISH or PINGREQ unanswered for ``response_ms * sends`` is a
   ProtocolError "silent". A link that has said nothing for ``ping_ms`` asks, so a half-open one is found within
   ``ping_ms + response_ms * sends`` (14 s as it stands) and two steps of the owner (15 s, if he ticks every 500 ms).
7. QoS 1 out, QoS 0 and 1 in. QoS 2 is never asked for, so a broker that sends it breaks the protocol.
"""

from . import packets
from .packets import ProtocolError

MAX_PACKET = 1280  # one packet in, whole
MAX_PUBLISH = 1184  # one PUBLISH out, whole: 1,040 B of sealed frame, its topic, 7 B of header
TX_BYTES = 1536
MAX_WINDOW = 4

NOTHING = 0
CONNECTED = 1  # session_present says whether the broker kept the session
SUBSCRIBED = 2
ACKED = 3  # packet_id
MESSAGE = 4  # topic, payload (valid until the next call), retain, qos

_ACK_BYTES = 4
_CONTROL_BYTES = 64  # of TX_BYTES, kept from publishes for acknowledgements and pings

_CLOSED = 0
_CONNECTING = 1
_OPEN = 2
_LEAVING = 3


class _Publish:
    """A PUBLISH in flight: the whole packet, and when it went out on this connection."""

    def __init__(self, size: int) -> None:
        self.packet = memoryview(bytearray(size))
        self.length = 0
        self.packet_id = 0
        self.tries = 0  # ever; the second and later ones carry DUP
        self.queued = False  # on this connection
        self.first_ms = 0
        self.last_ms = 0


class Client:
    """The client's end of one session, over any number of connections."""

    def __init__(
        self,
        client_id: str,
        user: str | None = None,
        password: str | None = None,
        will: tuple[bytes, bytes] | None = None,
        clean_session: bool = False,
        keepalive_s: int = 15,
        window: int = 3,
        response_ms: int = 3000,
        sends: int = 3,
        ping_ms: int = 5000,
        sizes: tuple[int, int, int] = (MAX_PACKET, MAX_PUBLISH, TX_BYTES),
    ) -> None:
        assert 1 <= window <= MAX_WINDOW and response_ms > 0 and sends >= 1
        assert keepalive_s * 1000 > ping_ms + response_ms, "the broker must hear a ping before it gives up"
        from .greeting import connect  # needed once, and let go of by start.py

        self._connect_packet = connect(client_id, user, password, will, clean_session, keepalive_s)
        assert len(self._connect_packet) <= sizes[2]
        self._clean_session = clean_session
        self._response_ms = response_ms
        self._dead_ms = response_ms * sends
        self._ping_ms = ping_ms
        self._rx = memoryview(bytearray(sizes[0]))
        self._tx = memoryview(bytearray(sizes[2]))
        self._free = [_Publish(sizes[1]) for _ in range(window)]
        self._in_flight: list[_Publish] = []  # oldest first
        self._last_id = 0
        self._start(_CLOSED, 0)
        self.session_present = False
        self.packet_id = 0
        self.topic = ""
        self.payload = self._rx[:0]
        self.retain = False
        self.qos = 0
        self.skipped = 0  # messages that were too long

    def _start(self, state: int, link_ms: int) -> None:
        self._state = state
        self._rx_start = self._rx_end = 0
        self._tx_start = self._tx_end = 0
        self._skip = 0  # bytes of a skipped packet that are still to come
        self._asked_ms: int | None = None  # when the CONNECT, SUBSCRIBE or PINGREQ went out that has no answer yet
        self._subscribe_id = 0
        self._subscribe_count = 0
        self._spoke_ms = link_ms

    # Calls

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    @property
    def room(self) -> int:
        """How many more publishes would be accepted now."""
        return len(self._free) if self._state == _OPEN else 0

    def connect(self, link_ms: int) -> None:
        """Begin a connection on a new stream. CONNECT is its first packet, and the only one [MQTT-3.1.0-1]."""
        self._start(_CONNECTING, link_ms)
        if self._clean_session:
            while self._in_flight:
                self._free.append(self._in_flight.pop())
        for publish in self._in_flight:
            publish.queued = False
        self._put(self._connect_packet, link_ms)
        self._asked_ms = link_ms

    def subscribe(self, topic_filters: list[str], link_ms: int) -> None:
        """Ask for QoS 1 messages of one or more filters; SUBSCRIBED, or ProtocolError, follows."""
        assert self._state == _OPEN and not self._subscribe_id
        packet = packets.subscribe(self._new_id(), topic_filters)
        assert len(packet) <= self._tx_room()
        self._put(packet, link_ms)
        self._subscribe_id = self._last_id
        self._subscribe_count = len(topic_filters)
        self._asked_ms = link_ms

    def publish(self, topic: bytes, payload: bytes, link_ms: int) -> int:
        """Send a message with QoS 1 [MQTT-4.3.2-1], not retained. Its packet id, or 0 when the window is full."""
        assert self._state == _OPEN
        if not self._free:
            return 0
        packet_id = self._new_id()  # not zero, and unused [MQTT-2.3.1-1] [MQTT-2.3.1-2]
        publish = self._free[-1]
        publish.length = packets.publish_into(publish.packet, topic, payload, packet_id)
        publish.packet_id = packet_id
        publish.tries = 0
        publish.queued = False
        self._free.pop()
        self._in_flight.append(publish)
        self._queue_publishes(link_ms)
        return packet_id

    def disconnect(self, link_ms: int) -> None:
        """Leave, so that the will is not published. Nothing may be sent after it [MQTT-3.14.4-2]."""
        assert self._state == _OPEN
        if self._tx_room() >= len(packets.DISCONNECT):
            self._put(packets.DISCONNECT, link_ms)
        self._state = _LEAVING

    # Bytes out

    def tx_pending(self) -> memoryview:
        """What waits to be written; empty when there is nothing."""
        return self._tx[self._tx_start : self._tx_end]

    @property
    def tx_waiting(self) -> bool:
        return self._tx_end > self._tx_start

    def sent(self, count: int) -> None:
        assert 0 <= count <= self._tx_end - self._tx_start
        self._tx_start += count
        if self._tx_start == self._tx_end:
            self._tx_start = self._tx_end = 0

    def _tx_room(self) -> int:
        return len(self._tx) - self._tx_end + self._tx_start

    def _put(self, packet: bytes | memoryview, link_ms: int) -> None:
        if len(packet) > len(self._tx) - self._tx_end:
            waiting = self._tx_end - self._tx_start
            self._tx[:waiting] = self._tx[self._tx_start : self._tx_end]
            self._tx_start, self._tx_end = 0, waiting
        self._tx[self._tx_end : self._tx_end + len(packet)] = packet
        self._tx_end += len(packet)
        self._spoke_ms = link_ms

    def _new_id(self) -> int:
        """The next packet id: 1 to 65535 and round again, never one that waits for its PUBACK [MQTT-2.3.1-2]."""
        while True:
            self._last_id = self._last_id % 0xFFFF + 1
            if not any(publish.packet_id == self._last_id for publish in self._in_flight):
                return self._last_id

    # Time

    def tick(self, link_ms: int) -> None:
        """Send again what is overdue, ask when it is quiet, and raise ProtocolError "silent" when nothing answers."""
        if self._state in (_CLOSED, _LEAVING):
            return
        if self._asked_ms is not None and link_ms - self._asked_ms >= self._dead_ms:
            raise ProtocolError("silent")
        if self._state != _OPEN:
            return
        for publish in self._in_flight:
            if publish.queued and link_ms - publish.first_ms >= self._dead_ms:
                raise ProtocolError("silent")
        self._queue_publishes(link_ms)
        quiet = link_ms - self._spoke_ms >= self._ping_ms
        if quiet and self._asked_ms is None and self._tx_room() >= len(packets.PINGREQ):
            self._put(packets.PINGREQ, link_ms)  # also what keeps the session alive [MQTT-3.1.2-23]
            self._asked_ms = link_ms

    def tick_due_ms(self, link_ms: int) -> int:
        """How long ``tick`` has nothing to do, if nothing is received."""
        due = self._spoke_ms + self._ping_ms
        if self._asked_ms is not None:
            due = self._asked_ms + self._dead_ms
        for publish in self._in_flight:
            if publish.queued:
                due = min(due, publish.last_ms + self._response_ms)
            elif self._state == _OPEN and self._tx_room() >= publish.length + _CONTROL_BYTES:
                return 0
        return max(0, due - link_ms)

    def _queue_publishes(self, link_ms: int) -> None:
        """Queue publishes that this connection has not seen or not answered in time, oldest first [MQTT-4.6.0-1]."""
        for publish in self._in_flight:
            if publish.queued and link_ms - publish.last_ms < self._response_ms:
                continue
            if self._tx_room() < publish.length + _CONTROL_BYTES:
                return
            if publish.tries:
                publish.packet[0] |= packets.DUP  # the same id, marked as sent before [MQTT-3.3.1-1] [MQTT-2.3.1-3]
            if not publish.queued:
                publish.first_ms = link_ms
                publish.queued = True
            publish.tries += 1
            publish.last_ms = link_ms
            self._put(publish.packet[: publish.length], link_ms)

    # Bytes in

    def rx_room(self) -> memoryview:
        """Where to read into; empty while ``next_event`` has to be called first."""
        if self._rx_start:
            left = self._rx_end - self._rx_start
            self._rx[:left] = self._rx[self._rx_start : self._rx_end]
            self._rx_start, self._rx_end = 0, left
        return self._rx[self._rx_end :]

    def received(self, count: int) -> None:
        assert 0 < count <= len(self._rx) - self._rx_end
        self._rx_end += count

    def next_event(self, link_ms: int) -> int:
        """Take the next whole packet in. NOTHING when there is none, or while its acknowledgement has no room."""
        assert self._state != _CLOSED
        if self._state == _LEAVING:
            return NOTHING
        while True:
            if self._skip:
                count = min(self._skip, self._rx_end - self._rx_start)
                self._skip -= count
                self._rx_start += count
            if self._rx_end - self._rx_start < 2:
                return NOTHING
            header, size = packets.fixed_header(self._rx, self._rx_start, self._rx_end)
            if not header:
                return NOTHING
            event = self._packet(header, size, link_ms)
            if event is None:
                return NOTHING
            if event:
                return event

    def _packet(self, header: int, size: int, link_ms: int) -> int | None:
        """Take one packet: an event, NOTHING when it needs no telling, None when it cannot be taken yet."""
        first = self._rx[self._rx_start]
        kind = first >> 4
        if self._state == _CONNECTING and kind != packets.CONNACK:
            raise ProtocolError("not_connack")  # [MQTT-3.2.0-1]
        if kind == packets.PUBLISH:
            return self._take_publish(first, header, size, link_ms)
        if first & 0x0F:
            raise ProtocolError("flags")  # [MQTT-2.2.2-2]
        if header + size > len(self._rx):
            raise ProtocolError("length")
        if header + size > self._rx_end - self._rx_start:
            return None
        body = self._rx[self._rx_start + header : self._rx_start + header + size]
        self._rx_start += header + size
        if kind == packets.CONNACK:
            return self._take_connack(body)
        if kind == packets.PUBACK:
            return self._take_puback(body)
        if kind == packets.SUBACK:
            return self._take_suback(body)
        if kind == packets.PINGRESP and not size:
            self._answered()
            return NOTHING
        raise ProtocolError("unexpected")

    def _answered(self) -> None:
        if not self._subscribe_id:
            self._asked_ms = None

    def _take_connack(self, body: memoryview) -> int:
        if self._state != _CONNECTING or len(body) != 2 or body[0] > 1:
            raise ProtocolError("connack")
        if body[1]:
            raise ProtocolError("connack_%d" % body[1])  # 4: bad user or password, 5: not authorised
        self.session_present = bool(body[0])
        if self.session_present and self._clean_session:
            raise ProtocolError("session_present")  # [MQTT-3.2.2-1]
        self._state = _OPEN
        self._asked_ms = None
        return CONNECTED

    def _take_puback(self, body: memoryview) -> int:
        if len(body) != 2:
            raise ProtocolError("puback")
        self.packet_id = packets.get_int(body, 0)
        for i, publish in enumerate(self._in_flight):
            if publish.packet_id == self.packet_id:
                self._free.append(self._in_flight.pop(i))
                return ACKED
        return NOTHING  # the second answer to a publish that was sent twice

    def _take_suback(self, body: memoryview) -> int:
        if len(body) < 3:
            raise ProtocolError("suback")
        if not self._subscribe_id or packets.get_int(body, 0) != self._subscribe_id:
            raise ProtocolError("suback")  # [MQTT-3.8.4-2]
        if len(body) - 2 != self._subscribe_count:
            raise ProtocolError("suback")  # one code for each filter [MQTT-3.8.4-5]
        for code in body[2:]:
            if code > 2:
                raise ProtocolError("subscribe_refused" if code == 0x80 else "suback")  # [MQTT-3.9.3-2]
        self._subscribe_id = 0
        self._answered()
        return SUBSCRIBED

    def _take_publish(self, first: int, header: int, size: int, link_ms: int) -> int | None:
        qos = first >> 1 & 3
        if qos > 1:
            raise ProtocolError("qos")  # 3 is malformed [MQTT-3.3.1-4], 2 was never asked for
        if first & packets.DUP and not qos:
            raise ProtocolError("flags")  # [MQTT-3.3.1-2]
        if size < 3:
            raise ProtocolError("topic_length")
        too_long = header + size > len(self._rx)
        have = self._rx_end - self._rx_start
        if have < header + (2 if too_long else size):
            return None
        at = self._rx_start + header
        topic_end = 2 + packets.get_int(self._rx, at)
        head = topic_end + 2 * qos  # of the body: all but the payload
        if topic_end == 2 or head > size or header + head > len(self._rx):
            raise ProtocolError("topic_length")  # [MQTT-4.7.3-1]
        if have < header + head or (qos and self._tx_room() < _ACK_BYTES):
            return None
        topic = packets.topic_name(self._rx[at + 2 : at + topic_end])
        if qos:  # answered in the order of arrival [MQTT-4.6.0-2], whatever becomes of the message [MQTT-4.5.0-2]
            packet_id = packets.get_int(self._rx, at + topic_end)
            if not packet_id:
                raise ProtocolError("packet_id")  # [MQTT-2.3.1-1]
            self._put(packets.puback(packet_id), link_ms)
        self._rx_start = at + head
        if too_long:
            self.skipped += 1
            self._skip = size - head
            return NOTHING
        self.topic = topic
        self.payload = self._rx[at + head : at + size]
        self._rx_start = at + size
        self.qos = qos
        self.retain = bool(first & packets.RETAIN)
        return MESSAGE
