"""A network of Docker's that a cluster's nodes and edge containers share."""

from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
import pulumi_docker as docker

from domain.docker_network import handed_out


@dataclass(frozen=True, kw_only=True)
class DockerNetworkArgs:
    """`network` is its name, `subnet` its range; who asks for no address of his own gets one of the first eighth of it."""

    network: str
    subnet: IPv4Network


class DockerNetwork(pulumi.ComponentResource):
    """`network` is its name, for what joins it."""

    network: pulumi.Output[str]

    def __init__(self, name: str, args: DockerNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:docker:DockerNetwork", name, None, opts)
        made = docker.Network(
            name,
            name=args.network,
            ipam_configs=[
                docker.NetworkIpamConfigArgs(
                    subnet=str(args.subnet),
                    gateway=str(args.subnet[1]),
                    ip_range=str(handed_out(args.subnet)),
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.network = made.name
        self.register_outputs({"network": self.network})
