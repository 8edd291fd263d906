"""One output as the gateway knows it: the lease, the answer, and what happens when there is none.

Rules
1. An output is opened, or kept open, by OPEN with a length: a lease. It is renewed after a third of it (S1).
2. A command has no answer until its receipt comes. After ``answer_ms`` the output is UNKNOWN, never "ok" and never
   "failed": CLOSE is sent, then ``close_retries`` more; then it is quarantined and somebody is called (S9).
3. A quarantined output is used again only when its node has proved that it is off: by a receipt, or by a new boot,
   because a node switches everything off before anything else (S2). Each time the node is heard it is asked again.
4. A receipt counts if it is of the node's present boot. The answer to the awaited command always counts; what else a
   receipt shows of an output (``outputs_mask``) counts only if no newer receipt was heard, and none of the same
   millisecond that was about this output: of two that a node made at once nobody knows which came first.
5. An output that is on although nobody asked for it is closed.
6. When it went on and off is what its node tells, by receipts and by readings of its outputs: these may be read much
   later, when the gateway was away. The estimate of a node's start is late, never early, and so are these times.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.core.rules import Rule
from gateway.core.state import NodeState, OutputState, Phase
from gateway.core.turn import Turn
from gateway.core.types import Link, OutputRef, Reading, Receipt
from wire import commands

MAYBE_ON = (Phase.OPENING, Phase.OPEN, Phase.ASKING)
AT_REST = (Phase.CLOSED, Phase.QUARANTINED)


def open_for(turn: Turn, ref: OutputRef, lease_ms: int) -> None:
    """Open an output, or keep it open, for ``lease_ms`` from now."""
    before = turn.output(ref)
    counter = turn.send(ref.node, commands.OPEN, ref.output, lease_ms, turn.user_of.get(ref.key, ""))
    turn.outputs[ref.key] = replace(
        before,
        phase=Phase.OPEN if before.phase is Phase.OPEN else Phase.OPENING,
        counter=counter,
        asked_at_ms=turn.now_ms,
        granted_at_ms=turn.now_ms,
        lease_ms=lease_ms,
        # The node may take the command as late as it expires, and count the lease from there.
        until_at_ms=turn.now_ms + turn.limits.answer_ms + lease_ms,
        closes=0,
        trouble=None,
        status=0,
    )


def close(turn: Turn, ref: OutputRef) -> None:
    """Close an output that is, or may be, on."""
    before = turn.output(ref)
    counter = turn.send(ref.node, commands.CLOSE, ref.output, 0, turn.user_of.get(ref.key, ""))
    turn.outputs[ref.key] = replace(
        before,
        phase=Phase.UNKNOWN if before.phase is Phase.UNKNOWN else Phase.CLOSING,
        counter=counter,
        asked_at_ms=turn.now_ms,
        closes=before.closes + 1,
    )


def renewal_due(turn: Turn, output: OutputState, ends_at_ms: int) -> bool:
    """Whether an open output should be asked again for its lease; the last one reaches to the end of the run."""
    if output.phase is not Phase.OPEN or output.asked_at_ms is not None:
        return False
    enough = output.until_at_ms + turn.limits.answer_ms // 10 >= ends_at_ms
    return not enough and turn.now_ms - output.granted_at_ms >= output.lease_ms // 3


def needs_close(output: OutputState) -> bool:
    """Whether it may be on and has not been told to close yet."""
    return output.phase in MAYBE_ON or (output.phase is Phase.UNKNOWN and output.closes == 0)


# ---- what is heard


def meet(turn: Turn, link: Link) -> None:
    """Take note of a node's present boot. A new boot has every output off (S2) and begins a new nonce."""
    node = turn.nodes.get(link.node)
    if node is not None and node.boot == link.boot:
        if node.booted_at_ms != link.offset_ms:
            turn.nodes[link.node] = replace(node, booted_at_ms=link.offset_ms)
        return
    turn.nodes[link.node] = NodeState(
        boot=link.boot,
        counter=node.counter if node else 0,
        booted_at_ms=link.offset_ms,
    )
    for ref in turn.refs_of.get(link.node, ()):
        output = turn.output(ref)
        if output.phase is not Phase.CLOSED:
            _off(turn, ref, trouble=Rule.NODE_RESTARTED)
        # A node lets its outputs rest from its start on; so do we.
        closed_at_ms = min(turn.now_ms, max(link.offset_ms, turn.output(ref).closed_at_ms or 0))
        turn.outputs[ref.key] = replace(turn.output(ref), closed_at_ms=closed_at_ms, heard_uptime_ms=0)


