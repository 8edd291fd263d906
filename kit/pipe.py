"""Ends a command quietly whose reader, such as ``head``, has seen enough.

Rules
1. Only where standard output or error itself is broken; a socket that breaks is still an error of its command.
2. What is still held back for the reader goes nowhere, so that Python has nothing to complain of at its end.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TextIO

READER_GONE_EXIT_CODE = 1


def until_reader_leaves(work: Callable[[], int]) -> int:
    """Do the work and hand out all that it printed; its exit code, also where it ends by SystemExit."""
    try:
        try:
            return work()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        broken = [stream for stream in (sys.stdout, sys.stderr) if _is_broken(stream)]
        if not broken:
            raise
        for stream in broken:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return READER_GONE_EXIT_CODE


def _is_broken(stream: TextIO) -> bool:
    """Whether what it holds back cannot be written: text that met a broken pipe is kept, so that it fails again."""
    try:
        stream.flush()
    except BrokenPipeError:
        return True
    return False
