"""The devices' network: a bridge of the engine on this machine, which also has the addresses of the twin's nodes."""

import os
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import docker
import psutil
from docker.errors import APIError
from docker.models.networks import Network
from docker.types import IPAMConfig, IPAMPool

from lab.docker.errors import DockerError
from lab.docker.install import system_path
from lab.twin.devices.layout import Layout, all_node_addresses

# The last /24s of 172.16.0.0/12: engines hand out that range from its other end.
CANDIDATES = tuple(IPv4Network(f"172.31.{third}.0/24") for third in range(250, 0, -1))
ROUTES = Path("/proc/net/route")
INTERFACES = Path("/sys/class/net")
BRIDGE_OPTION = "com.docker.network.bridge.name"


def find(client: docker.DockerClient, at: Layout) -> Network | None:
    """The rig's network in the engine, or None."""
    return next((network for network in client.networks.list(names=[at.network]) if network.name == at.network), None)


def ensure(client: docker.DockerClient, at: Layout, image: str) -> Network:
    """Make the network, and put the nodes' addresses on its bridge and no others, as far as it is not so already.

    `image` is one with `ip`, for an operator who may not set addresses but may use the engine. Raises DockerError
    when no subnet is free or the engine's bridges are not on this machine.
    """
    network = find(client, at) or _create(client, at)
    subnet = subnet_of(network)
    if not (INTERFACES / at.bridge).exists():
        raise DockerError(
            f"the Docker engine keeps its networks elsewhere: {at.bridge} is no interface of this machine. "
            "The devices need an engine that runs on this very machine; unset DOCKER_HOST or change it"
        )
    wanted, present = {*at.node_addresses(subnet)}, _addresses(at.bridge)
    for address in (present & {*all_node_addresses(subnet)}) - wanted:
        _ip(client, image, "address", "delete", f"{address}/32", "dev", at.bridge)
    for address in wanted - present:
        _ip(client, image, "address", "replace", f"{address}/32", "dev", at.bridge)
    return network


def remove(client: docker.DockerClient, at: Layout) -> None:
    """Remove the network, and with its bridge the nodes' addresses; containers that are left in it go first."""
    if network := find(client, at):
        # By this filter, as the network itself lists those only that run.
        for container in client.containers.list(all=True, filters={"network": at.network}):
            container.remove(force=True, v=True)
        network.remove()


def subnet_of(network: Network) -> IPv4Network:
    """The network's own; such as `ensure` made it, it has exactly one."""
    return IPv4Network(network.attrs["IPAM"]["Config"][0]["Subnet"])


def gateway_of(subnet: IPv4Network) -> str:
    """The machine as the devices see it."""
    return str(subnet[1])


def set_cable(client: docker.DockerClient, image: str, interface: str, *, plugged: bool) -> None:
    """Pull the cable out of a device, or put it in: `interface` is this machine's end of it."""
    _ip(client, image, "link", "set", interface, "up" if plugged else "down")


def set_address(
    client: docker.DockerClient, image: Callable[[docker.DockerClient], str], action: str, words: Sequence[str]
) -> None:
    """`ip address ACTION WORDS` on this machine; `image` makes one with `ip`, for an operator who is not root."""
    _ip(client, image(client) if os.geteuid() != 0 else "", "address", action, *words)


def interface_number(index: int) -> str:
    """Name of this machine's interface with that number. Raises DockerError when there is none."""
    try:
        return socket.if_indextoname(index)
    except OSError:
        raise DockerError(f"this machine has no interface number {index}: take the devices down and up again") from None


def _create(client: docker.DockerClient, at: Layout) -> Network:
    taken = [*_routes(), *_subnets(client)]
    refusal = ""
    for subnet in CANDIDATES:
        if any(subnet.overlaps(other) for other in taken):
            continue
        # What asks for no address of its own gets one from the upper half, where no node or device has its place.
        pool = IPAMPool(subnet=str(subnet), gateway=gateway_of(subnet), iprange=str(list(subnet.subnets())[1]))
        try:
            return client.networks.create(
                at.network,
                driver="bridge",
                check_duplicate=True,
                # Devices speak with each other and with this machine. What they send to pods that nobody runs must not
                # leave by this machine's default route, and that they reach no Internet makes them a strict test.
                internal=True,
                ipam=IPAMConfig(pool_configs=[pool]),
                # Docker drops what crosses a bridge unless it is told to let containers talk.
                options={BRIDGE_OPTION: at.bridge, "com.docker.network.bridge.enable_icc": "true"},
                labels=at.labels,
            )
        except APIError as refused:
            refusal = str(refused.explanation)
            if "overlaps" not in refusal:
                raise
    raise DockerError(
        f"no free network for the devices between {CANDIDATES[-1]} and {CANDIDATES[0]}"
        f"{f' (the engine: {refusal})' if refusal else ''}: remove unused networks with `docker network prune`"
    )


def _routes() -> Iterator[IPv4Network]:
    """Where this machine sends packets to, but for the default route."""
    for line in ROUTES.read_text().splitlines()[1:]:
        words = line.split()
        destination, mask = (IPv4Address(struct.pack("<L", int(words[column], 16))) for column in (1, 7))
        if int(mask):
            yield IPv4Network(f"{destination}/{mask}", strict=False)


def _subnets(client: docker.DockerClient) -> Iterator[IPv4Network]:
    for network in client.networks.list():
        for pool in (network.attrs.get("IPAM") or {}).get("Config") or []:
            if "." in pool.get("Subnet", ""):
                yield IPv4Network(pool["Subnet"])


def _addresses(interface: str) -> set[str]:
    entries = psutil.net_if_addrs().get(interface, [])
    return {entry.address for entry in entries if entry.family == socket.AF_INET}


def _ip(client: docker.DockerClient, image: str, *arguments: str) -> None:
    """Run `ip` on this machine; without root, in a container that shares its network."""
    if os.geteuid() != 0:
        client.containers.run(
            image, ["ip", *arguments], network_mode="host", cap_add=["NET_ADMIN"], remove=True, entrypoint=""
        )
        return
    environment = {**os.environ, "PATH": system_path(), "LC_ALL": "C"}
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False, timeout=30, env=environment)
    if done.returncode:
        raise DockerError(f"`ip {' '.join(arguments)}` was refused: {done.stderr.strip()}")
