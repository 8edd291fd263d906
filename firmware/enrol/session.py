"""A node that is being set up: its form, its USB line, its way to the gateway. Loaded for that only.

Rules
1. All outputs are off, nothing else runs, and the watchdog is fed in every turn.
2. The access point is open for ``portal.OPEN_MS`` and then shut for good: only a new start with the button held, or
   without any config, opens it again. The USB line goes on, because somebody stands there.
3. One try at a time, ``portal.JOIN_MS`` for the Wi-Fi and ASK_MS for the gateway; what went wrong is shown, and the
   form is there again. A claim keeps its number as long as the node has power, so a lost answer is asked for again.
4. At most MAX_CALLERS connections, CALLER_MS each, one request each. Whatever is sent to them, nothing here raises.
5. The config is written when all of it is good (take.py), and the node starts anew ``portal.SHOW_MS`` later, so that
   the phone can still show that it is done.
"""

import select

from . import ask, form, page, take
from .request import Request

ASK_MS = 30_000
MAX_CALLERS = 4
CALLER_MS = 5_000
TURN_MS = 50
TYPED_BYTES = 128  # a turn
IDLE, JOINING, ASKING, DONE = 0, 1, 2, 3
PREFIX = "HQ "

_STATUS = {200: "OK", 303: "See Other"}


class Caller:
    """One connection to the form."""

    def __init__(self, stream, due_ms: int) -> None:
        self.stream = stream
        self.due_ms = due_ms
        self.request = Request()
        self.answer = None
        self.sent = 0


