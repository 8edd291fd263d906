"""A TCP proxy on loopback that does to a connection what a bad network does.

with Proxy(broker.port) as proxy:
    proxy.cut_after(7, 1_234)  # the next two connections are reset after so many bytes, both ways together
    proxy.hold()               # nothing more is taken from the client; go_on() ends it
    proxy.delay_s = 0.1        # each piece is passed on so much later, both ways
"""

import socket
import struct
import threading
from collections import deque
from types import TracebackType

HOST = "127.0.0.1"
CHUNK = 512
TURN_S = 0.05


class Proxy:
    """One listening thread, two threads for each connection; leaving the `with` block ends them all."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)  # what is held back is felt soon
        self._listener.bind((HOST, 0))
        self._listener.listen(8)
        self._listener.settimeout(TURN_S)
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.delay_s = 0.0
        self._cuts: deque[int] = deque()
        self._flowing = threading.Event()
        self._flowing.set()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def cut_after(self, *counts: int) -> None:
        self._cuts.extend(counts)

    def hold(self) -> None:
        self._flowing.clear()

    def go_on(self) -> None:
        self._flowing.set()

    def _run(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            try:
                broker = socket.create_connection((HOST, self._target_port), timeout=5)
            except OSError:
                client.close()
                continue
            pair = _Pair(client, broker, self._cuts.popleft() if self._cuts else None)
            self._run(self._pump, pair, client, broker, True)
            self._run(self._pump, pair, broker, client, False)

    def _pump(self, pair: "_Pair", source: socket.socket, sink: socket.socket, from_client: bool) -> None:
        while not self._ended.is_set() and not pair.ended.is_set():
            if from_client and not self._flowing.wait(TURN_S):
                continue
            try:
                source.settimeout(TURN_S)
                data = source.recv(pair.allowance())
                if data:
                    self._ended.wait(self.delay_s)
                    sink.settimeout(5)
                    sink.sendall(data)
            except TimeoutError:
                continue
            except OSError:
                break
            if not data or pair.used(len(data)):
                break
        pair.end()

    def __enter__(self) -> "Proxy":
        self._run(self._listen)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._flowing.set()
        for thread in list(self._threads):
            thread.join(10)
        self._listener.close()


class _Pair:
    """The two halves of one connection, and how many bytes it may still carry."""

    def __init__(self, client: socket.socket, broker: socket.socket, left: int | None) -> None:
        self.ended = threading.Event()
        self._ends = (client, broker)
        self._left = left
        self._lock = threading.Lock()

    def allowance(self) -> int:
        with self._lock:
            return CHUNK if self._left is None else max(1, min(CHUNK, self._left))

    def used(self, count: int) -> bool:
        """Whether the connection has carried all that it may."""
        with self._lock:
            if self._left is None:
                return False
            self._left -= count
            return self._left <= 0

    def end(self) -> None:
        with self._lock:
            if self.ended.is_set():
                return
            self.ended.set()
            for end in self._ends:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close by reset
                end.close()
