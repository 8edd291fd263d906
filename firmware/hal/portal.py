"""A board that is being set up: its button, its own access point, the Wi-Fi that it tries, the place of its config.

Loaded at start, to see whether there is anything to set up, and let go of when there is not. As simulators/node_hal/
portal.py; enrol/session.py uses nothing else.

Rules
1. The access point is opened by ``open`` only, which a start without any config, or with the button held for HOLD_MS,
   leads to (``wanted``). It has WPA2 with a password that is printed on every sheet: it keeps out who passes by, not
   who listens on purpose (docs/provisioning.md).
2. The config is written whole: to a new file, which then takes the old one's name. What the node then lives by, and
   goes back to, is node/lastgood.py.
"""

import json
import os
import socket
import sys
import time

import network
from machine import Pin, reset, unique_id

import hal
from hal import board

OPEN_MS = 600_000
JOIN_MS = 30_000
SHOW_MS = 6_000
HOLD_MS = 3_000
ADDRESS = "192.168.4.1"
PASSWORD = "caidat-hop"
PORT = 80
_BLINK_MS = 500
_CONNECTING = (115, 119)

_file = open
_point = None
_wlan = None


def wanted() -> bool:
    """Whether this start is for setting up."""
    from node import lastgood

    places = [hal.CONFIG_PATH] + ["/" + slot for slot in lastgood.SLOTS]
    return not any(_is_there(place) for place in places) or _held()


def _is_there(path: str) -> bool:
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def _held() -> bool:
    pin = getattr(board, "BUTTON_PIN", None)
    if pin is None:
        return False
    button = Pin(pin, Pin.IN)
    until = time.ticks_add(time.ticks_ms(), HOLD_MS)
    while not button.value():
        if time.ticks_diff(until, time.ticks_ms()) <= 0:
            return True
        hal.feed()
        time.sleep_ms(20)
    return False


def open() -> socket.socket:
    """Open the access point; a socket that listens for phones."""
    global _point
    _point = network.WLAN(network.AP_IF)
    name = "hoiquan-" + "".join("%02X" % byte for byte in unique_id()[-3:])
    _point.active(True)
    _point.config(ssid=name, security=network.AUTH_WPA2_PSK, key=PASSWORD, channel=1, max_clients=4)
    _point.ifconfig((ADDRESS, "255.255.255.0", ADDRESS, ADDRESS))
    print("set up by Wi-Fi", name, "or type here")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(socket.getaddrinfo("0.0.0.0", PORT)[0][-1])
    listener.listen(4)
    listener.setblocking(False)
    return listener


def close() -> None:
    """Shut the access point."""
    global _point
    if _point is not None:
        _point.active(False)
        _point = None
        light(False)


def console():
    """Bytes that somebody types over USB."""
    return sys.stdin.buffer


def light(on: bool) -> None:
    pin = getattr(board, "LED_PIN", None)
    if pin is not None:
        Pin(pin, Pin.OUT, value=1 if on else 0)


def join(ssid: str, password: str) -> None:
    """Begin to join a Wi-Fi."""
    global _wlan
    from hal.wlan import Wlan

    _wlan = Wlan({"ssid": ssid, "password": password})


def joined() -> bool:
    """Whether the Wi-Fi is joined; if not, this has moved it one step on."""
    light(time.ticks_ms() // _BLINK_MS % 2 == 0)
    return _wlan.up(hal.link_ms())


def leave() -> None:
    """Let the Wi-Fi be."""
    station = network.WLAN(network.STA_IF)
    if station.active():
        station.active(False)


def connect(host: str, port: int) -> socket.socket:
    """A socket that still connects. OSError."""
    opened = socket.socket()
    opened.setblocking(False)
    try:
        opened.connect(socket.getaddrinfo(host, port)[0][-1])
    except OSError as error:
        if error.errno not in _CONNECTING:
            opened.close()
            raise
    return opened


def wiring() -> tuple[tuple, tuple]:
    """What the board file says of sensors and outputs."""
    return getattr(board, "SENSORS", ()), getattr(board, "OUTPUTS", ())


def keep(config: dict) -> None:
    """Write the config. ValueError when this board cannot use it, OSError when it cannot be written."""
    from hal import needs

    needs.check(config, board.OUTPUT_PINS)
    bssid = _nearest(config["wifi"]["ssid"])
    if bssid:
        config["wifi"]["bssid"] = bssid
    fresh = hal.CONFIG_PATH + ".new"
    with _file(fresh, "w") as file:
        json.dump(config, file)
    os.rename(fresh, hal.CONFIG_PATH)


def _nearest(ssid: str) -> str:
    """The access point of this name with the strongest signal, in hex: the fast path of wlan.py. Takes some seconds."""
    best = (-1000, "")
    try:
        hal.feed()
        for found in network.WLAN(network.STA_IF).scan():
            if found[0] == ssid.encode():
                best = max(best, (found[3], "".join("%02x" % byte for byte in found[1])))
        hal.feed()
    except OSError:
        pass  # then without
    return best[1]


def restart() -> None:
    """Start anew; does not return."""
    reset()
