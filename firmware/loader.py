"""Chooses which program a node runs, and verifies every file of it before one line of it is imported.

It lies outside of the slots ``/a`` and ``/b`` and is never changed over the air; the update of a slot uses its
functions.

Rules
1. A truncated .mpy hangs MicroPython's importer for ever, and a flipped bit is imported silently. So outputs are off
   and the watchdog runs before this module is imported, and a slot is imported only when the SHA-256 of each of its
   files is what its manifest says. Waking from deep sleep is no reason to verify again: what slept was verified, and
   a watchdog's reset is no wake.
2. Which slot runs is one small file (POINTER) with a CRC; it changes by one rename. A cut leaves the old or the new.
   Without it the first slot that verifies runs.
3. A boot is bad until the node says that it is healthy (``proved``). A program on TRIAL that had BAD_BOOTS bad ones,
   or slept MAX_WAKES times without being healthy, gives way to the other slot. So does one that was GOOD, but then
   starts by power or from sleep do not count: power that flickers is no fault of a program.
4. The slot before is the LAST one. When that is bad too, or no slot verifies, the node is in RESCUE: network and
   update only, outputs off, from ``/rescue``.
5. Who wants an update leaves the file WISH and starts again. It is tried WISH_TRIES times.
"""

import binascii
import hashlib
import os
import struct
import sys

SLOTS = ("/a", "/b")
RESCUE_SLOT = "/rescue"
MANIFEST = "/manifest"
POINTER = "/slot"
WISH = "/update"
GOOD = 1
TRIAL = 2
LAST = 3
RESCUE = 4
ROLLED_BACK = 32
BAD_SLOT = 33
IN_RESCUE = 34
BAD_BOOTS = 3
MAX_WAKES = 200
WISH_TRIES = 5
APP = "node"
UPDATE = "update"
PLAIN = ""

_MAGIC = b"HQS1"
_LAYOUT = ">4sBBBBB3H16s5x"
_WISH = ">16sH3HB"
_MAX_MANIFEST = 8192
_SIGNATURE = 256
_PIECE = 512


class Pointer:
    """Which slot runs and how sure the node is of it; ``floor`` is the newest version that was ever healthy;
    ``outcome`` says what went wrong last, with ``release``."""

    def __init__(self) -> None:
        self.slot = 0
        self.state = GOOD
        self.boots = 0
        self.wakes = 0
        self.outcome = 0
        self.floor = (0, 0, 0)
        self.release = bytes(16)

    def pack(self) -> bytes:
        numbers = (self.slot, self.state, self.boots, self.wakes, self.outcome)
        packed = struct.pack(_LAYOUT, _MAGIC, *(numbers + self.floor), self.release)
        return packed + struct.pack(">I", binascii.crc32(packed))


def read(root: str) -> Pointer:
    """The pointer; a new one when there is none that is whole."""
    pointer = Pointer()
    packed = _bytes(root + POINTER, 41)
    if len(packed) != 40 or packed[:4] != _MAGIC or struct.unpack(">I", packed[36:])[0] != binascii.crc32(packed[:36]):
        return pointer
    found = struct.unpack(_LAYOUT, packed[:36])
    if found[1] > 1 or not GOOD <= found[2] <= RESCUE:
        return pointer
    pointer.slot, pointer.state, pointer.boots, pointer.wakes, pointer.outcome = found[1:6]
    pointer.floor = found[6:9]
    pointer.release = found[9]
    return pointer


def write(root: str, pointer: Pointer) -> None:
    """Commit by one rename. Raises OSError."""
    put(root + POINTER, pointer.pack())


def put(path: str, data: bytes) -> None:
    """A small file, whole or as it was."""
    with open(path + ".tmp", "wb") as file:
        file.write(data)
    os.rename(path + ".tmp", path)


def wish(root: str):
    """(release, size of its manifest, version, tries) that this node wants to load, or None."""
    packed = _bytes(root + WISH, 26)
    if len(packed) != 25:
        return None
    found = struct.unpack(_WISH, packed)
    return found[0], found[1], found[2:5], found[5]


def want(root: str, release: bytes, size: int, version: tuple, tries: int = 0) -> None:
    numbers = tuple(version) + (tries,)  # noqa: RUF005 - MicroPython stars only in calls
    put(root + WISH, struct.pack(_WISH, release, size, *numbers))


def unwish(root: str) -> None:
    if exists(root + WISH):
        os.remove(root + WISH)


def run(safe) -> None:
    """Make the chosen slot importable, and brief its program. One that loads, or rescues, is run from here."""
    slept = safe.slept()
    program, folder = choose(safe.ROOT, slept, safe.powered())
    if folder:
        sys.path.append(folder)
    import hal

    if program == UPDATE:
        from update import start

        start.run(hal)
    elif folder and not (slept and read(safe.ROOT).state == GOOD):
        from update import briefing

        hal.briefing = briefing.make(safe.ROOT)
    for name in ("update.briefing", "update.report", "update", "wire.updates", "loader"):  # heap is dear
        if sys.modules.pop(name, None) is not None and name == "wire.updates":
            delattr(sys.modules["wire"], "updates")


