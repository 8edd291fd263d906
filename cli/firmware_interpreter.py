"""A release of MicroPython itself: one image for the partition of a chip that does not run.

Rules
1. The image is the program part alone (on micropython.org: .app-bin). What is flashed by cable begins with boot loader
   and partition table; on a node it would be no image at all.
2. It is for one module, and its head must say so: another chip's image would be found out on the node only, by its boot
   loader.
"""

from __future__ import annotations

import hashlib
import shutil
import struct
from pathlib import Path

from cli import firmware_bundle
from cli.refusal import Refused
from kit.files import write_atomic
from wire import manifest

NAME = "micropython.bin"
CHIPS = {"wroom32e": 0, "s3": 9}  # esp_chip_id_t; a simulated chip takes any
_IMAGE, _PROGRAM = 0xE9, b"\x32\x54\xcd\xab"  # the second stands at the start of esp_app_desc_t
_PROGRAM_AT = 32  # behind the heads of image and first segment
_CHIP_AT = 12


def bundle(
    out: Path, image: Path, version: str, hardware: tuple[str, ...], models: tuple[str, ...], min_firmware: str
) -> manifest.Manifest:
    """Make ``out`` a bundle of this image, unsigned. Raises Refused, BuildFailed, or WireError for a version."""
    number, least = manifest.version_of(version), manifest.version_of(min_firmware)
    data = _checked(image, hardware)
    firmware_bundle.may_replace(out)
    made = manifest.Manifest(
        manifest.KIND_INTERPRETER, number, least, (0, 0, 0), hardware, tuple(sorted(set(models))),
        ((NAME, len(data), hashlib.sha256(data).digest()),),
    )  # fmt: skip
    packed = manifest.encode(made)
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    write_atomic(out / NAME, data)
    write_atomic(out / firmware_bundle.MANIFEST, packed)
    return made


def _checked(image: Path, hardware: tuple[str, ...]) -> bytes:
    """The bytes of an image for this module. Raises Refused."""
    if len(hardware) != 1:
        raise Refused("--hardware", "ghi đúng một loại chip cho MicroPython này", "name the one module that it is for")
    try:
        data = image.read_bytes()
    except OSError as error:
        raise Refused(str(image), "không đọc được tệp này", f"cannot be read ({error.strerror})") from error
    if not 0 < len(data) <= manifest.MAX_IMAGE:
        raise Refused(str(image), f"tệp rỗng, hoặc lớn hơn {manifest.MAX_IMAGE} byte",
                      f"is empty, or larger than {manifest.MAX_IMAGE} bytes")  # fmt: skip
    chip = CHIPS.get(hardware[0])
    if chip is None:
        return data
    if data[0] != _IMAGE or data[_PROGRAM_AT : _PROGRAM_AT + 4] != _PROGRAM:
        raise Refused(str(image), "không phải tệp .app-bin của MicroPython (đừng dùng tệp nạp bằng cáp)",
                      "is no .app-bin of MicroPython (what is flashed by cable is another file)")  # fmt: skip
    found = struct.unpack_from("<H", data, _CHIP_AT)[0]
    if found != chip:
        raise Refused("--hardware", f"tệp này không dành cho chip {hardware[0]}",
                      f"the image is for another chip than {hardware[0]} (chip id {found}, not {chip})")  # fmt: skip
    return data
