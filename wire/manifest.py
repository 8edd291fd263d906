"""The manifest of a release: what is in it, for which nodes, and the maker's signature.

Rules
1. One form of bytes only: what decodes encodes to the same bytes again. Big-endian, fixed order, sorted names.
2. ``MANIFEST | SIGNATURE``: RSA-2048, PKCS#1 v1.5, SHA-256, exponent 65537. A node knows the modulus from its cabling,
   never from the air. The check is one ``pow`` on whole numbers: it needs no C code on a node.
3. A file's name is a path below the slot, of ``[a-z0-9_./-]``, never upwards and never absolute.
4. A release is named by its id, the first ID_BYTES of the SHA-256 of manifest and signature.
5. What a node does not fit refuses it for a reason with a name (``reason_against``). Nothing is guessed.
6. KIND_APP is files for a slot of the node's file system; KIND_INTERPRETER is one image for the chip's other partition.
"""

import hashlib
import struct

from wire.errors import WireError

MAGIC = b"HQM1"
KIND_APP = 1
KIND_INTERPRETER = 2
SIGNATURE_BYTES = 256
MODULUS_BYTES = 256
EXPONENT = 65537
ID_BYTES = 16
MAX_SIGNED = 8192
MAX_FILES = 128
MAX_NAMES = 16
MAX_NAME = 16
MAX_PATH = 48
MAX_APP_FILE = 32768
MAX_APP = 163840
MAX_IMAGE = 4194304

HEAD = ">4sB3H3H3HBBB"
FILE = ">I32s"

_PATH_CHARS = "abcdefghijklmnopqrstuvwxyz0123456789_./-"
_NAME_CHARS = "abcdefghijklmnopqrstuvwxyz0123456789_-"
# DER of DigestInfo for SHA-256, RFC 8017 section 9.2.
_DIGEST_INFO = bytes((0x30, 0x31, 0x30, 0x0D, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20))


class Manifest:
    """``files`` are (path, bytes, SHA-256); versions are three numbers; ``hardware`` and ``models`` are names."""

    def __init__(
        self,
        kind: int,
        version: "tuple[int, int, int]",
        min_firmware: "tuple[int, int, int]",
        min_interpreter: "tuple[int, int, int]",
        hardware: "tuple[str, ...]",
        models: "tuple[str, ...]",
        files: "tuple[tuple[str, int, bytes], ...]",
    ) -> None:
        self.kind = kind
        self.version = version
        self.min_firmware = min_firmware
        self.min_interpreter = min_interpreter
        self.hardware = hardware
        self.models = models
        self.files = files


def version_of(text: str) -> "tuple[int, int, int]":
    """``1.2.3`` as three numbers. Raises WireError ``bad_version``."""
    parts = text.split(".")
    if len(parts) != 3 or not all(p.isdigit() and len(p) <= 5 and (p == "0" or p[0] != "0") for p in parts):
        raise WireError("bad_version", text[:20])
    major, minor, patch = (int(part) for part in parts)
    if max(major, minor, patch) > 0xFFFF:
        raise WireError("bad_version", text[:20])
    return major, minor, patch


def version_text(version: "tuple[int, int, int]") -> str:
    return "%d.%d.%d" % version


def encode(manifest: Manifest) -> bytes:
    """The one form of its bytes. Raises WireError for what ``decode`` would refuse."""
    versions = tuple(manifest.version) + tuple(manifest.min_firmware) + tuple(manifest.min_interpreter)
    head = (manifest.kind,) + versions  # noqa: RUF005 - MicroPython stars only in calls
    if any(not 0 <= number <= 0xFFFF for number in head) or manifest.kind > 255:
        raise WireError("bad_manifest", "number")
    counts = (len(manifest.hardware), len(manifest.models), len(manifest.files))
    if max(counts) > 255:
        raise WireError("bad_manifest", "count")
    parts = [struct.pack(HEAD, MAGIC, *(head + counts))]
    parts += [_text(name) for name in manifest.hardware + manifest.models]
    for path, size, digest in manifest.files:
        if not 0 <= size <= MAX_IMAGE or len(digest) != 32:
            raise WireError("bad_manifest", "file")
        parts.append(_text(path) + struct.pack(FILE, size, digest))
    packed = b"".join(parts)
    decode(packed)
    return packed


def decode(packed: "bytes | memoryview") -> Manifest:
    """Raises WireError ``bad_manifest``."""
    found = outline(packed)
    found.files = tuple(Files(packed))
    return found


def outline(packed: "bytes | memoryview") -> Manifest:
    """The same, checked in full, but ``files`` stays empty: a node has no room for all of them at once."""
    size = struct.calcsize(HEAD)
    if not size <= len(packed) <= MAX_SIGNED - SIGNATURE_BYTES or bytes(packed[:4]) != MAGIC:
        raise WireError("bad_manifest", "head")
    numbers = struct.unpack(HEAD, packed[:size])
    reader = _Reader(packed, size)
    hardware = reader.names(numbers[11])
    models = reader.names(numbers[12])
    _check_files(packed, numbers[1])
    return Manifest(numbers[1], numbers[2:5], numbers[5:8], numbers[8:11], hardware, models, ())


