"""Which segments of the journal a directory holds. Asked once, at the start.

Rules
1. MicroPython ends a listing early, without a word, when the flash does not answer: so two in a row have to agree.
"""

import os

_LISTINGS = 5
_EIO = 5


def numbers_in(directory: str) -> list[int]:
    """The numbers of all segments, in order. Raises OSError."""
    last = None
    for _ in range(_LISTINGS):
        numbers = sorted(_number(name) for name in os.listdir(directory) if _number(name))
        if numbers == last:
            return numbers
        last = numbers
    raise OSError(_EIO)


def _number(name: str) -> int:
    """The number of a segment's file name; 0 for any other name."""
    if len(name) != 9 or name[0] != "s":
        return 0
    try:
        return int(name[1:], 16)
    except ValueError:
        return 0
