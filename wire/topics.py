"""Topics, and who may use them.

Rules
1. ``hq/1/<village>/<node>/<up|down>/<kind>``: five facts, nothing else, no wildcard in any of them.
2. The node of a message is the node of its topic, because that is what the broker's access list binds to the
   user. What a payload says of itself is never trusted for it.
3. A node writes its own ``up`` and reads its own ``down``. The gateway does the reverse.
4. ``hq/1/<village>/echo`` is what the gateway's ingest sends to itself, and nobody else's.
"""

from wire.errors import WireError

ROOT = "hq/1"
UP = "up"
DOWN = "down"

HELLO = "hello"
READINGS = "readings"
RECEIPT = "receipt"
GONE = "gone"
ASK = "ask"
REPORT = "report"
ACK = "ack"
COMMAND = "command"
OFFER = "offer"
CHUNK = "chunk"

UP_KINDS = (HELLO, READINGS, RECEIPT, GONE, ASK, REPORT)
DOWN_KINDS = (ACK, COMMAND, OFFER, CHUNK)
# What is about updates over the air; wire.updates has their frames.
UPDATE_KINDS = (ASK, REPORT, OFFER, CHUNK)
MAX_ID = 32
MAX_TOPIC = 128

_ID_CHARS = "abcdefghijklmnopqrstuvwxyz0123456789-"


def id_ok(name: str) -> bool:
    """Whether a village or node may have this id: ``[a-z0-9-]``, 1 to 32 characters."""
    if not 1 <= len(name) <= MAX_ID:
        return False
    return all(c in _ID_CHARS for c in name)


def _kinds(direction: str) -> tuple[str, ...]:
    if direction == UP:
        return UP_KINDS
    if direction == DOWN:
        return DOWN_KINDS
    raise WireError("bad_topic", "direction")


def topic(village: str, node: str, direction: str, kind: str) -> str:
    """The topic of one kind of message of one node. Raises WireError ``bad_topic``."""
    if not (id_ok(village) and id_ok(node)):
        raise WireError("bad_topic", "id")
    if kind not in _kinds(direction):
        raise WireError("bad_topic", "kind")
    return "/".join((ROOT, village, node, direction, kind))


def parse(name: str) -> tuple[str, str, str, str]:
    """(village, node, direction, kind) of a topic. Raises WireError ``bad_topic``."""
    if len(name) > MAX_TOPIC:
        raise WireError("bad_topic", "length")
    parts = name.split("/")
    if len(parts) != 6 or parts[0] + "/" + parts[1] != ROOT:
        raise WireError("bad_topic", "shape")
    _, _, village, node, direction, kind = parts
    if not (id_ok(village) and id_ok(node)):
        raise WireError("bad_topic", "id")
    if kind not in _kinds(direction):
        raise WireError("bad_topic", "kind")
    return village, node, direction, kind


def node_acl(village: str, node: str) -> list[tuple[str, str]]:
    """What a node's own user may do: pairs of ("read" or "write", topic)."""
    allowed = [("write", topic(village, node, UP, kind)) for kind in UP_KINDS]
    allowed += [("read", topic(village, node, DOWN, kind)) for kind in DOWN_KINDS]
    return allowed


def gateway_acl(village: str) -> list[tuple[str, str]]:
    """What the gateway's users may do, with ``+`` for any node of the village."""
    if not id_ok(village):
        raise WireError("bad_topic", "id")
    base = ROOT + "/" + village + "/+/"
    allowed = [("read", base + UP + "/" + kind) for kind in UP_KINDS]
    allowed += [("write", base + DOWN + "/" + kind) for kind in DOWN_KINDS]
    return allowed


def echo_topic(village: str) -> str:
    """Where ingest sends to itself, to see how long the broker holds messages back."""
    if not id_ok(village):
        raise WireError("bad_topic", "id")
    return ROOT + "/" + village + "/echo"
