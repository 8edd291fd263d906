"""The air between simulated ESP-NOW radios: passes datagrams on, and loses, doubles and swaps some of them, by a seed.

    with Waves(seed=1, loss=0.2, twice=0.1, swap=0.1) as waves: … HOIQUAN_AIR=f"127.0.0.1:{waves.port}"
    waves.cut = True            # nothing gets through

What a datagram looks like: simulators/node_hal/radio.py.
"""

from __future__ import annotations

import random
import socket
import threading

EVERYBODY = b"\xff" * 6
_HEAD = 13


class Waves:
    def __init__(self, seed: int = 0, loss: float = 0.0, twice: float = 0.0, swap: float = 0.0) -> None:
        self._draw = random.Random(seed)
        self.loss, self.twice, self.swap = loss, twice, swap
        self.cut = False
        self.passed = 0
        self.lost = 0
        self.recorded: list[bytes] = []
        self._where: dict[bytes, tuple[int, tuple[str, int]]] = {}  # MAC -> channel, address
        self._held: tuple[bytes, tuple[str, int]] | None = None  # one that comes behind the next
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self.port = int(self._socket.getsockname()[1])
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Waves:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(5)
        self._socket.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                datagram, address = self._socket.recvfrom(2048)
            except (TimeoutError, ConnectionError):
                self._let_go()
                continue
            channel, to, sender = datagram[0], datagram[1:7], datagram[7:_HEAD]
            self._where[sender] = (channel, address)
            if to == sender:
                continue
            assert len(datagram) <= _HEAD + 250, "ESP-NOW carries 250 bytes"
            self.recorded = [*self.recorded[-999:], datagram]
            for mac, (there, where) in list(self._where.items()):
                if mac != sender and there == channel and to in (EVERYBODY, mac):
                    self._pass(datagram, where)

    def _pass(self, datagram: bytes, where: tuple[str, int]) -> None:
        if self.cut or self._draw.random() < self.loss:
            self.lost += 1
            return
        if self._held is None and self._draw.random() < self.swap:
            self._held = datagram, where
            return
        for _ in range(1 + (self._draw.random() < self.twice)):
            self._put(datagram, where)
        self._let_go()

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._put(*held)

    def _put(self, datagram: bytes, where: tuple[str, int]) -> None:
        self.passed += 1
        try:
            self._socket.sendto(datagram, where)
        except OSError:
            self.lost += 1  # that radio has no power
