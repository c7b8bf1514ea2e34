"""What a device is given: the parts of one machine outside the cluster, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from domain.workloads import Address, Network, Workload

BINARIES = "/opt/mesh-expansion/bin"
INCOMING = "/var/lib/mesh-expansion/incoming"
LEAVE = f"{BINARIES}/leave"
SSH_PORT = 22
DESTINATION_PORT, POLICY_PORT = 8086, 8090  # of Linkerd's controllers


@dataclass(frozen=True, kw_only=True)
class Route:
    """A range of the cluster and the node that leads to it, on the device's own network."""

    network: Network
    via: Address


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A host (name or address) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Artefact:
    """A program for the device.

    `name` is its file name below BINARIES. `source` is an https URL, or None when the file was pushed to INCOMING under
    the same name. `sha256` (hex) is that of what is fetched; `member` names the program inside it when that is a tar.gz.
    """

    name: str
    sha256: str
    source: str | None = None
    member: str | None = None


@dataclass(frozen=True, kw_only=True)
class Image:
    """The workload's container image. `archive_sha256` (hex) when an archive was pushed to INCOMING as `workload.tar`."""

    reference: str
    archive_sha256: str | None = None


def is_loopback(host: str) -> bool:
    """Whether a host is an IP address that leads nowhere but to the machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, kw_only=True)
class Controllers:
    """Where the proxy finds Linkerd's controllers. A name of None: loopback addresses, where no identity is asked for."""

    destination: str = f"linkerd-dst-headless.linkerd.svc.cluster.local.:{DESTINATION_PORT}"
    policy: str = f"linkerd-policy.linkerd.svc.cluster.local.:{POLICY_PORT}"
    name: str | None = "linkerd-destination.linkerd.serviceaccount.identity.linkerd.cluster.local"

    @classmethod
    def at(cls, host: str) -> "Controllers":
        """Both behind one host, a name or an address; behind a loopback address nobody proves an identity."""
        return cls(
            destination=str(Endpoint(host=host, port=DESTINATION_PORT)),
            policy=str(Endpoint(host=host, port=POLICY_PORT)),
            name=None if is_loopback(host) else cls.name,
        )


@dataclass(frozen=True, kw_only=True)
class LocalServer:
    """A SPIRE server of a device's own; PEM texts.

    `chain_pem` is the certificate of the device's intermediate, followed by those between it and the trust anchor.
    `device_ca_pem` is the authority by which the agent beside it attests.
    """

    chain_pem: str
    device_ca_pem: str


@dataclass(frozen=True, kw_only=True)
class Device:
    """Everything that one device gets, except its own keys.

    `service_route` is set where Services are dialled by their addresses through a node; `service_network` alone sends
    such traffic to the proxy. `user` is the workload's uid:gid inside its container. `spire` is the server that the agent
    asks: with `server` the device's own, on its loopback address.
    """

    workload: Workload
    namespace: str
    node_name: str
    pod_routes: tuple[Route, ...]
    service_network: Network | None
    service_route: Route | None
    dns: Endpoint
    spire: Endpoint
    trust_anchors_pem: str
    certificate_pem: str
    artefacts: tuple[Artefact, ...]
    image: Image
    environment: Mapping[str, str] = field(default_factory=dict)
    gpio: tuple[str, ...] = ()
    user: str = "65532:65532"
    controllers: Controllers = Controllers()
    log_level: str = "info"
    server: LocalServer | None = None

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every route that the device sets."""
        return (*self.pod_routes, *((self.service_route,) if self.service_route else ()))

    @property
    def meshed_networks(self) -> tuple[Network, ...]:
        """The ranges whose TCP goes through the proxy, each once."""
        services = (self.service_network, self.service_route.network if self.service_route else None)
        networks = (*(route.network for route in self.pod_routes), *(network for network in services if network))
        return tuple(dict.fromkeys(networks))


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """What a machine must fit before anything is written to it.

    `nodes` are the cluster's nodes that it has to reach on its own link; `architectures` what it may be (`amd64`, `arm64`),
    `pushed` the architecture of artefacts that are pushed, if any. `not_before` and `not_after` are the trust anchors'
    validity in seconds since 1970: a clock outside makes every certificate look wrong. `server_port` is set where the
    device runs a SPIRE server of its own, and makes an intermediate's key and request for it. A raised `generation` only
    asks again.
    """

    workload: Workload
    nodes: tuple[Address, ...]
    not_before: int
    not_after: int
    architectures: tuple[str, ...] = ("amd64", "arm64")
    pushed: str | None = None
    server_port: int | None = None
    generation: int = 1


@dataclass(frozen=True, kw_only=True)
class DeviceAssets:
    """Texts of the scripts that are run on a device, and of the files that it keeps, by their path there.

    `bundled` are the files that only a device with a SPIRE server of its own has.
    """

    prepare: str
    converge: str
    leave: str
    files: Mapping[str, str]
    bundled: Mapping[str, str] = field(default_factory=dict)
