"""The data volume: LittleFS on the node's flash.

Rules
1. What can be mounted is never formatted, and neither is what only could not be read. A mount that fails is tried
   again, TRIES times in all. The flash is made new only when LittleFS itself said every time that there is no volume
   on it, as it says of a blank one. All else (a chip that does not answer, a volume of another size) is an OSError.
2. READ and PROGRAM sizes are 64 B: then a sample's readings lie within the folder's own log, and a reading that is
   sent and acknowledged costs 0.02 erases instead of 0.2 (measured; more did not help). They belong to the volume's
   format: mount with the sizes it was made with.
"""

import os

import vfs

MOUNT_POINT = "/data"
TRIES = 5
_SIZE = 64
_NO_VOLUME = 84  # LFS_ERR_CORRUPT


def mount(block_device, pause) -> tuple[int, bool]:
    """(blocks of the volume, whether it was made new). ``pause`` is called between two tries. Raises OSError."""
    failed = None
    for _ in range(TRIES):
        if failed is not None:
            pause()
        try:
            return _mount(block_device), False
        except OSError as error:
            if failed is None or failed.errno == _NO_VOLUME:
                failed = error
    if failed.errno != _NO_VOLUME:
        raise failed
    vfs.VfsLfs2.mkfs(block_device, readsize=_SIZE, progsize=_SIZE)
    return _mount(block_device), True


def leave() -> None:
    """Let go of the volume; all that was closed is on the flash."""
    vfs.umount(MOUNT_POINT)


def _mount(block_device) -> int:
    vfs.mount(vfs.VfsLfs2(block_device, readsize=_SIZE, progsize=_SIZE), MOUNT_POINT)
    try:
        return os.statvfs(MOUNT_POINT)[2]
    except OSError:
        vfs.umount(MOUNT_POINT)
        raise
