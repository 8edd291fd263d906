"""Who may use the broker, and what of it: one user for each node and each process that talks to it.

Rules
1. A node's user is its id, and the broker takes the user for the client id: nobody can push another one off.
2. A gateway process has a dot in its name, which no node id can have. Each may do only its own part: ingest reads,
   acknowledges and hears its own echo, control commands, update offers releases and hands them out, listen reads all
   and writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gateway import registry_relay
from gateway.core.village import Village
from gateway.secrets import CONTROL, INGEST, LISTEN, UPDATE, Secrets
from wire import topics

__all__ = ["CONTROL", "INGEST", "LISTEN", "UPDATE", "Access", "access", "passwords"]

Access = list[tuple[str, str]]


def passwords(secrets: Secrets) -> dict[str, str]:
    """By user; a node that is shut out is none."""
    nodes = {node: secret.password for node, secret in secrets.nodes.items() if node not in secrets.revoked}
    return {**nodes, **secrets.mqtt}


def access(village: Village, shut_out: Collection[str] = ()) -> Mapping[str, Access]:
    """What each user may ("read" or "write", topic filter)."""
    gateway = topics.gateway_acl(village.id)
    commands = [entry for entry in gateway if entry[1].endswith("/" + topics.COMMAND)]
    updates = [entry for entry in gateway if entry[1].rpartition("/")[2] in topics.UPDATE_KINDS]
    echo = topics.echo_topic(village.id)
    return {
        **{node.id: registry_relay.access(village, node, shut_out) for node in village.nodes.values()},
        INGEST: [entry for entry in gateway if entry not in commands + updates] + [("read", echo), ("write", echo)],
        CONTROL: commands,
        UPDATE: updates,
        LISTEN: [("read", name) for _, name in gateway],
    }
