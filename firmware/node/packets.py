"""The bytes of MQTT 3.1.1 packets, as far as one node needs them. No state.

Rules
1. What goes out is checked by assertions: a wrong call is our own fault.
2. What comes in is checked here or where it is taken; ProtocolError is the one error that bytes can raise.
3. Clause numbers in brackets are those of the OASIS standard of 29 October 2014.
"""

CONNACK = 2
PUBLISH = 3
PUBACK = 4
SUBACK = 9
PINGRESP = 13

DUP = 0x08
RETAIN = 0x01
PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"
MAX_LENGTH = (1 << 28) - 1


class ProtocolError(Exception):
    """The peer's fault, or the network's. ``code`` is short and stable, for counters and traces."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def subscribe(packet_id: int, topic_filters: list[str]) -> bytes:
    """SUBSCRIBE with QoS 1 to one or more filters [MQTT-3.8.3-3]."""
    assert topic_filters
    body = packet_id.to_bytes(2, "big")
    for topic_filter in topic_filters:
        body += text(topic_filter) + b"\x01"
    return b"\x82" + remaining_length(len(body)) + body  # flags 0010 [MQTT-3.8.1-1]


def publish_into(packet: memoryview, topic: bytes, payload: bytes, packet_id: int) -> int:
    """Write a PUBLISH (QoS 1, DUP 0, not retained) into ``packet``; its length."""
    topic_size = len(topic)
    size = 2 + topic_size + 2 + len(payload)
    length = remaining_length(size)
    assert topic_size and 1 + len(length) + size <= len(packet)
    packet[0] = PUBLISH << 4 | 0x02
    at = 1
    for byte in length:
        packet[at] = byte
        at += 1
    at = _put_int(packet, at, topic_size)
    packet[at : at + topic_size] = topic
    at = _put_int(packet, at + topic_size, packet_id)
    packet[at : at + len(payload)] = payload
    return at + len(payload)


def puback(packet_id: int) -> bytes:
    return b"\x40\x02" + packet_id.to_bytes(2, "big")


def text(value: str | bytes) -> bytes:
    """A string of section 1.5.3, or binary data with the same two bytes of length before it."""
    data = value if isinstance(value, bytes) else value.encode()
    assert len(data) <= 0xFFFF
    return len(data).to_bytes(2, "big") + data


def remaining_length(size: int) -> bytes:
    """Section 2.2.3: seven bits a byte, low ones first, the top bit says that more follow."""
    assert 0 <= size <= MAX_LENGTH
    encoded = b""
    while True:
        byte = size & 0x7F
        size >>= 7
        encoded += bytes((byte | 0x80 if size else byte,))
        if not size:
            return encoded


def fixed_header(data: memoryview, start: int, end: int) -> tuple[int, int]:
    """(bytes of the header, bytes after it) of the packet at ``start``; (0, 0) while the header is not complete."""
    size = 0
    for i in range(1, min(5, end - start)):
        byte = data[start + i]
        size |= (byte & 0x7F) << 7 * (i - 1)
        if byte < 0x80:
            return i + 1, size
        if i == 4:
            raise ProtocolError("length")
    return 0, 0


def topic_name(data: memoryview) -> str:
    """The topic of a PUBLISH as a str."""
    try:
        topic = str(bytes(data), "utf-8")
    except UnicodeError:
        raise ProtocolError("utf8")  # [MQTT-1.5.3-1]
    if "\0" in topic or "+" in topic or "#" in topic:
        raise ProtocolError("topic")  # [MQTT-1.5.3-2] [MQTT-3.3.2-2]
    return topic


def get_int(data: memoryview, at: int) -> int:
    return data[at] << 8 | data[at + 1]


def _put_int(packet: memoryview, at: int, value: int) -> int:
    packet[at] = value >> 8
    packet[at + 1] = value & 0xFF
    return at + 2
