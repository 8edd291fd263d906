"""MQTT packets for tests of the node's client: read and written independently of it, as far as is needed."""

from collections.abc import Iterator
from dataclasses import dataclass

from firmware.node.mqtt import ACKED, CONNECTED, MESSAGE, SUBSCRIBED, Client

CONNACK = b"\x20\x02\x00\x00"
PINGRESP = b"\xd0\x00"
TOPIC = b"hq/1/v/n1/up/readings"


# An independent reading and writing of the packets, only as far as these tests need it


@dataclass(frozen=True)
class Packet:
    first: int
    body: bytes

    @property
    def kind(self) -> int:
        return self.first >> 4

    def publish(self) -> tuple[bytes, int, bytes]:
        """(topic, packet id, payload) of a PUBLISH with QoS 1."""
        size = int.from_bytes(self.body[:2], "big")
        rest = self.body[2 + size :]
        return self.body[2 : 2 + size], int.from_bytes(rest[:2], "big"), rest[2:]


def split(stream: bytes) -> Iterator[Packet]:
    at = 0
    while at < len(stream):
        size, shift, start = 0, 0, at + 1
        while True:
            byte = stream[start]
            size |= (byte & 127) << shift
            shift, start = shift + 7, start + 1
            if byte < 128:
                break
        assert start + size <= len(stream), "half a packet"
        yield Packet(stream[at], stream[start : start + size])
        at = start + size


def packet(first: int, body: bytes) -> bytes:
    size, encoded = len(body), b""
    while True:
        encoded += bytes(((size & 127) | (128 if size > 127 else 0),))
        size >>= 7
        if not size:
            return bytes((first,)) + encoded + body


def message(topic: bytes, payload: bytes, packet_id: int = 0, flags: int = 0) -> bytes:
    qos = 0x02 if packet_id else 0
    identity = packet_id.to_bytes(2, "big") if packet_id else b""
    return packet(0x30 | qos | flags, len(topic).to_bytes(2, "big") + topic + identity + payload)


def puback(packet_id: int) -> bytes:
    return b"\x40\x02" + packet_id.to_bytes(2, "big")


# Driving the client


def feed(client: Client, data: bytes, now_ms: int = 0) -> list[tuple[int, object]]:
    """Give it bytes; the events, with what belongs to each."""
    events: list[tuple[int, object]] = []
    while True:
        room = client.rx_room()
        count = min(len(room), len(data))
        room[:count] = data[:count]
        if count:
            client.received(count)
        data = data[count:]
        while event := client.next_event(now_ms):
            events.append((event, described(client, event)))
        if not data:
            return events
        assert count, "it takes nothing more in"


def described(client: Client, event: int) -> object:
    if event == MESSAGE:
        return client.topic, bytes(client.payload), client.retain, client.qos
    return {CONNECTED: client.session_present, ACKED: client.packet_id, SUBSCRIBED: None}[event]


def drain(client: Client) -> list[Packet]:
    stream = bytes(client.tx_pending())
    client.sent(len(stream))
    return list(split(stream))


def opened(now_ms: int = 0, **options: object) -> Client:
    client = Client("n1", "n1", "secret", (b"t/gone", b"bye"), **options)  # type: ignore[arg-type]
    client.connect(now_ms)
    drain(client)
    assert feed(client, CONNACK, now_ms) == [(CONNECTED, False)]
    return client


def give(client: Client, payload: bytes, now_ms: int = 0) -> int:
    packet_id: int = client.publish(TOPIC, payload, now_ms)
    return packet_id
