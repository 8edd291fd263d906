"""Between what is stored and what the irrigation's core is given: rows in, effects out.

Rules
1. The irrigation gets its times from uptimes, by the steady clock of this machine, and from nothing else: what was
   made of them at their arrival stands by the wall clock of that day, and a node's own clock may have been ours when
   ours was wrong. So no reading looks younger than it is, whoever has set which clock in between.
2. A boot has a link only while its beginning is known on that clock. A reading counts as timed only if it is of the
   boot of a link: what is older is not worth a decision.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from gateway.core.reasons import vietnamese
from gateway.core.rows import Boot
from gateway.core.types import Decide, Facts, Intent, Link, Reading, Receipt, Send, SensorRef
from gateway.dispatch import DECIDED, Waiting
from gateway.store import control as stored
from gateway.store.data import StoredReading, StoredReceipt
from gateway.store.village import Intent as StoredIntent
from kit.clock import Clock, ahead_ms
from wire import commands as wire_commands


def links(boots: Iterable[Boot], clock: Clock) -> dict[str, Link]:
    """The links of present boots, by node."""
    ahead, steady = ahead_ms(clock), clock.steady_id
    return {boot.node: _link(boot, boot.offset_ms + ahead) for boot in boots if boot.steady == steady}


def _link(boot: Boot, offset_ms: int) -> Link:
    return Link(boot.node, boot.boot, boot.nonce, offset_ms, offset_ms + boot.last_uptime_ms)


def heard_at_ms(boot: Boot, clock: Clock) -> int:
    """When a node sent its last frame, by the wall clock of now. The broker may have kept it for long; when it came in
    counts only while nothing better is known."""
    if boot.steady != clock.steady_id:
        return boot.last_received_ms
    return boot.offset_ms + boot.last_uptime_ms + ahead_ms(clock)


def reading(row: StoredReading, links: Mapping[str, Link]) -> Reading:
    sensor, link = SensorRef(row.node, row.field, row.channel), links.get(row.node)
    if link is None or link.boot != row.boot:
        return Reading(sensor, row.measured_ms, row.value, row.flag, timed=False)
    return Reading(sensor, link.offset_ms + row.uptime_ms, row.value, row.flag, boot=row.boot)


def receipt(row: StoredReceipt) -> Receipt:
    return Receipt(
        row.node, row.boot, row.counter, row.status, row.output, row.outputs_mask, row.until_uptime_ms, row.uptime_ms
    )


def intent(row: StoredIntent) -> Intent:
    return Intent(row.id, row.at_ms, row.expires_ms, row.kind, row.zone, row.minutes, row.user, row.what, row.told_by)


def decision(made: Decide) -> stored.Decision:
    return stored.Decision(
        id=0,
        at_ms=made.at_ms,
        zone=made.zone,
        verdict=made.verdict,
        rule=made.rule,
        inputs=_json(made.inputs),
        limits=_json(made.limits),
        next_check_ms=made.next_check_at_ms,
        text_vi=vietnamese(made),
    )


def _json(facts: Facts) -> str:
    return json.dumps(dict(facts), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def command(send: Send, decision_id: int, now_ms: int) -> stored.Command:
    return stored.Command(
        id=0,
        at_ms=now_ms,
        node=send.node,
        boot=send.boot,
        counter=send.counter,
        action=send.action,
        output=send.output,
        duration_ms=send.duration_ms,
        expires_uptime_ms=send.expires_uptime_ms,
        zone=send.zone,
        decision_id=decision_id,
        state=DECIDED,
        sent_ms=None,
        answered_ms=None,
        status=None,
    )


def waiting(row: int, send: Send) -> Waiting:
    order = wire_commands.Command(
        send.counter, send.nonce, send.action, send.output, send.duration_ms, send.expires_uptime_ms
    )
    return Waiting(row, send.node, send.boot, order, send.expires_at_ms)
