"""What a rig's parts are called, and where they are: on the network, in the engine and on this machine."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path

from lab.docker.errors import DockerError

LABEL = "mesh-expansion-lab.rig"  # on every container, volume and network of a rig; its value is the rig's mark
SHARED = "/usr/local/lib/twin"
FIRST_NODE, FIRST_DEVICE, FIRST_OTHER = (
    10,
    21,
    40,
)  # last byte of the addresses; edge containers come behind the devices
MOST_NODES = FIRST_DEVICE - FIRST_NODE - 1
MOST_DEVICES = FIRST_OTHER - FIRST_DEVICE
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1035 label


@dataclass(frozen=True, kw_only=True)
class Layout:
    """`directory` holds the rig's keys; two rigs with different directories share nothing.

    `shared` is a directory of this machine by the name of the device that reads it at SHARED.
    """

    directory: Path
    names: tuple[str, ...]
    nodes: int
    shared: Mapping[str, Path] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        return hashlib.sha256(str(self.directory).encode()).hexdigest()[:8]

    @property
    def labels(self) -> dict[str, str]:
        return {LABEL: self.mark}

    @property
    def network(self) -> str:
        return f"mesh-expansion-{self.mark}"

    @property
    def bridge(self) -> str:
        """The network's interface on this machine; the kernel allows 15 characters."""
        return f"mesh-{self.mark}"

    def container(self, device: str) -> str:
        """Name of the device's container, and of its volume."""
        return f"mesh-twin-{self.mark}-{device}"

    def guest(self, workload: str) -> str:
        """Name of an edge container on the network, as the program makes it."""
        return f"{self.network}-{workload}"

    @property
    def parts_repository(self) -> str:
        """Name, without a tag, of the image that edge containers' images are made of."""
        return f"mesh-expansion-lab/parts-{self.mark}"

    @property
    def client_key(self) -> Path:
        return self.directory / "client_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.directory / "known_hosts"

    def host_key(self, device: str) -> Path:
        return self.directory / "hosts" / device

    @property
    def lock(self) -> Path:
        return self.directory.with_name(f"{self.directory.name}.lock")

    def node_addresses(self, subnet: IPv4Network) -> tuple[str, ...]:
        return all_node_addresses(subnet)[: self.nodes]


def layout(directory: Path, names: Sequence[str], nodes: int, shared: Mapping[str, Path] | None = None) -> Layout:
    """The layout, once names and numbers are seen to be possible. Raises DockerError."""
    if not 1 <= nodes <= MOST_NODES:
        raise DockerError(f"{nodes} nodes are asked for; the devices' network has room for 1 to {MOST_NODES}")
    if len(names) > MOST_DEVICES:
        raise DockerError(f"{len(names)} devices are asked for; their network has room for {MOST_DEVICES}")
    if len({*names}) < len(names):
        raise DockerError(f"a device is named twice in {', '.join(names)}: give each a name of its own")
    for name in names:
        if not _NAME.fullmatch(name):
            raise DockerError(
                f"{name!r} is no device name: lower-case letters, digits and dashes, 1 to 63, beginning with a letter"
            )
    return Layout(directory=directory.resolve(), names=tuple(names), nodes=nodes, shared=shared or {})


def all_node_addresses(subnet: IPv4Network) -> tuple[str, ...]:
    """As many as there is room for."""
    return tuple(str(subnet[FIRST_NODE + index]) for index in range(MOST_NODES))


def next_address(subnet: IPv4Network, taken: set[str]) -> str:
    """The first device address that no device has."""
    free = (subnet[FIRST_DEVICE + index] for index in range(MOST_DEVICES))
    return str(next(address for address in free if str(address) not in taken))
