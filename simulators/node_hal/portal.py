"""A simulated node that is being set up: its access point is a port of this machine, its Wi-Fi is always there.

Functions and meanings as in firmware/hal/portal.py.

Environment
    HOIQUAN_PORTAL         host:port of the form; without it a node is never set up, and one without a config dies
    HOIQUAN_PORTAL_MS      how long it is open; default 10 minutes
    HOIQUAN_BUTTON         "1": the button is held at start
    HOIQUAN_WIFI           "ssid password" of the one Wi-Fi that can be joined; default: any
    HOIQUAN_BOARD          path of a board file (firmware/hal/boards), whose wiring is merged into the config
"""

import errno
import json
import os
import socket
import sys

RESTART = 42
JOIN_MS = 1_000
SHOW_MS = 1_500
OPEN_MS = int(os.getenv("HOIQUAN_PORTAL_MS") or 600_000)

_file = open
_joined = False
_listener = None


def wanted() -> bool:
    """Whether this start is for setting up."""
    from node import lastgood

    if not os.getenv("HOIQUAN_PORTAL"):
        return False
    slots = (os.getenv("HOIQUAN_NODE_FLASH") or "node.flash") + "."
    places = [_path()] + [slots + slot for slot in lastgood.SLOTS]
    return not any(_is_there(place) for place in places) or os.getenv("HOIQUAN_BUTTON") == "1"


def _is_there(path: str) -> bool:
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def _path() -> str:
    return os.getenv("HOIQUAN_NODE_CONFIG") or "node.json"


def open() -> socket.socket:
    """Open the access point; a socket that listens for phones."""
    global _listener
    host, _, port = os.getenv("HOIQUAN_PORTAL").partition(":")
    _listener = socket.socket()
    _listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _listener.bind(socket.getaddrinfo(host, int(port))[0][-1])
    _listener.listen(4)
    _listener.setblocking(False)
    return _listener


def close() -> None:
    """Shut the access point."""
    global _listener
    if _listener is not None:
        _listener.close()
        _listener = None


def console():
    """Bytes that somebody types over USB."""
    return sys.stdin.buffer


def join(ssid: str, password: str) -> None:
    """Begin to join a Wi-Fi."""
    global _joined
    _joined = (os.getenv("HOIQUAN_WIFI") or ssid + " " + password) == ssid + " " + password


def joined() -> bool:
    return _joined


def leave() -> None:
    global _joined
    _joined = False


def connect(host: str, port: int) -> socket.socket:
    """A socket that still connects. OSError."""
    opened = socket.socket()
    opened.setblocking(False)
    try:
        opened.connect(socket.getaddrinfo(host, port)[0][-1])
    except OSError as error:
        if error.errno != errno.EINPROGRESS:
            opened.close()
            raise
    return opened


def wiring() -> tuple[tuple, tuple]:
    """What the board file says of sensors and outputs."""
    name = os.getenv("HOIQUAN_BOARD")
    if not name:
        return (), ()
    found = {}
    with _file(name) as source:
        exec(source.read(), found)
    return found.get("SENSORS", ()), found.get("OUTPUTS", ())


def keep(config: dict) -> None:
    """Write the config. OSError when it cannot be written."""
    fresh = _path() + ".new"
    with _file(fresh, "w") as file:
        json.dump(config, file)
    os.rename(fresh, _path())


def restart() -> None:
    """Start anew; does not return."""
    sys.exit(RESTART)
