"""A throw-away certificate authority for one test: ECDSA P-256, as the gateway makes its own.

The CA is valid from the year 2000, because a node without a clock starts there; the server's validity is the
test's choice, so that a certificate which is not yet, or no longer, valid can be presented for real.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SERVER_NAME = "hoiquan-gateway"
YEAR_2000 = datetime(2000, 1, 1, tzinfo=UTC)
TWENTY_YEARS = timedelta(days=20 * 365)


@dataclass(frozen=True)
class Authority:
    """One CA: its key, its certificate, and what a client pins."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, common_name: str = "test CA") -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(common_name)
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )
        certificate = (
            _builder(name, name, key, YEAR_2000, YEAR_2000 + 3 * TWENTY_YEARS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(key, certificate)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def issue(
        self,
        server_name: str = SERVER_NAME,
        not_before: datetime = YEAR_2000,
        not_after: datetime = YEAR_2000 + 3 * TWENTY_YEARS,
    ) -> tuple[bytes, bytes]:
        """A server's certificate and private key, both PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(_name(server_name), self.certificate.subject, key, not_before, not_after)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(server_name)]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return certificate.public_bytes(serialization.Encoding.PEM), private


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, not_before: datetime, not_after: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
