"""Linkerd's definitions and control plane, as Helm releases with certificates that this program answers for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pulumi
import pulumi_kubernetes as k8s

from components.chart import ChartSource
from components.trust import TrustMaterial
from components.waiting import declared_at_once
from domain.linkerd import EdgeRelease

_REPOSITORY = "https://helm.linkerd.io/edge"


@dataclass(frozen=True, kw_only=True)
class LinkerdArgs:
    """`version` is an edge release; the charts' version follows from it. `ipv6`: pods have such addresses too."""

    version: str
    charts: ChartSource
    trust: TrustMaterial
    ipv6: bool = False


class Linkerd(pulumi.ComponentResource):
    """The mesh's control plane in namespace `linkerd`.

    `definitions` are those of ExternalWorkload, Server and their kin. They and `control_plane` wait for what the component
    depends on; the namespace does not.
    """

    definitions: k8s.helm.v3.Release
    control_plane: k8s.helm.v3.Release

    def __init__(self, name: str, args: LinkerdArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        own, needed = declared_at_once(opts)
        super().__init__("mesh:linkerd:Linkerd", name, None, own)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": "linkerd",
                "labels": {
                    "linkerd.io/is-control-plane": "true",
                    # The injector must not wait for itself when the control plane's own pods start.
                    "config.linkerd.io/admission-webhooks": "disabled",
                    "linkerd.io/control-plane-ns": "linkerd",
                },
                "annotations": {"linkerd.io/inject": "disabled"},
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        release = partial(self._release, args, namespace)
        self.definitions = release(f"{name}-crds", "linkerd-crds", {"installGatewayAPI": False}, depends_on=needed)
        self.control_plane = release(
            f"{name}-control-plane",
            "linkerd-control-plane",
            {
                "identityTrustAnchorsPEM": args.trust.anchors_pem,
                # The chart's own default; written down, so that a preview shows the change.
                "disableIPv6": not args.ipv6,
                "identity": {
                    "issuer": {
                        "scheme": "linkerd.io/tls",
                        "tls": {
                            "crtPEM": args.trust.issuer_certificate_pem,
                            "keyPEM": args.trust.issuer_key_pem,
                        },
                    }
                },
            },
            depends_on=[*needed, self.definitions],
        )
        self.register_outputs({})

    def _release(
        self,
        args: LinkerdArgs,
        namespace: k8s.core.v1.Namespace,
        /,
        name: str,
        chart: str,
        values: dict[str, object],
        *,
        depends_on: Sequence[pulumi.Resource],
    ) -> k8s.helm.v3.Release:
        version = EdgeRelease.parse(args.version).chart_version
        place, repository = args.charts.locate(chart, version, _REPOSITORY)
        return k8s.helm.v3.Release(
            name,
            name=chart,
            chart=place,
            repository_opts=repository,
            version=version,
            namespace=namespace.metadata.name,
            values=values,
            opts=pulumi.ResourceOptions(parent=self, depends_on=depends_on),
        )
