"""A cluster's nodes, as machines outside need to know them: where to send what is for their pods."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from domain.problem import Problem
from domain.workloads import Network, Workload


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node: its InternalIPs and the pod CIDRs that it serves, one of each family."""

    name: str
    addresses: tuple[IPv4Address | IPv6Address, ...]
    pod_cidrs: tuple[Network, ...]


def parse(text: str) -> list[Node]:
    """Every node of `kubectl get nodes -o json`, by name. Raises ValueError when there is none that can be reached."""
    nodes = []
    for item in json.loads(text)["items"]:
        listed = item.get("status", {}).get("addresses", [])
        addresses = tuple(ip_address(entry["address"]) for entry in listed if entry["type"] == "InternalIP")
        spec = item.get("spec", {})
        cidrs = spec.get("podCIDRs") or [cidr for cidr in [spec.get("podCIDR")] if cidr]
        nodes.append(
            Node(
                name=item["metadata"]["name"], addresses=addresses, pod_cidrs=tuple(ip_network(cidr) for cidr in cidrs)
            )
        )
    if not any(node.addresses for node in nodes):
        raise ValueError(
            f"the cluster has {len(nodes)} nodes, none with an InternalIP; devices cannot send anything to its pods. "
            "Wait until a node is Ready (`kubectl get nodes -o wide`), then run again"
        )
    return sorted(nodes, key=lambda node: node.name)


def routes(nodes: Sequence[Node]) -> dict[str, str]:
    """Pod CIDR -> the InternalIP of its node of the same family, for every node that has both."""
    return {
        str(cidr): str(address)
        for node in nodes
        for cidr in node.pod_cidrs
        for address in node.addresses
        if address.version == cidr.version
    }


def misplaced(nodes: Sequence[Node], workloads: Sequence[Workload], ranges: Sequence[Network]) -> list[Problem]:
    """Workloads at an address that a node hands out to pods, and nodes whose pods are outside of the cluster's `ranges`.

    A device that sent its own network to a node could not be reached any more, not even over SSH.
    """
    cidrs = [(node, cidr) for node in nodes for cidr in node.pod_cidrs]
    found = [
        Problem(
            f"workloads[{index}].addresses",
            f"{address} lies inside {cidr}, the pod CIDR of node {node.name}",
            "an address that the cluster does not hand out",
            "use the machine's address on its own network",
        )
        for index, workload in enumerate(workloads)
        for address in workload.addresses
        for node, cidr in cidrs
        if address in cidr
    ]
    plural = "s" if len(ranges) > 1 else ""
    return found + [
        Problem(
            f"cluster.pod-cidr{plural}",
            f"{' and '.join(str(network) for network in ranges)}, while node {node.name} has pods in {cidr}",
            "the range that every node's pod CIDR is cut from",
            f"correct cluster.pod-cidr{plural}: `kubectl get nodes -o yaml` shows the nodes' own",
        )
        for node, cidr in cidrs
        if not within(cidr, ranges)
    ]


def within(cidr: Network, ranges: Sequence[Network]) -> bool:
    """Whether one of the ranges holds all of it."""
    return any(
        cidr.version == network.version
        and int(cidr.network_address) >= int(network.network_address)
        and int(cidr.broadcast_address) <= int(network.broadcast_address)
        for network in ranges
    )


def first_address(nodes: Sequence[Node]) -> str:
    """The first node's first InternalIP, where node ports answer."""
    return str(next(node.addresses[0] for node in nodes if node.addresses))
