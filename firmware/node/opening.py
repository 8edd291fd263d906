"""Which segments of the journal a directory holds, and what the last boot left small. Asked once, at the start.

Rules
1. MicroPython ends a listing early, without a word, when the flash does not answer: so two in a row have to agree.
2. Small segments of the newest boot are folded (journal.py, rule 8), as far as they are among the last LOOKED_AT and
   can be read now: else each of many short boots would leave some, and the journal is bounded by their number.
"""

import os

_LISTINGS = 5
_EIO = 5
_SIZE = 6
LOOKED_AT = 16


def numbers_in(directory: str) -> list[int]:
    """The numbers of all segments, in order. Raises OSError."""
    last = None
    for _ in range(_LISTINGS):
        numbers = sorted(_number(name) for name in os.listdir(directory) if _number(name))
        if numbers == last:
            return numbers
        last = numbers
    raise OSError(_EIO)


def fold(store, directory: str, numbers: list[int], most: int) -> None:
    """Fold what ``store.boot_id`` left small, that is files of at most ``most`` bytes."""
    small = []
    for number in numbers[-LOOKED_AT:]:
        try:
            size = os.stat("%s/s%08x" % (directory, number))[_SIZE]
            if size <= most and store.state(number).boot_id == store.boot_id:
                small.append(number)
        except OSError:
            pass  # it stays as it is
    if len(small) > 1:
        try:
            store.fold(small)
        except OSError:
            pass
    store.begin_anew()


def _number(name: str) -> int:
    """The number of a segment's file name; 0 for any other name."""
    if len(name) != 9 or name[0] != "s":
        return 0
    try:
        return int(name[1:], 16)
    except ValueError:
        return 0
