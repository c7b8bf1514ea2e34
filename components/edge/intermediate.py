"""The authority of one device that runs a SPIRE server of its own. Its key is made on the device and stays there."""

from dataclasses import dataclass

import pulumi
import pulumi_tls as tls

from components.trust import SigningAuthority
from domain.intermediate import as_intermediate

_HOURS_A_DAY = 24


@dataclass(frozen=True, kw_only=True)
class Intermediates:
    """What signs the devices' own authorities: `signer`, which is a trust anchor itself, or comes below one.

    `generation` is part of the names; `days` is the lifetime, and an update in its last third renews it.
    """

    signer: SigningAuthority
    is_anchor: bool
    generation: int
    days: int


def intermediate(
    name: str, machine: str, request_pem: pulumi.Input[str], given: Intermediates, parent: pulumi.Resource
) -> pulumi.Output[str]:
    """The chain from the device's authority to the trust anchor, without the anchor; PEM. Another `machine`, another one."""
    hours = given.days * _HOURS_A_DAY
    # Issued as one that may not sign, which is what the state holds; see domain/intermediate.py.
    certificate = tls.LocallySignedCert(
        f"{name}-intermediate-{given.generation}-{machine}",
        cert_request_pem=request_pem,
        ca_private_key_pem=given.signer.key_pem,
        ca_cert_pem=given.signer.certificate_pem,
        validity_period_hours=hours,
        early_renewal_hours=hours // 3,
        set_subject_key_id=True,
        allowed_uses=["digital_signature"],
        # As for the device's certificate: what the machine will answer no preview knows.
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["certRequestPem"]),
    )
    own = pulumi.Output.all(certificate.cert_pem, given.signer.key_pem).apply(
        lambda pems: as_intermediate(pems[0], pems[1])
    )
    # The signer's key that went in is a secret; the certificate that comes out is not.
    public = pulumi.Output.unsecret(own)
    return public if given.is_anchor else pulumi.Output.concat(public, given.signer.certificate_pem)
