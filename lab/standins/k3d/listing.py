"""Clusters and nodes as k3d shows them."""

from typing import Any

from lab.standins.clusters.cluster import running
from lab.standins.clusters.record import Node, Record
from lab.standins.k3d import words


def clusters_json(found: list[Record]) -> str:
    """`k3d cluster list --output json`."""
    return words.compact([_cluster(record) for record in found])


def clusters_table(found: list[Record], *, headers: bool) -> str:
    """`k3d cluster list`."""
    rows = [["NAME", "SERVERS", "AGENTS", "LOADBALANCER"]] if headers else []
    for record in found:
        counts = _counts(record)
        rows.append(
            [
                record.name,
                f"{counts['serversRunning']}/{counts['serversCount']}",
                f"{counts['agentsRunning']}/{counts['agentsCount']}",
                "true",
            ]
        )
    return words.table(rows) if rows else ""


def nodes_table(found: list[Record], *, headers: bool) -> str:
    """`k3d node list`."""
    rows = [["NAME", "ROLE", "CLUSTER", "STATUS"]] if headers else []
    for record in found:
        status = "running" if running(record) else "exited"
        rows += [[node.name, node.role, record.name, status] for node in record.nodes]
    return words.table(rows) if rows else ""


def _cluster(record: Record) -> dict[str, Any]:
    return {
        "name": record.name,
        "network": {
            "name": record.network,
            "id": record.network_id,
            "isExternal": True,
            "ipam": {"ipPrefix": "", "Managed": False},
            "Members": None,
        },
        "nodes": [_node(record, node) for node in record.nodes],
        "InitNode": None,
        "imageVolume": f"k3d-{record.name}-images",
        **_counts(record),
        "hasLoadbalancer": True,
    }


def _counts(record: Record) -> dict[str, int]:
    servers, agents = (sum(node.role == role for node in record.nodes) for role in ("server", "agent"))
    up = running(record)
    return {
        "serversRunning": servers if up else 0,
        "serversCount": servers,
        "agentsRunning": agents if up else 0,
        "agentsCount": agents,
    }


def _node(record: Record, node: Node) -> dict[str, Any]:
    up = running(record)
    return {
        "name": node.name,
        "role": node.role,
        "image": record.image,
        "created": record.created,
        "restart": True,
        "runtimeLabels": dict(sorted(node.labels.items())),
        "Networks": [record.network],
        "State": {"Running": up, "Status": "running" if up else "exited", "Started": ""},
        "IP": {"IP": node.addresses[0] if node.addresses else "", "Static": False},
    }