class Session:
    def __init__(self, hal, portal) -> None:
        self._hal = hal
        self._portal = portal
        self._claim = hal.random_bytes(16)
        self._values = {}
        self._error = ""
        self._by_line = False  # whether the present try came over USB
        self._due_ms = 0
        self._asking = None
        self._callers = []
        self._line = b""
        self._poller = select.poll()
        self._listener = portal.open()
        self._poller.register(self._listener, select.POLLIN)
        self._console = portal.console()
        self._typed = select.poll()
        if self._console is not None:
            for poller in (self._poller, self._typed):
                poller.register(self._console, select.POLLIN)
        self._shut_ms = hal.link_ms() + portal.OPEN_MS
        self.state = IDLE

    def step(self) -> bool:
        """One turn; False when the node is to start anew."""
        self._hal.feed()
        now_ms = self._hal.link_ms()
        ready = [entry[0] for entry in self._poller.poll(TURN_MS)]
        if self._console in ready:
            self._read_typed()
        if self._listener is not None and self._listener in ready:
            self._accept(now_ms)
        for caller in list(self._callers):
            self._serve(caller, now_ms)
        self._move(now_ms)
        if self._listener is not None and now_ms >= self._shut_ms and self.state in (IDLE, DONE):
            self._shut()
        return not (self.state == DONE and now_ms >= self._due_ms)

    def close(self) -> None:
        self._shut()
        if self._asking is not None:
            self._asking.close()

    def submit(self, text: str, by_line: bool = False) -> str:
        """Take what was typed; an error of form.py, or empty: it is being tried."""
        if self.state != IDLE:
            return ""
        self._values, self._error = form.read(text)
        if not self._error:
            self._by_line = by_line
            self._to(JOINING, self._portal.JOIN_MS)
            self._portal.join(self._values[form.SSID], self._values[form.PASSWORD])
        return self._error

    def _move(self, now_ms: int) -> None:
        if self.state == JOINING and self._portal.joined():
            host, port = form.address(self._values[form.HOST])
            values = self._values
            self._asking = ask.config(
                self._connect, host, port, values[form.NODE], values[form.CODE], values[form.PIN], self._claim
            )
            self._to(ASKING, ASK_MS)
        elif self.state == JOINING and now_ms >= self._due_ms:
            self._fail("wifi")
        elif self.state == ASKING:
            self._ask(now_ms)

    def _connect(self, host: str, port: int):
        try:
            return self._portal.connect(host, port)
        except OSError:
            raise ask.Refused("gateway")

    def _ask(self, now_ms: int) -> None:
        try:
            next(self._asking)
        except StopIteration as found:
            self._keep(found.value)
        except ask.Refused as refused:
            self._fail(refused.reason)
        else:
            if now_ms >= self._due_ms:
                self._asking.close()
                self._fail("gateway")

    def _keep(self, data: bytes) -> None:
        values = self._values
        sensors, outputs = self._portal.wiring()
        try:
            found = take.config(
                data, values[form.NODE], values[form.SSID], values[form.PASSWORD], sensors, outputs
            )
            self._portal.keep(found)
        except (ValueError, OSError) as error:
            print("config:", error)
            self._fail("config")
            return
        self._to(DONE, self._portal.SHOW_MS)
        self._tell("ok " + values[form.NODE])

    def _to(self, state: int, lasts_ms: int) -> None:
        self.state = state
        self._due_ms = self._hal.link_ms() + lasts_ms

    def _fail(self, reason: str) -> None:
        self._portal.leave()
        self._asking = None
        self._error = reason
        self.state = IDLE
        self._tell("no " + reason)

    def _tell(self, said: str) -> None:
        if self._by_line:
            print(PREFIX + said)
        self._by_line = False

    def _read_typed(self) -> None:
        for _ in range(TYPED_BYTES):
            if not self._typed.poll(0):
                return
            data = self._console.read(1)
            if not data:
                self._poller.unregister(self._console)
                self._console = None
                return
            self._take_typed(data)

    def _take_typed(self, data: bytes) -> None:
        if data not in (b"\n", b"\r"):
            self._line = (self._line + data)[-form.MAX_TEXT - len(PREFIX) :]
            return
        line, self._line = form.text_of(self._line), b""
        if line.startswith(PREFIX):
            error = self.submit(line[len(PREFIX) :].strip(), by_line=True)
            print(PREFIX + ("no " + error if error else "wait"))

    def _accept(self, now_ms: int) -> None:
        try:
            stream = self._listener.accept()[0]
        except OSError:
            return  # whoever it was has gone
        if len(self._callers) >= MAX_CALLERS:
            stream.close()
            return
        stream.setblocking(False)
        self._poller.register(stream, select.POLLIN)
        self._callers.append(Caller(stream, now_ms + CALLER_MS))

    def _serve(self, caller: Caller, now_ms: int) -> None:
        try:
            if caller.answer is None:
                self._listen_to(caller)
            if caller.answer is not None:
                caller.sent += caller.stream.write(memoryview(caller.answer)[caller.sent :]) or 0
            if now_ms < caller.due_ms and (caller.answer is None or caller.sent < len(caller.answer)):
                return
        except OSError:
            pass  # it has gone away
        self._poller.unregister(caller.stream)
        caller.stream.close()
        self._callers.remove(caller)

    def _listen_to(self, caller: Caller) -> None:
        while caller.answer is None:
            data = caller.stream.read(512)
            if data is None:
                return
            if not data:
                raise OSError("closed")
            status = caller.request.take(data)
            if status is not None:
                caller.answer = self._answer(status, caller.request)

    def _answer(self, status: int, request: Request) -> bytes:
        if status != 200:
            return _http(status, "")
        if request.path != "/":
            return _http(404, "")
        if request.method == "POST":
            self.submit(request.body)
            return _http(303, "")
        if self.state == DONE:
            return _http(200, page.done(self._values[form.NODE]))
        if self.state != IDLE:
            return _http(200, page.wait(self.state == ASKING))
        if request.query:
            values = form.read(request.query)[0]
            return _http(200, page.ask(values, ""))
        return _http(200, page.ask(self._values, self._error))

    def _shut(self) -> None:
        if self._listener is None:
            return
        self._poller.unregister(self._listener)
        self._listener = None
        for caller in self._callers:
            self._poller.unregister(caller.stream)
            caller.stream.close()
        self._callers = []
        self._portal.close()


def _http(status: int, html: str) -> bytes:
    body = html.encode()
    head = "HTTP/1.1 %d %s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n" % (
        status, _STATUS.get(status, "No"), len(body),
    )
    if status == 303:
        head += "Location: /\r\n"
    return (head + "Cache-Control: no-store\r\nConnection: close\r\n\r\n").encode() + body


def run(hal, portal) -> None:
    """Stay until the node has its config; then start anew, which does not return."""
    session = Session(hal, portal)
    while session.step():
        pass
    session.close()
    portal.restart()
