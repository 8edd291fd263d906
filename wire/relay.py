"""What a gateway and its nodes agree on about nodes out of Wi-Fi reach (leaves) and who speaks for them (bridges).

Rules
1. The key of the hop between a bridge and a leaf follows from the bridge's own key and the leaf's id. So a bridge needs
   no list of its leaves, and neither a new leaf nor a replaced one needs anything of its bridge. New secrets of a
   bridge mean a new config for each of its leaves.
2. On the air a leaf is named by ADDRESS_BYTES of the hash of its id: provisioning refuses two leaves of one bridge that
   would have the same.
"""

from hashlib import sha256

from wire.seal import Sealer

ADDRESS_BYTES = 4
MAX_LEAVES = 8  # of one bridge


def hop_key(bridge_key: bytes, leaf: str) -> bytes:
    """The 32 bytes of the key between a bridge and one leaf."""
    own = Sealer(bridge_key)
    return own.tag("hop/" + leaf, b"1") + own.tag("hop/" + leaf, b"2")


def address(leaf: str) -> bytes:
    return sha256(leaf.encode()).digest()[:ADDRESS_BYTES]
