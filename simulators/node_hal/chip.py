"""The partitions of a simulated chip that hold its interpreter: esp32.Partition, and the boot loader's rollback.

Environment
    HOIQUAN_NODE_CHIP  file with both partitions, made when missing; beside it ``.ota`` is what the boot loader knows.
                       Without it there is one partition, as on a chip that was set up for no updates of it

Rules
1. A process is a start: importing this is what the boot loader does at each one, after a wake as well. An image that is
   NEW gets one start (PENDING); who did not call ``mark_app_valid_cancel_rollback`` in it has been ABORTED at the next.
2. ``set_boot`` looks at the image first, as the chip does: here at its first byte.
3. Whatever lies in them, the interpreter that runs is the one of this machine. Which partition it counts as is told
   by ``info``.
"""

import json
import os

import flash_file

BLOCKS = 64  # each
BLOCK = 4096
MAGIC = 0xE9
NEW, PENDING, VALID, ABORTED = "new", "pending", "valid", "aborted"

_path = os.getenv("HOIQUAN_NODE_CHIP")


def _known() -> dict:
    try:
        with open(_path + ".ota") as file:
            return json.load(file)
    except OSError:
        return {"boot": 0, "states": [VALID, ABORTED]}


def _keep(known: dict) -> None:
    with open(_path + ".tmp", "w") as file:
        json.dump(known, file)
    os.rename(_path + ".tmp", _path + ".ota")


def _start() -> int:
    """The boot loader: which partition runs."""
    known = _known()
    at = known["boot"]
    states = known["states"]
    if states[at] == PENDING:
        states[at] = ABORTED
        known["boot"] = at = 1 - at
    elif states[at] == NEW:
        states[at] = PENDING
    _keep(known)
    return at


class Partition:
    BOOT, RUNNING = 0, 1

    def __init__(self, which: int) -> None:
        self._at = _running if which == self.RUNNING else _known()["boot"]

    def info(self) -> tuple:
        """(type, subtype, address, size, label, encrypted)."""
        return 0, 16 + self._at, 0x10000 + self._at * BLOCKS * BLOCK, BLOCKS * BLOCK, "ota_%d" % self._at, False

    def get_next_update(self):
        """The partition that does not run."""
        if not _path:
            raise OSError(2)
        found = Partition(self.RUNNING)
        found._at = 1 - _running
        return found

    def readblocks(self, block: int, buffer, offset: int = 0) -> None:
        _flash.readblocks(self._at * BLOCKS + block, buffer, offset)

    def writeblocks(self, block: int, buffer) -> None:
        if _flash.writeblocks(self._at * BLOCKS + block, buffer):
            raise OSError(5)

    def set_boot(self) -> None:
        first = bytearray(1)
        self.readblocks(0, first)
        if first[0] != MAGIC:
            raise OSError(-0x1503)  # ESP_ERR_OTA_VALIDATE_FAILED
        known = _known()
        known["boot"] = self._at
        known["states"][self._at] = NEW
        _keep(known)

    @classmethod
    def mark_app_valid_cancel_rollback(cls) -> None:
        known = _known()
        known["states"][_running] = VALID
        _keep(known)


_running = _start() if _path else 0
_flash = flash_file.FlashFile(_path, 2 * BLOCKS) if _path else None
