"""Path length 0, which Pulumi's tls plugin cannot write.

Its `max_path_length` of 0 ends in a certificate without any path length, as Go takes 0 for "not set" unless told otherwise
(seen with pulumi-tls 5.5.1 and with terraform-provider-tls as of April 2026). So the certificate that the plugin issued is
signed again with the constraint added.
"""

from cryptography import x509

from domain.signed_again import signed_again


def with_path_length(certificate_pem: str, authority_key_pem: str, path_length: int) -> str:
    """The certificate with `path_length`, signed by its authority's ECDSA key; everything else stays. PEM in, PEM out."""
    return signed_again(certificate_pem, authority_key_pem, x509.BasicConstraints(ca=True, path_length=path_length))
