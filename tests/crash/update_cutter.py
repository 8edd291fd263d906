# mypy: ignore-errors
# ruff: noqa: PTH102, PTH116, PTH123, PTH208, SIM105, SIM115, UP031 - the libraries of MicroPython
"""Cuts the power at every write while a node loads a release, and boots it again. Runs in real MicroPython.

Usage: update_cutter.py FOLDER STEP. FOLDER holds ``flash`` (what is on the node), ``release`` (a signed bundle) and
``key``. Prints one line of figures; an AssertionError says after which write something was wrong.

What is checked after each cut: the node boots a slot that verifies, the old release or the new one; it was never
without one; the transfer goes on from there and ends with the new one.
"""

import os
import sys

import loader
import vfs
from update import transfer

from wire import updates

BLOCKS, SIZE = 96, 4096
ME = ("sim", "valve", (1, 26, 1))
ROOT = "/chip"


class Chip:
    """Flash in RAM that loses its power after ``budget`` erases and programs; the last one is torn."""

    def __init__(self, blocks: list, budget: int) -> None:
        self.blocks = blocks
        self.budget = budget
        self.writes = 0

    def readblocks(self, block: int, buffer, offset: int = 0) -> int:
        found = self.blocks[block]
        if found is None:
            for i in range(len(buffer)):
                buffer[i] = 0xFF
        else:
            memoryview(buffer)[:] = memoryview(found)[offset : offset + len(buffer)]
        return 0

    def writeblocks(self, block: int, buffer, offset: int = 0) -> int:
        done = len(buffer)
        if not self._has_power():
            if self.writes > self.budget + 1:
                return -5
            done //= 2  # torn
        if self.blocks[block] is None:
            self.blocks[block] = bytearray(b"\xff" * SIZE)
        memoryview(self.blocks[block])[offset : offset + done] = memoryview(buffer)[:done]
        return 0 if done == len(buffer) else -5

    def ioctl(self, operation: int, argument: int) -> int:
        if operation == 4:
            return BLOCKS
        if operation == 5:
            return SIZE
        if operation == 6:
            if not self._has_power():
                return -5
            self.blocks[argument] = None
        return 0

    def _has_power(self) -> bool:
        self.writes += 1
        return self.writes <= self.budget


def copied(blocks: list) -> list:
    return [None if block is None else bytearray(block) for block in blocks]


def mounted(chip: Chip) -> None:
    vfs.mount(vfs.VfsLfs2(chip), ROOT)


def unmounted() -> None:
    try:
        vfs.umount(ROOT)
    except OSError:
        pass


def install(folder: str, target: str) -> None:
    for name in os.listdir(folder):
        source, there = folder + "/" + name, target + "/" + name
        if os.stat(source)[0] & 0x4000:
            os.mkdir(there)
            install(source, there)
        else:
            with open(source, "rb") as read, open(there, "wb") as write:
                write.write(read.read())


class Release:
    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.signed = open(folder + "/manifest", "rb").read()
        from hashlib import sha256

        self.id = sha256(self.signed).digest()[:16]
        self.files = list(loader.files_of(self.signed))

    def piece(self, item: int, offset: int, length: int) -> bytes:
        if item == 0:
            return self.signed[offset : offset + length]
        with open(self.folder + "/" + self.files[item - 1][0], "rb") as file:
            file.seek(offset)
            return file.read(length)


def load(release: Release, key: bytes) -> None:
    """The whole transfer, as far as the power goes. Raises OSError or Refusal when it is gone."""
    try:
        going = transfer.Transfer(ROOT, release.id, len(release.signed), key, ME)
    except transfer.Refusal as refusal:
        if refusal.status == updates.SAME:
            return
        raise
    while not going.loaded:
        item, offset, length = going.wanted()
        assert going.take(item, offset, release.piece(item, offset, length))


def main(folder: str, step: int) -> None:
    with open(folder + "/key", "rb") as file:
        key = file.read()
    new = Release(folder + "/release")
    factory = Chip([None] * BLOCKS, 10**9)
    vfs.VfsLfs2.mkfs(factory)
    mounted(factory)
    install(folder + "/flash", ROOT)
    old = loader.release_of(ROOT, 0)
    unmounted()
    whole = Chip(copied(factory.blocks), 10**9)
    mounted(whole)
    load(new, key)
    unmounted()
    olds = news = resumed = 0
    for budget in range(0, whole.writes + 1, step):
        chip = Chip(copied(factory.blocks), budget)
        mounted(chip)
        try:
            load(new, key)
        except (OSError, transfer.Refusal):
            pass
        unmounted()
        chip = Chip(chip.blocks, 10**9)
        mounted(chip)
        program, where = loader.choose(ROOT, False, True)
        slot = loader.SLOTS.index(where[len(ROOT) :])
        found = loader.release_of(ROOT, slot)
        assert program == loader.APP and loader.verify(ROOT, slot), "after write %d: %r" % (budget, where)
        assert found in (old, new.id), "after write %d: something else" % budget
        pointer = loader.read(ROOT)
        assert pointer.state == (loader.GOOD if found == old else loader.TRIAL) and not pointer.outcome
        olds += found == old
        news += found == new.id
        before = chip.writes
        load(new, key)
        resumed += chip.writes - before < whole.writes
        assert loader.read(ROOT).state == loader.TRIAL and loader.release_of(ROOT, 1) == new.id
        assert loader.verify(ROOT, 1), "after write %d: not whole at the end" % budget
        unmounted()
    print("writes", whole.writes, "old", olds, "new", news, "resumed", resumed)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
