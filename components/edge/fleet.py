"""What all machines of a lab are given alike."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pulumi

from components.edge.intermediate import Intermediates
from domain.device import Artefact, Controllers
from domain.nodes import Node
from domain.workloads import Network


@dataclass(frozen=True, kw_only=True)
class FleetState:
    """What is known once the cluster and the trust are there."""

    nodes: Sequence[Node]
    trust_anchors_pem: str


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Programs, certificates' authority and the cluster as machines see it.

    `pushed` maps a program's name to the file to push; where it is empty, devices fetch `downloads`. `image_archive` is
    pushed where devices cannot pull images. `service_network` goes through the proxy; `route_services` also routes it
    to a node. `spire_address` is set where the SPIRE server is not behind the first node. With `intermediates` every device
    runs a server of its own, at `spire_port` of its loopback address.
    """

    state: pulumi.Output[FleetState]
    namespace: str
    device_ca_certificate_pem: pulumi.Input[str]
    device_ca_key_pem: pulumi.Input[str]
    certificate_generation: int
    certificate_days: int
    service_network: Network
    route_services: bool
    dns_port: int
    spire_port: int
    spire_address: str | None
    image_archive: Path | None
    pushed: Mapping[str, Path]
    pushed_architecture: str | None
    downloads: Sequence[Artefact] = ()
    controllers: Controllers = field(default_factory=Controllers)
    intermediates: Intermediates | None = None

    @staticmethod
    def sha256(file: Path) -> str:
        """Of a file to push; read once a run, however many devices get it."""
        return _sha256(file)


@lru_cache(maxsize=16)
def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