def choose(root: str, slept: bool, powered: bool) -> tuple:
    """(program, folder to import it from) of this boot; (APP, PLAIN) on a file system without slots."""
    if not any(exists(root + slot) for slot in (SLOTS[0], SLOTS[1], RESCUE_SLOT)):
        return APP, PLAIN
    pointer = read(root)
    before = pointer.pack()
    wanted = _wanted(root)
    if wanted is None:
        _count(root, pointer, slept, powered)
    if pointer.state != RESCUE and not (slept and wanted is None) and not verify(root, pointer.slot):
        _leave(root, pointer, BAD_SLOT)
    if pointer.pack() != before:
        write(root, pointer)
    if pointer.state == RESCUE:
        return UPDATE, root + RESCUE_SLOT
    return (APP if wanted is None else UPDATE), root + SLOTS[pointer.slot]


def _wanted(root: str):
    found = wish(root)
    if found is None or found[3] >= WISH_TRIES:
        unwish(root)
        return None
    want(root, found[0], found[1], found[2], found[3] + 1)
    return found


def _count(root: str, pointer: Pointer, slept: bool, powered: bool) -> None:
    """One more boot that is bad until it proves healthy, and what follows from too many (rule 3)."""
    if pointer.state == RESCUE:
        if not powered:
            return
        retry(pointer)
    elif slept:
        pointer.wakes = min(255, pointer.wakes + 1) if pointer.state == TRIAL else 0
    elif not powered or pointer.state == TRIAL:
        pointer.boots = min(255, pointer.boots + 1)
    if pointer.boots > BAD_BOOTS or pointer.wakes > MAX_WAKES:
        _leave(root, pointer, ROLLED_BACK)


def _leave(root: str, pointer: Pointer, why: int) -> None:
    """Go from the present slot to the other one, or to the rescue."""
    pointer.outcome = why
    pointer.release = release_of(root, pointer.slot) or pointer.release
    other = 1 - pointer.slot
    if (pointer.state == LAST and why == ROLLED_BACK) or not verify(root, other):
        pointer.state = RESCUE
    else:
        pointer.slot = other
        pointer.state = LAST
    pointer.boots = 1
    pointer.wakes = 0


def retry(pointer: Pointer) -> None:
    """Let a node in rescue try its slot once more, at its next boot; a bad one brings it back."""
    pointer.state = LAST
    pointer.boots = BAD_BOOTS - 1
    pointer.wakes = 0


def proved(root: str, pointer: Pointer) -> Pointer:
    """The pointer of a program that is healthy: it is good."""
    pointer.state = GOOD
    pointer.boots = pointer.wakes = pointer.outcome = 0
    pointer.floor = max(pointer.floor, version_of(root, pointer.slot))
    return pointer


def switch(root: str, slot: int, release: bytes) -> None:
    """The other slot runs from the next boot on, on trial."""
    pointer = read(root)
    pointer.slot = slot
    pointer.state = TRIAL
    pointer.boots = pointer.wakes = pointer.outcome = 0
    pointer.release = release
    write(root, pointer)


def verify(root: str, slot: int) -> bool:
    """Whether a slot holds every file of its manifest, to the byte."""
    folder = root + SLOTS[slot]
    try:
        count = 0
        for path, size, digest in files_of(_bytes(folder + MANIFEST, _MAX_MANIFEST)):
            if digest_of(folder + "/" + path, size) != digest:
                return False
            count += 1
        return count > 0
    except (OSError, ValueError, IndexError):
        return False


def digest_of(path: str, size: int):
    """The SHA-256 of a file of this size; None when it is shorter or longer. Raises OSError."""
    if os.stat(path)[6] != size:
        return None
    total = hashlib.sha256()
    piece = memoryview(bytearray(_PIECE))
    with open(path, "rb") as file:
        while True:
            count = file.readinto(piece)
            if not count:
                return total.digest()
            total.update(piece[:count])


def files_of(signed: bytes):
    """Each (path, size, SHA-256) of a signed manifest, as wire/manifest.py lays them out: there is no room for all of
    them at once. Raises ValueError."""
    end = len(signed) - _SIGNATURE
    if end < 26 or signed[:4] != b"HQM1":
        raise ValueError("no manifest")
    at = 26
    for _ in range(signed[23] + signed[24]):
        at += 1 + signed[at]
    for _ in range(signed[25]):
        start = at + 1 + signed[at]
        size, digest = struct.unpack(">I32s", signed[start : start + 36])
        yield signed[at + 1 : start].decode(), size, digest
        at = start + 36
    if at != end:
        raise ValueError("no manifest")


def release_of(root: str, slot: int):
    """The id of the release in a slot; None when it has no manifest."""
    path = root + SLOTS[slot] + MANIFEST
    try:
        size = os.stat(path)[6]
        return digest_of(path, size)[:16] if size else None
    except OSError:
        return None


def version_of(root: str, slot: int) -> tuple:
    """The version of the release in a slot."""
    signed = _bytes(root + SLOTS[slot] + MANIFEST, 11)
    return struct.unpack(">3H", signed[5:11]) if len(signed) == 11 else (0, 0, 0)


def exists(path: str) -> bool:
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def _bytes(path: str, most: int) -> bytes:
    """At most so many bytes of a file; none when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(min(most, os.stat(path)[6]))  # what is asked for is allocated
    except OSError:
        return b""
