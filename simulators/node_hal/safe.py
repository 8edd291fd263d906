"""The twin of firmware/safe.py for a simulated node: the same functions, the code volume in a file.

Environment
    HOIQUAN_NODE_CODE   image of the file system with slots and pointer; without it the node has one tree of files
    HOIQUAN_NODE_CAUSE  "power", "sleep" or "watchdog": why this boot happened; without it a node that asked to be
                        started again was reset, and any other has got power

The volume is mounted when this is first imported, and stays so when this module is let go of.
"""

import os

import hal

HARDWARE = "sim"
REASON = "/error"
MOUNT_POINT = "/code"
CODE_BLOCKS = 512  # 2 MB, as on a chip of 4 MB


def _mounted() -> str | None:
    image = os.getenv("HOIQUAN_NODE_CODE")
    if image and hal.ROOT is None:
        import flash_file
        import vfs

        vfs.mount(vfs.VfsLfs2(flash_file.FlashFile(image, CODE_BLOCKS)), MOUNT_POINT)
        hal.ROOT = MOUNT_POINT
    return hal.ROOT


def outputs_off() -> None:
    hal.outputs_off()


def watchdog() -> None:
    """The launcher sees a process that is gone; a test ends one that hangs, and says so in HOIQUAN_NODE_CAUSE."""


def slept() -> bool:
    return os.getenv("HOIQUAN_NODE_CAUSE") == "sleep"


def powered() -> bool:
    cause = os.getenv("HOIQUAN_NODE_CAUSE")
    return cause == "power" or (not cause and not _was_reset())


def _was_reset() -> bool:
    """Whether the program before ended by ``hal.reset``."""
    try:
        os.stat((os.getenv("HOIQUAN_NODE_FLASH") or "node.flash") + ".cause")
    except OSError:
        return False
    return True


def keep_reason(text: str) -> None:
    """Why the program failed, for the next one that reaches the gateway."""
    if ROOT is None:
        return
    try:
        with open(ROOT + REASON, "w") as file:
            file.write(text[:80])
    except OSError:
        pass


ROOT = _mounted()
