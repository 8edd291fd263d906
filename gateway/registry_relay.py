"""Nodes out of Wi-Fi reach: ``via`` names the node that speaks for them. What of that can be, and what follows.

Rules
1. One hop: who speaks for others is itself in reach. A bridge speaks for at most MAX_LEAVES.
2. A leaf has no user at the broker; its bridge may write the leaf's ``up`` and read its ``down``, but only what leaves
   need: no updates, no other node. A leaf that is shut out is shut out there too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from gateway.core.village import Node, Village
from gateway.secrets import Secrets
from gateway.strict import RegistryError
from wire import relay, topics

UP_KINDS = (topics.HELLO, topics.READINGS, topics.RECEIPT, topics.GONE)
DOWN_KINDS = (topics.ACK, topics.COMMAND)
GONE_S = 30  # a leaf that was not heard for so long is gone; it says something every 5 s


def check(nodes: Mapping[str, Node]) -> None:
    """Raises RegistryError."""
    for node in nodes.values():
        if not node.via:
            continue
        where = f"node {node.id!r}.via"
        bridge = nodes.get(node.via)
        if bridge is None or bridge is node:
            raise RegistryError("must be the id of another node of this file", where, repr(node.via))
        if bridge.send_s:
            raise RegistryError("must be a node that does not sleep", where, repr(node.via))
        if bridge.via:
            raise RegistryError("must be a node that is in reach of the Wi-Fi itself", where, repr(node.via))
    for bridge_id, count in Counter(node.via for node in nodes.values() if node.via).items():
        if count > relay.MAX_LEAVES:
            raise RegistryError(f"must speak for at most {relay.MAX_LEAVES} others", f"node {bridge_id!r}", str(count))
        addresses = [relay.address(leaf) for leaf in leaves(nodes, bridge_id)]
        if len(set(addresses)) < len(addresses):
            raise RegistryError("must not speak for two nodes whose ids look alike on the air", f"node {bridge_id!r}")


def leaves(nodes: Mapping[str, Node], bridge: str) -> list[str]:
    """Who is spoken for by this node."""
    return [node.id for node in nodes.values() if node.via == bridge]


def access(village: Village, node: Node, shut_out: Collection[str]) -> list[tuple[str, str]]:
    """What a node's own user may do at the broker."""
    if node.via:
        return []
    allowed = topics.node_acl(village.id, node.id)
    for leaf in leaves(village.nodes, node.id):
        if leaf not in shut_out:
            allowed += [("write", topics.topic(village.id, leaf, topics.UP, kind)) for kind in UP_KINDS]
            allowed += [("read", topics.topic(village.id, leaf, topics.DOWN, kind)) for kind in DOWN_KINDS]
    return allowed


def config(village: Village, node: Node, secret: Secrets) -> dict[str, object]:
    """What of a node's config follows from ``via``; a leaf is told nothing of the broker."""
    if node.via:
        hop = relay.hop_key(secret.nodes[node.via].key, node.id)
        return {"broker": {}, "bridge": {"node": node.via, "hop": hop.hex()}}
    return {"relays": {"gone_s": GONE_S}} if leaves(village.nodes, node.id) else {}
