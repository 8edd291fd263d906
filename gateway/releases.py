"""The releases that a gateway holds, and the order which of them goes out.

    HOME/releases/maker.pub         the maker's public key, pinned by the first ``firmware release``
    HOME/releases/<release id>/     a signed bundle: ``manifest`` and the files that it names
    HOME/releases/order.json        {"turn": 3, "release": "<id>", "action": "start"}: a person's last word

Rules
1. A bundle counts only if its manifest is signed by the pinned key and every file is what the manifest says. It is
   checked when it is put here and again when it is handed out.
2. An order is what a person wants now: start (also: go on after a failure) or stop. Its number goes up by one each
   time, so the update process, which alone writes update.db, knows a new one.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from gateway.home import Home
from kit.files import PUBLIC, write_atomic
from wire import manifest, updates
from wire.errors import WireError

KEY, ORDER, MANIFEST = "maker.pub", "order.json", "manifest"
Action = Literal["start", "stop"]


class ReleaseError(Exception):
    """A release or an order cannot be used; one line."""


class Order(NamedTuple):
    turn: int
    release: str
    action: Action


@dataclass(frozen=True)
class Release:
    """A bundle that was checked, held in memory: some 60 kB, an interpreter 2 MB."""

    id: bytes
    signed: bytes
    manifest: manifest.Manifest
    files: tuple[bytes, ...]

    @property
    def version(self) -> str:
        """In words for people."""
        text = manifest.version_text(self.manifest.version)
        return text if self.is_program else f"MicroPython {text}"

    @property
    def is_program(self) -> bool:
        return self.manifest.kind == manifest.KIND_APP

    @property
    def offered_version(self) -> tuple[int, int, int]:
        """What an offer says, so that a node can refuse an older program at once."""
        return self.manifest.version if self.is_program else updates.ANY_VERSION

    def piece(self, item: int, offset: int, length: int) -> bytes:
        """Bytes of an object of the release; none where there is nothing."""
        if item > len(self.files):
            return b""
        whole = self.signed if item == 0 else self.files[item - 1]
        return whole[offset : offset + min(length, updates.MAX_CHUNK)]


def load(folder: Path, key: bytes) -> Release:
    """A bundle, checked in full. Raises ReleaseError."""
    try:
        signed = (folder / MANIFEST).read_bytes()
        made = manifest.opened(signed, key)
        files = tuple((folder / path).read_bytes() for path, _, _ in made.files)
    except WireError as error:
        what = ("không do nơi làm máy của làng ký / not signed by the maker of this village"
                if error.code == "bad_signature" else f"không phải bản phát hành / no release ({error})")  # fmt: skip
        raise ReleaseError(f"{folder}: {what}") from error
    except OSError as error:
        raise ReleaseError(f"{error.filename}: không đọc được / cannot be read ({error.strerror})") from error
    for (path, size, digest), data in zip(made.files, files, strict=True):
        if len(data) != size or hashlib.sha256(data).digest() != digest:
            raise ReleaseError(f"{folder / path}: khác với bảng kê đã ký / not what the manifest says")
    return Release(manifest.release_id(signed), signed, made, files)


def pinned(home: Home) -> bytes:
    """The maker's public key of this village. Raises ReleaseError."""
    path = home.releases / KEY
    try:
        key = path.read_bytes()
    except OSError as error:
        raise ReleaseError(
            f"{path}: chưa có khóa công khai của nơi làm máy, lần đầu phải có --key / "
            "the maker's public key is not there: give it once by --key"
        ) from error
    if len(key) != manifest.MODULUS_BYTES:
        raise ReleaseError(f"{path}: no public key of RSA-2048")
    return key


def pin(home: Home, key: bytes) -> None:
    """Trust this maker from now on; another one than before is refused. Raises ReleaseError."""
    path = home.releases / KEY
    home.releases.mkdir(mode=0o755, exist_ok=True)
    if path.exists() and path.read_bytes() != key:
        raise ReleaseError(f"{path}: làng đã tin một nơi làm máy khác, hộp sẽ không nhận / "
                           "the village trusts another maker already; nodes would refuse this one")  # fmt: skip
    if not path.exists():
        write_atomic(path, key, mode=PUBLIC)


def put(home: Home, bundle: Path) -> Release:
    """Take a signed bundle into the home. Raises ReleaseError."""
    release = load(bundle, pinned(home))
    target = home.releases / release.id.hex()
    if not target.exists():
        temporary = home.releases / f".{release.id.hex()}.new"
        shutil.rmtree(temporary, ignore_errors=True)
        for path, _, _ in release.manifest.files:
            (temporary / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle / path, temporary / path)
        (temporary / MANIFEST).write_bytes(release.signed)
        temporary.replace(target)
    return release


def held(home: Home, release: str) -> Release:
    """A release that the home holds, by its id in hex. Raises ReleaseError."""
    if len(release) != 2 * manifest.ID_BYTES or not set(release) <= set("0123456789abcdef"):
        raise ReleaseError(f"{release!r}: not the id of a release")
    return load(home.releases / release, pinned(home))


def order(home: Home) -> Order | None:
    """The last order; None when there was none. Raises ReleaseError."""
    path = home.releases / ORDER
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        turn, release, action = found["turn"], found["release"], found["action"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{path}: cannot be read ({type(error).__name__})") from error
    if type(turn) is not int or not isinstance(release, str) or action not in get_args(Action):
        raise ReleaseError(f"{path}: no order")
    return Order(turn, release, action)


def give_order(home: Home, release: str, action: Action) -> Order:
    """Say what is wanted now."""
    before = order(home)
    new = Order(1 if before is None else before.turn + 1, release, action)
    write_atomic(home.releases / ORDER, json.dumps(new._asdict()) + "\n", mode=PUBLIC)
    return new
