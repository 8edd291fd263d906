"""Takes a release in, piece by piece, onto the flash. No network and no clock: what is wanted next, and what came.

Rules
1. The release goes to the slot that does not run. Its signed manifest first: it is the one thing held in RAM, at most
   MAX_SIGNED bytes, and nothing is written before the maker's signature and the fit to this node are checked.
2. A file that is whole stays; one that is not is loaded from its first byte: they have some kB. What does not become
   whole is asked for again, MAX_SPOILT times. So a transfer that was cut off costs no file twice but the one that it
   was at, and a slot that is in part there verifies as nothing.
3. At the end every file is read back and verified, as at a boot, and only then the pointer is switched.
4. A release that this node's other slot already holds, whole, needs no transfer, and may be older: it ran here before.
5. What cannot be is a Refusal with a status of wire.updates. The flash being full is one.
6. A release that is an interpreter touches no slot: image.py takes its one file to the chip's other partition.
   Its manifest is asked for again after a cut: no slot keeps it.
"""

import gc
import os

import loader

from wire import manifest, updates
from wire.errors import WireError

_REASONS = {
    "other_hardware": updates.OTHER_HARDWARE,
    "old_interpreter": updates.OLD_INTERPRETER,
    "old_firmware": updates.OLD_FIRMWARE,
    "older": updates.OLDER,
    "bad_signature": updates.BAD_SIGNATURE,
    "bad_manifest": updates.BAD_MANIFEST,
}
_ENOSPC = 28
MAX_SPOILT = 2
BLOCK = 4096  # of the flash; a piece of an image lies in one
PIECE = 480  # less than the contract allows: its copies on their way to the flash are small


