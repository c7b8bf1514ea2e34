"""What SPIRE signs with, and what devices prove themselves with.

SPIRE's upstream authority stands between the mesh's root and the authorities that SPIRE makes for itself, so it has path
length 1. Where every device has a server of its own there is no such authority: the root, or what the user brings, signs the
devices' (components/edge/intermediate.py). The device authority is apart from the mesh's trust: its certificates open SPIRE's door and mean nothing to a
proxy. Generations are part of the names, as in trust.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import pulumi
import pulumi_tls as tls
from cryptography import x509

from components.trust import SigningAuthority, TrustMaterial
from domain.workloads import TRUST_DOMAIN

_HOURS_A_DAY = 24
_CA_USES = ["cert_signing", "crl_signing"]
_UPSTREAM_NAME = f"spire-upstream.{TRUST_DOMAIN}"
_DEVICE_NAME = f"devices.{TRUST_DOMAIN}"
_PATH_LENGTH = 1  # one more authority, SPIRE's own, below it


class SpireTrustPlan(Protocol):
    """Generations and lifetimes in days of SPIRE's upstream authority and of the device authority."""

    @property
    def topology(self) -> Literal["server", "bundled"]: ...
    @property
    def upstream(self) -> int: ...
    @property
    def upstream_days(self) -> int: ...
    @property
    def device_ca(self) -> int: ...
    @property
    def device_ca_days(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class OwnUpstream:
    """The upstream authority that the user brings; PEM texts. The certificate may be followed by those above it."""

    certificate_pem: str
    key_pem: str


@dataclass(frozen=True, kw_only=True)
class SpireMaterial:
    """PEM texts; the two keys are secrets. `expiry` maps a name to its end (RFC 3339).

    `bundle_pem` holds every anchor that agents and proxies trust. The upstream authority is that of the cluster's server, or
    signs the devices' own; `upstream_is_anchor` when it is the root itself.
    """

    upstream_certificate_pem: pulumi.Output[str]
    upstream_key_pem: pulumi.Output[str]
    upstream_is_anchor: bool
    bundle_pem: pulumi.Output[str]
    device_ca_certificate_pem: pulumi.Output[str]
    device_ca_key_pem: pulumi.Output[str]
    expiry: pulumi.Output[Mapping[str, str]]


def spire_material(plan: SpireTrustPlan, trust: TrustMaterial, own: OwnUpstream | None) -> SpireMaterial:
    """Issue the authorities; `own` takes the place of the upstream one, and must when the root's key is not here."""
    return SpireTrust("spire-trust", SpireTrustArgs(plan=plan, trust=trust, own=own)).material


@dataclass(frozen=True, kw_only=True)
class SpireTrustArgs:
    """As for `spire_material`."""

    plan: SpireTrustPlan
    trust: TrustMaterial
    own: OwnUpstream | None


class SpireTrust(pulumi.ComponentResource):
    """Both authorities; their keys live in the encrypted state and, the upstream one's, in a Secret of the cluster."""

    material: SpireMaterial

    def __init__(self, name: str, args: SpireTrustArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:trust:SpireTrust", name, None, opts)
        plan = args.plan
        is_anchor = plan.topology == "bundled" and args.own is None
        upstream = self._brought(args.own) if args.own else self._root(args) if is_anchor else self._issued(name, args)
        ends = {} if is_anchor else {"spire-upstream": upstream.certificate_pem.apply(_end)}
        device_key = self._key(f"{name}-devices-{plan.device_ca}")
        device = tls.SelfSignedCert(
            f"{name}-devices-{plan.device_ca}-certificate",
            private_key_pem=device_key.private_key_pem,
            subject=tls.SelfSignedCertSubjectArgs(common_name=_DEVICE_NAME),
            validity_period_hours=plan.device_ca_days * _HOURS_A_DAY,
            is_ca_certificate=True,
            set_subject_key_id=True,
            allowed_uses=_CA_USES,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.material = SpireMaterial(
            upstream_certificate_pem=upstream.certificate_pem,
            upstream_key_pem=upstream.key_pem,
            upstream_is_anchor=is_anchor,
            bundle_pem=args.trust.anchors_pem,
            device_ca_certificate_pem=device.cert_pem,
            device_ca_key_pem=device_key.private_key_pem,
            expiry=pulumi.Output.all(**ends, devices=device.validity_end_time),
        )
        self.register_outputs({"device_ca_certificate_pem": device.cert_pem})

    def _key(self, name: str) -> tls.PrivateKey:
        return tls.PrivateKey(
            f"{name}-key", algorithm="ECDSA", ecdsa_curve="P256", opts=pulumi.ResourceOptions(parent=self)
        )

    def _brought(self, own: OwnUpstream) -> SigningAuthority:
        return SigningAuthority(
            certificate_pem=pulumi.Output.from_input(own.certificate_pem), key_pem=pulumi.Output.secret(own.key_pem)
        )

    def _root(self, args: SpireTrustArgs) -> SigningAuthority:
        if args.trust.signing is None:
            raise ValueError(
                "SPIRE's upstream authority must be brought along with a trust of one's own: "
                "only the holder of the root's key can issue it"
            )
        return args.trust.signing

    def _issued(self, name: str, args: SpireTrustArgs) -> SigningAuthority:
        root = self._root(args)
        name = f"{name}-upstream-{args.plan.upstream}"
        key = self._key(name)
        request = tls.CertRequest(
            f"{name}-request",
            private_key_pem=key.private_key_pem,
            subject=tls.CertRequestSubjectArgs(common_name=_UPSTREAM_NAME),
            opts=pulumi.ResourceOptions(parent=self),
        )
        certificate = tls.LocallySignedCert(
            f"{name}-certificate",
            cert_request_pem=request.cert_request_pem,
            ca_private_key_pem=root.key_pem,
            ca_cert_pem=root.certificate_pem,
            validity_period_hours=args.plan.upstream_days * _HOURS_A_DAY,
            is_ca_certificate=True,
            max_path_length=_PATH_LENGTH,
            set_subject_key_id=True,
            allowed_uses=_CA_USES,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return SigningAuthority(certificate_pem=certificate.cert_pem, key_pem=key.private_key_pem)


def _end(pem: str) -> str:
    return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc.isoformat()