def ask_all(turn: Turn) -> None:
    """After a restart: what is thought open is asked for; and what is on without being thought so comes to light."""
    for node_id, refs in turn.refs_of.items():
        waiting = [r for r in refs if turn.output(r).phase is Phase.OPEN and turn.output(r).asked_at_ms is None]
        if not waiting and node_id not in turn.links:
            continue
        counter = turn.send(node_id, commands.QUERY, commands.NO_OUTPUT, 0, "")
        for ref in waiting:
            turn.outputs[ref.key] = replace(
                turn.output(ref), phase=Phase.ASKING, counter=counter, asked_at_ms=turn.now_ms
            )


def witness(turn: Turn, reading: Reading) -> None:
    """A reading of an output's state: it may come hours later than the receipt that was lost."""
    ref = OutputRef(reading.sensor.node, reading.sensor.channel)
    output = turn.outputs.get(ref.key)
    if output is None or reading.value is None or not reading.timed or reading.measured_at_ms > turn.now_ms:
        return
    if reading.value:
        _went_on(turn, ref, reading.measured_at_ms)
    elif output.opened_at_ms is not None and reading.measured_at_ms >= output.granted_at_ms:
        until_at_ms = max(output.opened_at_ms, min(output.until_at_ms, reading.measured_at_ms))
        turn.outputs[ref.key] = replace(output, until_at_ms=until_at_ms)


def hear(turn: Turn, receipt: Receipt) -> None:
    """Apply one receipt to the outputs of its node."""
    node = turn.nodes.get(receipt.node)
    if node is None or receipt.boot != node.boot:
        return
    newest = receipt.uptime_ms >= node.heard_uptime_ms
    if newest:
        turn.nodes[receipt.node] = replace(node, heard_uptime_ms=receipt.uptime_ms)
    for ref in turn.refs_of.get(receipt.node, ()):
        output = turn.output(ref)
        ended = receipt.status >= commands.ENDED_LEASE
        if ended and receipt.output == ref.output and receipt.uptime_ms >= output.heard_uptime_ms:
            _ended(turn, ref, receipt)
        elif not ended and output.asked_at_ms is not None and receipt.counter == output.counter:
            _answered(turn, ref, receipt)
        elif newest and output.asked_at_ms is None and receipt.uptime_ms > output.heard_uptime_ms:
            _glimpsed(turn, ref, receipt)


def _answered(turn: Turn, ref: OutputRef, receipt: Receipt) -> None:
    """The answer to the awaited command."""
    output = replace(turn.output(ref), asked_at_ms=None, heard_uptime_ms=receipt.uptime_ms)
    on = receipt.is_on(ref.output)
    turn.outputs[ref.key] = output
    if commands.is_refusal(receipt.status):
        output = replace(output, trouble=output.trouble or Rule.NODE_REFUSED, status=receipt.status)
        turn.outputs[ref.key] = output
    if output.phase in (Phase.CLOSING, Phase.UNKNOWN):
        if on:
            _try_again(turn, ref)
        else:
            _off(turn, ref, at_ms=_told_at_ms(turn, receipt))
    elif not on:
        # Refused, or gone by itself before it could tell: in either case it is off.
        _off(turn, ref, trouble=output.trouble or Rule.LEASE_ENDED)
    else:
        _on(turn, ref, receipt)


def _on(turn: Turn, ref: OutputRef, receipt: Receipt) -> None:
    output = turn.output(ref)
    until_at_ms = output.until_at_ms
    if receipt.output == ref.output and output.trouble is None:
        # Reckoned from now, not from the node's start: so at worst we think it open for longer than it is.
        until_at_ms = min(until_at_ms, turn.now_ms + receipt.until_uptime_ms - receipt.uptime_ms)
    turn.outputs[ref.key] = replace(output, phase=Phase.OPEN, until_at_ms=until_at_ms)
    _went_on(turn, ref, max(_told_at_ms(turn, receipt), output.closed_at_ms or 0))


def _went_on(turn: Turn, ref: OutputRef, at_ms: int) -> None:
    """It was on at this time; of several the first one counts, and none from before it was last off."""
    output = turn.output(ref)
    if at_ms < (output.closed_at_ms or 0) or output.phase is Phase.CLOSED:
        return
    if output.opened_at_ms is None or at_ms < output.opened_at_ms:
        turn.outputs[ref.key] = replace(output, opened_at_ms=at_ms)


def _told_at_ms(turn: Turn, receipt: Receipt) -> int:
    """When the node made a receipt, by our clock."""
    return min(turn.now_ms, turn.nodes[receipt.node].booted_at_ms + receipt.uptime_ms)


