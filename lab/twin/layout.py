"""Where the twin keeps what, and its addresses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_network
from pathlib import Path

SERVICE_NETWORK = "10.43.0.0/16"
POD_NETWORK = "10.42.0.0/16"
CLUSTER_DOMAIN = "cluster.local"
NAME = "mesh-expansion-twin"
_FIRST_NODE = 10


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One node: `addresses` are its InternalIPs, one of each family, the cluster's first family first."""

    name: str
    addresses: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a cluster's clients see of it: nodes, ranges (one, or one of each family), names in its kubeconfig.

    `api_addresses` are where others reach the API; without them it is there for this machine alone.
    `balances`: Services of type LoadBalancer get the first node's address, as with the load balancer that k3s brings.
    """

    machines: tuple[Machine, ...]
    pod_networks: tuple[str, ...] = (POD_NETWORK,)
    service_networks: tuple[str, ...] = (SERVICE_NETWORK,)
    context: str = NAME
    user: str = NAME
    balances: bool = True
    api_addresses: tuple[str, ...] = ()

    @property
    def api_service_addresses(self) -> tuple[str, ...]:
        """The first address of each range of ClusterIPs, which Kubernetes takes for its API."""
        return tuple(str(ip_network(network)[1]) for network in self.service_networks)


def plain(nodes: int, node_network: IPv4Network) -> Shape:
    """The twin's own: nodes with addresses out of `node_network`."""
    return Shape(
        machines=tuple(
            Machine(name=f"twin-{index}", addresses=(str(node_network[_FIRST_NODE + index]),)) for index in range(nodes)
        )
    )


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A cluster of some shape below `directory`."""

    directory: Path
    shape: Shape

    @property
    def kubeconfig(self) -> Path:
        return self.directory / "kubeconfig"

    @property
    def ports_file(self) -> Path:
        return self.directory / "ports.json"

    @property
    def certificates(self) -> Path:
        return self.directory / "certificates"

    @property
    def charts(self) -> Path:
        return self.directory / "charts"

    def of(self, program: str) -> Path:
        """Directory of a program: its pid file, log and data."""
        return self.directory / program

    def node_names(self) -> list[str]:
        return [machine.name for machine in self.shape.machines]

    @property
    def first_address(self) -> str:
        """The first node's, where node ports answer."""
        return self.shape.machines[0].addresses[0]
