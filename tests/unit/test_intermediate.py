"""What a device's own authority can certify, as OpenSSL sees it: the whole chain from the root to an identity."""

import ssl
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from domain.intermediate import as_intermediate
from tests.conftest import Authority, Issue

IDENTITY = x509.UniformResourceIdentifier("spiffe://root.linkerd.cluster.local/smiley")


@pytest.fixture
def root(issue: Issue) -> Authority:
    return issue("root", days=100)


@pytest.fixture
def issued(issue: Issue, root: Authority) -> Authority:
    """As the plugin issues it, and as the state holds it: for the device's key, without the right to sign."""
    return issue("smiley", by=root, authority=False)


@pytest.fixture
def intermediate(root: Authority, issued: Authority) -> Authority:
    pem = as_intermediate(issued.pem, root.key_pem)
    return Authority(x509.load_pem_x509_certificate(pem.encode()), issued.key)


def _leaf(by: Authority, *names: x509.GeneralName) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(by.certificate.not_valid_before_utc)
        .not_valid_after(by.certificate.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=True)
        .sign(by.key, hashes.SHA256())
    )
    return Authority(made, key)


def _refusal(directory: Path, root: Authority, *chain: Authority) -> str:
    """Why a client that trusts the root does not believe the chain; nothing when it does. Not a single byte leaves."""
    file = directory / "chain.pem"
    key = chain[0].key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    file.write_text("".join(part.pem for part in chain) + key)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(file)
    ours = ssl.create_default_context(cadata=root.pem)
    ours.check_hostname = False
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client, server = ours.wrap_bio(down, up), theirs.wrap_bio(up, down, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as refused:
            return refused.verify_message
    return ""


def test_spires_own_authority_below_it_gives_identities_that_lead_to_the_root(
    issue: Issue, root: Authority, intermediate: Authority, tmp_path: Path
) -> None:
    spire = issue("spire", by=intermediate, days=5)
    assert _refusal(tmp_path, root, _leaf(spire, IDENTITY), spire, intermediate) == ""


def test_it_cannot_appoint_an_authority_that_appoints_others(
    issue: Issue, root: Authority, intermediate: Authority, tmp_path: Path
) -> None:
    spire = issue("spire", by=intermediate, days=5)
    other = issue("other", by=spire, days=5)
    assert "path length" in _refusal(tmp_path, root, _leaf(other, IDENTITY), other, spire, intermediate)


@pytest.mark.parametrize(
    "name",
    [
        x509.DNSName("linkerd-destination.linkerd.serviceaccount.identity.linkerd.cluster.local"),
        x509.DNSName("smiley.cluster.local"),
        x509.IPAddress(ip_address("192.0.2.10")),
        x509.IPAddress(ip_address("2001:db8::10")),
    ],
)
def test_it_cannot_take_the_identity_of_a_pod_or_the_name_of_a_machine(
    issue: Issue, root: Authority, intermediate: Authority, name: x509.GeneralName, tmp_path: Path
) -> None:
    spire = issue("spire", by=intermediate, days=5)
    assert "subtree" in _refusal(tmp_path, root, _leaf(spire, IDENTITY, name), spire, intermediate)


def test_what_the_state_holds_signs_nothing(issue: Issue, root: Authority, issued: Authority, tmp_path: Path) -> None:
    spire = issue("spire", by=issued, days=5)
    assert "invalid CA certificate" in _refusal(tmp_path, root, _leaf(spire, IDENTITY), spire, issued)


def test_key_name_and_end_are_those_of_the_certificate_that_was_issued(
    root: Authority, issued: Authority, intermediate: Authority
) -> None:
    for name in ("subject", "serial_number", "not_valid_before_utc", "not_valid_after_utc"):
        assert getattr(intermediate.certificate, name) == getattr(issued.certificate, name)
    assert intermediate.certificate.public_key() == issued.certificate.public_key()
    assert len({as_intermediate(issued.pem, root.key_pem) for _ in range(5)}) == 1
