"""What a program is told at its start, as long as the heap is empty: the bytes that it may have to send or write later.

Rules
1. Made by the loader once a boot and let go of with all that it needs; a node that works has no room for it.
2. A briefing is (boot report, report of being healthy, pointer of being healthy, release here, release in the other
   slot, newest version that was ever healthy, whether on trial). A report or pointer that is not needed is empty.
"""

import loader

from wire import updates

from .report import reason, report


def make(root: str) -> tuple:
    """The briefing of this boot."""
    pointer = loader.read(root)
    here = loader.release_of(root, pointer.slot) or updates.NO_RELEASE
    other = loader.release_of(root, 1 - pointer.slot) or updates.NO_RELEASE
    text = reason(root)
    status = pointer.outcome or (updates.CRASHED if text else updates.RUNS)
    boot = report(root, status, pointer.release if pointer.outcome else here, 0, 0, text)
    proud, packed, state = b"", b"", pointer.state
    if state != loader.GOOD or pointer.boots or pointer.wakes or pointer.outcome:
        packed = loader.proved(root, pointer).pack()
    if state != loader.GOOD:
        proud = report(root, updates.HEALTHY, here, 0, 0, "", loader.GOOD)
    return boot, proud, packed, here, other, pointer.floor, state == loader.TRIAL
