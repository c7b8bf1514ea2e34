"""Trust anchors and the issuer that Linkerd signs with.

The anchor has no path length, so that another authority can stand between it and the issuer of a workload's
certificate; the issuer has path length 0 (see domain/path_length.py). Keys are ECDSA P-256, the only kind that Linkerd takes. A generation is part
of a resource's name: a rotation shows in the preview as one more anchor, never as a replaced one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pulumi
import pulumi_tls as tls
from cryptography import x509

from domain.path_length import with_path_length
from domain.workloads import TRUST_DOMAIN

_HOURS_A_DAY = 24
_CA_USES = ["cert_signing", "crl_signing"]
_ISSUER_NAME = "identity.linkerd.cluster.local"


class TrustPlan(Protocol):
    """What the trust of a lab is made of: generations, lifetimes in days, or the user's own certificates."""

    @property
    def roots(self) -> Sequence[int]: ...
    @property
    def issuing_root(self) -> int: ...
    @property
    def issuer(self) -> int: ...
    @property
    def root_days(self) -> int: ...
    @property
    def issuer_days(self) -> int: ...
    @property
    def own(self) -> "OwnCertificates | None": ...


class OwnCertificates(Protocol):
    """PEM texts that the user brings."""

    @property
    def anchors(self) -> str: ...
    @property
    def issuer(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class SigningAuthority:
    """A root that this program may sign with; `key_pem` is a secret."""

    certificate_pem: pulumi.Output[str]
    key_pem: pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class TrustMaterial:
    """What the mesh needs. `anchors_pem` may hold several certificates; `expiry` maps a name to its end (RFC 3339).

    `signing` is the root that issues authorities; None when the user brings the trust, and the root's key stays away.
    """

    anchors_pem: pulumi.Output[str]
    issuer_certificate_pem: pulumi.Output[str]
    issuer_key_pem: pulumi.Output[str]
    expiry: pulumi.Output[Mapping[str, str]]
    signing: SigningAuthority | None = None


def trust_material(plan: TrustPlan, own_issuer_key: str | None) -> TrustMaterial:
    """Issue what the plan asks for, or take what the user brings. The user's root key is never seen here."""
    if plan.own is None or own_issuer_key is None:
        return IssuedTrust(
            "trust",
            IssuedTrustArgs(
                roots=plan.roots,
                issuing_root=plan.issuing_root,
                issuer=plan.issuer,
                root_days=plan.root_days,
                issuer_days=plan.issuer_days,
            ),
        ).material
    return TrustMaterial(
        anchors_pem=pulumi.Output.from_input(plan.own.anchors),
        issuer_certificate_pem=pulumi.Output.from_input(plan.own.issuer),
        issuer_key_pem=pulumi.Output.secret(own_issuer_key),
        expiry=pulumi.Output.from_input(
            {
                **{f"anchor-{number}": end for number, end in enumerate(_ends(plan.own.anchors), start=1)},
                "issuer": _ends(plan.own.issuer)[0],
            }
        ),
    )


def _ends(pem: str) -> list[str]:
    return [
        certificate.not_valid_after_utc.isoformat() for certificate in x509.load_pem_x509_certificates(pem.encode())
    ]


@dataclass(frozen=True, kw_only=True)
class IssuedTrustArgs:
    """Generations of the anchors to trust, which of them signs, the issuer's generation, and lifetimes in days."""

    roots: Sequence[int]
    issuing_root: int
    issuer: int
    root_days: int
    issuer_days: int


class IssuedTrust(pulumi.ComponentResource):
    """Anchors and issuer made by this program; their keys live in the encrypted state only."""

    material: TrustMaterial

    def __init__(self, name: str, args: IssuedTrustArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:trust:IssuedTrust", name, None, opts)
        anchors = {generation: self._anchor(f"{name}-root-{generation}", args.root_days) for generation in args.roots}
        signing_key, signing_certificate = anchors[args.issuing_root]
        issuer_key, issuer = self._issuer(
            f"{name}-issuer-{args.issuer}", signing_key, signing_certificate, args.issuer_days
        )
        ends = {f"root-{generation}": certificate.validity_end_time for generation, (_, certificate) in anchors.items()}
        self.material = TrustMaterial(
            anchors_pem=pulumi.Output.concat(*(certificate.cert_pem for _, certificate in anchors.values())),
            issuer_certificate_pem=_leaves_only(issuer, signing_key),
            issuer_key_pem=issuer_key.private_key_pem,
            expiry=pulumi.Output.all(**ends, issuer=issuer.validity_end_time),
            signing=SigningAuthority(certificate_pem=signing_certificate.cert_pem, key_pem=signing_key.private_key_pem),
        )
        self.register_outputs({"anchors_pem": self.material.anchors_pem})

    def _key(self, name: str) -> tls.PrivateKey:
        return tls.PrivateKey(
            f"{name}-key", algorithm="ECDSA", ecdsa_curve="P256", opts=pulumi.ResourceOptions(parent=self)
        )

    def _anchor(self, name: str, days: int) -> tuple[tls.PrivateKey, tls.SelfSignedCert]:
        key = self._key(name)
        certificate = tls.SelfSignedCert(
            f"{name}-certificate",
            private_key_pem=key.private_key_pem,
            subject=tls.SelfSignedCertSubjectArgs(common_name=TRUST_DOMAIN),
            validity_period_hours=days * _HOURS_A_DAY,
            is_ca_certificate=True,
            set_subject_key_id=True,
            allowed_uses=_CA_USES,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return key, certificate

    def _issuer(
        self, name: str, signing_key: tls.PrivateKey, signing_certificate: tls.SelfSignedCert, days: int
    ) -> tuple[tls.PrivateKey, tls.LocallySignedCert]:
        key = self._key(name)
        request = tls.CertRequest(
            f"{name}-request",
            private_key_pem=key.private_key_pem,
            subject=tls.CertRequestSubjectArgs(common_name=_ISSUER_NAME),
            dns_names=[_ISSUER_NAME],
            opts=pulumi.ResourceOptions(parent=self),
        )
        certificate = tls.LocallySignedCert(
            f"{name}-certificate",
            cert_request_pem=request.cert_request_pem,
            ca_private_key_pem=signing_key.private_key_pem,
            ca_cert_pem=signing_certificate.cert_pem,
            validity_period_hours=days * _HOURS_A_DAY,
            is_ca_certificate=True,
            set_subject_key_id=True,
            allowed_uses=_CA_USES,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return key, certificate


def _leaves_only(issuer: tls.LocallySignedCert, signing_key: tls.PrivateKey) -> pulumi.Output[str]:
    certificate = pulumi.Output.all(issuer.cert_pem, signing_key.private_key_pem).apply(
        lambda pems: with_path_length(pems[0], pems[1], 0)
    )
    # The key that went in is a secret; the certificate that comes out is not.
    return pulumi.Output.unsecret(certificate)
