"""The boot counter: two small files, each with its CRC, written in turn.

Rules
1. A boot's number is one above the highest that is known, and is stored before it is used.
2. A power cut while one file is written leaves the other. With both gone the counter begins again, and the random
   half of the boot_id keeps the boot new.
3. After MAX_COUNTER boots (one a day: 179 years) the number stays, and only the random half tells boots apart.
4. A flash that cannot be written does not stop the node: it goes on with the number, unstored.
"""

import binascii
import struct

SLOTS = ("boot.a", "boot.b")
MAX_COUNTER = 0xFFFF
_MAGIC = b"HQB1"


def next_boot(directory: str, random_bits: int, seen: int = 0) -> int:
    """The boot_id of this boot; ``seen`` is the highest boot_id that the journal knows of."""
    found = [_read(directory + "/" + slot) for slot in SLOTS]
    counter = min(max(found[0], found[1], seen >> 16) + 1, MAX_COUNTER)
    older = 0 if found[0] <= found[1] else 1
    _write(directory + "/" + SLOTS[older], counter)
    return counter << 16 | random_bits & 0xFFFF


def _read(path: str) -> int:
    try:
        with open(path, "rb") as file:
            data = file.read(16)
    except OSError:
        return 0
    if len(data) != 12 or data[:4] != _MAGIC:
        return 0
    counter, crc = struct.unpack(">II", data[4:])
    return counter if crc == binascii.crc32(data[:8]) else 0


def _write(path: str, counter: int) -> None:
    data = _MAGIC + struct.pack(">I", counter)
    try:
        with open(path, "wb") as file:
            file.write(data + struct.pack(">I", binascii.crc32(data)))
    except OSError:
        pass  # rule 4
