"""Checks of workloads in Docker containers, in the words of the stack file."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from domain.docker_network import SMALLEST, handed_out
from domain.problem import Problem
from settings.check import Check
from settings.edge_checks import image
from settings.model import Settings, WorkloadSettings

# What a container is told by this program, beside what every workload is.
_OURS = re.compile(
    r"CONTROLLERS|NAMESERVERS|NODE_IP|POD_CIDR|POD_ROUTES|SPIRE_DIRECTORY|SPIRE_SERVER|START_SECONDS|SVC_CIDR|WORKLOAD_(PORT|START)"
)


def contained(settings: Settings) -> list[WorkloadSettings]:
    """The workloads that this lab runs in Docker containers."""
    return [workload for workload in settings.workloads if workload.container]


def network(settings: Settings) -> str | None:
    """Name of the containers' network: their own, else that of a cluster that this lab makes on Docker."""
    return settings.docker.network or getattr(settings.cluster, "network", None)


def dns_address(settings: Settings) -> IPv4Address:
    """Of the containers' DNS server; only for settings that were checked."""
    address = settings.docker.dns_address
    assert isinstance(address, IPv4Address)  # noqa: S101 - checked below
    return address


def program_image(settings: Settings, workload: WorkloadSettings) -> str | None:
    """The image whose program a container runs."""
    return workload.image or settings.docker.workload_image or image(settings, workload)


def _subnet(settings: Settings) -> tuple[str, IPv4Network] | None:
    """The network's range and the key that says it, where it is known."""
    if settings.docker.subnet is not None:
        return ("docker.subnet", settings.docker.subnet) if isinstance(settings.docker.subnet, IPv4Network) else None
    found = getattr(settings.cluster, "subnet", None)
    return ("cluster.subnet", found) if isinstance(found, IPv4Network) else None


def _kinds(settings: Settings, _project: Path) -> Iterator[Problem]:
    for index, workload in enumerate(settings.workloads):
        if workload.container and workload.device:
            yield Problem(
                f"workloads[{index}].container",
                "it is set, and so is device",
                "a machine that is reached over SSH, or a container of Docker's",
                "remove one of them; a second workload with the same `service` may be the other kind",
            )
        if workload.container and program_image(settings, workload) is None:
            yield Problem(
                f"workloads[{index}].image",
                f"it is not set, nor is docker.workload-image, and Faces has no part {workload.service or workload.name!r}",
                "an image that holds the workload's program at /workload",
                f"set workloads[{index}].image, or docker.workload-image when all containers run the same",
            )
        for name in workload.environment if workload.container else ():
            if _OURS.fullmatch(name):
                yield Problem(
                    f"workloads[{index}].environment",
                    f"{name!r} is set by this program",
                    "variables of the workload's own",
                    "remove it",
                )


def _docker(settings: Settings, _project: Path) -> Iterator[Problem]:
    docker, first = settings.docker, next(iter(contained(settings)), None)
    if docker.subnet is not None and not isinstance(docker.subnet, IPv4Network):
        yield Problem(
            "docker.subnet",
            str(docker.subnet),
            "an IPv4 range: containers are reached over IPv4 alone",
            "for example 172.30.0.0/24",
        )
    of_cluster = getattr(settings.cluster, "network", None)
    if docker.subnet is not None and of_cluster is not None and network(settings) == of_cluster:
        yield Problem(
            "docker.subnet",
            f"{docker.subnet}, but network {of_cluster!r} is the cluster's own, in {getattr(settings.cluster, 'subnet', None)}",
            "a range for a network that this lab makes for containers alone",
            "set cluster.subnet instead",
        )
    if first is None:
        return
    if settings.spire.topology == "bundled":
        yield Problem(
            "spire.topology",
            f"it is bundled, but workload {first.name!r} runs in a container",
            "a server in the cluster: only devices can have one of their own",
            "leave the key out, or take the container away",
        )
    if network(settings) is None:
        yield Problem(
            "docker.network",
            f"it is not set, but workload {first.name!r} runs in a container",
            "the name of a Docker network from which the cluster's nodes are reached",
            "set it; with docker.subnet as well, if this lab is to make the network",
        )
    if not isinstance(docker.dns_address, IPv4Address):
        found = "it is not set" if docker.dns_address is None else f"it is {docker.dns_address}"
        yield Problem(
            "docker.dns-address",
            f"{found}, but workload {first.name!r} runs in a container",
            "a free IPv4 address on docker.network: the containers' DNS server gets it",
            "for example 172.30.0.40",
        )


def _addresses(settings: Settings, _project: Path) -> Iterator[Problem]:
    for index, workload in enumerate(settings.workloads):
        if workload.container and not (len(workload.addresses) == 1 and isinstance(workload.addresses[0], IPv4Address)):
            yield Problem(
                f"workloads[{index}].addresses",
                ", ".join(map(str, workload.addresses)),
                "one IPv4 address on docker.network: what leads from a container to pods is IPv4 alone",
                "leave the other address out",
            )
    taken = {address: workload.name for workload in settings.workloads for address in workload.addresses}
    dns = settings.docker.dns_address
    if dns in taken and contained(settings):
        yield Problem(
            "docker.dns-address",
            f"{dns} is the address of workload {taken[dns]!r} too",
            "an address of its own",
            "choose another one",
        )


def _ranges(settings: Settings, _project: Path) -> Iterator[Problem]:
    subnet = _subnet(settings)
    if subnet is None or not contained(settings):
        return
    key, reach = subnet
    cluster = settings.cluster
    for name, ranges in (("pod range", cluster.pod_networks), ("service range", cluster.service_networks)):
        for found in ranges:
            if isinstance(found, IPv4Network) and found.overlaps(reach):
                yield Problem(
                    key,
                    f"{reach} overlaps the cluster's {name} {found}",
                    "a range that the cluster does not use",
                    "choose another one, for example 172.30.0.0/24",
                )
    if reach.prefixlen > SMALLEST:
        yield Problem(
            key,
            f"{reach} has {reach.num_addresses} addresses",
            f"a /{SMALLEST} or larger: an eighth of it is for the nodes of a cluster",
            "choose a larger one, for example 172.30.0.0/24",
        )
        return
    wanted = {
        f"workloads[{index}].addresses": item.addresses
        for index, item in enumerate(settings.workloads)
        if item.container
    }
    dns = settings.docker.dns_address
    for place, addresses in {**wanted, "docker.dns-address": [dns] if dns else []}.items():
        for address in addresses:
            first, last = handed_out(reach).broadcast_address + 1, reach.broadcast_address - 1
            if isinstance(address, IPv4Address) and not first <= address <= last:
                yield Problem(
                    place,
                    f"{address} is no address for a container in {key} {reach}",
                    f"one from {first} to {last}: those before are the gateway's and what Docker hands out itself",
                    "choose a free one",
                )


# Each with the keys of the top level that it reads.
CHECKS: tuple[Check, ...] = (
    (_kinds, {"docker", "edge", "faces", "workloads"}),
    (_docker, {"docker", "workloads", "cluster", "spire"}),
    (_addresses, {"docker", "workloads"}),
    (_ranges, {"docker", "workloads", "cluster"}),
)
