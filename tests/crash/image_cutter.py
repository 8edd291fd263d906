# mypy: ignore-errors
# ruff: noqa: PT017, PTH123, SIM105, SIM115, UP031 - the libraries of MicroPython
"""Cuts the power at every write while a node loads an interpreter, and starts it again. Runs in real MicroPython.

Usage: image_cutter.py FOLDER. FOLDER holds ``flash`` (what is on the node), ``key``, and signed releases of one image
each: ``release``, and those of which something is wrong (WRONG). Prints one line of figures; an AssertionError says
after which write something was wrong.

The chip here is two partitions and the boot loader's rollback, as esp32.Partition and ESP-IDF have them. Its writes and
those of the file system take from one supply. What is checked after each cut: the boot loader starts the old image or
the new one, whole; what was there is not loaded again; and in the end the new one is on trial.
"""

import sys

import loader
import update_cutter as cutter
import vfs
from update import image, transfer

from wire import updates

ROOT, BLOCK = cutter.ROOT, cutter.SIZE
PART_BLOCKS = 8
NEW, PENDING, VALID, ABORTED = 1, 2, 3, 4
WRONG = {
    "wrong-key": updates.BAD_SIGNATURE,
    "hardware": updates.OTHER_HARDWARE,
    "older": updates.OLDER,
    "big": updates.NO_SPACE,
    "half": None,
    "bit": updates.BAD_FILE,
    "noimage": updates.BAD_FILE,
}


