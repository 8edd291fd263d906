"""Which process holds a thing of a folder: a lock beside it, for as long as the process lives.

Rules
1. The lock of ``x`` is the file ``x.lock``. It is the kernel's: it ends with the process, however that ends.
2. ``owner_of`` looks and never touches, so that whoever looks is in nobody's way.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Taken(Exception):
    """Another process has it; ``owner`` is its number as it wrote it."""

    def __init__(self, owner: str) -> None:
        super().__init__(owner)
        self.owner = owner


def take(path: Path) -> int:
    """Take the lock of a path, for as long as the returned descriptor is open. Raises Taken or OSError."""
    handle = os.open(_beside(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(handle, 20).decode(errors="replace").strip() or "?"
        os.close(handle)
        raise Taken(owner) from None
    os.ftruncate(handle, 0)
    os.write(handle, f"{os.getpid()}\n".encode())
    return handle


def owner_of(path: Path) -> int | None:
    """The process that has the lock of a path now, None when none has."""
    try:
        inode = str(_beside(path).stat().st_ino)
        locks = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:
        return None
    for words in (line.split() for line in locks.splitlines()):
        if len(words) > 5 and words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode:
            return int(words[4])
    return None


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")
