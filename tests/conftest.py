"""Shared by every tier."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Authority:
    """A certificate with its key, as a user would bring them."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


Issue = Callable[..., Authority]


@pytest.fixture
def issue() -> Issue:
    """Issue a certificate: `issue("name", by=authority, days=10, since=-1, authority=True, key=...)`."""
    return issuing()


def issuing() -> Issue:
    """The function behind the fixture `issue`."""

    def issue(
        name: str,
        *,
        by: Authority | None = None,
        days: int = 10,
        since: int = -1,
        authority: bool = True,
        key: Key | None = None,
    ) -> Authority:
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        start = datetime.now(UTC) + timedelta(days=since)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(by.certificate.subject if by else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .sign(by.key if by else key, hashes.SHA256())
        )
        return Authority(certificate, key)

    return issue
