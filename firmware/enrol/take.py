"""From the bytes that the gateway gave to a config that this board can live with. Pure.

Rules
1. All or nothing: a config that lacks something, or does not fit the board, is a ValueError with one line, and what
   the node had before stays.
2. What hangs on how a board is wired comes from its board file: drivers and pins of sensors and outputs are matched by
   field and channel, and by index. A board without such a file takes the config as it is.
3. The Wi-Fi is what the technician typed. The gateway does not know its password.
"""

import json

from node import broker, lease


def config(data: bytes, node: str, ssid: str, password: str, sensors: tuple = (), outputs: tuple = ()) -> dict:
    """The whole config. Raises ValueError."""
    try:
        found = json.loads(data)
    except ValueError:
        raise ValueError("not JSON")
    if not isinstance(found, dict):
        raise ValueError("not a table")
    try:
        _check(found, node)
        if sensors:
            found["sensors"] = [_wired(s, sensors, ("field", "channel"), "sensor") for s in found["sensors"]]
        if outputs:
            found["outputs"] = [_wired(o, outputs, ("index",), "output") for o in found["outputs"]]
        lease.outputs_of(found)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("%r is missing or wrong" % (error.args or ("?",))[0])
    found["wifi"] = {"ssid": ssid, "password": password}
    return found


def _check(found: dict, node: str) -> None:
    if found["node"] != node:
        raise ValueError("for another node")
    _is_key(found["key"])
    _are_texts(found, ("village", "model", "name"))
    if found.get("bridge"):
        _is_key(found["bridge"]["hop"])
        return
    told = found["broker"]
    broker.address(told)
    _are_texts(told, ("server_name", "user", "password"))
    if not (told.get("ca_pem") or told.get("ca_der_hex")):
        raise ValueError("broker: no authority")


def _is_key(text: str) -> None:
    if len(bytes.fromhex(text)) != 32:
        raise ValueError("a key is wrong")


def _are_texts(found: dict, names: tuple) -> None:
    for name in names:
        if not isinstance(found[name], str):
            raise ValueError(name + " is wrong")


def _wired(entry: dict, board: tuple, keys: tuple[str, ...], what: str) -> dict:
    """The entry with what the board says of the same sensor or output; what the gateway says goes before."""
    for own in board:
        if all(own[key] == entry[key] for key in keys):
            whole = dict(own)
            whole.update(entry)
            return whole
    raise ValueError("%s %s is not on this board" % (what, "/".join(str(entry[key]) for key in keys)))
