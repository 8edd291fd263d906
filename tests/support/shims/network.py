# mypy: ignore-errors
"""Stands in for MicroPython's ``network`` on an ESP32: a station whose driver misbehaves as real ones do.

A test sets ``world``: ``from_ms`` since when the access point is there, None for never; ``dhcp_ms`` how long an
address takes, ``bssid`` of the one there is, ``stuck`` (nothing helps but switching the radio off and on), ``lies``
(``isconnected`` stays true), ``flaps`` (codes that ``status`` says in turn while it connects). Time: ``world.now_ms``.

As in the driver: ``connect`` while it connects is an OSError; a new ``connect`` needs ``disconnect`` first; ``active``
off forgets everything; without a link there is no address.
"""

STA_IF, AP_IF = 0, 1
IDLE, CONNECTING, GOT_IP = 1000, 1001, 1010
MAX_LOG = 100


class World:
    def __init__(self):
        self.now_ms = 0
        self.from_ms = 0
        self.dhcp_ms = 1_600
        self.bssid = b"\x01\x02\x03\x04\x05\x06"
        self.stuck = False
        self.lies = False
        self.no_address = False
        self.flaps = ()
        self.password = "mat-khau"
        self.log = []  # of the first MAX_LOG: (when, what)
        self.counts = {}

    def reach(self):
        return self.from_ms is not None and self.now_ms > self.from_ms - 1

    def note(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1
        if len(self.log) < MAX_LOG:
            self.log.append((self.now_ms, what))


world = World()


class WLAN:
    def __init__(self, interface):
        self._interface = interface
        self._active = False
        self._since_ms = None
        self._wanted = None
        self._was = False
        self._asked = 0
        self.fixed = None

    def active(self, on=None):
        if on is None:
            return self._active
        world.note("on" if on else "off")
        if not on:
            world.stuck = False
            self._since_ms = None
            self._was = False
        self._active = on
        return on

    def config(self, name="", **values):
        if not values:
            raise ValueError("unknown config param " + name)

    def connect(self, ssid, password, bssid=None):
        if not self._active:
            raise OSError("Wifi Not Started")
        if self._since_ms is not None:
            raise OSError("Wifi Internal Error")
        world.note("fast" if bssid else "connect")
        self._since_ms = world.now_ms
        self._wanted = (ssid, password, bssid)
        self._asked = 0

    def disconnect(self):
        world.note("disconnect")
        self._since_ms = None
        self._was = False

    def isconnected(self):
        found = self._linked()
        if found:
            self._was = True
        return found or (world.lies and self._was)

    def _linked(self):
        if self._since_ms is None or world.stuck or not world.reach():
            return False
        if self._wanted[1] != world.password or self._wanted[2] not in (None, world.bssid):
            return False
        needs_ms = 700 if self.fixed else world.dhcp_ms
        return self._was or world.now_ms - self._since_ms >= needs_ms

    def ifconfig(self, fixed=None):
        if fixed is not None:
            _a, _b, _c, _d = fixed  # four of them, or a ValueError
            self.fixed = fixed
            return None
        there = self.isconnected() and not world.no_address
        return ("192.168.4.7" if there else "0.0.0.0", "255.255.255.0", "192.168.4.1", "192.168.4.1")

    def status(self, what=None):
        if what == "rssi":
            return -61
        if self._linked():
            return GOT_IP
        if self._since_ms is None:
            return IDLE
        if world.flaps:
            self._asked += 1
            return world.flaps[self._asked % len(world.flaps)]
        if self._wanted[1] != world.password:
            return 202
        return CONNECTING if world.reach() else 201
