"""The config of a node, in two slots with CRC: the one that was given, and the last one that it could live by.

    slot   "HQC1"  generation u32  state u8  length u32  the JSON as it was given  crc32 of all before it

Rules
1. Whoever gives a config writes one file, as ever. What differs from both slots is copied into the slot that is not the
   last good one, as NEW; it is GOOD once the node could be built by it, and BAD when it could not be read or built.
   Whatever a value of the wrong kind makes of the code that reads it (WRONG) is a config's fault as well, and so is
   what it asks for that this node's program has not.
2. While a BAD config is what is given, the node lives by the last good one and says so: the reading ``config`` is 1.
   It is 0 when a new one was taken after that.
3. A power cut at any byte leaves the other slot whole, and the given file is copied again. Without any slot, or with
   both damaged, the given file alone counts.
"""

import binascii
import json
import os
import struct

SLOTS = ("config.a", "config.b")
NEW = 0
GOOD = 1
BAD = 2
MAX_BYTES = 16_384
WRONG = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, ImportError)

_MAGIC = b"HQC1"
_HEAD = ">4sIBI"
_HEAD_BYTES = 13


def find(folder: str, path: str, check) -> tuple[dict, int | None]:
    """(the config to live by, what the reading ``config`` is to say, None: nothing). ``folder`` is what stands before
    the names of the slots; ``check`` raises one of WRONG for a config that the board cannot use. Raises one of WRONG
    or OSError when there is none to live by."""
    given = _bytes(path)
    slots = [_read(folder + name) for name in SLOTS]
    known = None if given is None else _same(slots, given)
    after_bad = False
    if given is not None and known is None:
        after_bad = any(slot is not None and slot[1] == BAD for slot in slots)
        known = _take(folder, slots, given)
    if known is not None and slots[known][1] != BAD:
        try:
            return _checked(slots[known][2], check), 0 if after_bad else None
        except WRONG:
            if _good(slots, known) is None:
                raise
            _mark(folder, slots, known, BAD)
    good = _good(slots, known)
    if good is None:
        if given is None:
            raise OSError("no config")
        return _checked(given, check), None
    return _checked(slots[good][2], check), None if given is None else 1


def proved(folder: str, path: str) -> None:
    """The node was built by what is given: that is the last good one now."""
    slots = [_read(folder + name) for name in SLOTS]
    known = _same(slots, _bytes(path))
    if known is not None and slots[known][1] == NEW:
        _mark(folder, slots, known, GOOD)


def refused(folder: str, path: str) -> bool:
    """The node could not be built by what is given; whether there is a good one to go back to. One that was good
    before is not what is wrong."""
    slots = [_read(folder + name) for name in SLOTS]
    known = _same(slots, _bytes(path))
    if known is None or slots[known][1] != NEW or _good(slots, known) is None:
        return False
    _mark(folder, slots, known, BAD)
    return True


def _checked(data: bytes, check) -> dict:
    found = json.loads(data)
    if not isinstance(found, dict):
        raise ValueError("a config is a table")
    check(found)
    return found


def _same(slots: list, given: bytes | None) -> int | None:
    for at, slot in enumerate(slots):
        if slot is not None and slot[2] == given:
            return at
    return None


def _good(slots: list, but: int | None) -> int | None:
    """The newest good slot other than ``but``."""
    found = None
    for at, slot in enumerate(slots):
        if at != but and slot is not None and slot[1] == GOOD and (found is None or slot[0] > slots[found][0]):
            found = at
    return found


def _take(folder: str, slots: list, given: bytes) -> int | None:
    """Copy what is given into the slot that is not the last good one."""
    good = _good(slots, None)
    at = 0 if good is None else 1 - good
    newest = max([0] + [slot[0] for slot in slots if slot is not None])
    slots[at] = (newest + 1, NEW, given)
    _write(folder + SLOTS[at], slots[at])
    return at


def _mark(folder: str, slots: list, at: int, state: int) -> None:
    slots[at] = (slots[at][0], state, slots[at][2])
    _write(folder + SLOTS[at], slots[at])


def _write(path: str, slot: tuple[int, int, bytes]) -> None:
    generation, state, data = slot
    whole = struct.pack(_HEAD, _MAGIC, generation, state, len(data)) + data
    try:
        with open(path, "wb") as file:
            file.write(whole + struct.pack(">I", binascii.crc32(whole)))
    except OSError:
        pass  # a flash that takes nothing: the given file alone counts


def _read(path: str) -> tuple[int, int, bytes] | None:
    """(generation, state, config), or None for a slot that is not whole."""
    whole = _bytes(path)
    if whole is None or len(whole) < _HEAD_BYTES + 4:
        return None
    magic, generation, state, length = struct.unpack(_HEAD, whole[:_HEAD_BYTES])
    crc = struct.unpack(">I", whole[-4:])[0]
    if magic != _MAGIC or length != len(whole) - _HEAD_BYTES - 4 or crc != binascii.crc32(whole[:-4]) or state > BAD:
        return None
    return generation, state, whole[_HEAD_BYTES:-4]


def _bytes(path: str) -> bytes | None:
    try:
        if os.stat(path)[6] > MAX_BYTES:
            return None
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None
