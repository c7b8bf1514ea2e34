"""A certificate is signed again with a path length; nothing else about it changes."""

from cryptography import x509

from domain.path_length import with_path_length
from tests.conftest import Issue


def test_the_path_length_is_added_and_everything_else_stays(issue: Issue) -> None:
    anchor = issue("root", days=100)
    issuer = issue("issuer", by=anchor)
    constrained = x509.load_pem_x509_certificate(with_path_length(issuer.pem, anchor.key_pem, 0).encode())
    constraints = constrained.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    constrained.verify_directly_issued_by(anchor.certificate)
    for name in ("subject", "serial_number", "not_valid_before_utc", "not_valid_after_utc"):
        assert getattr(constrained, name) == getattr(issuer.certificate, name)
    assert constrained.public_key() == issuer.key.public_key()


def test_the_same_certificate_and_key_give_the_same_bytes(issue: Issue) -> None:
    anchor = issue("root", days=100)
    issuer = issue("issuer", by=anchor)
    assert len({with_path_length(issuer.pem, anchor.key_pem, 0) for _ in range(5)}) == 1
