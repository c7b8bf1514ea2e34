"""The Docker lab: a k3d cluster and edge containers on one network of this machine's engine."""

from typing import Any

from components.cluster.k3d import K3dCluster, K3dClusterArgs
from settings.cluster import K3dClusterSettings
from settings.labs import K3dLabSettings
from stacks import on_cluster
from stacks.apps import balanced
from stacks.docker_place import docker_place
from stacks.existing import existing

_HTTP = 80


async def compose(settings: K3dLabSettings) -> dict[str, Any]:
    """A cluster that is brought, or adopted, has its network already."""
    asked = settings.cluster
    if not isinstance(asked, K3dClusterSettings):
        brought = existing(settings, asked)
        return {**(await on_cluster.compose(settings, brought)), "kubeconfig": brought.kubeconfig}
    # Whoever adopts a cluster finds its network there.
    place = docker_place(settings, asked.network, None if asked.adopt else asked.subnet)
    cluster = K3dCluster(
        "cluster",
        K3dClusterArgs(
            cluster=asked.name,
            network=place.network,
            http_port=asked.http_port,
            https_port=asked.https_port,
            image=settings.mirrors.places.image(asked.image),
            servers=asked.servers,
            agents=asked.agents,
            pod_cidr=str(asked.pod_cidr),
            service_cidr=str(asked.service_cidr),
            adopt=asked.adopt,
            registries=settings.mirrors.places.registries(),
        ),
    )
    front = "http://localhost/" if asked.http_port == _HTTP else f"http://localhost:{asked.http_port}/"
    return {
        **(await on_cluster.compose(settings, cluster, place)),
        **balanced(settings, front),
        "kubeconfig": cluster.kubeconfig,
    }
