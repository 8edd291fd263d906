"""What a program is told at its start, as long as the heap is empty: the bytes that it may have to send or write later.

Rules
1. Made by the loader once a boot and let go of with all that it needs; a node that works has no room for it.
2. A briefing is (boot report, report of being healthy, pointer of being healthy, release here, release in the other
   slot, newest version that was ever healthy, what is on trial: 0, PROGRAM or INTERPRETER, note of the interpreter
   once it is healthy). What is not needed is empty.
"""

import sys

import loader

from wire import updates

from .report import reason, report

PROGRAM = 1
INTERPRETER = 2
IMAGE = "/image"  # the note of image.py


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
    trial, note = PROGRAM if state == loader.TRIAL else 0, b""
    if loader.exists(root + IMAGE):
        import hal

        from . import image

        status, release, note = image.judge(root, hal.partition())
        del sys.modules["update.image"]
        if status == updates.RUNS:
            trial = INTERPRETER
            proud = report(root, updates.HEALTHY, release, 0, 0, "", loader.GOOD)
        if status:
            boot = report(root, status, release, 0, 0, text, loader.TRIAL)
    return boot, proud, packed, here, other, pointer.floor, trial, note
