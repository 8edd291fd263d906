"""What a technician tells a new node, from the form or over USB. Pure.

    n=NODE & c=CODE & p=PIN & h=ADDRESS:PORT & s=SSID & w=PASSWORD        as a form sends it, or a QR code holds it

Rules
1. Both ways in are the same text and go through here; what is wrong is one of ERRORS, never an exception.
2. Every value is checked letter by letter before it is used or shown again. The gateway is given by its IPv4 address.
3. A text longer than MAX_TEXT, a name that comes twice, or one that is not known, is no form of ours.
"""

from wire import enrol, topics

NODE, CODE, PIN, HOST, SSID, PASSWORD = "n", "c", "p", "h", "s", "w"
NAMES = (NODE, CODE, PIN, HOST, SSID, PASSWORD)
MAX_TEXT = 768
MAX_SSID = 32
MIN_PASSWORD, MAX_PASSWORD = 8, 63
# In the order in which they are looked for; "form": the text as a whole.
ERRORS = ("form", "node", "code", "pin", "host", "ssid", "password")

_HEX = "0123456789abcdefABCDEF"


def read(text: str) -> tuple[dict[str, str], str]:
    """({name: value} of all NAMES, "") or (the same as far as it is good, the first error)."""
    found, good = _split(text)
    values = {name: found.get(name, "") for name in NAMES}
    values[NODE] = values[NODE].strip()
    values[CODE] = enrol.normal(values[CODE])
    values[PIN] = enrol.normal(values[PIN])
    values[HOST] = values[HOST].strip()
    fits = {
        "node": topics.id_ok(values[NODE]),
        "code": enrol.code_ok(values[CODE]),
        "pin": enrol.pin_ok(values[PIN]),
        "host": address(values[HOST]) is not None,
        "ssid": _ssid_ok(values[SSID]),
        "password": _password_ok(values[PASSWORD]),
    }
    for name, error in ((NODE, "node"), (CODE, "code"), (PIN, "pin"), (HOST, "host"), (SSID, "ssid")):
        if not fits[error]:
            values[name] = ""  # never shown again
    if not good:
        return values, "form"
    for error in ERRORS[1:]:
        if not fits[error]:
            return values, error
    return values, ""


def address(text: str) -> tuple[str, int] | None:
    """(IPv4 address, port) of "192.168.1.2:8884"."""
    host, _, port = text.partition(":")
    parts = host.split(".")
    if len(parts) != 4 or not all(_number(part, 255) for part in parts) or not _number(port, 65535) or port == "0":
        return None
    return host, int(port)


def _number(text: str, most: int) -> bool:
    return 1 <= len(text) <= 5 and all(c in "0123456789" for c in text) and int(text) <= most


def _ssid_ok(text: str) -> bool:
    return 1 <= len(text.encode()) <= MAX_SSID and all(ord(c) >= 32 for c in text)


def _password_ok(text: str) -> bool:
    """As WPA2 allows it, or none for an open Wi-Fi."""
    return not text or (MIN_PASSWORD <= len(text) <= MAX_PASSWORD and all(32 <= ord(c) < 127 for c in text))


def _split(text: str) -> tuple[dict[str, str], bool]:
    found = {}
    if len(text) > MAX_TEXT:
        return found, False
    for part in text.split("&"):
        name, equals, value = part.partition("=")
        if not part:
            continue
        decoded = _decoded(value)
        if not equals or name not in NAMES or name in found or decoded is None:
            return found, False
        found[name] = decoded
    return found, True


def _decoded(text: str) -> str | None:
    """What "%C3%A1+b" means; None for what means nothing."""
    data = bytearray()
    at = 0
    raw = text.encode()
    while at < len(raw):
        byte = raw[at]
        if byte == 0x25:
            pair = text_of(raw[at + 1 : at + 3])
            if len(pair) != 2 or pair[0] not in _HEX or pair[1] not in _HEX:
                return None
            byte = int(pair, 16)
            at += 2
        elif byte == 0x2B:
            byte = 0x20
        data.append(byte)
        at += 1
    try:
        return bytes(data).decode()
    except UnicodeError:
        return None


def text_of(data: bytes) -> str:
    """Bytes as text; what is none becomes empty."""
    try:
        return bytes(data).decode()
    except UnicodeError:
        return ""
