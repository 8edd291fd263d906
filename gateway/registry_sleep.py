"""Which nodes of the registry sleep: those that say how often they send (``send_s``).

Rules
1. Who sleeps moves nothing and speaks for nobody: nobody would end a lease. So a node with outputs has no ``send_s``.
   Nor has one with a rain gauge or a flow meter: nobody would count, and it would tell no rain.
2. What waits for its readings must be able to wait: a garden is blind when its probe was not heard for BLIND_S.
"""

from __future__ import annotations

from gateway.core.village import Node
from gateway.strict import Table
from wire import fields

LEAST_S, MOST_S = 60, 3600
BLIND_S = 29 * 60  # a minute less than what pages call stale


def send_s(t: Table) -> int:
    """How often the node sends; 0: at once, it does not sleep."""
    return t.whole("send_s", LEAST_S, MOST_S) if t.has("send_s") else 0


def check(t: Table, node: Node) -> None:
    if node.send_s and (node.outputs or node.via):
        t.refuse("send_s", "left out where the node has outputs or a via: who sleeps ends nothing")
    if node.send_s and any(sensor.field in (fields.RAIN, fields.FLOW) for sensor in node.sensors):
        t.refuse("send_s", "left out where the node has rain or flow: who sleeps counts nothing")
    if node.send_s and node.send_s < node.sample_s:
        t.refuse("send_s", f"at least sample_s ({node.sample_s})")


def check_probe(t: Table, node: Node) -> None:
    """A garden's probe must be heard often enough."""
    if node.send_s and node.sample_s + node.send_s > BLIND_S:
        most = BLIND_S - node.sample_s
        t.refuse("probes", f"nodes that are heard in time; send_s of {node.id} may be {most} at most for a garden")
