"""What a machine may ask of the device authority."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from domain.certificate_request import own_request


def _request(name: str, *, uri: str | None = None) -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    )
    if uri:
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def test_a_machine_gets_a_certificate_for_its_own_name_alone() -> None:
    own = _request("smiley")
    assert own_request(own, "smiley") == own
    for asked in (_request("color"), _request("smiley", uri="spiffe://root.linkerd.cluster.local/color"), "nonsense"):
        with pytest.raises(ValueError, match=r"smiley: .*fix: "):
            own_request(asked, "smiley")
