"""The lab of Raspberry Pis: k3s on the first, workloads on the others, all over SSH."""

from pathlib import Path
from typing import Any

import pulumi

import versions
from components.cluster.k3s import K3sCluster, K3sClusterArgs, pushed_release
from domain import k3s
from settings.cluster import K3sClusterSettings
from settings.labs import PiLabSettings
from stacks import on_cluster, ssh
from stacks.existing import existing


async def compose(settings: PiLabSettings) -> dict[str, Any]:
    """The kubeconfig is an output: `pulumi stack output --show-secrets kubeconfig`."""
    asked = settings.cluster
    if not isinstance(asked, K3sClusterSettings):
        brought = existing(settings, asked)
        return {**(await on_cluster.compose(settings, brought)), "kubeconfig": brought.kubeconfig}
    cluster = K3sCluster(
        "cluster",
        K3sClusterArgs(
            connection=ssh.to_server(settings, asked),
            identifier=f"{settings.lab}-{pulumi.get_stack()}",
            release=_release(settings, asked),
            artefact=Path(asked.artefact) if asked.artefact else None,
            address=str(asked.address) if asked.address else None,
            pod_network=asked.pod_cidr,
            service_network=asked.service_cidr,
            node_ports=[settings.edge.dns_port, settings.spire.server_port],
            adopt=asked.adopt,
            credentials=asked.credentials,
            enable_cgroups=asked.enable_cgroups,
            gone=asked.gone,
            registries=settings.mirrors.places.registries(),
        ),
    )
    return {**(await on_cluster.compose(settings, cluster)), "kubeconfig": cluster.kubeconfig}


def _release(settings: PiLabSettings, asked: K3sClusterSettings) -> k3s.Release:
    if asked.artefact:
        return pushed_release(asked.version, Path(asked.artefact))
    mirror = settings.mirrors.places.download(k3s.RELEASES)
    known = versions.K3S_SHA256 if asked.version == versions.K3S else {}
    own = {str(architecture): checksum for architecture, checksum in asked.sha256.items()}
    return k3s.downloaded(asked.version, {**known, **own}, mirror)
