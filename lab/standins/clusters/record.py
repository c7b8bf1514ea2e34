"""What is kept of a cluster: who made it, and of what."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter

from lab import paths
from lab.twin.files import write_private
from lab.twin.layout import Machine, Shape


@dataclass(frozen=True, kw_only=True)
class Node:
    """One container that the real tool would have made. Only servers and agents are nodes of the cluster."""

    name: str
    role: str
    addresses: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)  # of the container
    node_labels: Mapping[str, str] = field(default_factory=dict)  # of the Kubernetes node

    @property
    def machine(self) -> Machine:
        """The node as the API server knows it."""
        return Machine(name=self.name, addresses=self.addresses, labels=self.node_labels)


@dataclass(frozen=True, kw_only=True)
class Record:
    """`ports` are those of this machine that the real tool would hold. A new record stands for a cluster that is not up."""

    tool: str
    name: str
    network: str
    network_id: str
    image: str
    nodes: tuple[Node, ...]
    pod_networks: tuple[str, ...]
    service_networks: tuple[str, ...]
    context: str
    user: str
    balances: bool
    created: str
    ports: tuple[int, ...] = ()

    @property
    def directory(self) -> Path:
        """Everything of the cluster is below it."""
        return directory(self.tool, self.name)

    @property
    def members(self) -> tuple[Node, ...]:
        """The nodes of the cluster; a load balancer in front of it is none."""
        return tuple(node for node in self.nodes if node.role != "loadbalancer")

    @property
    def addresses(self) -> tuple[str, ...]:
        """Of all nodes, that this machine has."""
        return tuple(address for node in self.members for address in node.addresses)

    @property
    def shape(self) -> Shape:
        """What its clients see."""
        return Shape(
            machines=tuple(node.machine for node in self.members),
            pod_networks=self.pod_networks,
            service_networks=self.service_networks,
            context=self.context,
            user=self.user,
            balances=self.balances,
        )

    def with_nodes(self, nodes: tuple[Node, ...]) -> "Record":
        """The same with other nodes."""
        return replace(self, nodes=nodes)

    def write(self) -> None:
        """Keep it; whoever lists clusters sees it from now on."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(_file(self.directory), _RECORD.dump_json(self, indent=1))


_RECORD = TypeAdapter(Record)


def directory(tool: str, name: str) -> Path:
    """Of the cluster of that name, there or not."""
    return paths.home() / "clusters" / f"{tool}-{name}"


def read(tool: str) -> list[Record]:
    """Every cluster that the tool made, by name."""
    found = sorted((paths.home() / "clusters").glob(f"{tool}-*/record.json"))
    return [_RECORD.validate_json(file.read_bytes()) for file in found]


def _file(directory: Path) -> Path:
    return directory / "record.json"
