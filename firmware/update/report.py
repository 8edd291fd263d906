"""The report of a node on itself: what it runs, from where, how sure it is of that, and by what it last failed."""

import sys

import loader
import safe

from wire import updates


def report(root: str, status: int, release: bytes, done: int, total: int, text: str, state: int = 0) -> bytes:
    """The frame of a report on this node as it stands."""
    pointer = loader.read(root)
    rescue = pointer.state == loader.RESCUE
    slot = updates.SLOT_RESCUE if rescue else updates.SLOT_A + pointer.slot
    version = loader.version_of(root, pointer.slot)
    return updates.encode_report(
        updates.Report(
            status,
            release,
            version,
            tuple(sys.implementation.version[:3]),
            slot,
            state or pointer.state,
            done,
            total,
            safe.HARDWARE,
            text,
        )
    )


def reason(root: str) -> str:
    """Why a program failed last; it is told once it has left, so it stays until a program is healthy."""
    try:
        with open(root + safe.REASON) as file:
            return file.read(80)
    except OSError:
        return ""
