"""The line between a simulated node and the field server: what the node's wires are on a board.

One TCP connection for each node, kept open. One request a line (ASCII, LF), one answer a line, in order:

    hello <node> <epoch_ms>            -> ok            first line of every connection. epoch_ms = village wall time,
                                                        UTC ms, at which this boot's ticks_ms() was 0
    set <node> <output> 0|1            -> ok            an output is switched now (the server stamps the time)
    arm <node> <ticks_ms>|none         -> ok            the node's guard: unless it is armed anew by then, the server
                                          |fired <ticks>  switches all outputs off GUARD_MS (real) after that time, as
                                                        the timer of a board does; the next answer to arm says so
    read <node> <field> <channel>      -> v <raw>|none  field = id of wire.fields; raw = integer in its raw unit
    trace <node> <text>                -> ok            the witness (below)
    measuring <node>                   -> 1|0           0: take no more readings, only send what you have
    anything else                      -> err <reason>  the node treats it as no answer

Rules
1. After ``hello`` the node sends ``arm`` if its guard is armed, and ``set`` for every output that it has, whatever it
   thinks the server knows.
2. A connection that closes is a node without power: pull-downs hold its outputs off until a new ``hello`` and
   ``set``. So a killed node closes its valves, as a board does.
3. An answer that takes longer than ANSWER_MS real ms counts as none, and the node closes the connection (then 2
   holds) and tries again every RETRY_MS. No request is repeated but ``set``, which says a state.
4. ``measuring`` is asked at most every ASK_MS real ms; without an answer the last one holds (at first: yes).
5. A trace that got no answer is told again when the server is back, so the witness may hear it twice, and up to
   MAX_UNTOLD of them are kept: the witness only counts what it was told. Texts:
   ``stored <boot> <first_seq> <last_seq>`` after the flash write returned · ``lease <output> <until_ticks_ms>`` at
   every accepted open · ``heap <free>`` every ten samples · ``ready <boot> <live heap>`` once, when the node has been
   built · ``error <text>`` before a reset.
"""

import socket
import time

ANSWER_MS = 250
GUARD_MS = 500
RETRY_MS = 200
ASK_MS = 500
MAX_LINE = 200
MAX_UNTOLD = 40


class FieldLine:
    """The node's end. ``outputs`` is the list that the hal keeps; index = output."""

    def __init__(self, address: str, node: str, epoch_ms: int, outputs: list) -> None:
        self._address = address
        self._node = node
        self._epoch_ms = epoch_ms
        self._outputs = outputs
        self._socket = None
        self._armed = None
        self._fired = None  # ticks_ms at which the guard fired, not yet taken
        self._known = {}  # output -> what the server last confirmed
        self._untold = []
        self._retry_at = 0
        self._answered_at = _now()
        self._measuring = True
        self._asked_at = None

    def read(self, field: int, channel: int) -> int | None:
        answer = self._ask("read %s %d %d" % (self._node, field, channel))
        if answer is None or not answer.startswith("v "):
            return None
        try:
            return int(answer[2:])
        except ValueError:
            return None

    def switch(self, index: int) -> None:
        """Bring the server to the state of output ``index``; it is tried again by ``retry`` until it has it."""
        self._known.pop(index, None)
        wanted = self._outputs[index]
        if self._ask("set %s %d %d" % (self._node, index, wanted)) == "ok":
            self._known[index] = wanted
        else:
            self._known[index] = None

    def arm(self, due_ms: int | None) -> None:
        self._armed = due_ms
        self._ask_arm()

    def take_fired(self) -> int | None:
        fired, self._fired = self._fired, None
        return fired

    def _ask_arm(self) -> None:
        due = "none" if self._armed is None else str(self._armed)
        answer = self._ask("arm %s %s" % (self._node, due)) or ""
        if answer.startswith("fired "):
            self._fired = int(answer[6:])

    def replay(self) -> None:
        for index in list(self._known):
            self.switch(index)

    def retry(self) -> None:
        """Reconnect when it is time, and set what the server does not have yet."""
        if self._socket is None and not self._connect():
            return
        for index, known in list(self._known.items()):
            if known != self._outputs[index]:
                self.switch(index)
        self._tell()

    def tell(self, text: str) -> None:
        if len(self._untold) >= MAX_UNTOLD:
            self._untold.pop(0)
        self._untold.append(text[: MAX_LINE - 60])
        self._tell()

    def _tell(self) -> None:
        while self._untold and self._ask("trace %s %s" % (self._node, self._untold[0])) is not None:
            self._untold.pop(0)

    def measuring(self) -> bool:
        if self._asked_at is None or _now() - self._asked_at >= ASK_MS:
            self._asked_at = _now()
            answer = self._ask("measuring " + self._node)
            if answer in ("0", "1"):
                self._measuring = answer == "1"
        return self._measuring

    def away_ms(self) -> int:
        """Real ms since the server last answered; 0 for a node that has no server."""
        return _now() - self._answered_at if self._address else 0

    def _connect(self) -> bool:
        if not self._address or _now() < self._retry_at:
            return False
        self._retry_at = _now() + RETRY_MS
        host, _, port = self._address.partition(":")
        opened = socket.socket()
        try:
            opened.settimeout(ANSWER_MS / 1000)
            opened.connect(socket.getaddrinfo(host, int(port))[0][-1])
        except OSError:
            opened.close()
            return False
        self._socket = opened
        for index in self._known:
            self._known[index] = None
        if self._exchange("hello %s %d" % (self._node, self._epoch_ms)) != "ok":
            return False
        if self._armed is not None:
            self._ask_arm()
        return self._socket is not None

    def _ask(self, line: str) -> str | None:
        if self._socket is None and not self._connect():
            return None
        return self._exchange(line)

    def _exchange(self, line: str) -> str | None:
        try:
            self._socket.write((line + "\n").encode())
            answer = b""
            while not answer.endswith(b"\n"):
                got = self._socket.recv(MAX_LINE)
                if not got or len(answer) > MAX_LINE:
                    raise OSError("closed")
                answer += got
        except OSError:
            self._close()
            return None
        self._answered_at = _now()
        try:
            return answer.decode().strip()
        except UnicodeError:
            return None

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._retry_at = _now() + RETRY_MS


def _now() -> int:
    return time.ticks_us() // 1000
