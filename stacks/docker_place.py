"""Where a lab's containers run: an engine, and a network on it."""

from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
import pulumi_docker as docker

from components.docker_network import DockerNetwork, DockerNetworkArgs
from settings import Settings


@dataclass(frozen=True, kw_only=True)
class DockerPlace:
    """`network` is the name of a network of the engine's."""

    engine: docker.Provider
    network: pulumi.Input[str]


def docker_place(settings: Settings, network: str, subnet: object) -> DockerPlace:
    """The engine of the settings; with `subnet`, an IPv4 range, the network is made."""
    engine = docker.Provider("docker", host=settings.docker.host)
    if not isinstance(subnet, IPv4Network):
        return DockerPlace(engine=engine, network=network)
    made = DockerNetwork(
        "docker-network",
        DockerNetworkArgs(network=network, subnet=subnet),
        pulumi.ResourceOptions(providers=[engine]),
    )
    return DockerPlace(engine=engine, network=made.network)
