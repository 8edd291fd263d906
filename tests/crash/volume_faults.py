# mypy: ignore-errors
# ruff: noqa: I001, UP031 (MicroPython: `node` is on the path)
"""Runs in real MicroPython: what the node's volume and journal do on a flash that fails to answer now and then.

Each scene raises when a rule of node/volume.py or node/journal.py is broken; its name is printed when it is over.
"""

import sys

import vfs

from node import journal, volume
from wire import fields, frames

BLOCKS = 48
SIZE = 4096
EIO = -5


class Flash:
    """A NOR flash in RAM; ``failing`` says of each read, by its number and block, whether it gets no answer."""

    def __init__(self, blocks=BLOCKS):
        self.data = bytearray(b"\xff" * (BLOCKS * SIZE))
        self.blocks = blocks
        self.reads = 0
        self.erases = 0
        self.failing = lambda _read, _block: False

    def readblocks(self, block, buffer, offset=0):
        self.reads += 1
        if self.failing(self.reads, block):
            return EIO
        at = block * SIZE + offset
        buffer[:] = self.data[at : at + len(buffer)]
        return 0

    def writeblocks(self, block, buffer, offset=0):
        at = block * SIZE + offset
        self.data[at : at + len(buffer)] = buffer
        return 0

    def ioctl(self, operation, argument):
        if operation == 4:
            return self.blocks
        if operation == 5:
            return SIZE
        if operation == 6:
            self.erases += 1
            self.data[argument * SIZE : (argument + 1) * SIZE] = b"\xff" * SIZE
        return 0

    def fails_once(self, number):
        """The read with this number, from now."""
        self.reads = 0
        self.failing = lambda read, _block: read == number

    def answers(self):
        self.failing = lambda _read, _block: False


def mount(flash):
    """(blocks, made new, pauses) of a mount."""
    pauses = []
    blocks, made = volume.mount(flash, lambda: pauses.append(1))
    return blocks, made, len(pauses)


def refused(flash):
    before = bytes(flash.data)
    try:
        mount(flash)
    except OSError:
        return flash.data == before
    return False


def with_readings():
    """A flash with 3 boots of readings on it, unmounted; (flash, their number)."""
    flash = Flash()
    assert mount(flash) == (BLOCKS, True, volume.TRIES - 1)
    for boot in range(3):
        store = journal.Journal(volume.MOUNT_POINT, BLOCKS, boot)
        for at in range(4):
            store.append([(at, fields.SOIL_MOISTURE, channel, fields.GOOD, 0, 7) for channel in range(20)])
    vfs.umount(volume.MOUNT_POINT)
    return flash, 240


def drained(store, now_ms):
    """How many records come, each acknowledged at once."""
    count = 0
    found = store.next_frame(now_ms)
    while found:
        store.sent(found[1])
        boot_id = int.from_bytes(found[0][2:6], "big")
        records = (len(found[0]) - 24) // frames.RECORD_BYTES
        count += records
        first = int.from_bytes(found[0][24:28], "big")
        store.acknowledge(boot_id, [(first, first + records - 1)])
        found = store.next_frame(now_ms)
    return count


def one_read_error_at_mount_costs_nothing():
    flash, stored = with_readings()
    number = 0
    pauses = 1
    while pauses:  # each read of a mount in turn
        number += 1
        flash.fails_once(number)
        blocks, made, pauses = mount(flash)
        assert not made and blocks == BLOCKS
        vfs.umount(volume.MOUNT_POINT)
    assert number > 3
    flash.answers()
    mount(flash)
    store = journal.Journal(volume.MOUNT_POINT, BLOCKS, 9)
    assert drained(store, 0) == stored and store.dropped == 0


def a_flash_that_does_not_answer_is_left_as_it_is():
    flash, _ = with_readings()
    flash.failing = lambda _read, _block: True
    assert refused(flash) and refused(flash)
    flash.answers()
    assert mount(flash)[1] is False


def doubt_is_enough_not_to_format():
    flash, _ = with_readings()
    whole = bytes(flash.data)
    flash.data[: 2 * SIZE] = b"\xff" * (2 * SIZE)  # it looks blank, but once it did not answer at all
    flash.fails_once(1)
    assert refused(flash)
    flash.answers()
    flash.data[:] = whole
    assert mount(flash)[1] is False


def a_volume_of_another_size_is_left_as_it_is():
    flash, _ = with_readings()
    flash.blocks = BLOCKS - 8
    assert refused(flash)


def what_is_no_volume_is_made_new():
    flash = Flash()
    flash.data[:] = bytes(len(flash.data))
    assert mount(flash)[1] is True


def one_read_error_in_the_journal_costs_nothing():
    for number in range(1, 60):
        flash, stored = with_readings()
        assert mount(flash)[1] is False
        flash.fails_once(number)
        try:
            store = journal.Journal(volume.MOUNT_POINT, BLOCKS, 9)
        except OSError:  # the folder could not be read: the node works in RAM, and this is all still there
            flash.answers()
            store = journal.Journal(volume.MOUNT_POINT, BLOCKS, 9)
        count = drained(store, 0)
        flash.answers()
        count += drained(store, journal.UNREAD_MS)
        assert (count, store.dropped) == (stored, 0), "read %d: %d of %d came" % (number, count, stored)
        vfs.umount(volume.MOUNT_POINT)


SCENES = (
    one_read_error_at_mount_costs_nothing,
    a_flash_that_does_not_answer_is_left_as_it_is,
    doubt_is_enough_not_to_format,
    a_volume_of_another_size_is_left_as_it_is,
    what_is_no_volume_is_made_new,
    one_read_error_in_the_journal_costs_nothing,
)

for scene in SCENES:
    if scene.__name__ == sys.argv[1]:
        scene()
        print("held")
