"""Releases for tests: a maker's key of the run, small and whole bundles, signed; flash images of simulated nodes."""

from __future__ import annotations

import atexit
import functools
import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from cli import firmware_build, firmware_bundle, firmware_interpreter
from cli.firmware_keys import modulus_of
from tests.support.mp import REPOSITORY, run_micropython
from wire import manifest

NODE_HAL = REPOSITORY / "simulators" / "node_hal"


@functools.cache
def maker() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(manifest.EXPONENT, 2048)


def public() -> bytes:
    return modulus_of(maker().public_key())


def signed(packed: bytes, key: rsa.RSAPrivateKey | None = None) -> bytes:
    return packed + (key or maker()).sign(packed, padding.PKCS1v15(), hashes.SHA256())


@dataclass(frozen=True)
class Release:
    """A signed bundle in a folder."""

    folder: Path

    @property
    def signed(self) -> bytes:
        return (self.folder / firmware_bundle.MANIFEST).read_bytes()

    @property
    def id(self) -> bytes:
        return manifest.release_id(self.signed)

    @property
    def manifest(self) -> manifest.Manifest:
        return manifest.decode(self.signed[: -manifest.SIGNATURE_BYTES])

    def piece(self, item: int, offset: int, length: int) -> bytes:
        path = firmware_bundle.MANIFEST if item == 0 else self.manifest.files[item - 1][0]
        return (self.folder / path).read_bytes()[offset : offset + length]


def small(folder: Path, version: str, files: dict[str, bytes], **changes: object) -> Release:
    """A release of any files, whatever they are worth."""
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    values: dict[str, object] = {
        "kind": manifest.KIND_APP, "version": manifest.version_of(version), "min_firmware": (0, 0, 0),
        "min_interpreter": (1, 26, 0), "hardware": ("sim",), "models": ("valve",),
        "files": tuple(sorted((n, len(d), hashlib.sha256(d).digest()) for n, d in files.items())),
    }  # fmt: skip
    made = manifest.Manifest(**{**values, **changes})  # type: ignore[arg-type]
    (folder / firmware_bundle.MANIFEST).write_bytes(signed(manifest.encode(made)))
    return Release(folder)


def interpreter(folder: Path, version: str, image: bytes, **changes: object) -> Release:
    """A release of one image, as an interpreter."""
    values = {"kind": manifest.KIND_INTERPRETER, "min_interpreter": (0, 0, 0), **changes}
    return small(folder, version, {firmware_interpreter.NAME: image}, **values)


@functools.cache
def tree(version: str) -> Path:
    """A built tree of the node's own program that calls itself this version; once a run."""
    folder = Path(tempfile.mkdtemp(prefix="hoiquan-tree-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return firmware_build.build(folder / "tree", version=version)


def whole(
    folder: Path,
    version: str,
    broken: dict[str, bytes] | None = None,
    tree_of: str | None = None,
    built: Path | None = None,
) -> Release:
    """A release of the node's own program; ``broken`` files take the place of its own before it is signed. ``tree_of``
    is a version whose build serves for this one, too, as does ``built``, a tree or bundle that is there: only hello
    says otherwise, the report says what was signed."""
    firmware_bundle.bundle(folder, version, tree=built or tree(tree_of or version))
    for name, data in (broken or {}).items():
        (folder / name).write_bytes(data)
    packed = manifest.decode((folder / firmware_bundle.MANIFEST).read_bytes())
    packed.files = firmware_bundle.files_of(folder)
    (folder / firmware_bundle.MANIFEST).write_bytes(signed(manifest.encode(packed)))
    return Release(folder)


def compiled(source: bytes) -> bytes:
    """The bytecode of a few lines."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "made.py"
        path.write_bytes(source)
        firmware_build._mpy_cross("-o", str(path.with_suffix(".mpy")), str(path))
        return path.with_suffix(".mpy").read_bytes()


def flash(folder: Path, release: Release) -> Path:
    """The tree of a new node's file system with this release as slot a, and as rescue."""
    shutil.copytree(release.folder, folder / "a")
    (folder / "rescue").mkdir()
    firmware_bundle.copy_rescue(release.folder, folder / "rescue")
    (folder / firmware_bundle.PUBLIC_KEY).write_bytes(public())
    return folder


def image(folder: Path, made: Path) -> Path:
    """The code volume of a simulated node, holding these files."""
    made.parent.mkdir(parents=True, exist_ok=True)
    run_micropython(NODE_HAL / "install.py", path=(NODE_HAL,), arguments=(str(made), str(folder)))
    return made