class Refusal(Exception):
    """This release cannot be had; ``status`` is one of wire.updates."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Transfer:
    """One release on its way into a slot. ``me`` is (hardware, model, interpreter)."""

    def __init__(self, root: str, release: bytes, size: int, modulus: bytes, me: tuple, hal=None) -> None:
        if len(modulus) != manifest.MODULUS_BYTES:
            raise Refusal(updates.NO_KEY)
        if not manifest.SIGNATURE_BYTES < size <= manifest.MAX_SIGNED:
            raise Refusal(updates.BAD_MANIFEST)
        self._root = root
        self._pointer = loader.read(root)
        self._modulus = modulus
        self._me = me
        self._hal = hal
        self._image = None
        self._slot = self._free_slot(release)
        self._folder = root + loader.SLOTS[self._slot]
        self._release = release
        self._size = size
        self._signed = bytearray(size)  # the one copy, asked for while the heap is in one piece
        self._packed = None  # the manifest, once it is trusted
        self._files = None  # what is left of its files
        self._file_now = None
        self._item = 0
        self._file = None
        self._at = 0
        self._spoilt = 0
        self.done = 0
        self.total = 0
        self.loaded = False
        self._resume()

    def wanted(self) -> tuple:
        """(item, offset, bytes) of what is to be asked for."""
        size = self._size if self._packed is None else self._file_now[1]
        length = min(PIECE, size - self._at)
        if self._image is not None:
            length = min(length, BLOCK - self._at % BLOCK)
        return self._item, self._at, length

    def take(self, item: int, offset: int, data: bytes) -> bool:
        """Bytes that came; False when they are not what is wanted, which harms nothing. Raises Refusal."""
        wanted = self.wanted()
        if not data and wanted[:2] == (item, offset) == (0, 0):
            raise Refusal(updates.WITHDRAWN)
        if self.loaded or (item, offset) != wanted[:2] or len(data) != wanted[2]:
            return False
        try:
            if self._packed is None:
                self._take_manifest(data)
            elif self._image is not None:
                self.loaded = self._image.take(data)
                self._at = self.done = self._image.at
            else:
                self._take_file(data)
        except OSError as error:
            self.close()
            raise Refusal(updates.NO_SPACE if error.errno == _ENOSPC else updates.BAD_FILE)
        return True

    def close(self) -> None:
        """Let go of the file that is open; what is on the flash stays."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _free_slot(self, release: bytes) -> int:
        """The slot that does not run. In rescue: the one that has begun to hold this release, else any."""
        pointer = self._pointer
        if pointer.state == loader.RESCUE:
            return 1 if loader.release_of(self._root, 1) == release else 0
        if loader.release_of(self._root, pointer.slot) == release:
            raise Refusal(updates.SAME)
        return 1 - pointer.slot

    def _resume(self) -> None:
        """Go on with what is on the flash of this very release, or ask for its manifest."""
        if loader.release_of(self._root, self._slot) != self._release:
            return
        signed = self._signed
        with open(self._folder + loader.MANIFEST, "rb") as file:
            if file.readinto(signed) != self._size or file.read(1):
                raise Refusal(updates.BAD_MANIFEST)
        if loader.verify(self._root, self._slot):  # rule 4
            self._open(signed)
            self.done = self.total
            self._switch()
            return
        self._judge(signed)
        self._next()

    def _open(self, signed: bytes):
        gc.collect()  # whole numbers of 2048 bits want room in one piece
        try:
            self._packed = manifest.proved(signed, self._modulus)
            found = manifest.outline(self._packed)
        except WireError as error:
            raise Refusal(_REASONS.get(error.code, updates.BAD_MANIFEST))
        self._files = manifest.Files(self._packed)
        self.total = sum(file[1] for file in manifest.Files(self._packed))
        return found

    def _judge(self, signed: bytes) -> None:
        found = self._open(signed)
        floor = self._pointer.floor
        if self._pointer.state != loader.RESCUE:
            floor = max(floor, loader.version_of(self._root, self._pointer.slot))
        hardware, model, interpreter = self._me
        reason = manifest.reason_against(found, hardware, model, floor, interpreter)
        if reason:
            raise Refusal(_REASONS.get(reason, updates.BAD_MANIFEST))
        if found.kind == manifest.KIND_INTERPRETER:
            from . import image

            self._item, self._file_now = 1, next(self._files)
            self._image = image.Image(self._root, self._hal, self._release, found.version, self._file_now)
            self.loaded = self._image.whole()
            self._at = self.done = self._image.at

    def _take_manifest(self, data: bytes) -> None:
        self._signed[self._at : self._at + len(data)] = data
        self._at += len(data)
        if self._at < self._size:
            return
        signed = self._signed
        if manifest.release_id(signed) != self._release:
            raise Refusal(updates.BAD_MANIFEST)
        self._judge(signed)
        if self._image is not None:
            return
        clear(self._folder)
        _make_folders(self._folder + loader.MANIFEST)
        loader.put(self._folder + loader.MANIFEST, signed)
        self._next()

    def _take_file(self, data: bytes) -> None:
        self._file.write(data)
        self._at += len(data)
        if self._at < self._file_now[1]:
            return
        self.close()
        if self._is_whole():
            self._next()
            return
        self._spoilt += 1
        if self._spoilt > MAX_SPOILT:
            raise Refusal(updates.BAD_FILE)
        self._begin()

    def _next(self) -> None:
        """The next file that is not whole; after the last one the whole slot is verified and switched to."""
        for file in self._files:
            self._file_now = file
            self._item += 1
            if not self._is_whole():
                self._begin()
                return
        if not loader.verify(self._root, self._slot):
            raise Refusal(updates.BAD_FILE)
        self._switch()

    def _is_whole(self) -> bool:
        """Whether the present file is what the manifest says."""
        path, size, digest = self._file_now
        path = self._folder + "/" + path
        if not loader.exists(path) or loader.digest_of(path, size) != digest:
            return False
        self.done += size
        return True

    def _begin(self) -> None:
        """Ask for the present file, from its first byte."""
        path = self._folder + "/" + self._file_now[0]
        _make_folders(path)
        self._file = open(path, "wb")
        self._at = 0

    def _switch(self) -> None:
        loader.switch(self._root, self._slot, self._release)
        self.loaded = True


def clear(folder: str) -> None:
    """Remove a folder with all that is in it; the manifest first, so that what is left verifies as nothing."""
    if not loader.exists(folder):
        return
    if loader.exists(folder + loader.MANIFEST):
        os.remove(folder + loader.MANIFEST)
    for name in os.listdir(folder):
        path = folder + "/" + name
        if os.stat(path)[0] & 0x4000:
            clear(path)
        else:
            os.remove(path)
    os.rmdir(folder)


def _make_folders(path: str) -> None:
    """Every folder above a path."""
    at = path.find("/", 1)
    while at > 0:
        if not loader.exists(path[:at]):
            os.mkdir(path[:at])
        at = path.find("/", at + 1)
