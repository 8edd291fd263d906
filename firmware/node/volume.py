"""The data volume: LittleFS on the node's flash.

Rules
1. What can be mounted is never formatted. Only a flash that LittleFS does not know is made new.
2. READ and PROGRAM sizes are 64 B: then a sample's readings lie within the folder's own log, and a reading that is
   sent and acknowledged costs 0.02 erases instead of 0.2 (measured; more did not help). They belong to the volume's
   format: mount with the sizes it was made with.
"""

import os

import vfs

MOUNT_POINT = "/data"
_SIZE = 64


def mount(block_device) -> tuple[int, bool]:
    """(blocks of the volume, whether it was made new)."""
    made = False
    try:
        volume = vfs.VfsLfs2(block_device, readsize=_SIZE, progsize=_SIZE)
    except OSError:
        vfs.VfsLfs2.mkfs(block_device, readsize=_SIZE, progsize=_SIZE)
        volume = vfs.VfsLfs2(block_device, readsize=_SIZE, progsize=_SIZE)
        made = True
    vfs.mount(volume, MOUNT_POINT)
    return os.statvfs(MOUNT_POINT)[2], made
