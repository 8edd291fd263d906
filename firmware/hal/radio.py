"""The ESP-NOW radio of a board: packets of at most 250 bytes on the channel that the board is on.

Functions and meanings as in simulators/node_hal/radio.py.

Rules
1. Nothing here waits: a packet is handed to the driver, or is lost. What is above sends again.
2. ESP-NOW needs a radio that listens, so power saving is off. A bridge stays on the channel of its Wi-Fi:
   ``channel`` is for leaves, which have none.
3. The driver keeps 20 peers; the one that was added first goes when there is another.
"""

import espnow
import network

EVERYBODY = b"\xff" * 6
MAX_PEERS = 18


class Radio:
    def __init__(self) -> None:
        self._station = network.WLAN(network.STA_IF)
        self._station.active(True)
        try:
            self._station.config(pm=network.WLAN.PM_NONE)
        except (ValueError, AttributeError):
            pass  # a port without power saving
        self.stream = espnow.ESPNow()
        self.stream.active(True)
        self.stream.add_peer(EVERYBODY)
        self._peers = []

    def channel(self, number: int) -> None:
        """Go to this channel."""
        try:
            self._station.config(channel=number)
        except (ValueError, OSError):
            pass  # joined to a Wi-Fi: that decides

    def send(self, mac: bytes | None, data: bytes) -> bool:
        """Send to one, or to everybody. Whether the radio took it; not whether it arrived."""
        try:
            if mac is not None and mac not in self._peers:
                self._meet(mac)
            self.stream.send(mac or EVERYBODY, data, False)
        except (OSError, ValueError):
            return False
        return True

    def recv(self) -> tuple[bytes, bytes] | None:
        """(MAC, data) of a packet that came in."""
        try:
            mac, data = self.stream.recv(0)
        except (OSError, ValueError):
            return None
        return None if mac is None else (mac, data)

    def close(self) -> None:
        self.stream.active(False)

    def _meet(self, mac: bytes) -> None:
        if len(self._peers) >= MAX_PEERS:
            self.stream.del_peer(self._peers.pop(0))
        self.stream.add_peer(mac)
        self._peers.append(bytes(mac))
