"""Where the twin keeps what, and its addresses."""

from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

SERVICE_NETWORK = "10.43.0.0/16"
POD_NETWORK = "10.42.0.0/16"
CLUSTER_DOMAIN = "cluster.local"
API_SERVICE_ADDRESS = "10.43.0.1"  # the first of SERVICE_NETWORK, as Kubernetes takes it
_FIRST_NODE = 10


@dataclass(frozen=True, kw_only=True)
class Layout:
    """`node_network` is where the nodes' InternalIPs come from; nothing answers on them."""

    directory: Path
    nodes: int
    node_network: IPv4Network

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
        return [f"twin-{index}" for index in range(self.nodes)]

    def node_address(self, index: int) -> str:
        return str(self.node_network[_FIRST_NODE + index])
