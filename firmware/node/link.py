"""The node's link to its gateway: MQTT over TLS on one non-blocking socket, opened again for as long as it takes.

    link = Link(hal, config, will=seal(key, topic(…, "up", "gone"), encode_gone(boot_id)))
    for event in link.step(hal.link_ms()):          # CONNECTED: say hello; MESSAGE: take it; LOST: nothing to do
        …
    link.publish("readings", sealed)                # False: not now, try again after a later step
    hal.wait(link.poller, min(link.wait_ms(hal.link_ms()), …))

Rules
1. The payloads are sealed frames, and opaque here. The link says nothing of its own: it subscribes to the ``down``
   kinds that its owner names, and leaves hello to its owner, who sends it at CONNECTED. SUBSCRIBE is on its way before
   that, so the answer to hello cannot be missed.
2. ``step`` never waits for the network. The broker is given by its IPv4 address, because looking up a name would
   wait; ``hal.open_socket`` returns a socket that still connects; the TLS handshake runs in steps too
   (do_handshake_on_connect=False). What takes its time, once a connection, is the elliptic-curve arithmetic of the
   handshake; what ends a lease in that time is the guard of the hal. One step takes in STEP_BYTES at most.
3. The broker must show a certificate of the pinned CA, for ``server_name``; there is no way to turn that off.
4. Whatever ends a connection, or a try, is looked up in _POLICY: it is told (``reason``), counted (``failures``), and
   tried again after a wait (backoff.py). Not only OSError: MicroPython's TLS raises ValueError for a certificate that
   it does not accept, and a full heap raises MemoryError. Anything else is our own fault and goes up.
5. A message on a topic that is not ours is counted (``foreign``) and dropped. The retain flag is handed up: a command
   that was retained must be refused there.
6. A publish that was accepted is sent until it is acknowledged, also over later connections (mqtt.py, rule 5), but
   it is lost with the power: what must not be lost is in the journal.
"""

import errno
import gc
import select

from wire import topics

from . import mqtt
from .backoff import Backoff
from .packets import ProtocolError

CONNECTED = 1  # (CONNECTED, session_present)
MESSAGE = 2  # (MESSAGE, kind, payload, retained)
LOST = 3  # (LOST, reason), once for every CONNECTED

DOWN_KINDS = (topics.ACK, topics.COMMAND, topics.OFFER)  # what a node that runs listens to
STEP_BYTES = 4096
OPENING_WAIT_MS = 50  # a handshake is looked after this often
STABLE_MS = 10_000  # a connection that lasted so long starts the backoff anew

# (error, reason, least wait in ms, collect first); the first that fits. A refused password or certificate will not
# be better in half a second; a full heap needs the collector before anything.
_POLICY = (
    (ProtocolError, "protocol", 0, False),
    (MemoryError, "memory", 2_000, True),
    (ValueError, "certificate", 5_000, False),
    (OSError, "network", 0, False),
)
_CAUGHT = tuple(row[0] for row in _POLICY)
_REFUSED_WAIT_MS = 5_000
_NOT_YET = (errno.EAGAIN, errno.EINPROGRESS, getattr(errno, "ENOTCONN", errno.EAGAIN))
_NO_EVENTS = ()


