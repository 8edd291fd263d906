"""An offer that comes to a node that runs: whether it starts again to load it. Imported for that moment only.

Rules
1. While an output is on, or something is on trial, the answer is BUSY; the gateway offers again. What runs already, or
   is older than what was ever healthy here and is not in the other slot, is refused at once, so that no reading waits
   for it.
2. Everything else is judged by the program that loads: it has the room to check a signature. Nothing is said of an
   offer that is taken: the next thing that the gateway hears is that program.
3. Heap is dear here: no module of the contract is loaded. A wish is the body of an offer and a byte for the tries; a
   refusal is the report of this boot with another status.
"""

import os
import struct
import sys

from wire import frames, topics

_BUSY = 16
_OLDER = 17
_SAME = 25
_BODY = ">16sH3H"


def take(frame: bytes, talk, hal, idle: bool) -> bool:
    """Whether to start again for this offer; a refusal is told. Raises WireError for bytes that are none."""
    body = frames.body_of(frame, frames.KIND_OFFER)
    frames.exactly(body, struct.calcsize(_BODY))
    sys.modules.pop("update.offer", None)
    if hal.ROOT is None:
        return False
    told = hal.briefing or _briefed(hal.ROOT)
    status = _judge(body, told, idle)
    if status:  # lost: the gateway offers again
        talk.publish(topics.REPORT, told[0][:2] + bytes((status,)) + body[:16] + told[0][19:])
        return False
    with open(hal.ROOT + "/update.tmp", "wb") as file:
        file.write(body + b"\0")
    os.rename(hal.ROOT + "/update.tmp", hal.ROOT + "/update")
    return True


def _judge(body: bytes, told: tuple, idle: bool) -> int:
    """The status of a refusal; 0 when it is worth loading."""
    found = struct.unpack(_BODY, body)
    if found[0] == told[3]:
        return _SAME
    if found[2:5] < told[5] and found[0] != told[4]:
        return _OLDER
    return 0 if idle and not told[6] else _BUSY


def _briefed(root: str) -> tuple:
    """A node that woke from sleep was not briefed: it has the heap for it."""
    from . import briefing

    return briefing.make(root)
