"""Nodes as kubectl shows them: every one of them, each family to its own."""

import json
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from domain import nodes
from domain.workloads import Workload


def _node(name: str, addresses: list[tuple[str, str]], cidrs: list[str]) -> dict[str, Any]:
    listed = [{"type": kind, "address": address} for kind, address in addresses]
    return {"metadata": {"name": name}, "spec": {"podCIDRs": cidrs}, "status": {"addresses": listed}}


def _parsed(*items: dict[str, Any]) -> list[nodes.Node]:
    return nodes.parse(json.dumps({"items": items}))


def test_every_node_gets_a_route_by_its_internal_address() -> None:
    found = _parsed(
        _node("b", [("Hostname", "b"), ("ExternalIP", "203.0.113.9"), ("InternalIP", "10.0.0.2")], ["10.42.1.0/24"]),
        _node("a", [("InternalIP", "10.0.0.1")], ["10.42.0.0/24"]),
    )
    assert nodes.routes(found) == {"10.42.0.0/24": "10.0.0.1", "10.42.1.0/24": "10.0.0.2"}
    assert nodes.first_address(found) == "10.0.0.1"


def test_each_family_is_routed_to_an_address_of_its_own() -> None:
    both = _node("a", [("InternalIP", "10.0.0.1"), ("InternalIP", "fd00::1")], ["10.42.0.0/24", "fd42::/64"])
    assert nodes.routes(_parsed(both)) == {"10.42.0.0/24": "10.0.0.1", "fd42::/64": "fd00::1"}


def test_a_node_with_one_pod_cidr_in_the_old_field_counts_too() -> None:
    node = _node("a", [("InternalIP", "10.0.0.1")], [])
    node["spec"] = {"podCIDR": "10.42.0.0/24"}
    assert nodes.routes(_parsed(node)) == {"10.42.0.0/24": "10.0.0.1"}


def test_a_cluster_without_reachable_nodes_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"the cluster has 1 nodes, none with an InternalIP.*kubectl get nodes"):
        _parsed(_node("a", [("Hostname", "a")], ["10.42.0.0/24"]))


def _workload(*addresses: str) -> Workload:
    return Workload(name="smiley", service="smiley", addresses=tuple(ip_address(address) for address in addresses))


def test_an_address_that_a_node_hands_out_is_refused_whatever_the_stack_file_says_of_pods() -> None:
    found = _parsed(_node("a", [("InternalIP", "10.0.0.1")], ["10.42.0.0/24", "fd42::/64"]))
    ranges = [ip_network("10.42.0.0/16"), ip_network("fd42::/48")]
    assert nodes.misplaced(found, [_workload("10.42.1.7", "fd42:0:0:1::7")], ranges) == []
    (first, second) = nodes.misplaced(found, [_workload("192.0.2.1"), _workload("10.42.0.7", "fd42::7")], ranges)
    assert str(first).startswith("workloads[1].addresses: 10.42.0.7 lies inside 10.42.0.0/24, the pod CIDR of node a\n")
    assert "fd42::7 lies inside fd42::/64" in str(second)


def test_pods_outside_of_the_range_that_the_stack_file_names_are_refused() -> None:
    found = _parsed(_node("a", [("InternalIP", "10.0.0.1")], ["10.42.0.0/24"]))
    assert nodes.misplaced(found, [], [ip_network("10.42.0.0/24")]) == []
    for narrow in ("10.42.0.0/25", "10.43.0.0/16", "fd42::/48"):
        (problem,) = nodes.misplaced(found, [], [ip_network(narrow)])
        assert str(problem).startswith(f"cluster.pod-cidr: {narrow}, while node a has pods in 10.42.0.0/24\n")