def _ended(turn: Turn, ref: OutputRef, receipt: Receipt) -> None:
    """The node switched it off by itself."""
    output = replace(turn.output(ref), heard_uptime_ms=receipt.uptime_ms)
    turn.outputs[ref.key] = output
    if output.phase is Phase.OPEN and output.asked_at_ms is not None:
        # A renewal is still on its way and could open it again: close behind it.
        turn.outputs[ref.key] = replace(output, trouble=Rule.LEASE_ENDED, status=receipt.status)
        close(turn, ref)
    elif output.asked_at_ms is None and output.phase is not Phase.CLOSED and not receipt.is_on(ref.output):
        _off(turn, ref, trouble=output.trouble or Rule.LEASE_ENDED, at_ms=_told_at_ms(turn, receipt))


def _glimpsed(turn: Turn, ref: OutputRef, receipt: Receipt) -> None:
    """A receipt about something else shows this output too."""
    output = turn.output(ref)
    on = receipt.is_on(ref.output)
    if output.phase is Phase.CLOSED and on:
        turn.alarm(ref, Rule.OUTPUT_STRANGE, on=True)
        turn.outputs[ref.key] = replace(output, opened_at_ms=None)
        close(turn, ref)
    elif output.phase is Phase.OPEN and not on:
        _off(turn, ref, trouble=Rule.LEASE_ENDED)
    elif output.phase is Phase.QUARANTINED and not on:
        _off(turn, ref)


def _off(turn: Turn, ref: OutputRef, *, trouble: Rule | None = None, at_ms: int | None = None) -> None:
    """It is known to be off now, and since ``at_ms`` if the node has told that."""
    output = turn.output(ref)
    # Nobody saw it go off: then the end of its lease is the latest time at which it did.
    was_leased = output.phase in (Phase.OPEN, Phase.ASKING, Phase.QUARANTINED) or output.opened_at_ms is not None
    if output.phase is Phase.QUARANTINED:
        turn.alarm(ref, Rule.OUTPUT_BACK, on=False)
    latest_at_ms = min(turn.now_ms, output.until_at_ms) if was_leased else turn.now_ms
    closed_at_ms = latest_at_ms if at_ms is None else min(latest_at_ms, at_ms)
    turn.outputs[ref.key] = replace(
        output,
        phase=Phase.CLOSED,
        asked_at_ms=None,
        closes=0,
        closed_at_ms=max(closed_at_ms, output.opened_at_ms or output.closed_at_ms or 0),
        trouble=trouble or output.trouble,
    )


# ---- what is not heard


def watch(turn: Turn, ref: OutputRef) -> None:
    """Do what the passing of time asks for."""
    output = turn.output(ref)
    if output.phase is Phase.QUARANTINED:
        _ask_quarantined(turn, ref)
    elif output.asked_at_ms is None:
        if output.phase is Phase.OPEN and turn.now_ms > output.until_at_ms + turn.limits.answer_ms:
            turn.outputs[ref.key] = replace(output, trouble=output.trouble or Rule.LEASE_ENDED)
    elif turn.now_ms - output.asked_at_ms >= turn.limits.answer_ms:
        if output.phase in MAYBE_ON:
            # S9. The run that uses it sends the CLOSE in its own order: the pump first.
            turn.outputs[ref.key] = replace(
                output, phase=Phase.UNKNOWN, asked_at_ms=None, closes=0, trouble=Rule.NO_ANSWER
            )
        else:
            _try_again(turn, ref)


def _try_again(turn: Turn, ref: OutputRef) -> None:
    """A CLOSE did not do it: once more, or quarantine."""
    output = turn.output(ref)
    if output.closes <= turn.limits.close_retries:
        turn.outputs[ref.key] = replace(output, phase=Phase.UNKNOWN)
        close(turn, ref)
        return
    turn.outputs[ref.key] = replace(
        output, phase=Phase.QUARANTINED, asked_at_ms=None, granted_at_ms=turn.now_ms, trouble=Rule.NO_ANSWER
    )
    turn.alarm(ref, Rule.NO_ANSWER, on=True)


def _ask_quarantined(turn: Turn, ref: OutputRef) -> None:
    """A node that is heard again is told to close, at most once in a lease; its receipt is the proof."""
    output = turn.output(ref)
    link = turn.links.get(ref.node)
    if link is None or turn.now_ms - output.granted_at_ms < turn.limits.lease_ms:
        return
    if link.heard_at_ms > output.granted_at_ms:
        counter = turn.send(ref.node, commands.CLOSE, ref.output, 0, "")
        turn.outputs[ref.key] = replace(output, counter=counter, granted_at_ms=turn.now_ms)