class Files:
    """Each (path, bytes, SHA-256) of a manifest, one after the other. Raises WireError ``bad_manifest``."""

    def __init__(self, packed: "bytes | memoryview") -> None:
        numbers = struct.unpack(HEAD, packed[: struct.calcsize(HEAD)])
        self._reader = _Reader(packed, struct.calcsize(HEAD))
        self._reader.skip(numbers[11] + numbers[12])
        self._left = numbers[13]
        self._end = len(packed)

    def __iter__(self) -> "Files":
        return self

    def __next__(self) -> "tuple[str, int, bytes]":
        if not self._left:
            if self._reader.at != self._end:
                raise WireError("bad_manifest", "length")
            raise StopIteration
        self._left -= 1
        return self._reader.file()


def _check_files(packed: "bytes | memoryview", kind: int) -> None:
    """What the bytes of the files alone do not rule out."""
    count = total = 0
    before = ""
    most = MAX_APP_FILE if kind == KIND_APP else MAX_IMAGE
    for path, size, _ in Files(packed):
        if path <= before:
            raise WireError("bad_manifest", "files")
        if not 1 <= size <= most:
            raise WireError("bad_manifest", "size")
        before = path
        total += size
        count += 1
    if not 1 <= count <= MAX_FILES:
        raise WireError("bad_manifest", "files")
    if not (total <= MAX_APP if kind == KIND_APP else kind == KIND_INTERPRETER and count == 1):
        raise WireError("bad_manifest", "size")


class _Reader:
    """Takes names and files out of the bytes behind the head."""

    def __init__(self, packed: "bytes | memoryview", at: int) -> None:
        self._packed = packed
        self.at = at

    def names(self, count: int) -> "tuple[str, ...]":
        found = tuple(self._text(MAX_NAME, _NAME_CHARS) for _ in range(count))
        if not 1 <= count <= MAX_NAMES or list(found) != sorted(set(found)):
            raise WireError("bad_manifest", "names")
        return found

    def skip(self, count: int) -> None:
        """Pass over names."""
        for _ in range(count):
            self._take(self._take(1)[0])

    def file(self) -> "tuple[str, int, bytes]":
        path = self._text(MAX_PATH, _PATH_CHARS)
        if any(part in ("", ".", "..") for part in path.split("/")):
            raise WireError("bad_manifest", "path")
        size, digest = struct.unpack(FILE, self._take(struct.calcsize(FILE)))
        return path, size, digest

    def _text(self, most: int, allowed: str) -> str:
        length = self._take(1)[0]
        raw = self._take(length)
        if not 1 <= length <= most or any(byte >= 128 or chr(byte) not in allowed for byte in raw):
            raise WireError("bad_manifest", "text")
        return raw.decode()

    def _take(self, count: int) -> bytes:
        taken = bytes(self._packed[self.at : self.at + count])
        if len(taken) != count:
            raise WireError("bad_manifest", "short")
        self.at += count
        return taken


def _text(name: str) -> bytes:
    raw = name.encode()
    if not 1 <= len(raw) <= 255:
        raise WireError("bad_manifest", "text")
    return bytes((len(raw),)) + raw


def opened(signed: bytes, modulus: bytes) -> Manifest:
    """The manifest, if the maker signed it. Raises WireError ``bad_signature`` or ``bad_manifest``."""
    return decode(proved(signed, modulus))


def proved(signed: bytes, modulus: bytes) -> memoryview:
    """The bytes of the manifest, if the maker signed it; they are not looked at, and not copied: a node has no room for
    two of them. Raises as ``opened`` does."""
    if not SIGNATURE_BYTES < len(signed) <= MAX_SIGNED:
        raise WireError("bad_manifest", "length")
    packed = memoryview(signed)[:-SIGNATURE_BYTES]
    if not signature_ok(packed, bytes(signed[-SIGNATURE_BYTES:]), modulus):
        raise WireError("bad_signature")
    return packed


def signature_ok(packed: "bytes | memoryview", signature: bytes, modulus: bytes) -> bool:
    """RSASSA-PKCS1-v1_5 verification by comparing with the one right encoding (RFC 8017 section 8.2.2)."""
    if len(signature) != SIGNATURE_BYTES or len(modulus) != MODULUS_BYTES or not modulus[0] & 0x80:
        return False
    n = int.from_bytes(modulus, "big")
    s = int.from_bytes(signature, "big")
    return s < n and pow(s, EXPONENT, n) == int.from_bytes(encoded_digest(packed), "big")


def encoded_digest(packed: "bytes | memoryview") -> bytes:
    """EMSA-PKCS1-v1_5 of the SHA-256 of these bytes."""
    tail = _DIGEST_INFO + hashlib.sha256(packed).digest()
    return b"\0\1" + b"\xff" * (SIGNATURE_BYTES - 3 - len(tail)) + b"\0" + tail


def release_id(signed: bytes) -> bytes:
    """The name of a release on the wire."""
    return hashlib.sha256(signed).digest()[:ID_BYTES]


def reason_against(
    manifest: Manifest,
    hardware: str,
    model: str,
    firmware: "tuple[int, int, int]",
    interpreter: "tuple[int, int, int]",
) -> str:
    """Why a node must not take a release; empty when it may. ``firmware`` is the newest that it has ever found good."""
    if hardware not in manifest.hardware or model not in manifest.models:
        return "other_hardware"
    if manifest.kind == KIND_APP and interpreter < manifest.min_interpreter:
        return "old_interpreter"
    if firmware < manifest.min_firmware:
        return "old_firmware"
    held = firmware if manifest.kind == KIND_APP else interpreter
    if manifest.version < held:
        return "older"
    return ""
