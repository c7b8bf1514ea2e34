"""What every container of a lab has in common."""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_docker as docker

from domain.workloads import Address


def label(name: str, value: str) -> docker.ContainerLabelArgs:
    """A label in the lab's own name space."""
    return docker.ContainerLabelArgs(label=f"mesh-expansion/{name}", value=value)


def joined(network: pulumi.Input[str], addresses: Sequence[Address | str]) -> docker.ContainerNetworksAdvancedArgs:
    """Membership in a network with addresses of its own: one, or one of each family."""
    texts = [str(address) for address in addresses]
    return docker.ContainerNetworksAdvancedArgs(
        name=network,
        ipv4_address=next((text for text in texts if ":" not in text), None),
        ipv6_address=next((text for text in texts if ":" in text), None),
    )


def kept_small() -> dict[str, Any]:
    """A log that cannot fill the disk, and time to end before it is killed: the plugin gives none by itself."""
    return {
        "log_driver": "json-file",
        "log_opts": {"max-size": "10m", "max-file": "3"},
        "destroy_grace_seconds": 10,
    }
