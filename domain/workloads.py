"""Names, addresses and identities of workloads outside the cluster, and what may not collide."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal

from domain.problem import Problem

TRUST_DOMAIN = "root.linkerd.cluster.local"
APPLICATION_PORT = 8000

_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")

Protocol = Literal["http", "grpc"]
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One workload on a machine outside the cluster.

    `addresses` holds one address, or one of each family; `service` is the Kubernetes Service that reaches it,
    `protocol` what is spoken there. `probed_by` is the method by which an HTTP workload is asked whether it is well.
    """

    name: str
    service: str
    addresses: tuple[Address, ...]
    port: int = APPLICATION_PORT
    protocol: Protocol = "http"
    probed_by: Literal["GET", "HEAD"] = "GET"

    @property
    def spiffe_id(self) -> str:
        """The identity that the workload's proxy proves on its inbound port."""
        return identity(self.name)

    @property
    def server_name(self) -> str:
        """The TLS server name that clients ask for."""
        return f"{self.name}.cluster.local"

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels of its ExternalWorkload: Services select `service`, policies `location`."""
        return {"app": self.name, "service": self.service, "workload_name": self.name, "location": "vm"}


def identity(name: str) -> str:
    """The SPIFFE ID of the workload of that name."""
    return f"spiffe://{TRUST_DOMAIN}/{name}"


def is_label(text: str) -> bool:
    """Whether the text is an RFC 1035 label: what Services, SPIFFE paths and host names all accept."""
    return bool(_LABEL.fullmatch(text))


def collisions(workloads: Sequence[Workload], ranges: Iterable[tuple[str, Network]]) -> list[Problem]:
    """Names and addresses that two workloads share, and addresses inside one of the cluster's own (name, range)s."""
    found = []
    names: dict[str, int] = {}
    addresses: dict[Address, str] = {}
    ranges = list(ranges)
    for index, workload in enumerate(workloads):
        if workload.name in names:
            found.append(
                Problem(
                    f"workloads[{index}].name",
                    f"{workload.name!r} is the name of workloads[{names[workload.name]}] too",
                    "a name of its own: it is the workload's identity in the mesh",
                    "rename one; several machines behind one Service share `service`, not `name`",
                )
            )
        names.setdefault(workload.name, index)
        for address in workload.addresses:
            key = f"workloads[{index}].addresses"
            if address in addresses:
                found.append(
                    Problem(
                        key,
                        f"{address} is the address of workload {addresses[address]!r} too",
                        "one address for one workload",
                        "correct the address of one of them",
                    )
                )
            addresses.setdefault(address, workload.name)
            found += [
                Problem(
                    key,
                    f"{address} lies inside the cluster's {name} {network}",
                    "an address that the cluster does not hand out",
                    "use the machine's address on its own network",
                )
                for name, network in ranges
                if address.version == network.version and address in network
            ]
    return found
