"""Commands to outputs, and their receipts.

Rules
1. Nothing is opened without an end: OPEN says how long, and that is a *lease*. To keep an output open the gateway
   sends another OPEN before the lease ends; when it does not, the node closes by its own monotonic timer.
2. A command repeats the nonce of the node's present boot and carries a counter above all earlier ones of that boot.
   A command of an earlier boot, a copy, or one that comes late is refused: no clock is needed for it.
3. ``expires_uptime_ms`` is in the node's own uptime: after it the command is refused, wherever it was held up.
4. Every outcome but a bad seal is answered by a Receipt. A copy of the last command gets the same receipt again.
5. A Receipt is told also when an output ends by itself; then ``status`` is an ENDED code.
"""

import struct

from wire.errors import WireError
from wire.frames import KIND_COMMAND, KIND_RECEIPT, NONCE_BYTES, Frame, begin, body_of, exactly, pack

OPEN = 1
CLOSE = 2
CLOSE_ALL = 3
QUERY = 4
ACTIONS = (OPEN, CLOSE, CLOSE_ALL, QUERY)

# No lease of the protocol may be longer, whatever a registry says.
MAX_DURATION_MS = 4 * 3600 * 1000
MAX_OUTPUTS = 8
# The output number of a command or receipt that means no single output.
NO_OUTPUT = 255

ACCEPTED = 1
BAD_NONCE = 16
REPLAYED = 17
EXPIRED = 18
RETAINED = 19
UNKNOWN_OUTPUT = 20
TOO_LONG = 21
INTERLOCK = 22
RESTING = 23
NO_DURATION = 24
ENDED_LEASE = 32
ENDED_HARD_MAX = 33
ENDED_COMMAND = 34

STATUSES = {
    ACCEPTED: "accepted",
    BAD_NONCE: "bad_nonce",
    REPLAYED: "replayed",
    EXPIRED: "expired",
    RETAINED: "retained",
    UNKNOWN_OUTPUT: "unknown_output",
    TOO_LONG: "too_long",
    INTERLOCK: "interlock",
    RESTING: "resting",
    NO_DURATION: "no_duration",
    ENDED_LEASE: "ended_lease",
    ENDED_HARD_MAX: "ended_hard_max",
    ENDED_COMMAND: "ended_command",
}

COMMAND_BODY = ">I8sBBIQ"
RECEIPT_BODY = ">IIBBBQQ"


class Command(Frame):
    """What the gateway asks of one node."""

    def __init__(
        self,
        counter: int,
        nonce: bytes,
        action: int,
        output: int,
        duration_ms: int,
        expires_uptime_ms: int,
    ) -> None:
        self.counter = counter
        self.nonce = nonce
        self.action = action
        self.output = output
        self.duration_ms = duration_ms
        self.expires_uptime_ms = expires_uptime_ms


class Receipt(Frame):
    """What became of a command, or of an output. Bit i of ``outputs_mask`` is output i, on or off, after it."""

    def __init__(
        self,
        boot_id: int,
        counter: int,
        status: int,
        output: int,
        outputs_mask: int,
        until_uptime_ms: int,
        uptime_ms: int,
    ) -> None:
        self.boot_id = boot_id
        self.counter = counter
        self.status = status
        self.output = output
        self.outputs_mask = outputs_mask
        self.until_uptime_ms = until_uptime_ms
        self.uptime_ms = uptime_ms


def status_name(status: int) -> str:
    """The stable name of a status; an unknown one is ``status_N``."""
    return STATUSES.get(status, "status_" + str(status))


def status_ok(status: int) -> bool:
    """Whether it is one of STATUSES, without their names: a node has no use for those."""
    if BAD_NONCE <= status < ENDED_LEASE:
        return status <= NO_DURATION
    return status == ACCEPTED or ENDED_LEASE <= status <= ENDED_COMMAND


def is_refusal(status: int) -> bool:
    """Whether the node refused the command."""
    return BAD_NONCE <= status < ENDED_LEASE


def encode_command(command: Command) -> bytes:
    """Raises WireError ``out_of_range`` for an unknown action, output or length: no such frame ever leaves."""
    _check(command.action, command.output, command.duration_ms)
    if len(command.nonce) != NONCE_BYTES:
        raise WireError("out_of_range", "nonce")
    return begin(KIND_COMMAND) + pack(
        COMMAND_BODY,
        command.counter,
        command.nonce,
        command.action,
        command.output,
        command.duration_ms,
        command.expires_uptime_ms,
    )


def decode_command(frame: bytes) -> Command:
    """Raises WireError ``bad_length``, ``bad_version``, ``bad_kind`` or ``out_of_range``.

    Which outputs exist and how long is too long is the node's own knowledge and is judged there.
    """
    body = body_of(frame, KIND_COMMAND)
    exactly(body, struct.calcsize(COMMAND_BODY))
    counter, nonce, action, output, duration_ms, expires_ms = struct.unpack(COMMAND_BODY, body)
    if action not in ACTIONS:
        raise WireError("out_of_range", "action")
    return Command(counter, nonce, action, output, duration_ms, expires_ms)


def _check(action: int, output: int, duration_ms: int) -> None:
    if action not in ACTIONS:
        raise WireError("out_of_range", "action")
    if action == OPEN and not 0 < duration_ms <= MAX_DURATION_MS:
        raise WireError("out_of_range", "duration_ms")
    if action != OPEN and duration_ms != 0:
        raise WireError("out_of_range", "duration_ms")
    if action in (OPEN, CLOSE) and not 0 <= output < MAX_OUTPUTS:
        raise WireError("out_of_range", "output")
    if action in (CLOSE_ALL, QUERY) and output != NO_OUTPUT:
        raise WireError("out_of_range", "output")


def encode_receipt(receipt: Receipt) -> bytes:
    """The frame of a Receipt."""
    if not status_ok(receipt.status):
        raise WireError("out_of_range", "status")
    return begin(KIND_RECEIPT) + pack(
        RECEIPT_BODY,
        receipt.boot_id,
        receipt.counter,
        receipt.status,
        receipt.output,
        receipt.outputs_mask,
        receipt.until_uptime_ms,
        receipt.uptime_ms,
    )


def decode_receipt(frame: bytes) -> Receipt:
    """Raises WireError ``bad_length``, ``bad_version``, ``bad_kind`` or ``out_of_range``."""
    body = body_of(frame, KIND_RECEIPT)
    exactly(body, struct.calcsize(RECEIPT_BODY))
    boot_id, counter, status, output, mask, until_ms, uptime_ms = struct.unpack(RECEIPT_BODY, body)
    if not status_ok(status):
        raise WireError("out_of_range", "status")
    return Receipt(boot_id, counter, status, output, mask, until_ms, uptime_ms)
