"""Certificates that a user brings are checked before anything is declared."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from domain.certificates import Brought, problems
from tests.conftest import Authority, Issue


def _brought(anchor: Authority, issuer: Authority, *, key: str | None = None, chain: str = "") -> Brought:
    return Brought(anchors=anchor.pem, issuer=issuer.pem + chain, issuer_key=key or issuer.key_pem)


def _keys(brought: Brought) -> list[str]:
    return [problem.key for problem in problems(brought)]


def test_an_issuer_that_its_anchor_signed_is_accepted(issue: Issue) -> None:
    anchor = issue("root", days=100)
    assert problems(_brought(anchor, issue("issuer", by=anchor))) == []


def test_an_issuer_is_accepted_through_the_chain_that_comes_with_it(issue: Issue) -> None:
    anchor = issue("root", days=100)
    middle = issue("middle", by=anchor, days=50)
    assert problems(_brought(anchor, issue("issuer", by=middle), chain=middle.pem)) == []


def test_a_key_of_another_certificate_is_refused_without_being_shown(issue: Issue) -> None:
    anchor = issue("root", days=100)
    other = issue("other")
    found = problems(_brought(anchor, issue("issuer", by=anchor), key=other.key_pem))
    assert [problem.key for problem in found] == ["trust-issuer-key"]
    assert "CN=issuer" in found[0].expected
    assert other.key_pem.splitlines()[1] not in str(found[0])


def test_an_expired_anchor_is_named_with_its_end(issue: Issue) -> None:
    anchor = issue("old root", days=30, since=-40)
    found = problems(_brought(anchor, issue("issuer", by=anchor, days=2)))
    assert any(problem.key == "trust.own.anchors" and "CN=old root expired on" in problem.found for problem in found)


def test_a_certificate_of_the_future_points_at_the_clock(issue: Issue) -> None:
    anchor = issue("root", days=100)
    found = problems(_brought(anchor, issue("issuer", by=anchor, since=3)))
    assert [problem.key for problem in found] == ["trust.own.issuer"]
    assert "clock" in found[0].fix


def test_an_issuer_of_another_root_is_told_who_signed_it(issue: Issue) -> None:
    found = problems(_brought(issue("root", days=100), issue("issuer", by=issue("stranger"))))
    assert [problem.key for problem in found] == ["trust.own.issuer"]
    assert "CN=stranger" in found[0].fix


def test_an_issuer_that_outlives_its_anchor_is_refused(issue: Issue) -> None:
    anchor = issue("root", days=5)
    assert _keys(_brought(anchor, issue("issuer", by=anchor, days=9))) == ["trust.own.issuer"]


def test_an_issuer_that_may_not_sign_is_refused(issue: Issue) -> None:
    anchor = issue("root", days=100)
    found = problems(_brought(anchor, issue("leaf", by=anchor, authority=False)))
    assert [problem.key for problem in found] == ["trust.own.issuer"]
    assert "no certificate authority" in found[0].found


@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())], ids=["RSA", "P-384"]
)
def test_a_key_that_linkerd_cannot_use_is_refused(
    issue: Issue, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
) -> None:
    anchor = issue("root", days=100)
    found = problems(_brought(anchor, issue("issuer", by=anchor, key=key)))
    assert [problem.key for problem in found] == ["trust.own.issuer"]
    assert "P-256" in found[0].expected


def test_text_that_is_no_certificate_and_a_key_in_its_place_are_told_apart(issue: Issue) -> None:
    anchor = issue("root", days=100)
    issuer = issue("issuer", by=anchor)
    garbled = problems(Brought(anchors="hello", issuer=issuer.key_pem, issuer_key=issuer.key_pem))
    assert [problem.key for problem in garbled] == ["trust.own.anchors", "trust.own.issuer"]
    assert "'hello'" in garbled[0].found
    assert garbled[1].found == "a private key where a certificate belongs"
    assert issuer.key_pem.splitlines()[1] not in str(garbled)


def test_a_key_that_cannot_be_read_is_reported_without_its_value(issue: Issue) -> None:
    anchor = issue("root", days=100)
    found = problems(_brought(anchor, issue("issuer", by=anchor), key="hunter2"))
    assert [problem.key for problem in found] == ["trust-issuer-key"]
    assert "hunter2" not in str(found[0])
