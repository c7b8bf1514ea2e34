"""Checks on certificates that the user brings: readable, valid now, fit to sign, and matching each other."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from domain.problem import Problem

Key = str


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What the user brings, each a PEM text. `anchors` may hold several certificates; `issuer` holds one, or its chain."""

    anchors: str
    issuer: str
    issuer_key: str


def problems(brought: Brought, now: datetime | None = None) -> list[Problem]:
    """Everything wrong with the certificates that the user brings; empty when Linkerd can run with them.

    The issuer's key is never part of a message.
    """
    now = now or datetime.now(UTC)
    found: list[Problem] = []
    anchors = _certificates("trust.own.anchors", brought.anchors, found)
    chain = _certificates("trust.own.issuer", brought.issuer, found)
    for key, certificates in (("trust.own.anchors", anchors), ("trust.own.issuer", chain)):
        for certificate in certificates:
            found += _unfit(key, certificate, now)
    if chain:
        found += _key_problems(chain[0], brought.issuer_key)
        if anchors:
            found += _chain_problems(chain, anchors)
    return found


def validity(pem: str) -> tuple[int, int]:
    """From when to when all certificates of the text are valid, in seconds since 1970."""
    found = x509.load_pem_x509_certificates(pem.encode())
    begin = max(certificate.not_valid_before_utc for certificate in found)
    end = min(certificate.not_valid_after_utc for certificate in found)
    return int(begin.timestamp()), int(end.timestamp())


def _certificates(key: Key, pem: str, found: list[Problem]) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        begin = pem.strip().splitlines()[0][:40] if pem.strip() else "nothing"
        found.append(
            Problem(
                key,
                f"no readable certificate, it begins with {begin!r}"
                if "PRIVATE" not in begin
                else "a private key where a certificate belongs",
                "PEM text, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----",
                "paste the whole file, keeping its line breaks (a YAML block: `|`)",
            )
        )
        return []


def _unfit(key: Key, certificate: x509.Certificate, now: datetime) -> list[Problem]:
    found = []
    name = certificate.subject.rfc4514_string() or "a certificate without a subject"
    if certificate.not_valid_after_utc <= now:
        found.append(
            Problem(
                key,
                f"{name} expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
                f"a certificate that is valid now ({now:%Y-%m-%d %H:%M} UTC)",
                "renew it where it was issued and paste the new one",
            )
        )
    if certificate.not_valid_before_utc > now:
        found.append(
            Problem(
                key,
                f"{name} is valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on only",
                f"a certificate that is valid now ({now:%Y-%m-%d %H:%M} UTC)",
                "check this machine's clock; if it is right, wait or issue the certificate again",
            )
        )
    try:
        authority = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        authority = False
    if not authority:
        found.append(
            Problem(
                key,
                f"{name} is no certificate authority",
                "basic constraints with CA:TRUE, as Linkerd's issuer signs the proxies' certificates",
                "issue it with a CA profile (for example `step certificate create --profile intermediate-ca`)",
            )
        )
    public_key = certificate.public_key()
    if not isinstance(public_key, EllipticCurvePublicKey) or not isinstance(public_key.curve, SECP256R1):
        found.append(
            Problem(
                key,
                f"{name} has a key that Linkerd cannot use",
                "an ECDSA key on curve P-256",
                "issue it anew with an ECDSA P-256 key",
            )
        )
    return found


def _key_problems(issuer: x509.Certificate, pem: str) -> list[Problem]:
    key = "trust-issuer-key"
    try:
        private_key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        return [
            Problem(
                key,
                "no readable private key (its value is not shown)",
                "an unencrypted PEM private key, ECDSA P-256",
                "pulumi config set --secret trust-issuer-key < issuer.key",
            )
        ]
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private_key.public_key().public_bytes(*form) != issuer.public_key().public_bytes(*form):
        return [
            Problem(
                key,
                "the key is not the one of trust.own.issuer (its value is not shown)",
                f"the private key of {issuer.subject.rfc4514_string()}",
                "bring the certificate and the key that were made together",
            )
        ]
    return []


def _chain_problems(chain: list[x509.Certificate], anchors: list[x509.Certificate]) -> list[Problem]:
    """The issuer must lead to an anchor, directly or through the certificates that follow it."""
    current = chain[0]
    for candidate in [*chain[1:], None]:
        if any(_signed_by(current, anchor) for anchor in anchors):
            return _lifetime_problems(chain[0], anchors)
        if candidate is None or not _signed_by(current, candidate):
            break
        current = candidate
    return [
        Problem(
            "trust.own.issuer",
            f"{chain[0].subject.rfc4514_string()} was not signed by any certificate of trust.own.anchors",
            "an issuer that one of the anchors signed",
            f"its issuer is {current.issuer.rfc4514_string()}: add that certificate to trust.own.anchors",
        )
    ]


def _signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    verify: Callable[[x509.Certificate], None] = certificate.verify_directly_issued_by
    try:
        verify(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _lifetime_problems(issuer: x509.Certificate, anchors: list[x509.Certificate]) -> list[Problem]:
    last = max(anchor.not_valid_after_utc for anchor in anchors)
    if issuer.not_valid_after_utc <= last:
        return []
    return [
        Problem(
            "trust.own.issuer",
            f"it is valid until {issuer.not_valid_after_utc:%Y-%m-%d}, longer than every anchor ({last:%Y-%m-%d})",
            "an issuer that ends before its anchor",
            "issue it with a shorter lifetime",
        )
    ]
