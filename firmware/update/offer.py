"""An offer that comes to a node that runs: whether it starts again to load it. Imported for that moment only.

Rules
1. While an output is on, the answer is BUSY; the gateway offers again. What runs already, or is older than what was
   ever healthy here and is not in the other slot, is refused at once, so that no reading waits for it.
2. Everything else is judged by the program that loads: it has the room to check a signature. Nothing is said of an
   offer that is taken: the next thing that the gateway hears is that program.
"""

import sys

import loader
import safe

from wire import topics, updates

from .report import report

_MOMENT = ("update.offer", "update.report", "wire.updates", "loader", "safe")


def take(frame: bytes, talk, idle: bool) -> bool:
    """Whether to start again for this offer; a refusal is told. Raises WireError for bytes that are none."""
    offer = updates.decode_offer(frame)
    root = safe.ROOT
    status = _judge(offer, root, idle) if root is not None else updates.OTHER_HARDWARE
    if not status:
        loader.want(root, offer.release, offer.size, offer.version)
    elif root is not None:
        talk.publish(topics.REPORT, report(root, status, offer.release, 0, 0, ""))  # lost: the gateway offers again
    for name in _MOMENT:
        if sys.modules.pop(name, None) is not None:
            package, _, child = name.rpartition(".")
            if package in sys.modules and hasattr(sys.modules[package], child):
                delattr(sys.modules[package], child)
    return not status


def _judge(offer: updates.Offer, root: str, idle: bool) -> int:
    """The status of a refusal; 0 when it is worth loading."""
    pointer = loader.read(root)
    if loader.release_of(root, pointer.slot) == offer.release:
        return updates.SAME
    if offer.version < pointer.floor and loader.release_of(root, 1 - pointer.slot) != offer.release:
        return updates.OLDER
    return 0 if idle else updates.BUSY
