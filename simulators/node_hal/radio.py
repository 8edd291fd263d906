"""The ESP-NOW radio of a simulated node: datagrams to the air, a process that loses, doubles and swaps them.

Functions and meanings as in firmware/hal/radio.py.

Environment
    HOIQUAN_AIR   host:port of the air
    HOIQUAN_MAC   this node's MAC, 12 hex digits; default: drawn

A datagram is channel (1) · to (6) · from (6) · data. The air passes it on to all that were heard on this channel, or to
the one that it is for.
"""

import os
import socket

EVERYBODY = b"\xff" * 6
_HEAD = 13
_MAX = 250


class Radio:
    def __init__(self) -> None:
        host, _, port = os.getenv("HOIQUAN_AIR").partition(":")
        self.mac = bytes.fromhex(os.getenv("HOIQUAN_MAC") or "") or os.urandom(6)
        self._channel = 1
        self.stream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.stream.setblocking(False)
        self.stream.connect(socket.getaddrinfo(host, int(port))[0][-1])
        self.channel(1)

    def channel(self, number: int) -> None:
        """Go to this channel."""
        self._channel = number
        self._put(bytes((number,)) + self.mac + self.mac)  # to itself: so the air knows where it is

    def send(self, mac: bytes | None, data: bytes) -> bool:
        """Send to one, or to everybody. Whether the radio took it; not whether it arrived."""
        assert len(data) <= _MAX
        return self._put(bytes((self._channel,)) + (mac or EVERYBODY) + self.mac + data)

    def recv(self) -> tuple[bytes, bytes] | None:
        """(MAC, data) of a packet that came in."""
        try:
            got = self.stream.recv(_HEAD + _MAX)
        except OSError:
            return None
        return got[7:_HEAD], got[_HEAD:]

    def close(self) -> None:
        self.stream.close()

    def _put(self, datagram: bytes) -> bool:
        try:
            self.stream.send(datagram)
        except OSError:
            return False
        return True
