"""Path length 0, which Pulumi's tls plugin cannot write.

Its `max_path_length` of 0 ends in a certificate without any path length, as Go takes 0 for "not set" unless told otherwise
(seen with pulumi-tls 5.5.1 and with terraform-provider-tls as of April 2026). So the certificate that the plugin issued is
signed again with the constraint added. The signature is deterministic (RFC 6979): the same certificate and key give the
same bytes in every preview.
"""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key


def with_path_length(certificate_pem: str, authority_key_pem: str, path_length: int) -> str:
    """The certificate with `path_length`, signed by its authority's ECDSA key; everything else stays. PEM in, PEM out."""
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
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    )
    for extension in certificate.extensions:
        if extension.oid != x509.BasicConstraints.oid:
            builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(key, SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.PEM).decode()
