"""Checks of the networks of a Docker engine that a lab makes, joins, or hands addresses out of."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import docker
from docker.errors import DockerException

from domain.workloads import Network
from lab.docker.reach import DockerEngine
from lab.doctor import docker_engine
from lab.doctor.finding import Finding, failed, not_checked, ok

CHECK = "docker.network"
_KIND = "kind"  # where kind puts its nodes


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A network by name. With `subnet` the lab makes it, unless it is its own (`ours`) already; else it has to be there.

    `key` is where the stack file has the range.
    """

    name: str
    subnet: Network | None
    key: str
    ours: bool


async def check(wanted: Wanted, host: str | None) -> AsyncIterator[Finding]:
    """Can it be made, or is it there?"""
    subject = f"Docker network {wanted.name}"
    networks = await asyncio.to_thread(_networks, host)
    if networks is None:
        yield not_checked(CHECK, subject, "no Docker engine answers")
    else:
        yield _judged(wanted, networks, subject)


async def check_load_balancer(ranges: Sequence[Network], host: str | None) -> AsyncIterator[Finding]:
    """Do the addresses for Services lie in the network of kind's nodes, where this machine finds them?"""
    subject = "cluster.load-balancer-addresses"
    networks = await asyncio.to_thread(_networks, host)
    there = (networks or {}).get(_KIND)
    if not there:
        yield not_checked(
            CHECK, subject, f"there is no Docker network {_KIND} yet; kind makes it with its first cluster"
        )
        return
    outside = [network for network in ranges if not any(_within(network, subnet) for subnet in there)]
    if outside:
        cause = f"{_words(outside)} is not in Docker's network {_KIND}, which is {_words(there)}"
        yield failed(CHECK, subject, cause, f"set {subject} to ranges inside of {_words(there)}")
    else:
        yield ok(CHECK, subject, f"inside of Docker's network {_KIND}")


def _judged(wanted: Wanted, networks: Mapping[str, Sequence[Network]], subject: str) -> Finding:
    there = networks.get(wanted.name)
    if wanted.subnet is None:
        if there is not None:
            return ok(CHECK, subject, "it is there")
        cause = f"it is not there, and without {wanted.key} the lab does not make it"
        return failed(CHECK, subject, cause, f"docker network create {wanted.name}, or set {wanted.key}")
    if wanted.ours:
        return ok(CHECK, subject, "it is this lab's own")
    if there is not None:
        cause = f"it is there ({_words(there)}), and this lab did not make it"
        return failed(
            CHECK, subject, cause, f"docker network rm {wanted.name}, or give the lab another name for its own"
        )
    for name, subnets in networks.items():
        taken = [subnet for subnet in subnets if _overlap(subnet, wanted.subnet)]
        if taken:
            cause = f"{wanted.key} {wanted.subnet} overlaps {_words(taken)} of the network {name}"
            return failed(CHECK, subject, cause, f"docker network rm {name}, or set {wanted.key} to another range")
    return ok(CHECK, subject, f"{wanted.subnet} is free ({wanted.key})")


def _networks(host: str | None) -> dict[str, list[Network]] | None:
    """Every network with its ranges; None when there is no engine to ask."""
    engine = docker_engine.reached(host)
    if engine is None:
        return None
    try:
        return {str(item["Name"]): _subnets(item) for item in _listed(engine)}
    except (DockerException, OSError):
        return None


def _listed(engine: DockerEngine) -> list[dict[str, Any]]:
    client: docker.DockerClient = engine.client()
    try:
        listed: list[dict[str, Any]] = client.api.networks()
        return listed
    finally:
        client.close()


def _subnets(item: Mapping[str, Any]) -> list[Network]:
    settings = (item.get("IPAM") or {}).get("Config") or []
    return [ip_network(entry["Subnet"], strict=False) for entry in settings if entry.get("Subnet")]


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and (_within(one, other) or _within(other, one))


def _within(inner: Network, outer: Network) -> bool:
    return inner.version == outer.version and (
        int(outer.network_address) <= int(inner.network_address)
        and int(inner.broadcast_address) <= int(outer.broadcast_address)
    )


def _words(networks: Sequence[Network]) -> str:
    return " and ".join(str(network) for network in networks) or "no range"
