"""Who may use the broker, and what of it: one user for each node and each process that talks to it.

Rules
1. A node's user is its id, and the broker takes the user for the client id: nobody can push another one off.
2. A gateway process has a dot in its name, which no node id can have. Each may do only its own part: ingest reads,
   acknowledges and hears its own echo, control commands, listen reads all and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.village import Village
from gateway.secrets import CONTROL, INGEST, LISTEN, Secrets
from wire import topics

__all__ = ["CONTROL", "INGEST", "LISTEN", "Access", "access", "passwords"]

Access = list[tuple[str, str]]


def passwords(secrets: Secrets) -> dict[str, str]:
    """By user."""
    nodes = {node: secret.password for node, secret in secrets.nodes.items()}
    return {**nodes, **secrets.mqtt}


def access(village: Village) -> Mapping[str, Access]:
    """What each user may ("read" or "write", topic filter)."""
    gateway = topics.gateway_acl(village.id)
    commands = [entry for entry in gateway if entry[1].endswith("/" + topics.COMMAND)]
    echo = topics.echo_topic(village.id)
    return {
        **{node: topics.node_acl(village.id, node) for node in village.nodes},
        INGEST: [entry for entry in gateway if entry not in commands] + [("read", echo), ("write", echo)],
        CONTROL: commands,
        LISTEN: [("read", name) for _, name in gateway],
    }
