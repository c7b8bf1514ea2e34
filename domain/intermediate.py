"""The authority that a device with a SPIRE server of its own signs with, as narrow as X.509 allows."""

from ipaddress import IPv4Network, IPv6Network

from cryptography import x509

from domain.signed_again import signed_again

PATH_LENGTH = 1  # one more authority, SPIRE's own, below it
SIGNER_PATH_LENGTH = PATH_LENGTH + 1  # what must at least be allowed to the authority that signs it
# Identities of pods are DNS names, so this keeps every one of them out of a device's reach. A SPIFFE ID is a URI, of which a
# constraint can name the host alone, the trust domain here; linkerd2-proxy refuses every chain with such a constraint.
_NO_OTHER_NAMES = x509.NameConstraints(
    permitted_subtrees=None,
    excluded_subtrees=[
        x509.DNSName(""),
        x509.IPAddress(IPv4Network("0.0.0.0/0")),
        x509.IPAddress(IPv6Network("::/0")),
    ],
)
_SIGNING = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=False,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def as_intermediate(certificate_pem: str, authority_key_pem: str) -> str:
    """A certificate that may not sign becomes one that may, for names that are neither DNS names nor addresses.

    PEM in, PEM out. The plugin issues it without the right to sign, so that what the state holds is of no use to anybody
    who gets hold of the device's key.
    """
    return signed_again(
        certificate_pem,
        authority_key_pem,
        x509.BasicConstraints(ca=True, path_length=PATH_LENGTH),
        _SIGNING,
        _NO_OTHER_NAMES,
    )
