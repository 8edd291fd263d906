"""The maker's key: RSA-2048, made here, kept in one file for its owner alone, never in the repository.

Rules
1. A private key is never overwritten and never printed. One that others may read is refused.
2. The public key is the modulus, MODULUS_BYTES bytes and nothing else: what a node compares with.
3. Every signature is checked with the public key before it is handed out.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from cli.refusal import Refused
from kit.files import PRIVATE, PUBLIC, write_atomic
from wire import manifest

PRIVATE_NAME = "maker.key"
PUBLIC_NAME = "maker.pub"


def make(folder: Path) -> tuple[Path, Path]:
    """Make a key pair in a folder. Raises Refused when one is there."""
    private, public = folder / PRIVATE_NAME, folder / PUBLIC_NAME
    for path in (private, public):
        if path.exists():
            raise Refused(str(path), "đã có khóa, không ghi đè; chọn thư mục khác",
                          "there is a key already and it is not overwritten; name another folder")  # fmt: skip
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = rsa.generate_private_key(manifest.EXPONENT, 8 * manifest.MODULUS_BYTES)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_atomic(private, pem, mode=PRIVATE)
    write_atomic(public, modulus_of(key.public_key()), mode=PUBLIC)
    return private, public


def sign(packed: bytes, private: Path) -> bytes:
    """The manifest with its signature behind it. Raises Refused."""
    key = _load(private)
    signed = packed + key.sign(packed, padding.PKCS1v15(), hashes.SHA256())
    manifest.opened(signed, modulus_of(key.public_key()))
    return signed


def modulus_of(key: rsa.RSAPublicKey) -> bytes:
    return key.public_numbers().n.to_bytes(manifest.MODULUS_BYTES, "big")


def read_public(path: Path) -> bytes:
    """A public key from its file. Raises Refused."""
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        raise Refused(
            str(path),
            "không có khóa công khai của nơi làm máy; chỉ tệp maker.pub bằng --public-key (flash), --key (release)",
            "the maker's public key is not there: name maker.pub by --public-key (flash) or --key (release)",
        ) from None
    if len(found) != manifest.MODULUS_BYTES or not found[0] & 0x80:
        raise Refused(str(path), "không phải khóa công khai RSA 2048", "not a public key of RSA-2048")
    return found


def _load(path: Path) -> rsa.RSAPrivateKey:
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except FileNotFoundError:
        raise Refused(str(path), "không có khóa; tạo bằng ./hoiquan firmware key",
                      "there is no key; make one by ./hoiquan firmware key") from None  # fmt: skip
    if mode & 0o077:
        raise Refused(str(path), "người khác đọc được khóa này; chạy chmod 600",
                      f"others may read this key: run chmod 600 {path}")  # fmt: skip
    try:
        key = serialization.load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != 8 * manifest.MODULUS_BYTES:
        raise Refused(str(path), "không phải khóa RSA 2048", "not a private key of RSA-2048")
    return key
