"""An interpreter that comes over the air: its image, block by block, and what becomes of it. Loaded for that only.

Rules
1. It goes to the partition of the chip that does not run, so what runs is not touched. A chip whose table of
   partitions has no second one refuses it, and so does a node that is in rescue.
2. A note (``/image``, one rename) tells after each block how many are there: a load that was cut off goes on behind the
   last whole one. At the end all is read back, and only when its SHA-256 is the one of the manifest the note says
   READY, and the boot loader is told to start it.
3. The boot loader gives it one start. Who is healthy on it (probation.py) tells the boot loader to keep it; after any
   other end the boot loader starts the one before, and the note, still READY, says that it went back.
4. It is never older than the one that runs, nor than the newest that was ever healthy here.
"""

import hashlib
import struct

import loader

from wire import updates

NOTE = "/image"
BLOCK = 4096
LOADING, READY, GOOD = 1, 2, 3
_NOTE = ">BH6s6s16s"  # state, blocks that are there, newest that was healthy, version, release; then the partition
_SIZE = 31


def read(root: str) -> tuple:
    """The note: (state, blocks, newest, version, release, partition)."""
    try:
        with open(root + NOTE, "rb") as file:
            packed = file.read(64)
        return struct.unpack(_NOTE, packed[:_SIZE]) + (packed[_SIZE:],)  # noqa: RUF005 - MicroPython stars in calls
    except (OSError, ValueError):
        return 0, 0, bytes(6), b"", b"", b""


def judge(root: str, chip) -> tuple:
    """(what became of the last one, its release, the note of being healthy) for a start: RUNS when it is on trial,
    ROLLED_BACK when it should run and does not, 0 otherwise."""
    state, _, newest, version, release, name = read(root)
    if state != READY:
        return 0, release, b""
    if _name(chip(chip.RUNNING)) == name:
        return updates.RUNS, release, struct.pack(_NOTE, GOOD, 0, version, version, release) + name
    return updates.ROLLED_BACK, release, struct.pack(_NOTE, 0, 0, newest, version, release) + name


class Image:
    """One image on its way to the chip. ``at`` is how much of it is there. OSError from here is the chip's."""

    def __init__(self, root: str, hal, release: bytes, version: tuple, file: tuple) -> None:
        chip = hal.partition()
        running = chip(chip.RUNNING)
        try:
            self._chip = running.get_next_update()
        except OSError:
            _refuse(updates.NO_PARTITION)
        _, self._size, self._digest = file
        if self._size > self._chip.info()[3]:
            _refuse(updates.NO_SPACE)
        if loader.read(root).state == loader.RESCUE:
            _refuse(updates.BUSY)
        state, blocks, newest, _, before, name = read(root)
        mine = struct.pack(">3H", *version)
        if mine < newest:
            _refuse(updates.OLDER)
        self._name = _name(self._chip)
        self._end = newest, mine, release
        self._root, self._hal = root, hal
        self._block = bytearray(BLOCK)
        self.at = 0
        if before == release:
            if state == GOOD and name == _name(running):
                _refuse(updates.SAME)
            if name == self._name:
                self.at = min(BLOCK * blocks, self._size)
        self._went_on = self.at

    def take(self, data: bytes) -> bool:
        """The next bytes; whether the chip will start the image."""
        start = self.at % BLOCK
        self._block[start : start + len(data)] = data
        self.at += len(data)
        if self.at % BLOCK == 0 or self.at == self._size:
            blocks = -(-self.at // BLOCK)
            self._chip.writeblocks(blocks - 1, self._block)
            self._note(LOADING, blocks)
        return self.whole()

    def whole(self) -> bool:
        """Whether all is there and right; the boot loader knows it then. What is wrong is loaded once more from its
        first byte, if it was not loaded at a stretch."""
        if self.at < self._size:
            return False
        try:
            if self._read_back() == self._digest:
                self._note(READY, -(-self.at // BLOCK))
                loader.unwish(self._root)
                self._chip.set_boot()
                return True
        except OSError:
            pass  # the chip cannot read it, or finds that it is no image
        self._note(LOADING, 0)
        if not self._went_on:
            _refuse(updates.BAD_FILE)
        self.at = self._went_on = 0
        return False

    def _read_back(self) -> bytes:
        total = hashlib.sha256()
        whole = memoryview(self._block)
        for at in range(0, self._size, BLOCK):
            self._hal.feed()
            self._chip.readblocks(at // BLOCK, self._block)
            total.update(whole[: self._size - at])
        return total.digest()

    def _note(self, state: int, blocks: int) -> None:
        loader.put(self._root + NOTE, struct.pack(_NOTE, state, blocks, *self._end) + self._name)


def _name(partition) -> bytes:
    return partition.info()[4].encode()


def _refuse(status: int) -> None:
    from .transfer import Refusal  # a node that starts has no use for the rest of it

    raise Refusal(status)
