"""Files that are whole or not there: a power cut leaves the old content or the new, never half of it.

Rules
1. New content goes to a temporary file in the same folder, is flushed to the disk, takes the place of the old
   one in a single rename, and the folder is flushed too; without the last step the rename may be forgotten.
2. The mode is set before the first byte is written: a secret is never readable by others, not even for a moment.
   A database is made so too, before the library that fills it opens it; one that is there loses what others may do.
"""

from __future__ import annotations

import os
from pathlib import Path

PUBLIC = 0o644
PRIVATE = 0o600


def write_atomic(path: Path, content: str | bytes, *, mode: int = PUBLIC) -> None:
    """Replace the file's content as one step. On any failure the old content stays and nothing else is left."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)  # of a process with our number that died half way
    try:
        _write_new(temporary, data, mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_private(path: Path) -> None:
    """Make an empty file for its owner alone if none is there; else take from all others what they may do with it.

    A file that is there is not opened: closing a database would end the locks that this process holds on it.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE))
    except FileExistsError:
        path.chmod(PRIVATE)


def _write_new(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode & PRIVATE)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)  # the umask must not decide
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Flush the folder's list of names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
