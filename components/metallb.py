"""MetalLB: addresses for Services of type LoadBalancer in a cluster that has nothing of its own for them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

import versions
from components.chart import ChartSource

NAMESPACE = "metallb"
_REPOSITORY = "https://metallb.github.io/metallb"
_POOL = "kind-pool"
_API = "metallb.io/v1beta1"


@dataclass(frozen=True, kw_only=True)
class MetalLbArgs:
    """`addresses` are ranges (CIDRs) of the network that the nodes are in, of each family that Services have."""

    charts: ChartSource
    addresses: Sequence[str]


class MetalLb(pulumi.ComponentResource):
    """Controller and speaker, one pool, answered for on the nodes' own network (layer 2)."""

    def __init__(self, name: str, args: MetalLbArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:cluster:MetalLb", name, None, opts)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            # The speaker uses the node's network.
            metadata={"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "privileged"}},
            opts=pulumi.ResourceOptions(parent=self),
        )
        place, repository = args.charts.locate("metallb", versions.METALLB_CHART, _REPOSITORY)
        release = k8s.helm.v3.Release(
            f"{name}-release",
            name="metallb",
            chart=place,
            repository_opts=repository,
            version=versions.METALLB_CHART,
            namespace=namespace.metadata.name,
            # No routes are announced, so nothing that speaks BGP has to run.
            values={"speaker": {"frr": {"enabled": False}}, "frrk8s": {"enabled": False}},
            opts=pulumi.ResourceOptions(parent=self),
        )
        pool = k8s.apiextensions.CustomResource(
            f"{name}-pool",
            api_version=_API,
            kind="IPAddressPool",
            metadata={"name": _POOL, "namespace": namespace.metadata.name},
            spec={"addresses": list(args.addresses)},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[release]),
        )
        k8s.apiextensions.CustomResource(
            f"{name}-advertisement",
            api_version=_API,
            kind="L2Advertisement",
            metadata={"name": "kind", "namespace": namespace.metadata.name},
            spec={"ipAddressPools": [_POOL]},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[pool]),
        )
        self.register_outputs({})
