"""The wireless link of a board, step by step and without waiting.

Rules
1. ``status()`` is a hint at best; only ``isconnected()`` counts.
2. One ``connect`` at a time: it is given TRY_MS, then it is let go. After RESTART_AFTER tries the radio is switched
   off and on, which is what frees a station that is stuck.
3. It never gives up and never resets the node.
"""

import network

TRY_MS = 15_000
RESTART_AFTER = 3


class Wlan:
    def __init__(self, config: dict) -> None:
        self._ssid = config["ssid"]
        self._password = config["password"]
        self._station = network.WLAN(network.STA_IF)
        self._station.active(True)
        self._tried_ms = None
        self._tries = 0

    def up(self, now_ms: int) -> bool:
        """Whether there is a link now; if not, this has moved it one step on."""
        if self._station.isconnected():
            self._tried_ms = None
            self._tries = 0
            return True
        if self._tried_ms is not None and now_ms - self._tried_ms < TRY_MS:
            return False
        self._tries += 1
        self._tried_ms = now_ms
        try:
            if self._tries > 1:
                self._station.disconnect()
            if self._tries > RESTART_AFTER:
                self._tries = 1
                self._station.active(False)
                self._station.active(True)
            self._station.connect(self._ssid, self._password)
        except OSError:
            pass  # "Wifi Internal Error" while it still connects: the next try comes in TRY_MS
        return False

    def rssi(self) -> int | None:
        """Signal of the access point in dBm, as it was asked for just now; None without one."""
        return self._station.status("rssi") if self._station.isconnected() else None
