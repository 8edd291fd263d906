# mypy: ignore-errors
# ruff: noqa: I001, PTH123, PTH208, SIM105
# (MicroPython: `node` is on the path; pathlib and contextlib are not)
"""Runs in real MicroPython: the journal on real LittleFS, on a flash that loses its power at random points.

Arguments: number of cuts, seed. Each life mounts what the last one left, finds all that it must, and then works until
the power goes in the middle of a program or an erase: part of the bytes are written, one may be half-written, and from
then on the chip answers nothing. Prints one line of figures; any breach raises.
"""

import os
import random
import sys

import vfs

from node import journal, segment, volume
from wire import fields, frames

BLOCKS = 48
SIZE = 4096
DEAD = -5
HEAD_BYTES = 24  # of a frame of readings, before its records


class TearingFlash:
    """A NOR flash in RAM whose power goes after ``budget`` programs and erases."""

    def __init__(self):
        self.data = bytearray(b"\xff" * (BLOCKS * SIZE))
        self.budget = None

    def readblocks(self, block, buffer, offset=0):
        if self.budget == 0:
            return DEAD
        at = block * SIZE + offset
        buffer[:] = self.data[at : at + len(buffer)]
        return 0

    def writeblocks(self, block, buffer, offset=0):
        return self.change(block * SIZE + offset, bytes(buffer))

    def ioctl(self, operation, argument):
        if operation == 4:
            return BLOCKS
        if operation == 5:
            return SIZE
        if operation == 6:
            return self.change(argument * SIZE, b"\xff" * SIZE)
        return 0

    def change(self, at, new):
        if self.budget == 0:
            return DEAD
        if self.budget is not None:
            self.budget -= 1
            if self.budget == 0:
                count = random.randrange(len(new) + 1)
                self.data[at : at + count] = new[:count]
                if count < len(new):
                    self.data[at + count] &= random.getrandbits(8)
                return DEAD
        self.data[at : at + len(new)] = new
        return 0


def rows(now_ms):
    return [
        (now_ms, fields.SOIL_MOISTURE, channel, fields.GOOD, 0, random.getrandbits(20))
        for channel in range(random.randrange(1, 9))
    ]


def on_flash():
    """{(boot, seq): packed record} of all segments, without the journal's own bookkeeping."""
    found = {}
    for name in os.listdir(volume.MOUNT_POINT):
        if not name.startswith("s"):
            continue
        with open(volume.MOUNT_POINT + "/" + name, "rb") as file:
            top = segment.read_header(file)
            if top is None:
                continue
            for batch in segment.batches(file, top[2]):
                packed = batch[2] if batch else b""
                for at in range(0, len(packed), frames.RECORD_BYTES):
                    found[top[0], segment.seq_of(packed, at)] = packed[at : at + frames.RECORD_BYTES]
    return found


def segments():
    return sum(name.startswith("s") for name in os.listdir(volume.MOUNT_POINT))


class Lives:
    """What the outside world knows, over all lives of one node."""

    def __init__(self, flash):
        self.flash = flash
        self.must = {}  # stored, not acknowledged: has to be there
        self.may = {}  # all that was ever tried: nothing else can be there
        self.boots = set()
        self.stored = self.acked = self.lives = self.segments = self.most = 0

    def begin(self):
        """Mount, check, open. None when the power went already."""
        _, made = volume.mount(self.flash, lambda: None)
        assert made == (self.lives == 0), "a flash that could be mounted was made anew"
        self.lives += 1
        self.segments = segments()
        self.most = max(self.most, self.segments)
        found = on_flash()
        for key, record in self.must.items():
            assert found.get(key) == record, f"lost {key} in life {self.lives}"
        for key, record in found.items():
            assert self.may.get(key) == record, f"invented {key} in life {self.lives}"
        self.may = found
        self.flash.budget = random.randrange(1, 40)
        try:
            store = journal.Journal(volume.MOUNT_POINT, BLOCKS, random.getrandbits(16))
        except OSError:
            return None
        return store

    def work(self, store):
        """Until the power goes."""
        now_ms = 0
        offline = random.randrange(2) and self.segments < 15
        while self.flash.budget:
            now_ms += 1000
            if offline or random.randrange(3):
                self.append(store, rows(now_ms))
            else:
                self.acknowledge(store, now_ms)
            if random.randrange(20) == 0:
                store.set_clock(1700000000000, fields.CLOCK_GATEWAY)
        assert store.dropped == 0 or self.flash.budget == 0

    def append(self, store, batch):
        assert store.boot_id not in self.boots, "a boot_id was given twice"
        for at, row in enumerate(batch):
            seq = store.next_seq + at
            uptime_ms, field, channel, quality, fault, raw = row
            self.may[store.boot_id, seq] = frames.pack_record((seq, uptime_ms, field, channel, quality, fault, raw))
        got = store.append(batch)
        if got is None:
            assert self.flash.budget == 0, "a healthy flash refused"
            return
        for seq in range(got[0], got[1] + 1):
            self.must[store.boot_id, seq] = self.may[store.boot_id, seq]
        self.stored += len(batch)

    def acknowledge(self, store, now_ms):
        got = store.next_frame(now_ms)
        if got is None:
            store.forget_flight()
            return
        store.sent(got[1])
        boot_id = int.from_bytes(got[0][2:6], "big")
        records = got[0][HEAD_BYTES:]
        seqs = [segment.seq_of(records, at) for at in range(0, len(records), frames.RECORD_BYTES)]
        for seq in seqs:
            self.must.pop((boot_id, seq), None)
        self.acked += store.acknowledge(boot_id, [(min(seqs), max(seqs))])

    def end(self, store):
        if store is not None:
            self.boots.add(store.boot_id)
        try:
            vfs.umount(volume.MOUNT_POINT)
        except OSError:
            pass  # the power is gone
        self.flash.budget = None


def main(cuts, seed):
    random.seed(seed)
    lives = Lives(TearingFlash())
    for _ in range(cuts):
        store = lives.begin()
        if store is not None:
            lives.work(store)
        lives.end(store)
    lives.begin()
    print(f"cuts={cuts} stored={lives.stored} acked={lives.acked} left={len(lives.must)}")
    print(f"boots={len(lives.boots)} segments={lives.most}")


main(int(sys.argv[1]), int(sys.argv[2]))
