"""DNS for edge containers: names of the cluster's Services go to the cluster, all others where Docker sends them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from components.container_options import joined, kept_small, label


@dataclass(frozen=True, kw_only=True)
class DnsForwarderArgs:
    """`servers` are the cluster's DNS as `address#port`, one for each node; `address` is the forwarder's on `network`."""

    image: pulumi.Input[str]
    container_name: str
    network: pulumi.Input[str]
    address: str
    servers: pulumi.Input[Sequence[str]]


class DnsForwarder(pulumi.ComponentResource):
    """`address` is what containers take as their DNS server."""

    address: pulumi.Output[str]

    def __init__(self, name: str, args: DnsForwarderArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:dns:DnsForwarder", name, None, opts)
        container = docker.Container(
            f"{name}-container",
            name=args.container_name,
            image=args.image,
            envs=[pulumi.Output.concat("DNS_SERVERS=", pulumi.Output.from_input(args.servers).apply(" ".join))],
            restart="unless-stopped",
            networks_advanced=[joined(args.network, [args.address])],
            labels=[label("part", "dns-forwarder")],
            security_opts=["no-new-privileges"],
            **kept_small(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.address = container.name.apply(lambda _: args.address)
        self.register_outputs({"address": self.address})
