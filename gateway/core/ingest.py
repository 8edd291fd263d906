"""What a message from the broker is worth: rows to keep, bytes to quarantine, and what to acknowledge.

Rules
1. ``Judge.judge`` takes any topic and any bytes and returns a Verdict. It raises nothing, whatever comes in.
2. The node is the node of the topic, because the broker binds that to the user; its key must have sealed the frame.
3. A bad record goes to quarantine with a reason and never takes its neighbours with it. What is quarantined is
   acknowledged like the rest: the node has done its duty, and sending it again would not make it better.
4. Bytes without a valid seal are acknowledged to nobody: who sent them is not known.
5. A raw outside its field's range is quarantined. A value that the calibration puts outside its range is kept at the
   nearest bound and flagged: SUSPECT within SLACK of the range, FAIL beyond. The raw stays as it was.
6. A reading that the node itself calls FAIL or MISSING is kept, with no value if there is none to be had; the fault
   that it names is handed on.
7. A hello is answered once its boot has a time. Of one that the broker held back nobody knows when that was; the
   node says it again soon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.core import boots
from gateway.core.boots import Arrival, Boots
from gateway.core.faults import Fault
from gateway.core.rows import Boot, Quarantined, Reading, Receipt
from gateway.core.village import Calibration, Node, Sensor, Village
from wire import commands, fields, frames, topics
from wire.errors import WireError
from wire.seal import TAG_BYTES, Sealer

MAX_SEALED = frames.MAX_FRAME + TAG_BYTES
# A twentieth of a field's range: how far beyond it a calibrated value is doubtful, but not yet impossible.
SLACK = 20

_Record = tuple[int, int, int, int, int, int, int]
_HEAD_BYTES = 24
_QUALITIES = frozenset(fields.QUALITIES)
_FAULTS = len(fields.FAULT_NAMES)


@dataclass(slots=True)
class Verdict:
    """``boot`` is what is now known of the node's present boot, ``begins`` that this message said hello for it.
    ``ack`` is (node, boot, seqs) to acknowledge after the commit, without seqs when only the time is to be told.
    ``hurry`` asks for a commit at once: somebody waits for the answer. ``count`` names a counter."""

    readings: list[Reading] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    receipt: Receipt | None = None
    boot: Boot | None = None
    begins: bool = False
    quarantine: list[Quarantined] = field(default_factory=list)
    ack: tuple[str, int, list[int]] | None = None
    hurry: bool = False
    count: str = ""


class _Rule(NamedTuple):
    """A field's ranges and the calibration of one sensor, flat for the inner loop."""

    raw_min: int
    raw_max: int
    value_min: int
    value_max: int
    slack: int
    calibration_id: int
    calibration: Calibration | None


