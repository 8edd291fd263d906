"""The village's own certificate authority, and the certificate that the broker shows to its nodes.

Rules
1. ECDSA P-256: small enough for a handshake on an ESP32.
2. Valid from the year 2000 to the end of 2049: a node whose clock starts in 2000 must accept it, and no village
   shall stand still because a certificate ran out. What shuts somebody out is the list of users, not a date.
3. The authority is made once, because every node trusts it for ever: half of it is never replaced by a new whole.
   Without ca.key all goes on as long as nothing must be signed; then, and without ca.crt, a person has to decide.
4. The server's certificate is made again when the names it must show have changed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.process import ProcessError
from kit.files import PRIVATE, write_atomic

SERVER_NAME = "hoiquan-gateway"
NOT_BEFORE = datetime(2000, 1, 1, tzinfo=UTC)
NOT_AFTER = datetime(2049, 12, 31, tzinfo=UTC)


class CertificateError(ProcessError):
    """The village's authority cannot be used; one line that says what to do."""


def ensure(folder: Path, host: str) -> None:
    """Make ca.key, ca.crt, server.key and server.crt in the folder, as far as they are missing or no longer fit.

    Raises CertificateError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ca_key, ca_crt = folder / "ca.key", folder / "ca.crt"
    if not ca_key.exists() and not ca_crt.exists():
        new_key = ec.generate_private_key(ec.SECP256R1())
        write_atomic(ca_key, _pem_of(new_key), mode=PRIVATE)
        # Last, so that whoever finds it finds its key too.
        write_atomic(ca_crt, _authority(new_key).public_bytes(serialization.Encoding.PEM))
    authority = _certificate_in(ca_crt, ca_key)
    names = _names(host)
    if _fits(folder, authority, names):
        return
    signer = _signer_in(ca_key, authority)
    server_key = ec.generate_private_key(ec.SECP256R1())
    certificate = _server(server_key, signer, authority, names)
    write_atomic(folder / "server.key", _pem_of(server_key), mode=PRIVATE)
    write_atomic(folder / "server.crt", certificate.public_bytes(serialization.Encoding.PEM))


def _certificate_in(ca_crt: Path, ca_key: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(ca_crt.read_bytes())
    except FileNotFoundError as error:
        raise CertificateError(
            f"{ca_crt} is missing: put its copy back (it is also in every config in nodes/), or delete {ca_key} too "
            "for a new authority; then every node needs its new config"
        ) from error
    except ValueError as error:
        raise CertificateError(f"{ca_crt} is not a certificate: put its copy back") from error


def _signer_in(ca_key: Path, authority: x509.Certificate) -> ec.EllipticCurvePrivateKey:
    """The authority's own key, for a server's certificate that is missing or no longer fits."""
    undo = "put its copy back, or delete ca.crt and it for a new authority; then every node needs its new config"
    try:
        signer = serialization.load_pem_private_key(ca_key.read_bytes(), None)
    except FileNotFoundError as error:
        raise CertificateError(f"{ca_key} is missing and a new server certificate must be signed: {undo}") from error
    except (ValueError, TypeError) as error:
        raise CertificateError(f"{ca_key} is not a private key: {undo}") from error
    if not isinstance(signer, ec.EllipticCurvePrivateKey) or signer.public_key() != authority.public_key():
        raise CertificateError(f"{ca_key} is not the key of ca.crt: {undo}")
    return signer


def _fits(folder: Path, authority: x509.Certificate, names: x509.SubjectAlternativeName) -> bool:
    """Whether the server's certificate and key are there, belong together, to the authority, and to these names."""
    try:
        certificate = x509.load_pem_x509_certificate((folder / "server.crt").read_bytes())
        key = serialization.load_pem_private_key((folder / "server.key").read_bytes(), None)
        certificate.verify_directly_issued_by(authority)
        shown = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return shown == names and key.public_key() == certificate.public_key()


def _names(host: str) -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = [x509.DNSName(SERVER_NAME), x509.DNSName("localhost")]
    names.append(x509.IPAddress(ip_address("127.0.0.1")))
    try:
        own: x509.GeneralName = x509.IPAddress(ip_address(host))
    except ValueError:
        own = x509.DNSName(host)
    return x509.SubjectAlternativeName([*names, own] if own not in names else names)


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Hoi Quan village CA")])
    return (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _server(
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    names: x509.SubjectAlternativeName,
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SERVER_NAME)])
    return (
        _builder(name, authority.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(names, critical=False)
        .sign(signer, hashes.SHA256())
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_AFTER)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
