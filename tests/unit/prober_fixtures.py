"""A mesh's trust, and the identities that the workloads of a test prove with."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from assets.prober.workload import tls_context
from tests.conftest import Authority, Issue

ID = "spiffe://root.linkerd.cluster.local/smiley"


def identity(by: Authority, directory: Path, *, name: str = ID, days: tuple[int, int] = (-1, 1)) -> Path:
    """A file with a certificate, those above it and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "SPIRE")]))
        .issuer_name(by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name)]), critical=False)
        .sign(by.key, hashes.SHA256())
    )
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = directory / "identity.pem"
    file.write_bytes(certificate.public_bytes(Encoding.PEM) + by.pem.encode() + text)
    return file


@pytest.fixture
def root(issue: Issue) -> Authority:
    return issue("root")


@pytest.fixture
def between(issue: Issue, root: Authority) -> Authority:
    return issue("spire", by=root)


@pytest.fixture
def context(root: Authority, tmp_path: Path) -> ssl.SSLContext:
    (tmp_path / "anchors.pem").write_text(root.pem)
    return tls_context(str(tmp_path / "anchors.pem"))
