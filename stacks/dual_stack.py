"""The lab of both address families: a kind cluster with IPv4 and IPv6, and addresses of both for its Services."""

from typing import Any

import pulumi

from components.chart import ChartSource
from components.cluster.kind import KindCluster, KindClusterArgs
from components.metallb import MetalLb, MetalLbArgs
from settings.cluster import KindClusterSettings
from settings.labs import DualStackSettings
from stacks import on_cluster
from stacks.existing import existing


async def compose(settings: DualStackSettings) -> dict[str, Any]:
    """A cluster that is brought has its own load balancer."""
    asked = settings.cluster
    if not isinstance(asked, KindClusterSettings):
        brought = existing(settings, asked)
        return {**(await on_cluster.compose(settings, brought)), "kubeconfig": brought.kubeconfig}
    cluster = KindCluster(
        "cluster",
        KindClusterArgs(
            cluster=asked.name,
            image=settings.mirrors.places.image(asked.image),
            pod_cidrs=[str(network) for network in asked.pod_cidrs],
            service_cidrs=[str(network) for network in asked.service_cidrs],
            adopt=asked.adopt,
        ),
    )
    MetalLb(
        "metallb",
        MetalLbArgs(
            charts=ChartSource(settings.mirrors.charts),
            addresses=[str(network) for network in asked.load_balancer_addresses],
        ),
        pulumi.ResourceOptions(provider=cluster.provider),
    )
    return {**(await on_cluster.compose(settings, cluster)), "kubeconfig": cluster.kubeconfig}
