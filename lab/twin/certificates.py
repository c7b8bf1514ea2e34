"""The twin's own certificates: one authority, one file with certificate and key for each party, reused while good."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.twin.files import write_private

_LIFETIME = datetime.timedelta(days=3650)  # the twin is thrown away long before
_LEFT = datetime.timedelta(days=30)  # what a certificate must have left to be used again


@dataclass(frozen=True, kw_only=True)
class Party:
    """Who a certificate is for. `names` are DNS names and `addresses` IP addresses that it serves."""

    name: str
    common_name: str
    organization: str | None = None
    names: Sequence[str] = ()
    addresses: Sequence[str] = ()


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return _key_pem(self.key)


class Authority:
    """Certificates below `directory`. A pair sits in one file, so that a killed run cannot leave halves of two."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.certificate = directory / "authority.pem"
        self._pair = self._load("authority-key", None) or self._create("authority-key", _authority_name(), None)
        write_private(self.certificate, self._pair.certificate_pem)

    def path(self, name: str) -> Path:
        return self.directory / f"{name}.pem"

    def issue(self, party: Party) -> Pair:
        """The pair of a party, as on disk when it still serves, else a new one."""
        name = _subject(party)
        pair = self._load(party.name, self._pair)
        if pair and pair.certificate.subject == name and _served(pair.certificate) == _wanted(party):
            return pair
        return self._create(party.name, name, party)

    def signing_key(self, name: str) -> Path:
        """A bare key, for tokens; in the form from which Kubernetes reads the public half as well."""
        path = self.path(name)
        try:
            serialization.load_pem_private_key(path.read_bytes(), None)
        except (OSError, ValueError):
            form = serialization.PrivateFormat.TraditionalOpenSSL
            write_private(path, _key_pem(ec.generate_private_key(ec.SECP256R1()), form))
        return path

    def _load(self, name: str, issuer: Pair | None) -> Pair | None:
        try:
            content = self.path(name).read_bytes()
            certificate = x509.load_pem_x509_certificate(content)
            key = serialization.load_pem_private_key(content, None)
            certificate.verify_directly_issued_by(issuer.certificate if issuer else certificate)
        except (OSError, ValueError, TypeError, InvalidSignature):
            return None  # absent, half-written, or of an authority that is gone
        good_until = certificate.not_valid_after_utc - _LEFT
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            return None
        return Pair(certificate, key) if datetime.datetime.now(datetime.UTC) < good_until else None

    def _create(self, file: str, subject: x509.Name, party: Party | None) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        issuer = self._pair if party else None
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + _LIFETIME)
            .add_extension(x509.BasicConstraints(ca=party is None, path_length=None), critical=True)
        )
        if party:
            usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            if wanted := _wanted(party):
                builder = builder.add_extension(x509.SubjectAlternativeName(wanted), critical=False)
        pair = Pair(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)
        write_private(self.path(file), pair.certificate_pem + pair.key_pem)
        return pair


def _authority_name() -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mesh-expansion-lab twin")])


def _subject(party: Party) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, party.common_name)]
    if party.organization:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, party.organization))
    return x509.Name(parts)


def _wanted(party: Party) -> list[x509.GeneralName]:
    return [
        *(x509.DNSName(name) for name in party.names),
        *(x509.IPAddress(ip_address(address)) for address in party.addresses),
    ]


def _served(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def _key_pem(
    key: ec.EllipticCurvePrivateKey, form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8
) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
