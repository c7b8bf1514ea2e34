"""Everything that a lab declares once it has a cluster, begun with what takes the engine longest.

The engine starts the cluster's plugin and looks through the Gateway API's definitions, a megabyte of them, while Python
reads the modules of everything else: before, one waited for the other in every preview.
"""

import asyncio
from importlib import import_module
from typing import Any

import pulumi

from components.cluster.cluster import Cluster
from components.gateway_api import GatewayApi, GatewayApiArgs, official
from settings import Settings
from stacks.docker_place import DockerPlace

# The last one is what is called; those before only cut the reading into pieces, after each of which the engine's answers
# are taken. No thread does that: the SDK's modules are not made to be read by two at once.
_PIECES = (
    "pulumi_kubernetes.core.v1",
    "pulumi_kubernetes.helm.v3",
    "components.edge.container",
    "stacks.machines",
    "stacks.mesh",
)
_ANSWERS_SECONDS = 0.001


async def compose(settings: Settings, cluster: Cluster, docker: DockerPlace | None = None) -> dict[str, Any]:
    """Declare it; what it returns becomes the stack's outputs.

    `docker` is where edge containers run, when that had to be made before the cluster.
    """
    gateway_api = GatewayApi(
        "gateway-api",
        GatewayApiArgs(
            manifest=settings.gateway_api.manifest
            or settings.mirrors.places.download(official(settings.gateway_api.version))
        ),
        pulumi.ResourceOptions(provider=cluster.provider),
    )
    await asyncio.sleep(_ANSWERS_SECONDS)
    for piece in _PIECES:
        mesh = import_module(piece)
        await asyncio.sleep(_ANSWERS_SECONDS)
    outputs: dict[str, Any] = mesh.compose(settings, cluster, gateway_api, docker)
    return outputs
