# mypy: ignore-errors
# ruff: noqa: I001 (MicroPython: `node` is on the path)
"""How many erases the journal costs: real LittleFS on a flash in RAM that counts them. For MicroPython.

Prints ``state batch erases records`` for batches of so many records that are kept during an outage, that are sent and
acknowledged at once, and that are acknowledged when five wait.
"""

import vfs

from node import journal, volume
from wire import fields, frames

BLOCKS = 256
SIZE = 4096
RECORDS = 2400


class Flash:
    def __init__(self):
        self.data = bytearray(b"\xff" * (BLOCKS * SIZE))
        self.erases = 0

    def readblocks(self, block, buffer, offset=0):
        at = block * SIZE + offset
        buffer[:] = self.data[at : at + len(buffer)]
        return 0

    def writeblocks(self, block, buffer, offset=0):
        at = block * SIZE + offset
        self.data[at : at + len(buffer)] = buffer
        return 0

    def ioctl(self, operation, argument):
        if operation == 4:
            return BLOCKS
        if operation == 5:
            return SIZE
        if operation == 6:
            self.erases += 1
            self.data[argument * SIZE : (argument + 1) * SIZE] = b"\xff" * SIZE
        return 0


def acknowledge(store):
    found = store.next_frame(0)
    while found:
        store.sent(found[1])
        records = found[0][24:]
        seqs = [int.from_bytes(records[at : at + 4], "big") for at in range(0, len(records), frames.RECORD_BYTES)]
        store.acknowledge(store.boot_id, [(seq, seq) for seq in seqs])
        found = store.next_frame(0)


def wear(batch, every):
    """Erases of RECORDS records in batches, acknowledged after every so many of them (0: never)."""
    flash = Flash()
    volume.mount(flash, lambda: None)
    store = journal.Journal(volume.MOUNT_POINT, BLOCKS, 0)
    before = flash.erases
    for at in range(RECORDS // batch):
        rows = [(at, fields.SOIL_MOISTURE, channel, fields.GOOD, 0, at) for channel in range(batch)]
        assert store.append(rows) is not None
        if every and at % every == 0:
            acknowledge(store)
    vfs.umount(volume.MOUNT_POINT)
    assert store.dropped == 0
    return flash.erases - before


for batch in (1, 2, 3, 4, 6, 8, 11, 12, 20, 40):
    for state, every in (("kept", 0), ("sent", 1), ("late", 5)):
        print(state, batch, wear(batch, every), RECORDS)
