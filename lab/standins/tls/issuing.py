"""Signs a certificate as the official plugin does."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from lab.standins.base import ProviderError
from lab.standins.tls import keys

KEY_USAGES = {
    "digital_signature": "digital_signature",
    "content_commitment": "content_commitment",
    "key_encipherment": "key_encipherment",
    "data_encipherment": "data_encipherment",
    "key_agreement": "key_agreement",
    "cert_signing": "key_cert_sign",
    "crl_signing": "crl_sign",
    "encipher_only": "encipher_only",
    "decipher_only": "decipher_only",
}
EXTENDED_KEY_USAGES = {
    "any_extended": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "server_auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client_auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code_signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email_protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "ipsec_end_system": ObjectIdentifier("1.3.6.1.5.5.7.3.5"),
    "ipsec_tunnel": ObjectIdentifier("1.3.6.1.5.5.7.3.6"),
    "ipsec_user": ObjectIdentifier("1.3.6.1.5.5.7.3.7"),
    "timestamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp_signing": ExtendedKeyUsageOID.OCSP_SIGNING,
    "microsoft_server_gated_crypto": ObjectIdentifier("1.3.6.1.4.1.311.10.3.3"),
    "netscape_server_gated_crypto": ObjectIdentifier("2.16.840.1.113730.4.1"),
    "microsoft_commercial_code_signing": ObjectIdentifier("1.3.6.1.4.1.311.2.1.22"),
    "microsoft_kernel_code_signing": ObjectIdentifier("1.3.6.1.4.1.311.61.1.1"),
}
_SERIAL_BITS = 128


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Who signs: its name, its key, and its subject key identifier (None where its certificate has none)."""

    name: x509.Name
    key: keys.Key
    identifier: bytes | None


def issue(
    inputs: Mapping[str, Any],
    *,
    subject: x509.Name,
    alternative_names: Sequence[x509.GeneralName],
    public_key: keys.PublicKey,
    issuer: Issuer | keys.Key,
) -> tuple[x509.Certificate, datetime, datetime]:
    """The certificate, and its start and end with fractions of a second (the certificate itself has whole seconds).

    `inputs` are the resource's, with defaults; an `issuer` that is only a key signs its own certificate.
    """
    is_ca, start = bool(inputs["isCaCertificate"]), datetime.now(UTC)
    if is_ca and not list(subject):
        raise ProviderError(
            "subject: must hold at least one part (such as commonName) for the certificate of an authority"
        )
    end = start + timedelta(hours=inputs["validityPeriodHours"])
    identifier = keys.identifier(public_key) if is_ca or inputs["setSubjectKeyId"] else None
    itself = not isinstance(issuer, Issuer)
    signer = issuer if isinstance(issuer, Issuer) else Issuer(name=subject, key=issuer, identifier=identifier)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.name)
        .public_key(public_key)
        .serial_number(secrets.randbelow(1 << _SERIAL_BITS) or 1)
        .not_valid_before(start.replace(microsecond=0))
        .not_valid_after(end.replace(microsecond=0))
    )
    extensions = [*_usages(inputs["allowedUses"]), (_constraints(inputs, is_ca), True)]
    if identifier is not None:
        extensions.append((x509.SubjectKeyIdentifier(identifier), False))
    if authority := _authority(inputs, signer, itself=itself):
        extensions.append((x509.AuthorityKeyIdentifier(authority, None, None), False))
    if alternative_names:
        extensions.append((x509.SubjectAlternativeName(alternative_names), not list(subject)))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer.key, keys.digest(signer.key)), start, end


def _authority(inputs: Mapping[str, Any], signer: Issuer, *, itself: bool) -> bytes | None:
    if not itself:
        return signer.identifier
    if not inputs.get("setAuthorityKeyId"):
        return None
    if signer.identifier is None:
        raise ProviderError(
            "setAuthorityKeyId: needs setSubjectKeyId or isCaCertificate, for the certificate names itself as its authority"
        )
    return signer.identifier


def _constraints(inputs: Mapping[str, Any], is_ca: bool) -> x509.BasicConstraints:
    """The official plugin never writes a path length of 0 (its library takes 0 for "not set"), so this one does not either."""
    length = inputs.get("maxPathLength")
    return x509.BasicConstraints(ca=is_ca, path_length=length if is_ca and length and length > 0 else None)


def _usages(allowed: Sequence[str]) -> list[tuple[x509.ExtensionType, bool]]:
    found: list[tuple[x509.ExtensionType, bool]] = []
    if plain := {KEY_USAGES[name] for name in allowed if name in KEY_USAGES}:
        # X.509 gives these two a meaning beside key agreement only, and the library refuses them without it.
        if plain & {"encipher_only", "decipher_only"} and "key_agreement" not in plain:
            raise ProviderError("allowedUses: encipher_only and decipher_only need key_agreement beside them")
        found.append((x509.KeyUsage(**{name: name in plain for name in KEY_USAGES.values()}), True))
    if extended := [EXTENDED_KEY_USAGES[name] for name in allowed if name in EXTENDED_KEY_USAGES]:
        found.append((x509.ExtendedKeyUsage(extended), False))
    return found
