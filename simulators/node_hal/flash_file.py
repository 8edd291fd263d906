"""A flash chip in a file: MicroPython's extended block device (the one that LittleFS uses).

Rules
1. BLOCKS x BLOCK_SIZE bytes; an erased byte is 0xFF. The chip outlives the process as a chip outlives a reset.
2. Every write goes to the file at once, so a killed process loses nothing that ``writeblocks`` returned for.
3. A failing file answers -EIO; LittleFS then tells the caller, as with a worn chip.
"""

import os

BLOCKS = 256
BLOCK_SIZE = 4096
_EIO = 5
_ERASED = b"\xff" * 256


class FlashFile:
    """``erases`` counts for whoever wants to know the wear."""

    def __init__(self, path: str, blocks: int = BLOCKS) -> None:
        self.erases = 0
        self.blocks = blocks
        try:
            size = os.stat(path)[6]
        except OSError:
            size = 0
        if size != blocks * BLOCK_SIZE:
            _make_blank(path, blocks)
        self._file = open(path, "r+b")

    def readblocks(self, block: int, buffer, offset: int = 0) -> int:
        try:
            self._file.seek(block * BLOCK_SIZE + offset)
            self._file.readinto(buffer)
        except OSError:
            return -_EIO
        return 0

    def writeblocks(self, block: int, buffer, offset: int | None = None) -> int:
        try:
            if offset is None:  # the plain interface: erase, then program
                self._erase(block)
                offset = 0
            self._file.seek(block * BLOCK_SIZE + offset)
            self._file.write(buffer)
        except OSError:
            return -_EIO
        return 0

    def ioctl(self, operation: int, argument: int) -> int | None:
        if operation == 4:
            return self.blocks
        if operation == 5:
            return BLOCK_SIZE
        if operation == 6:
            try:
                self._erase(argument)
            except OSError:
                return -_EIO
            return 0
        return 0

    def _erase(self, block: int) -> None:
        self.erases += 1
        self._file.seek(block * BLOCK_SIZE)
        for _ in range(BLOCK_SIZE // len(_ERASED)):
            self._file.write(_ERASED)


def _make_blank(path: str, blocks: int) -> None:
    with open(path, "wb") as file:
        for _ in range(blocks * BLOCK_SIZE // len(_ERASED)):
            file.write(_ERASED)