class Judge:
    """Judges by one registry and the keys of its nodes; both are compiled once."""

    def __init__(self, village: Village, keys: Mapping[str, bytes]) -> None:
        self._village = village.id
        self._sealers = {node: Sealer(keys[node]) for node in village.nodes}
        self._rules = {node.id: _rules(node) for node in village.nodes.values()}

    def judge(self, topic: str, payload: bytes, arrival: Arrival, known: Boots) -> Verdict:
        """What a message is worth; ``known`` is only read (see ``learn``)."""
        try:
            return self._judge(topic, payload, arrival, known)
        except WireError as error:
            return _refused(arrival.received_ms, topic, error.code, error.detail, payload)

    def _judge(self, topic: str, payload: bytes, arrival: Arrival, known: Boots) -> Verdict:
        village, node, direction, kind = topics.parse(topic)
        if village != self._village or direction != topics.UP:
            raise WireError("foreign_topic")
        sealer = self._sealers.get(node)
        if sealer is None:
            raise WireError("unknown_node", node)
        if len(payload) > MAX_SEALED:
            raise WireError("oversized", f"{len(payload)} bytes")
        frame = sealer.unseal(topic, payload)
        if kind == topics.READINGS:
            return self._readings(node, topic, frame, arrival, known)
        if kind == topics.HELLO:
            return _hello(node, frame, arrival, known)
        if kind == topics.RECEIPT:
            return _receipt(node, frame, arrival, known)
        frames.decode_gone(frame)
        return Verdict(count="gone")

    def _readings(self, node: str, topic: str, frame: bytes, arrival: Arrival, known: Boots) -> Verdict:
        sent = frames.decode_readings(frame)
        received_ms = arrival.received_ms
        verdict = Verdict(count="frames", ack=(node, sent.boot_id, [record[0] for record in sent.records]))
        limit_ms = sent.sent_uptime_ms
        boot = known.get(node, sent.boot_id)
        if boot is None or boot is not known.current(node) or limit_ms > boots.MAX_UPTIME_MS:
            limit_ms = boots.MAX_UPTIME_MS
        else:
            boot = verdict.boot = boots.heard(boot, limit_ms, arrival)
        time = boots.timing(
            sent.clock_offset_ms,
            sent.clock_quality,
            max((record[1] for record in sent.records if record[1] <= limit_ms), default=0),
            boots.estimate_ms(boot, arrival),
            received_ms,
        )
        if time.refused:
            claim = f"offset {sent.clock_offset_ms} ms, quality {sent.clock_quality}: {time.refused}"
            verdict.quarantine.append(Quarantined(received_ms, topic, "bad_clock", claim, frame[:_HEAD_BYTES]))
        context = _Context(node, topic, sent.boot_id, received_ms, limit_ms, time.offset_ms, time.time_q)
        _take(sent.records, self._rules[node], context, verdict)
        return verdict

    def acknowledge(self, node: str, boot_id: int, seqs: list[int], now_ms: int) -> list[tuple[str, bytes]]:
        """The sealed acknowledgements, as (topic, payload): as many as the ranges need, and one if there are none."""
        topic = topics.topic(self._village, node, topics.DOWN, topics.ACK)
        quality = fields.CLOCK_GATEWAY if now_ms >= boots.YEAR_2020_MS else fields.CLOCK_NONE
        ranges = frames.ranges_of(seqs)
        parts = [ranges[i : i + frames.MAX_RANGES] for i in range(0, len(ranges), frames.MAX_RANGES)] or [[]]
        sealer = self._sealers[node]
        return [(topic, sealer.seal(topic, frames.encode_ack(boot_id, now_ms, quality, part))) for part in parts]


def learn(known: Boots, verdict: Verdict) -> None:
    """Take into ``known`` what a verdict has found out, before the next message is judged."""
    if verdict.boot is not None:
        if verdict.begins:
            known.begin(verdict.boot)
        else:
            known.update(verdict.boot)


class _Context(NamedTuple):
    """What all records of a frame have in common."""

    node: str
    topic: str
    boot: int
    received_ms: int
    limit_ms: int
    offset_ms: int | None
    time_q: int


def _take(
    records: tuple[_Record, ...], rules: Mapping[tuple[int, int], _Rule], context: _Context, verdict: Verdict
) -> None:
    """Turn each record into a reading, or put it into quarantine."""
    node, _, boot, received_ms, limit_ms, offset_ms, time_q = context
    # Nothing was measured after it came in; but a gateway that does not know the time cannot say so.
    last_ms = received_ms if received_ms >= boots.YEAR_2020_MS else boots.MAX_WALL_MS
    for record in records:
        seq, uptime_ms, field_id, channel, quality, fault, raw = record
        rule = rules.get((field_id, channel))
        if (
            rule is None
            or seq == 0
            or uptime_ms > limit_ms
            or quality not in _QUALITIES
            or fault >= _FAULTS
            or (not rule.raw_min <= raw <= rule.raw_max and quality < fields.FAIL)
        ):
            verdict.quarantine.append(_poison(record, rule, context))
            continue
        value, flag = _derive(rule, quality, raw)
        measured_ms = received_ms if offset_ms is None else min(offset_ms + uptime_ms, last_ms)
        verdict.readings.append(
            Reading(
                node, boot, seq, field_id, channel, uptime_ms, measured_ms, time_q, received_ms, raw, value, flag,
                rule.calibration_id,
            )
        )  # fmt: skip
        if fault:
            verdict.faults.append(Fault(node, field_id, channel, measured_ms, fault))


