"""A certificate with what Pulumi's tls plugin cannot write: signed again by its authority with extensions put in.

The signature is deterministic (RFC 6979): the same certificate and key give the same bytes in every preview.
"""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key


def signed_again(certificate_pem: str, authority_key_pem: str, *extensions: x509.ExtensionType) -> str:
    """The certificate with these critical extensions in the place of its own of their kind; everything else stays.

    PEM in, PEM out. Raises TypeError when the authority's key is no ECDSA key.
    """
    certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
    key = load_pem_private_key(authority_key_pem.encode(), password=None)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise TypeError("the authority's key must be an ECDSA key")
    builder = (
        x509.CertificateBuilder()
        .subject_name(certificate.subject)
        .issuer_name(certificate.issuer)
        .public_key(certificate.public_key())
        .serial_number(certificate.serial_number)
        .not_valid_before(certificate.not_valid_before_utc)
        .not_valid_after(certificate.not_valid_after_utc)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    for kept in certificate.extensions:
        if kept.oid not in {extension.oid for extension in extensions}:
            builder = builder.add_extension(kept.value, kept.critical)
    return builder.sign(key, SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.PEM).decode()
