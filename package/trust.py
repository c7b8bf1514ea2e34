"""`mesh-expansion:index:Trust`: the certificates of a mesh."""

from typing import NotRequired, TypedDict

import pulumi

from components.trust import IssuedTrust, IssuedTrustArgs

_ROOT_DAYS, _ISSUER_DAYS = 3650, 365


class TrustArgs(TypedDict):
    """Generations and lifetimes; without any, one anchor and one issuer."""

    roots: NotRequired[list[int]]
    """Generations of the trust anchor that proxies trust; two during a rotation."""
    issuing_root: NotRequired[int]
    """Generation of the trust anchor that signs the issuer; the first of `roots` if it is not said."""
    issuer: NotRequired[int]
    """Generation of the issuer."""
    root_days: NotRequired[int]
    """Lifetime of a trust anchor in days."""
    issuer_days: NotRequired[int]
    """Lifetime of the issuer in days."""


class Trust(pulumi.ComponentResource):
    """Trust anchors and the issuer that Linkerd signs with, ECDSA P-256; the anchors' keys are in the encrypted state only."""

    anchors_pem: pulumi.Output[str]
    """Every trust anchor, for `identityTrustAnchorsPEM` of Linkerd's chart."""
    issuer_certificate_pem: pulumi.Output[str]
    """The issuer's certificate, for `identity.issuer.tls.crtPEM`."""
    issuer_key_pem: pulumi.Output[str]
    """The issuer's key, for `identity.issuer.tls.keyPEM`; a secret."""
    expiry: pulumi.Output[dict[str, str]]
    """When each certificate ends (RFC 3339)."""

    def __init__(self, name: str, args: TrustArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh-expansion:index:Trust", name, None, opts)
        roots = [int(generation) for generation in args.get("roots") or [1]]
        material = IssuedTrust(
            name,
            IssuedTrustArgs(
                roots=roots,
                issuing_root=int(args.get("issuing_root") or roots[0]),
                issuer=int(args.get("issuer") or 1),
                root_days=int(args.get("root_days") or _ROOT_DAYS),
                issuer_days=int(args.get("issuer_days") or _ISSUER_DAYS),
            ),
            pulumi.ResourceOptions(parent=self),
        ).material
        self.anchors_pem = material.anchors_pem
        self.issuer_certificate_pem = material.issuer_certificate_pem
        self.issuer_key_pem = material.issuer_key_pem
        self.expiry = material.expiry.apply(dict)
        self.register_outputs(
            {
                "anchorsPem": self.anchors_pem,
                "issuerCertificatePem": self.issuer_certificate_pem,
                "issuerKeyPem": self.issuer_key_pem,
                "expiry": self.expiry,
            }
        )
