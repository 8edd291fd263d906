"""The wireless link of a board, step by step and without waiting.

Rules
1. ``status()`` is a hint at best: it may cut a try short, never end the trying. A link is there when ``isconnected()``
   says so and there is an address; and when sockets fail all the same, DOUBT times in a row, it is not believed either.
2. Fast path: the first try goes to the access point that was found when the node was set up (``bssid``), with the
   fixed address of the config (``ip``: address, mask, gateway, DNS), as far as they are there. It is given FAST_MS;
   then all is searched. When that finds a link and the fast path did not, the access point was replaced: it is noted in
   one small file, so that no later start loses FAST_MS for it. A channel cannot be given: MicroPython's ``connect``
   forgets it and searches from channel 1, so that is where a village's access point should be.
3. Escalation: a try is given TRY_MS, later LONG_MS for a slow DHCP; after RESTART_AFTER tries the radio is switched off
   and on, which is what frees a station that is stuck. After STUCK_MS without a link ``stuck`` says so: the node may
   start again when nothing is on. It never gives up, and never resets anything itself.
4. ``connect`` while the driver still connects is an OSError: the try before is let go first, and what is raised all the
   same waits for the next try.
"""

import network

FAST_MS = 5_000
TRY_MS = 15_000
LONG_MS = 30_000
HINT_MS = 2_000
RESTART_AFTER = 3
STUCK_MS = 2 * 3600 * 1000
DOUBT = 8
CALM_MS = 120_000
FAST_FILE = "/wlan.gone"

# What status() says when a try has failed, as far as that can be believed: beacon lost, no access point, wrong
# password, refused, no handshake.
_FAILED = (200, 201, 202, 203, 204)
_NO_ADDRESS = "0.0.0.0"


class Wlan:
    def __init__(self, config: dict, fast_file: str = FAST_FILE) -> None:
        self._ssid = config["ssid"]
        self._password = config["password"]
        self._ip = config.get("ip")
        self._file = fast_file
        self._fast = self._known(config.get("bssid") or "")
        self._missed = False  # the fast path was tried, and brought nothing
        self._station = network.WLAN(network.STA_IF)
        self._radio_on()
        self._tried_ms = None  # since when the present try runs
        self._given_ms = 0  # how long it may
        self._bad_ms = None  # since when status() says that it has failed
        self._tries = 0
        self._asked_ms = None
        self._doubts = 0
        self._down_ms = None  # since when there is no link

    def up(self, now_ms: int) -> bool:
        """Whether there is a link now, for one more socket; if not, this has moved it one step on."""
        if self._has_link():
            if not self._is_doubtful(now_ms):
                self._succeeded()
                return True
            self._tries = RESTART_AFTER  # sockets fail: the next try begins with the radio
            self._tried_ms = None
            self._doubts = 0
        if self._down_ms is None:
            self._down_ms = now_ms
        if self._tried_ms is not None and not self._is_over(now_ms):
            return False
        self._try(now_ms)
        return False

    def stuck(self, now_ms: int) -> bool:
        """Whether nothing has helped for so long that a new start is worth a try."""
        return self._down_ms is not None and now_ms - self._down_ms >= STUCK_MS

    def off(self) -> None:
        """The radio off: a board that sleeps with it on draws a hundred times as much."""
        self._quiet(self._station.disconnect)
        self._station.active(False)

    def rssi(self) -> int | None:
        """Signal of the access point in dBm, as it was asked for just now; None without one."""
        return self._station.status("rssi") if self._station.isconnected() else None

    def _has_link(self) -> bool:
        return self._station.isconnected() and self._station.ifconfig()[0] != _NO_ADDRESS

    def _is_doubtful(self, now_ms: int) -> bool:
        """A socket is asked for again and again: whoever asks did not get on with the last ones."""
        again = self._asked_ms is not None and now_ms - self._asked_ms < CALM_MS
        self._asked_ms = now_ms
        self._doubts = self._doubts + 1 if again else 0
        return self._doubts >= DOUBT

    def _succeeded(self) -> None:
        if self._missed and self._tries > 1:
            self._note_replaced()
        self._missed = False
        self._tried_ms = None
        self._down_ms = None
        self._tries = 0

    def _is_over(self, now_ms: int) -> bool:
        if now_ms - self._tried_ms >= self._given_ms:
            return True
        if self._station.status() not in _FAILED:
            self._bad_ms = None
        elif self._bad_ms is None:
            self._bad_ms = now_ms
        return self._bad_ms is not None and now_ms - self._bad_ms >= HINT_MS

    def _try(self, now_ms: int) -> None:
        fast = self._fast if not self._tries else None
        if self._tries >= RESTART_AFTER:
            self._tries = 0
            self._station.active(False)
            self._radio_on()
        elif self._tried_ms is not None:
            self._quiet(self._station.disconnect)
        self._missed = self._missed or fast is not None
        self._given_ms = FAST_MS if fast else LONG_MS if self._tries else TRY_MS
        self._tries += 1
        self._tried_ms = now_ms
        self._bad_ms = None
        if fast:
            self._quiet(lambda: self._station.connect(self._ssid, self._password, bssid=fast))
        else:
            self._quiet(lambda: self._station.connect(self._ssid, self._password))

    def _quiet(self, act) -> None:
        try:
            act()
        except (OSError, RuntimeError):
            pass  # "Wifi Internal Error", "sta is connecting": the next try comes

    def _radio_on(self) -> None:
        self._station.active(True)
        try:
            self._station.config(reconnects=0)  # the trying is ours
        except (ValueError, TypeError):
            pass  # a port that cannot
        if self._ip:
            try:
                self._station.ifconfig(tuple(self._ip))
            except (ValueError, TypeError, OSError):
                self._ip = None  # no address: DHCP gives one

    def _known(self, bssid: str) -> bytes | None:
        """The access point of the config, unless it is noted that it is gone."""
        try:
            with open(self._file) as file:
                if file.read() == bssid:
                    return None
        except OSError:
            pass  # nothing is noted
        try:
            found = bytes.fromhex(bssid)
        except ValueError:
            return None
        return found if len(found) == 6 else None

    def _note_replaced(self) -> None:
        bssid, self._fast = self._fast, None
        try:
            with open(self._file, "w") as file:
                file.write("".join("%02x" % byte for byte in bssid))
        except OSError:
            pass  # the next start loses FAST_MS once more
