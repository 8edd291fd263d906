"""``python -m gateway enrol``: gives a new node its config, once, against the code of its card (``wire.enrol``).

Rules
1. It listens only while there is a code that somebody can still use; else the port is shut.
2. TLS with the gateway's certificate. One request line, one answer, then the connection ends; CONVERSATION_S at most,
   AT_ONCE of them at once and FROM_ONE of one address, so that one that dawdles leaves room for a node; tries limited
   (limits.py). Whatever comes in, the answer is one of ``wire.enrol``.
3. It reads the codes and the configs in ``nodes/``, and nothing else that is secret: not the file of secrets, no
   database. It writes claims (codes.py) and what it counts, nothing else.
4. A wrong code is told from a used or expired one only to who has the code.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections import Counter
from pathlib import Path

from gateway import registry
from gateway.core.village import Broker
from gateway.enrol.codes import Codes
from gateway.enrol.limits import Limits
from gateway.home import Home
from gateway.process import ProcessError, Stop, alone
from kit import log
from kit.clock import Clock, real_mono_s, real_sleep_s
from kit.files import PRIVATE, write_atomic
from wire import enrol

LOOK_S = 0.5
CONVERSATION_S = 10.0
AT_ONCE = 8
FROM_ONE = 5


class Listener:
    """Listens while it has something to give; ``step`` it."""

    def __init__(self, home: Home, broker: Broker, clock: Clock) -> None:
        self._home = home
        self._address = (broker.host, broker.enrol_port)
        self._clock = clock
        self._codes = Codes(home.enrol)
        self._limits = Limits(real_mono_s())
        self._socket: socket.socket | None = None
        self._talking: Counter[str] = Counter()  # by address
        self._lock = threading.Lock()
        self._told: Counter[str] = Counter()
        self.counts = _counts(self._counts_file)

    @property
    def _counts_file(self) -> Path:
        return self._home.enrol / "counts"

    def step(self) -> None:
        """Open or shut the port, and take in who comes; waits LOOK_S at most."""
        self._write_counts()
        if not self._codes.any_open(self._clock.now_ms()):
            self.close()
            real_sleep_s(LOOK_S)
            return
        if self._socket is None and not self._open():
            real_sleep_s(LOOK_S)
            return
        assert self._socket is not None
        try:
            came, address = self._socket.accept()
        except TimeoutError:
            came = None
        if came is not None:
            self._take(came, str(address[0]))

    def _open(self) -> bool:
        try:
            self._socket = socket.create_server(self._address, backlog=AT_ONCE)
        except OSError as error:
            if not self._told["port"]:
                self._told["port"] += 1
                log.get().error("new nodes cannot ask for their config", port=self._address[1], why=str(error))
            return False
        self._socket.settimeout(LOOK_S)
        self._told.clear()
        log.get().info("waiting for new nodes", port=self._address[1])
        return True

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            log.get().info("no code is open any more: the port is shut")

    def _take(self, came: socket.socket, address: str) -> None:
        with self._lock:
            turned_away = self._talking.total() >= AT_ONCE or self._talking[address] >= FROM_ONE
            self._talking[address] += not turned_away
        if turned_away:
            came.close()
            self._count("turned_away")
            return
        threading.Thread(target=self._talk, args=(came, address), daemon=True).start()

    def _talk(self, came: socket.socket, address: str) -> None:
        try:
            came.settimeout(CONVERSATION_S)
            with _context(self._home.tls).wrap_socket(came, server_side=True) as stream:
                what, answer = self._answer(_line(stream), address)
                stream.sendall(answer)
                self._count(what)
        except (OSError, ValueError) as error:
            self._count("broken")
            log.get().info("a conversation with a new node broke off", why=str(error))
        finally:
            came.close()
            with self._lock:
                self._talking[address] -= 1
                self._talking += Counter()  # who has gone is forgotten

    def _answer(self, line: bytes, address: str) -> tuple[str, bytes]:
        """(what is counted, the bytes of the answer)."""
        request = enrol.parse_request(line)
        if request is None:
            return self._refuse(enrol.BAD, "", address)
        if request[0] == "ca":
            der = ssl.PEM_cert_to_DER_cert(self._home.ca.read_text(encoding="ascii"))
            return "asked_ca", b"ok %d\n" % len(der) + der
        _, node, code, claim = request
        if not self._may(address):
            return self._refuse(enrol.LATER, node, address)
        try:
            config = (self._home.nodes / f"{node}.json").read_bytes()
        except OSError:
            config = b""  # no such node, or one that is shut out
        reason = self._codes.use(node, code, claim, self._clock.now_ms()) if config else enrol.WRONG
        if reason:
            return self._refuse(reason, node if reason != enrol.WRONG else "", address)
        log.get().info("a node was given its config", node=node, address=address)
        return "given", b"ok %d\n" % len(config) + config

    def _may(self, address: str) -> bool:
        with self._lock:
            return self._limits.allow(address, real_mono_s())

    def _refuse(self, reason: str, node: str, address: str) -> tuple[str, bytes]:
        log.get().warning("a new node is refused", reason=reason, node=node, address=address)
        return reason, b"no " + reason.encode() + b"\n"

    def _count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1
            self._told["counts"] += 1

    def _write_counts(self) -> None:
        with self._lock:
            changed, text = self._told.pop("counts", 0), json.dumps(self.counts) + "\n"
        if changed:
            write_atomic(self._counts_file, text, mode=PRIVATE)


def _counts(path: Path) -> Counter[str]:
    try:
        return Counter({str(name): int(count) for name, count in json.loads(path.read_text()).items()})
    except (OSError, ValueError, TypeError, AttributeError):
        return Counter()  # counted from nothing


def _context(tls: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls / "server.crt", tls / "server.key")
    return context


def _line(stream: ssl.SSLSocket) -> bytes:
    """The request, without its end; what is too long or not ended is cut, and will be no request."""
    until_s = real_mono_s() + CONVERSATION_S
    got = b""
    while b"\n" not in got and len(got) <= enrol.MAX_LINE:
        if real_mono_s() > until_s:
            raise TimeoutError("the request took too long")
        more = stream.recv(enrol.MAX_LINE)
        if not more:
            break
        got += more
    line, end, _ = got.partition(b"\n")
    return line if end else b""


def run(home: Home, clock: Clock) -> None:
    """Run until the process is asked to end. Raises RegistryError or ProcessError."""
    stop = Stop().on_signals()
    village = registry.load(home.registry)
    if not home.ca.exists():
        raise ProcessError(
            f"{home.ca}: chưa có, hãy chạy `python -m gateway provision` / is not there: run "
            "`python -m gateway provision`"
        )
    with alone(home.held["enrol"]):
        listener = Listener(home, village.broker, clock)
        while not stop:
            listener.step()
        listener.close()
