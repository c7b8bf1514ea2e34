"""The twin's nodes as objects. kwok makes them ready; the node controller gives them their pod CIDRs."""

from typing import Any

from lab.twin.api import Api
from lab.twin.layout import Layout, Machine

_NODES = "/api/v1/nodes"
_CAPACITY = {"cpu": "32", "memory": "128Gi", "pods": "250", "ephemeral-storage": "512Gi"}


def ensure_nodes(api: Api, layout: Layout) -> None:
    """Create the nodes that are missing, and delete those that are too many."""
    for machine in layout.shape.machines:
        if api.get(f"{_NODES}/{machine.name}") is None:
            api.create(_NODES, node_object(machine))
    for node in (api.get(_NODES) or {}).get("items", []):
        name = node["metadata"]["name"]
        if name not in layout.node_names():
            api.delete(f"{_NODES}/{name}")


def unready(api: Api, layout: Layout) -> list[str]:
    """Names of nodes that are not ready or have no pod CIDR yet."""
    found = {node["metadata"]["name"]: node for node in (api.get(_NODES) or {}).get("items", [])}
    return [name for name in layout.node_names() if not _serves(found.get(name))]


def _serves(node: dict[str, Any] | None) -> bool:
    if node is None or not node["spec"].get("podCIDR") or node["spec"].get("taints"):
        return False
    conditions = {entry["type"]: entry["status"] for entry in node["status"].get("conditions", [])}
    return conditions.get("Ready") == "True"


def node_object(machine: Machine) -> dict[str, Any]:
    """The object of one node."""
    labels = {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", "kubernetes.io/hostname": machine.name}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": machine.name, "labels": {**labels, **machine.labels}},
        "status": {
            "addresses": [
                *({"type": "InternalIP", "address": address} for address in machine.addresses),
                {"type": "Hostname", "address": machine.name},
            ],
            "capacity": _CAPACITY,
            "allocatable": _CAPACITY,
            "nodeInfo": {
                **dict.fromkeys(("bootID", "machineID", "systemUUID"), ""),
                "architecture": "amd64",
                "operatingSystem": "linux",
                "osImage": "twin of the mesh-expansion lab",
                "kernelVersion": "none",
                "containerRuntimeVersion": "none://0",
                "kubeletVersion": "none",
                "kubeProxyVersion": "none",
            },
        },
    }