def _derive(rule: _Rule, quality: int, raw: int) -> tuple[int | None, int]:
    """The value of a raw, and the flag that both deserve."""
    if quality == fields.MISSING or not rule.raw_min <= raw <= rule.raw_max:
        return None, quality
    value = raw if rule.calibration is None else rule.calibration.apply(raw)
    if rule.value_min <= value <= rule.value_max:
        return value, quality
    bound = rule.value_min if value < rule.value_min else rule.value_max
    doubtful = fields.SUSPECT if abs(value - bound) <= rule.slack else fields.FAIL
    return bound, max(quality, doubtful)


def _poison(record: _Record, rule: _Rule | None, context: _Context) -> Quarantined:
    """The quarantine row of a record: the first thing that is wrong with it."""
    seq, uptime_ms, field_id, channel, quality, fault, raw = record
    if seq == 0:
        reason, detail = "bad_seq", "0"
    elif uptime_ms > context.limit_ms:
        reason, detail = "bad_uptime", f"{uptime_ms} ms, the frame was sent at {context.limit_ms} ms"
    elif rule is None:
        known = any(field_id == f.id for f in fields.FIELDS)
        reason = "unknown_channel" if known else "unknown_field"
        detail = f"field {field_id} channel {channel} of {context.node}"
    elif quality not in _QUALITIES:
        reason, detail = "bad_quality", str(quality)
    elif fault >= _FAULTS:
        reason, detail = "bad_fault", str(fault)
    else:
        name = fields.field(field_id).name
        reason, detail = "raw_out_of_range", f"{name} {raw} is not in {rule.raw_min}..{rule.raw_max}"
    identity = f"boot {context.boot} seq {seq}: {detail}"
    return Quarantined(context.received_ms, context.topic, reason, identity, frames.pack_record(record))


def _refused(received_ms: int, topic: str, reason: str, detail: str, payload: bytes) -> Verdict:
    row = Quarantined(received_ms, topic[: topics.MAX_TOPIC], reason, detail[:200], payload[:MAX_SEALED])
    return Verdict(quarantine=[row], count="refused")


def _hello(node: str, frame: bytes, arrival: Arrival, known: Boots) -> Verdict:
    hello = frames.decode_hello(frame)
    _plausible(hello.uptime_ms)
    boot = known.get(node, hello.boot_id) or Boot(
        node, hello.boot_id, hello.nonce, 0, arrival.received_ms, arrival.received_ms, 0, "", "", 0, 0
    )
    boot = boots.heard(boot, hello.uptime_ms, arrival)._replace(
        nonce=hello.nonce,
        firmware=hello.firmware,
        model=hello.model,
        cause=hello.boot_cause,
        outputs=hello.outputs,
        hello=known.next_hello(),
    )
    ack = (node, hello.boot_id, list[int]()) if boot.steady == arrival.steady else None
    return Verdict(boot=boot, begins=True, ack=ack, hurry=True, count="hellos")


def _receipt(node: str, frame: bytes, arrival: Arrival, known: Boots) -> Verdict:
    sent = commands.decode_receipt(frame)
    _plausible(sent.uptime_ms)
    _plausible(sent.until_uptime_ms)
    row = Receipt(
        node,
        sent.boot_id,
        sent.counter,
        sent.status,
        sent.output,
        sent.outputs_mask,
        sent.until_uptime_ms,
        sent.uptime_ms,
        arrival.received_ms,
    )
    boot = known.get(node, sent.boot_id)
    if boot is None or boot is not known.current(node):
        return Verdict(receipt=row, hurry=True, count="receipts")
    boot = boots.heard(boot, sent.uptime_ms, arrival)._replace(outputs=sent.outputs_mask)
    return Verdict(receipt=row, boot=boot, hurry=True, count="receipts")


def _plausible(uptime_ms: int) -> None:
    if uptime_ms > boots.MAX_UPTIME_MS:
        raise WireError("bad_uptime", f"{uptime_ms} ms")


def _rules(node: Node) -> dict[tuple[int, int], _Rule]:
    return {key: _rule(sensor) for key, sensor in node.channels.items()}


def _rule(sensor: Sensor) -> _Rule:
    what, line = fields.field(sensor.field), sensor.calibration
    return _Rule(
        what.raw_min,
        what.raw_max,
        what.value_min,
        what.value_max,
        (what.value_max - what.value_min) // SLACK,
        line.id if line else 0,
        line,
    )