class Link:
    def __init__(
        self, hal, config: dict, will: bytes | None, backoff: Backoff | None = None, down=DOWN_KINDS, **mqtt_options
    ) -> None:
        """``config`` is the node's; ``will`` the sealed ``gone``; ``down`` the kinds that are listened to.
        ``mqtt_options`` go to mqtt.Client."""
        from . import broker as told  # needed once, and let go of by start.py

        village, node, broker = config["village"], config["node"], config["broker"]
        self._hal = hal
        self._address = told.address(broker)
        self._server_name = broker["server_name"]
        self._tls = told.pinned(broker)
        self._up = {}  # by kind, as they are used
        self._names = village, node
        self._down = {topics.topic(village, node, topics.DOWN, kind): kind for kind in down}
        mqtt_options.setdefault("keepalive_s", config.get("keepalive_s", 15))
        told_gone = None if will is None else (topics.topic(village, node, topics.UP, topics.GONE).encode(), will)
        self._mqtt = mqtt.Client(node, broker["user"], broker["password"], told_gone, **mqtt_options)
        self._backoff = backoff or Backoff()
        self._raw = None  # the socket
        self._stream = None  # the TLS around it
        self._writing = 0  # size of the write that TLS has begun and not finished
        self._wants_out = False  # the poller waits for room to write, too
        self._more = False  # the last step stopped at STEP_BYTES
        self._retry_ms = None
        self._connected_ms = 0
        self.poller = select.poll()
        self.connected = False
        self.reason = ""  # of the last failure
        self.failures = 0
        self.foreign = 0

    @property
    def room(self) -> int:
        """How many publishes would be accepted now."""
        return self._mqtt.room if self.connected else 0

    @property
    def in_flight(self) -> int:
        """Publishes that wait for the broker's acknowledgement."""
        return self._mqtt.in_flight

    @property
    def skipped(self) -> int:
        """Messages that were too long to take in."""
        return self._mqtt.skipped

    def publish(self, kind: str, payload: bytes) -> bool:
        """Hand over one sealed frame. False when there is no connection or no room: keep it, and try again."""
        if not self.connected:
            return False
        if kind not in self._up:
            self._up[kind] = topics.topic(self._names[0], self._names[1], topics.UP, kind).encode()
        return self._mqtt.publish(self._up[kind], payload, self._hal.link_ms()) != 0

    def step(self, link_ms: int):
        """Move bytes and time; the events of this step, oldest first."""
        if self._raw is None and self._retry_ms is not None and link_ms < self._retry_ms:
            return _NO_EVENTS
        events = []
        try:
            if self._raw is None:
                self._open(link_ms)
            self._write()
            self._read(link_ms, events)
            self._mqtt.tick(link_ms)
            self._write()
        except _CAUGHT as error:
            self._lose(error, link_ms, events)
        if self.connected and link_ms - self._connected_ms >= STABLE_MS:
            self._backoff.calm()
        return events or _NO_EVENTS

    def wait_ms(self, link_ms: int) -> int:
        """How long ``step`` has nothing to do unless ``poller`` reports something."""
        if self._raw is None:
            return 0 if self._retry_ms is None else max(0, self._retry_ms - link_ms)
        if self._more or (self._mqtt.tx_waiting and not self._writing):
            return 0  # there is more to read, or something was published since
        due_ms = self._mqtt.tick_due_ms(link_ms)
        return due_ms if self.connected else min(due_ms, OPENING_WAIT_MS)

    def close(self, link_ms: int) -> None:
        """Leave in order: the broker does not publish the will. Waits for nothing."""
        if self.connected:
            try:
                self._mqtt.disconnect(link_ms)
                self._write()
            except _CAUGHT:
                pass  # it is left anyway
        self._drop()

    def _open(self, link_ms: int) -> None:
        gc.collect()  # before the buffers of TLS are asked for
        self._raw = self._hal.open_socket(*self._address)
        self._raw.setblocking(False)
        self._stream = self._tls.wrap_socket(
            self._raw, server_hostname=self._server_name, do_handshake_on_connect=False
        )
        self.poller.register(self._raw, select.POLLIN)
        self._mqtt.connect(link_ms)

    def _write(self) -> None:
        """Write what waits. TLS wants a write that it could not finish repeated with the same bytes, and no more."""
        while self._mqtt.tx_waiting:
            pending = self._mqtt.tx_pending()
            if self._writing:
                pending = pending[: self._writing]
            count = self._attempt(self._stream.write, pending)
            if count is None:
                self._writing = len(pending)
                break
            self._writing = 0
            self._mqtt.sent(count)
        wanted = self.connected and self._mqtt.tx_waiting  # while it opens, a socket is always ready to be written to
        if wanted != self._wants_out:
            self._wants_out = wanted
            self.poller.modify(self._raw, select.POLLIN | select.POLLOUT if wanted else select.POLLIN)

    def _read(self, link_ms: int, events: list) -> None:
        taken = 0
        self._more = False
        while True:
            room = self._mqtt.rx_room()
            if not len(room):
                return  # full of messages whose acknowledgement has no room yet
            count = self._attempt(self._stream.readinto, room)
            if count is None:
                return
            if count == 0:
                raise ProtocolError("closed")
            self._mqtt.received(count)
            taken += count
            self._take(link_ms, events)
            if taken >= STEP_BYTES:
                self._more = True
                return

    def _attempt(self, operation, data: memoryview) -> int | None:
        """None when it would block, also while the socket still connects."""
        try:
            return operation(data)
        except OSError as error:
            if error.errno in _NOT_YET and not self.connected:
                return None
            raise

    def _take(self, link_ms: int, events: list) -> None:
        while True:
            event = self._mqtt.next_event(link_ms)
            if event == mqtt.NOTHING:
                return
            if event == mqtt.CONNECTED:
                self._mqtt.subscribe(sorted(self._down), link_ms)
                self.connected = True
                self._connected_ms = link_ms
                events.append((CONNECTED, self._mqtt.session_present))
            elif event == mqtt.MESSAGE:
                kind = self._down.get(self._mqtt.topic)
                if kind is None:
                    self.foreign += 1
                else:
                    events.append((MESSAGE, kind, bytes(self._mqtt.payload), self._mqtt.retain))

    def _lose(self, error: Exception, link_ms: int, events: list) -> None:
        was_connected = self.connected
        self._drop()
        name, least_ms, collect = _policy(error)
        self.reason = _reason(name, error)
        self.failures += 1
        draw = int.from_bytes(self._hal.random_bytes(2), "big")
        self._retry_ms = link_ms + max(least_ms, self._backoff.next_ms(draw))
        if was_connected:
            events.append((LOST, self.reason))
        if collect:
            gc.collect()

    def _drop(self) -> None:
        """Let go of the socket, whatever state it is in."""
        self.connected = False
        self._writing = 0
        self._wants_out = False
        self._more = False
        if self._raw is not None:
            try:
                self.poller.unregister(self._raw)
            except (OSError, KeyError):
                pass  # it never came to be registered
        for end in (self._stream, self._raw):
            if end is not None:
                try:
                    end.close()
                except OSError:
                    pass  # closing says what we know already
        self._stream = self._raw = None


def _policy(error: Exception) -> tuple[str, int, bool]:
    for kind, name, least_ms, collect in _POLICY:
        if isinstance(error, kind):
            if kind is ProtocolError and error.code.startswith("connack_"):
                least_ms = _REFUSED_WAIT_MS
            return name, least_ms, collect
    raise error


def _reason(name: str, error: Exception) -> str:
    """One line for a trace: the class of failure, and what is known of it."""
    detail = error.code if isinstance(error, ProtocolError) else " ".join(str(error).split())
    return (name + ": " + detail)[:80]
