"""Nodes as kubectl shows them: every one of them, each family to its own."""

import json
from typing import Any

import pytest

from domain import nodes


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
