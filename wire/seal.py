"""The seal: HMAC-SHA256 (RFC 2104), cut to 16 bytes, over the topic and the frame.

Rules
1. One key of 32 random bytes for each node, known to the node and its gateway only. It is not the broker's
   password: who owns the broker still cannot open a valve.
2. The topic is part of what is sealed, so a frame cannot be moved to another node, direction or kind.
3. The comparison takes the same time wherever the difference is.
4. A seal says who, not when: freshness is the command's own counter and nonce.
"""

import hashlib

from wire.errors import WireError

KEY_BYTES = 32
TAG_BYTES = 16
_BLOCK = 64


def _pad(key: bytes, byte: int) -> bytes:
    return bytes(b ^ byte for b in key) + bytes((byte,)) * (_BLOCK - len(key))


class Sealer:
    """Seals and opens frames with one key; the key's two blocks are hashed in advance."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise WireError("bad_key", "length")
        self._inner = _pad(key, 0x36)
        self._outer = _pad(key, 0x5C)

    def tag(self, topic: str, frame: bytes) -> bytes:
        inner = hashlib.sha256(self._inner)
        inner.update(topic.encode())
        inner.update(b"\0")
        inner.update(frame)
        outer = hashlib.sha256(self._outer)
        outer.update(inner.digest())
        return outer.digest()[:TAG_BYTES]

    def seal(self, topic: str, frame: bytes) -> bytes:
        """The frame with its tag behind it."""
        return bytes(frame) + self.tag(topic, frame)

    def unseal(self, topic: str, sealed: bytes) -> bytes:
        """The frame, if the tag is right. Raises WireError ``bad_seal``."""
        if len(sealed) <= TAG_BYTES:
            raise WireError("bad_seal", "short")
        frame = bytes(sealed[:-TAG_BYTES])
        expected = self.tag(topic, frame)
        given = sealed[-TAG_BYTES:]
        difference = 0
        for i in range(TAG_BYTES):
            difference |= expected[i] ^ given[i]
        if difference:
            raise WireError("bad_seal")
        return frame


def seal(key: bytes, topic: str, frame: bytes) -> bytes:
    """One-off ``Sealer(key).seal``."""
    return Sealer(key).seal(topic, frame)


def unseal(key: bytes, topic: str, sealed: bytes) -> bytes:
    """One-off ``Sealer(key).unseal``."""
    return Sealer(key).unseal(topic, sealed)
