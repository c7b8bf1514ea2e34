"""A mesh's trust, and the identities that the workloads of a test prove with."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
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
Serve = Callable[..., int]


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


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve on the loopback and give the port: `identity` is a file for TLS, `answer` what every request gets."""
    listening: list[socket.socket] = []

    def serve(identity: Path | None, answer: bytes, asked: list[bytes] | None = None, host: str = "127.0.0.1") -> int:
        listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        listening.append(listener)
        context = None
        if identity:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(identity)

        def run() -> None:
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=_answer, args=(plain, context, answer, asked), daemon=True).start()

        threading.Thread(target=run, daemon=True).start()
        port: int = listener.getsockname()[1]
        return port

    yield serve
    for listener in listening:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _answer(plain: socket.socket, context: ssl.SSLContext | None, answer: bytes, asked: list[bytes] | None) -> None:
    try:
        with context.wrap_socket(plain, server_side=True) if context else plain as connection:
            text = connection.recv(4096)
            if asked is not None:
                asked.append(text)
            connection.sendall(answer)
    except OSError:
        return
