"""What the processes of a gateway have in common: the one error that ends them, and how they are asked to end.

A process that works with a file which somebody may replace (the secrets) ends when that happens, in order, and is
started again with the new one: there is one way in which a process gets its secrets.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from kit import locks


class ProcessError(Exception):
    """A process cannot start or go on; one line that says what to mend."""


def no_such_node(node: str, registry: Path, there: Iterable[str]) -> ProcessError:
    """What a command says of a node that the village does not have."""
    names = ", ".join(there)
    return ProcessError(f"{registry}: không có hộp {node!r}; có: {names} / there is no node {node!r}")


@contextmanager
def alone(held: Path) -> Iterator[None]:
    """For a process without a database: as long as it runs there is no second one, and ``status`` sees it. Raises
    ProcessError."""
    try:
        handle = locks.take(held)
    except locks.Taken as taken:
        raise ProcessError(
            f"{held}: tiến trình {taken.owner} đang chạy, hãy tắt nó trước / process {taken.owner} runs: stop it first"
        ) from None
    except OSError as error:
        raise ProcessError(f"{held}: không ghi được ở đây / cannot be written here: {error.strerror}") from error
    try:
        yield
    finally:
        os.close(handle)


class Stop:
    """Becomes true when the process is asked to end (SIGTERM, SIGINT), so that it can end between two steps."""

    def __init__(self) -> None:
        self._asked = False
        self._watched: dict[Path, tuple[int, int]] = {}

    def __bool__(self) -> bool:
        return self._asked or any(_mark(path) not in (mark, None) for path, mark in self._watched.items())

    def or_replaced(self, path: Path) -> Stop:
        """True also when this file has been replaced by another one. One that is only gone may come back."""
        mark = _mark(path)
        if mark is not None:
            self._watched[path] = mark
        return self

    def on_signals(self) -> Stop:
        """Listen to the signals; only the main thread may."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)
        return self

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
