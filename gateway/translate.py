"""Between what is stored and what the irrigation's core is given: rows in, effects out.

Rules
1. Nothing is judged here but one thing: a node whose clock is ahead cannot make its reading younger than its arrival.
"""

from __future__ import annotations

import json

from gateway.core.reasons import vietnamese
from gateway.core.rows import Boot
from gateway.core.types import Decide, Facts, Intent, Link, Reading, Receipt, Send, SensorRef
from gateway.dispatch import DECIDED, Waiting
from gateway.store import control as stored
from gateway.store.data import Latest, StoredReading, StoredReceipt
from gateway.store.village import Intent as StoredIntent
from wire import commands as wire_commands
from wire import fields


def reading(row: StoredReading) -> Reading:
    measured_at_ms = min(row.measured_ms, row.received_ms)
    timed = row.time_q != fields.CLOCK_NONE
    return Reading(SensorRef(row.node, row.field, row.channel), measured_at_ms, row.value, row.flag, timed)


def latest_reading(row: Latest) -> Reading:
    measured_at_ms = min(row.measured_ms, row.received_ms)
    return Reading(SensorRef(row.node, row.field, row.channel), measured_at_ms, row.value, row.flag)


def receipt(row: StoredReceipt) -> Receipt:
    return Receipt(
        row.node, row.boot, row.counter, row.status, row.output, row.outputs_mask, row.until_uptime_ms, row.uptime_ms
    )


def link(boot: Boot) -> Link:
    return Link(boot.node, boot.boot, boot.nonce, boot.offset_ms, boot.last_received_ms)


def intent(row: StoredIntent) -> Intent:
    return Intent(row.id, row.at_ms, row.expires_ms, row.kind, row.zone, row.minutes, row.user)


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
