"""Addresses for nodes on a Docker network: this machine has them, on the network's bridge."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import docker
import psutil
from docker.errors import NotFound
from docker.models.networks import Network

from lab.docker.errors import DockerError
from lab.standins.clusters.errors import Refused
from lab.twin.devices import network as rig
from lab.twin.devices.client import connected
from lab.twin.devices.image import ensure_image
from lab.twin.devices.present import present

_SOCKET = "unix:///var/run/docker.sock"


@contextmanager
def engine() -> Iterator[docker.DockerClient]:
    """A client of the Docker engine that answers. Raises Refused with what Docker's own client says."""
    found = present()
    if found is None:
        raise Refused(f"Cannot connect to the Docker daemon at {_SOCKET}. Is the docker daemon running?")
    try:
        with connected(found.host) as client:
            yield client
    except DockerError as problem:
        raise Refused(str(problem)) from problem


def find(client: docker.DockerClient, name: str) -> Network | None:
    """The network of that name, or None."""
    try:
        network = client.networks.get(name)
    except NotFound:
        return None
    return network if network.name == name else None


def free(client: docker.DockerClient, network: Network, count: int, taken: Sequence[str]) -> list[tuple[str, ...]]:
    """`count` times one address of each of the network's families, from the end of its ranges.

    Raises Refused when it has not as many.
    """
    used = {ip_address(address) for address in (*taken, *_used(client, network))}
    columns = []
    for subnet in _ranges(network):
        found = []
        for step in range(1, min(subnet.num_addresses - 2, 250)):
            # The last address of an IPv4 network is its broadcast address.
            address = subnet[-1 - step]
            if address not in used:
                found.append(str(address))
            if len(found) == count:
                break
        if len(found) < count:
            raise Refused(f"network {network.name} has no room for {count} nodes in {subnet}")
        columns.append(found)
    return list(zip(*columns, strict=True))


def put(client: docker.DockerClient, network: Network, addresses: Sequence[str]) -> None:
    """Give this machine the addresses. Raises Refused where the engine's bridges are not on this machine."""
    interface = bridge(network)
    if not (rig.INTERFACES / interface).exists():
        raise Refused(f"the Docker engine keeps its networks elsewhere: {interface} is no interface of this machine")
    for address in {*addresses} - _present(interface):
        _set(client, "replace", address, interface)


def take(client: docker.DockerClient, network: Network, addresses: Sequence[str]) -> None:
    """Take the addresses away again, those that are there."""
    interface = bridge(network)
    for address in {*addresses} & _present(interface):
        _set(client, "delete", address, interface)


def bridge(network: Network) -> str:
    """The network's interface on this machine."""
    options = network.attrs.get("Options") or {}
    return str(options.get(rig.BRIDGE_OPTION) or f"br-{str(network.id)[:12]}")


def _set(client: docker.DockerClient, action: str, address: str, interface: str) -> None:
    four = ip_address(address).version == 4
    # An address that nobody else can have need not be looked for on the network first.
    words = [f"{address}/{32 if four else 128}", "dev", interface, *(() if four or action == "delete" else ("nodad",))]
    rig.set_address(client, ensure_image, action, words)


def _ranges(network: Network) -> list[IPv4Network | IPv6Network]:
    """Out of which Docker itself gives addresses: others may be anybody's fixed one."""
    pools = (network.attrs.get("IPAM") or {}).get("Config") or []
    found = [ip_network(pool.get("IPRange") or pool["Subnet"]) for pool in pools if pool.get("Subnet")]
    # IPv4 first, as Docker shows a node's addresses.
    return sorted(found, key=lambda subnet: subnet.version)


def _used(client: docker.DockerClient, network: Network) -> Iterator[str]:
    for pool in (network.attrs.get("IPAM") or {}).get("Config") or []:
        if gateway := pool.get("Gateway"):
            yield gateway.partition("/")[0]
    for container in client.containers.list(all=True, filters={"network": str(network.name)}):
        attributes: dict[str, Any] = container.attrs
        endpoint = attributes["NetworkSettings"]["Networks"].get(network.name) or {}
        wanted = endpoint.get("IPAMConfig") or {}
        for key in ("IPAddress", "GlobalIPv6Address"):
            if endpoint.get(key):
                yield endpoint[key]
        for key in ("IPv4Address", "IPv6Address"):
            if wanted.get(key):
                yield wanted[key]


def _present(interface: str) -> set[str]:
    entries: list[IPv4Address | IPv6Address] = [
        ip_address(entry.address.partition("%")[0])
        for entry in psutil.net_if_addrs().get(interface, [])
        if entry.family in (socket.AF_INET, socket.AF_INET6)
    ]
    return {str(entry) for entry in entries}