class Board:
    """The chip behind ``hal.partition()``, with the file system's flash on the same supply."""

    def __init__(self, supply: cutter.Chip) -> None:
        self.supply = supply
        self.parts = [bytearray(b"\xe9old" * (BLOCK * PART_BLOCKS // 4)), bytearray(BLOCK * PART_BLOCKS)]
        self.states = [VALID, ABORTED]
        self.boot = self.runs = 0
        self.programmed = 0
        board = self

        class Partition:
            RUNNING = 1

            def __init__(self, _which) -> None:
                self.at = board.runs

            def info(self) -> tuple:
                return 0, 16, 0, BLOCK * PART_BLOCKS, "ota_%d" % self.at, False

            def get_next_update(self):
                if len(board.parts) < 2:
                    raise OSError(2)
                found = Partition(1)
                found.at = 1 - board.runs
                return found

            def readblocks(self, block: int, buffer) -> None:
                buffer[:] = board.parts[self.at][block * BLOCK : block * BLOCK + len(buffer)]

            def writeblocks(self, block: int, buffer) -> None:
                start = block * BLOCK
                board.power()
                board.parts[self.at][start : start + BLOCK] = b"\xff" * BLOCK
                half = BLOCK // 2
                board.parts[self.at][start : start + half] = buffer[:half]  # torn, if the power goes now
                board.power()
                board.parts[self.at][start : start + BLOCK] = buffer
                board.programmed += 1

            def set_boot(self) -> None:
                if board.parts[self.at][0] != 0xE9:
                    raise OSError(-0x1503)
                board.power()
                board.states[self.at] = NEW
                board.boot = self.at

            @staticmethod
            def mark_app_valid_cancel_rollback() -> None:
                board.states[board.runs] = VALID

        self.partition = lambda: Partition

    def power(self) -> None:
        if not self.supply._has_power():
            raise OSError(5)

    def feed(self) -> None:
        pass

    def start(self) -> int:
        """The boot loader."""
        if self.states[self.boot] == PENDING:
            self.states[self.boot] = ABORTED
            self.boot = 1 - self.boot
        elif self.states[self.boot] == NEW:
            self.states[self.boot] = PENDING
        self.runs = self.boot
        return self.runs


def load(release: cutter.Release, key: bytes, board: Board) -> int:
    """The whole transfer; how many pieces it took. Raises OSError or Refusal."""
    going = transfer.Transfer(ROOT, release.id, len(release.signed), key, cutter.ME, board)
    asked = 0
    while not going.loaded:
        item, offset, length = going.wanted()
        data = release.piece(item, offset, length)
        asked += 1
        if not going.take(item, offset, data):
            return -1  # nothing that could be taken: the life ends for want of an answer
    return asked


def begin(blocks: list, budget: int, release: cutter.Release) -> Board:
    chip = cutter.Chip(cutter.copied(blocks), budget)
    cutter.mounted(chip)
    board = Board(chip)
    if loader.wish(ROOT) is None and budget:
        loader.want(ROOT, release.id, len(release.signed), updates.ANY_VERSION)
        chip.writes = 0
    return board


def main(folder: str) -> None:
    with open(folder + "/key", "rb") as file:
        key = file.read()
    new = cutter.Release(folder + "/release")
    whole = open(folder + "/release/" + new.files[0][0], "rb").read()
    factory = cutter.Chip([None] * cutter.BLOCKS, 10**9)
    vfs.VfsLfs2.mkfs(factory)
    cutter.mounted(factory)
    cutter.install(folder + "/flash", ROOT)
    loader.want(ROOT, new.id, len(new.signed), updates.ANY_VERSION)
    cutter.unmounted()
    board = begin(factory.blocks, 10**9, new)
    pieces = load(new, key, board)
    writes = board.supply.writes
    cutter.unmounted()
    olds = news = resumed = 0
    for budget in range(writes + 1):
        board = begin(factory.blocks, budget, new)
        try:
            load(new, key, board)
        except (OSError, transfer.Refusal):
            pass
        cutter.unmounted()
        board.supply.budget = 10**9
        cutter.mounted(board.supply)
        runs = board.start()
        program, where = loader.choose(ROOT, False, True)
        assert where == ROOT + "/a" and loader.verify(ROOT, 0), "after write %d: the program" % budget
        assert bytes(board.parts[0][:8]) == b"\xe9old\xe9old"
        olds += runs == 0
        news += runs == 1
        if runs == 1:
            assert bytes(board.parts[1][: len(whole)]) == whole, "after write %d: half an image runs" % budget
        elif program == loader.UPDATE:
            there = board.programmed
            again = load(new, key, board)
            assert again > 0 and loader.wish(ROOT) is None
            resumed += again < pieces
            assert board.programmed - there <= PART_BLOCKS - max(0, there - 1), "after write %d" % budget
            assert board.start() == 1
        else:  # cut between the note and the boot loader: it is told as one that went back
            assert image.judge(ROOT, board.partition())[:2] == (updates.ROLLED_BACK, new.id)
            cutter.unmounted()
            continue
        assert image.judge(ROOT, board.partition())[:2] == (updates.RUNS, new.id), "on trial"
        assert board.start() == 0, "who does not say that it is healthy has had its one start"
        assert image.judge(ROOT, board.partition())[:2] == (updates.ROLLED_BACK, new.id)
        cutter.unmounted()
    refused = wrong(folder, factory.blocks, key)
    print("writes", writes, "old", olds, "new", news, "resumed", resumed, "refused", refused)


def wrong(folder: str, blocks: list, key: bytes) -> int:
    """Each release that is not to be had; what runs is not touched by any."""
    for name, status in WRONG.items():
        release = cutter.Release(folder + "/" + name)
        board = begin(blocks, 10**9, release)
        loader.put(ROOT + image.NOTE, b"\0\0\0" + bytes((0, 1, 0, 26, 0, 20)) + bytes(22) + b"ota_0")
        try:
            assert load(release, key, board) == -1 and status is None, name
        except transfer.Refusal as refusal:
            assert refusal.status == status, (name, refusal.status)
        assert board.start() == 0 and loader.verify(ROOT, 0), name
        cutter.unmounted()
    board = begin(blocks, 10**9, release)
    stale = transfer.Transfer(ROOT, release.id, len(release.signed), key, cutter.ME, board)
    try:
        stale.take(0, 0, b"")
        raise AssertionError("it is not given out any more")
    except transfer.Refusal as refusal:
        assert refusal.status == updates.WITHDRAWN
    board.parts.pop()
    try:
        load(cutter.Release(folder + "/release"), key, board)
        raise AssertionError("there is no second partition")
    except transfer.Refusal as refusal:
        assert refusal.status == updates.NO_PARTITION
    cutter.unmounted()
    return len(WRONG) + 1


if __name__ == "__main__":
    main(sys.argv[1])
