"""Frames of an update over the air: an offer, the node's questions, the answers to them, and what came of it.

Rules
1. The node asks and the gateway answers: the gateway remembers nothing of a transfer, and a node goes on where it was.
2. Object 0 of a release is its signed manifest; object n is the nth file that the manifest names.
3. A chunk holds at most MAX_CHUNK bytes, and none when there is nothing at that place. None for the first bytes of a
   release says that it is not given out any more: who has not begun does not begin.
4. A report says what runs and what became of a release. Its text is printable ASCII of at most MAX_TEXT bytes.
"""

import struct

from wire.errors import WireError
from wire.frames import (
    KIND_ASK,
    KIND_CHUNK,
    KIND_OFFER,
    KIND_REPORT,
    Frame,
    begin,
    body_of,
    exactly,
    pack,
)

MAX_CHUNK = 900
MAX_TEXT = 80
MAX_HARDWARE = 16
ID_BYTES = 16
NO_RELEASE = bytes(ID_BYTES)
ANY_VERSION = (0xFFFF, 0xFFFF, 0xFFFF)  # of the offer of a release that is no program: its manifest tells

OFFER_BODY = ">16sH3H"
ASK_BODY = ">16sBIH"
CHUNK_BODY = ">16sBI"
REPORT_BODY = ">B16s3H3HBBIIBB"

# What a report says. Below REFUSED it is news, from there to FAILED a refusal, above it a failure.
RUNS = 1
WILL_LOAD = 2
LOADING = 3
LOADED = 4
HEALTHY = 5
CRASHED = 6
REFUSED = 16
BUSY = 16
OLDER = 17
OTHER_HARDWARE = 18
BAD_SIGNATURE = 19
BAD_MANIFEST = 20
OLD_INTERPRETER = 21
OLD_FIRMWARE = 22
BAD_FILE = 23
NO_SPACE = 24
SAME = 25
NO_KEY = 26
NO_ANSWER = 27
NO_PARTITION = 28
WITHDRAWN = 29
FAILED = 32
ROLLED_BACK = 32
BAD_SLOT = 33
RESCUE = 34
STATUSES = {
    RUNS: "runs",
    WILL_LOAD: "will_load",
    LOADING: "loading",
    LOADED: "loaded",
    HEALTHY: "healthy",
    CRASHED: "crashed",
    BUSY: "busy",
    OLDER: "older",
    OTHER_HARDWARE: "other_hardware",
    BAD_SIGNATURE: "bad_signature",
    BAD_MANIFEST: "bad_manifest",
    OLD_INTERPRETER: "old_interpreter",
    OLD_FIRMWARE: "old_firmware",
    BAD_FILE: "bad_file",
    NO_SPACE: "no_space",
    SAME: "same",
    NO_KEY: "no_key",
    NO_ANSWER: "no_answer",
    NO_PARTITION: "no_partition",
    WITHDRAWN: "withdrawn",
    ROLLED_BACK: "rolled_back",
    BAD_SLOT: "bad_slot",
    RESCUE: "rescue",
}

# Where a node's program comes from.
SLOT_NONE = 0  # one tree of files, as a simulated node has
SLOT_A = 1
SLOT_B = 2
SLOT_RESCUE = 3
# How sure the node is of it.
STATE_GOOD = 1
STATE_TRIAL = 2
STATE_LAST = 3
STATE_RESCUE = 4


class Offer(Frame):
    """There is this release; its signed manifest has ``size`` bytes."""

    def __init__(self, release: bytes, size: int, version: "tuple[int, int, int]") -> None:
        self.release = release
        self.size = size
        self.version = version


class Ask(Frame):
    """The node wants ``length`` bytes of an object, from ``offset`` on."""

    def __init__(self, release: bytes, item: int, offset: int, length: int) -> None:
        self.release = release
        self.item = item
        self.offset = offset
        self.length = length


class Chunk(Frame):
    """Bytes of an object."""

    def __init__(self, release: bytes, item: int, offset: int, data: bytes) -> None:
        self.release = release
        self.item = item
        self.offset = offset
        self.data = data


