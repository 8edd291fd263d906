"""The first packet of every connection. Made once, and kept; so this module need not be.

Rules: those of packets.py.
"""

from .packets import remaining_length, text


def connect(
    client_id: str,
    user: str | None,
    password: str | None,
    will: tuple[bytes, bytes] | None,
    clean_session: bool,
    keepalive_s: int,
) -> bytes:
    """CONNECT; the fields stand in the order of [MQTT-3.1.3-1]. ``will`` is (topic, message) or None."""
    assert client_id or clean_session, "a kept session needs a name [MQTT-3.1.3-7]"
    assert user is not None or password is None, "no password without a user [MQTT-3.1.2-22]"
    assert 0 < keepalive_s <= 0xFFFF
    flags = 0x02 if clean_session else 0
    payload = text(client_id)
    if will is not None:
        flags |= 0x0C  # will, QoS 1, not retained [MQTT-3.1.2-9]
        payload += text(will[0]) + text(will[1])
    if user is not None:
        flags |= 0x80
        payload += text(user)
    if password is not None:
        flags |= 0x40
        payload += text(password)
    body = text("MQTT") + bytes((4, flags)) + keepalive_s.to_bytes(2, "big") + payload
    return b"\x10" + remaining_length(len(body)) + body
