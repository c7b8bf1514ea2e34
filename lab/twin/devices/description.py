"""What a rig is, in words that a stack can use: addresses, host keys, files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.models.containers import Container
from docker.models.networks import Network

from lab.twin.devices import keys, network
from lab.twin.devices.layout import LABEL, Layout, next_address


@dataclass(frozen=True, kw_only=True)
class DeviceDescription:
    """`host_key` is the public line that a connection's host key input takes: `ssh-ed25519 AAAA...`."""

    name: str
    container: str
    address: str
    host_key: str


@dataclass(frozen=True, kw_only=True)
class RigDescription:
    """Users `root` and `pi` (who may use sudo) log in with `client_key`, the file of a private key.

    `gateway` is this machine as the devices see it; `node_addresses` are further addresses of this machine on the
    devices' network, and stand for the twin's nodes. `known_hosts` has a line for each device's address.
    """

    docker_host: str
    network: str
    bridge: str
    subnet: str
    gateway: str
    node_addresses: tuple[str, ...]
    client_key: Path
    known_hosts: Path
    devices: Mapping[str, DeviceDescription]


def describe(client: docker.DockerClient, at: Layout, host: str, net: Network) -> RigDescription:
    """Devices that are there keep their addresses; the others get the first free ones, in their order."""
    subnet = network.subnet_of(net)
    addresses = {
        name: address for name, container in containers(client, at).items() if (address := address_in(net, container))
    }
    for name in at.names:
        if name not in addresses:
            addresses[name] = next_address(subnet, {*addresses.values()})
    return RigDescription(
        docker_host=host,
        network=at.network,
        bridge=at.bridge,
        subnet=str(subnet),
        gateway=network.gateway_of(subnet),
        node_addresses=at.node_addresses(subnet),
        client_key=at.client_key,
        known_hosts=at.known_hosts,
        devices={
            name: DeviceDescription(
                name=name,
                container=at.container(name),
                address=addresses[name],
                host_key=keys.ensure_key(at.host_key(name)),
            )
            for name in at.names
        },
    )


def containers(client: docker.DockerClient, at: Layout) -> dict[str, Container]:
    """Every container of the rig by its device's name, named in `at` or not."""
    prefix = at.container("")
    found = client.containers.list(all=True, filters={"label": f"{LABEL}={at.mark}"})
    return {str(container.name).removeprefix(prefix): container for container in found}


def address_in(net: Network, container: Container) -> str:
    """The fixed address of a device in the network `net`; "" when it belongs to another, or to one that is gone."""
    endpoint = container.attrs["NetworkSettings"]["Networks"].get(net.name) or {}
    if endpoint.get("NetworkID") not in ("", net.id):  # "" until the container's first start
        return ""
    return str((endpoint.get("IPAMConfig") or {}).get("IPv4Address", ""))
