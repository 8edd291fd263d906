# mypy: ignore-errors
"""Runs in MicroPython: the board's real wireless link over a driver that misbehaves; prints what came of each case."""

import sys

import network
from wlan import DOUBT, LONG_MS, STUCK_MS, TRY_MS, Wlan

GONE = sys.argv[1]
BSSID = "010203040506"
CONFIG = {"ssid": "hoi-quan", "password": "mat-khau"}
ADDRESS = ["192.168.4.7", "255.255.255.0", "192.168.4.1", "192.168.4.1"]


def config(**more):
    found = dict(CONFIG)
    found.update(more)
    return found


class Run:
    """A node that asks for its link every ``every_ms`` until it has one."""

    def __init__(self, config=CONFIG, **facts):
        network.world = self.world = network.World()
        for name, value in facts.items():
            setattr(self.world, name, value)
        self.wlan = Wlan(config, GONE)

    def until_up(self, limit_ms, every_ms=500):
        """When the link is there; None if not within the limit."""
        end_ms = self.world.now_ms + limit_ms
        while self.world.now_ms < end_ms:
            if self.wlan.up(self.world.now_ms):
                return self.world.now_ms
            self.world.now_ms += every_ms
        return None

    def did(self, what):
        return [when for when, done in self.world.log if done == what]


def cases():
    yield "plain", Run().until_up(60_000) == 2_000

    run = Run(config(ip=ADDRESS, bssid=BSSID))
    yield "fast", run.until_up(60_000) == 1_000 and run.did("fast") == [0] and not run.did("connect")

    run = Run(config(bssid=BSSID), bssid=b"other!")
    found_ms = run.until_up(60_000)
    yield "replaced", 5_000 < found_ms <= 8_000 and len(run.did("connect")) == 1
    again = Run(config(bssid=BSSID), bssid=b"other!")
    yield "replaced is noted", again.until_up(60_000) == 2_000 and not again.did("fast")
    other = Run(config(bssid="0a0203040506"), bssid=b"\x0a\x02\x03\x04\x05\x06")
    yield "set up anew", other.until_up(60_000) == 2_000 and other.did("fast") == [0]
    for bad in ("zz", "0102", None, "01020304050607"):
        yield "bad bssid", Run(config(bssid=bad)).until_up(60_000) == 2_000

    # the access point comes back after a night
    run = Run(from_ms=12 * 3600 * 1000)
    back_ms = run.until_up(13 * 3600 * 1000) - 12 * 3600 * 1000
    yield "back after a night", back_ms < LONG_MS + 5_000 and run.world.counts["off"] > 100

    # statuses that flap while it connects never end the trying, and 202 is not believed
    for flaps in ((202, 1001), (1000, 1001, 202, 1001), (200, 201), (202,), (203, 204, 1001)):
        run = Run(flaps=flaps, dhcp_ms=1_500)
        yield "flaps " + repr(flaps), run.until_up(120_000) is not None

    bad_ip = Run(config(ip=["x"]))
    bad_ip.wlan._station.fixed = None
    yield "bad address", bad_ip.until_up(60_000) == 2_000

    run = Run(dhcp_ms=14_000)
    yield "slow dhcp", run.until_up(60_000) == 14_000
    run = Run(dhcp_ms=28_000)
    yield "very slow dhcp", run.until_up(120_000) is not None

    run = Run(stuck=True)
    up_ms = run.until_up(300_000)
    yield "stuck station", up_ms is not None and len(run.did("off")) == 1

    # a link that isconnected() swears to, without an address
    run = Run(no_address=True)
    yield "no address", run.until_up(120_000) is None and len(run.did("connect")) > 3

    # sockets fail although isconnected() says yes: the radio is begun anew
    run = Run(lies=True)
    run.until_up(60_000)
    run.world.from_ms = None
    asked = 0
    while not run.did("off"):
        run.world.now_ms += 10_000
        run.wlan.up(run.world.now_ms)
        asked += 1
        assert asked < 50
    yield "lies", asked <= DOUBT + 2
    run.world.from_ms = 0
    run.world.lies = False
    yield "lies no more", run.until_up(120_000) is not None

    # a broker that is restarted now and then is no reason to doubt
    run = Run()
    run.until_up(60_000)
    for _ in range(50):
        run.world.now_ms += 300_000
        assert run.wlan.up(run.world.now_ms)
    yield "no doubt without reason", not run.did("off")

    # wrong password: it goes on trying, and the right one is taken as soon as the access point has it
    run = Run(password="khac")
    yield "wrong password", run.until_up(600_000) is None and len(run.did("connect")) > 20
    run.world.password = "mat-khau"
    yield "password mended", run.until_up(60_000) is not None

    # it says when nothing has helped for hours, and not before
    run = Run(from_ms=None)
    yield "not stuck yet", run.until_up(STUCK_MS - 60_000, 5_000) is None and not run.wlan.stuck(run.world.now_ms)
    yield "stuck", run.until_up(120_000, 5_000) is None and run.wlan.stuck(run.world.now_ms)
    run.world.from_ms = 0
    yield "not stuck any more", run.until_up(60_000) is not None and not run.wlan.stuck(run.world.now_ms)

    # connect while it connects raises, and nothing comes of that
    run = Run(from_ms=None)
    run.wlan.up(0)
    run.wlan._station.disconnect = lambda: None  # a driver that does not let go
    run.world.now_ms = TRY_MS + 1
    yield "double connect", run.wlan.up(run.world.now_ms) is False
    yield "signal", Run().wlan.rssi() is None
    run = Run()
    run.until_up(60_000)
    run.wlan.off()
    yield "off", not run.wlan._station.active() and run.until_up(300_000) is not None


good = 0
for name, holds in cases():
    if not holds:
        print("FAILED", name)
    good += holds
print("good", good)