class Report(Frame):
    """What a node runs, and what became of a release."""

    def __init__(
        self,
        status: int,
        release: bytes,
        firmware: "tuple[int, int, int]",
        interpreter: "tuple[int, int, int]",
        slot: int,
        state: int,
        done: int,
        total: int,
        hardware: str,
        text: str,
    ) -> None:
        self.status = status
        self.release = release
        self.firmware = firmware
        self.interpreter = interpreter
        self.slot = slot
        self.state = state
        self.done = done
        self.total = total
        self.hardware = hardware
        self.text = text


def status_name(code: int) -> str:
    return STATUSES.get(code, "status_" + str(code))


def is_refusal(status: int) -> bool:
    """The node goes on as it was."""
    return REFUSED <= status < FAILED


def is_failure(status: int) -> bool:
    """The node had to go back, or cannot run its program."""
    return status >= FAILED


def encode_offer(offer: Offer) -> bytes:
    return begin(KIND_OFFER) + pack(OFFER_BODY, _id(offer.release), offer.size, *offer.version)


def decode_offer(frame: bytes) -> Offer:
    """Raises WireError ``bad_length``, ``bad_version`` or ``bad_kind``, as all decoders here do."""
    body = body_of(frame, KIND_OFFER)
    exactly(body, struct.calcsize(OFFER_BODY))
    found = struct.unpack(OFFER_BODY, body)
    return Offer(found[0], found[1], found[2:5])


def encode_ask(ask: Ask) -> bytes:
    return begin(KIND_ASK) + pack(ASK_BODY, _id(ask.release), ask.item, ask.offset, ask.length)


def decode_ask(frame: bytes) -> Ask:
    body = body_of(frame, KIND_ASK)
    exactly(body, struct.calcsize(ASK_BODY))
    ask = Ask(*struct.unpack(ASK_BODY, body))
    if not 1 <= ask.length <= MAX_CHUNK:
        raise WireError("out_of_range", "length")
    return ask


def encode_chunk(chunk: Chunk) -> bytes:
    if len(chunk.data) > MAX_CHUNK:
        raise WireError("out_of_range", "chunk")
    head = pack(CHUNK_BODY, _id(chunk.release), chunk.item, chunk.offset)
    return begin(KIND_CHUNK) + head + bytes(chunk.data)


def decode_chunk(frame: bytes) -> Chunk:
    body = body_of(frame, KIND_CHUNK)
    head = struct.calcsize(CHUNK_BODY)
    if not head <= len(body) <= head + MAX_CHUNK:
        raise WireError("bad_length", str(len(body)))
    release, item, offset = struct.unpack(CHUNK_BODY, body[:head])
    return Chunk(release, item, offset, body[head:])


def encode_report(report: Report) -> bytes:
    """Hardware and text are cut to what fits; characters of the text that are not printable ASCII become ``?``."""
    hardware = _printable(report.hardware)[:MAX_HARDWARE]
    text = _printable(report.text)[:MAX_TEXT]
    numbers = tuple(report.firmware) + tuple(report.interpreter)
    places = (report.slot, report.state, report.done, report.total, len(hardware), len(text))
    head = pack(REPORT_BODY, report.status, _id(report.release), *(numbers + places))
    return begin(KIND_REPORT) + head + hardware + text


def decode_report(frame: bytes) -> Report:
    body = body_of(frame, KIND_REPORT)
    head = struct.calcsize(REPORT_BODY)
    if len(body) < head:
        raise WireError("bad_length", str(len(body)))
    found = struct.unpack(REPORT_BODY, body[:head])
    hardware_bytes, text_bytes = found[12], found[13]
    if hardware_bytes > MAX_HARDWARE or text_bytes > MAX_TEXT:
        raise WireError("out_of_range", "text")
    exactly(body, head + hardware_bytes + text_bytes)
    text = body[head:]
    if any(not 32 <= byte < 127 for byte in text):
        raise WireError("bad_text", "report")
    return Report(
        found[0],
        found[1],
        found[2:5],
        found[5:8],
        found[8],
        found[9],
        found[10],
        found[11],
        text[:hardware_bytes].decode(),
        text[hardware_bytes:].decode(),
    )


def _id(release: bytes) -> bytes:
    if len(release) != ID_BYTES:
        raise WireError("out_of_range", "release")
    return bytes(release)


def _printable(text: str) -> bytes:
    return bytes(byte if 32 <= byte < 127 else 63 for byte in text.encode())
