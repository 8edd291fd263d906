"""Packets between a leaf, out of Wi-Fi reach, and its bridge: at most 250 bytes each, as ESP-NOW carries them.

    byte 0 MAGIC · 1 kind · 2..5 the leaf's address · body · 6 bytes of tag

Rules
1. The frames of a leaf travel sealed, as over MQTT: a bridge can neither read a key out of them nor forge one. What is
   here protects only the hop: nobody else's packets take room, none is taken twice, and none from another time.
2. The key of the hop, and how a leaf is named on the air, are in wire/relay.py.
3. Every packet has a tag: HMAC by the hop's key over the session and the packet. The session is a nonce of each side;
   JOIN and WELCOME, which exchange them, have none.
4. What is here never raises, whatever comes in.
"""

from wire.relay import ADDRESS_BYTES
from wire.seal import Sealer

MAGIC = 0xA7
JOIN, WELCOME, UP, DOWN, UP_ACK, DOWN_ACK = 1, 2, 3, 4, 5, 6
MAX_PACKET = 250
TAG_BYTES = 6
NONCE_BYTES = 4
HEAD_BYTES = 2 + ADDRESS_BYTES
PART_HEAD_BYTES = 5  # id (2), kind, index, count
MAX_CHUNK = MAX_PACKET - HEAD_BYTES - PART_HEAD_BYTES - TAG_BYTES
MAX_PARTS = 5  # 1165 bytes: a sealed frame has 1040 at most
PARTIAL, DONE, BUSY = 0, 1, 2  # what an acknowledgement says of a message
ONLINE = 1  # flag of WELCOME and UP_ACK: the bridge has its broker
# Stable numbers: a leaf and its bridge may be of different versions.
KINDS = ("hello", "readings", "receipt", "gone", "ack", "command")


def session(leaf_nonce: bytes, bridge_nonce: bytes) -> str:
    """What tags of a session are made over, beside the packet."""
    return "".join("%02x" % byte for byte in leaf_nonce + bridge_nonce)


def packet(hop: Sealer, name: str, kind: int, leaf_address: bytes, body: bytes) -> bytes:
    """A packet with its tag; ``name`` is the session, "" before there is one."""
    made = bytes((MAGIC, kind)) + leaf_address + body
    return made + hop.tag(name, made)[:TAG_BYTES]


def split(data: bytes) -> tuple[int, bytes, bytes] | None:
    """(kind, address, body) of what looks like a packet; its tag is not looked at."""
    if not HEAD_BYTES + TAG_BYTES <= len(data) <= MAX_PACKET or data[0] != MAGIC:
        return None
    return data[1], bytes(data[2:HEAD_BYTES]), bytes(data[HEAD_BYTES:-TAG_BYTES])


def tagged(hop: Sealer, name: str, data: bytes) -> bool:
    """Whether the tag is right."""
    expected = hop.tag(name, bytes(data[:-TAG_BYTES]))
    difference = 0
    for at in range(TAG_BYTES):
        difference |= expected[at] ^ data[at - TAG_BYTES]
    return not difference


def part(number: int, kind: int, index: int, count: int, chunk: bytes) -> bytes:
    """The body of UP and DOWN; ``count`` 0 is a ping."""
    return number.to_bytes(2, "big") + bytes((kind, index, count)) + chunk


def split_part(body: bytes) -> tuple[int, int, int, int, bytes] | None:
    """(number, kind, index, count, chunk)."""
    if len(body) < PART_HEAD_BYTES:
        return None
    kind, index, count = body[2], body[3], body[4]
    if kind >= len(KINDS) or count > MAX_PARTS or index >= max(1, count):
        return None
    return int.from_bytes(body[:2], "big"), kind, index, count, body[PART_HEAD_BYTES:]


def ack(number: int, bitmap: int, state: int, flags: int) -> bytes:
    """The body of UP_ACK and DOWN_ACK."""
    return number.to_bytes(2, "big") + bytes((bitmap, state, flags))


def split_ack(body: bytes) -> tuple[int, int, int, int] | None:
    """(number, bitmap of the parts that are there, state, flags)."""
    if len(body) != 5:
        return None
    return int.from_bytes(body[:2], "big"), body[2], body[3], body[4]
