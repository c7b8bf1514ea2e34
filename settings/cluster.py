"""Where a lab's cluster comes from: it is there already, or the lab makes it."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, PositiveInt, Tag

import versions
from settings import files
from settings.addresses import Address, Network
from settings.base import StrictModel
from settings.docker import Sha256
from settings.edge import Port

Networks = Annotated[list[Network], Field(min_length=1, max_length=2)]


class _OneFamily(StrictModel):
    """The cluster's own ranges, as k3s has them unless told otherwise."""

    pod_cidr: Network = Field(
        IPv4Network("10.42.0.0/16"),
        description="range that the nodes' pod CIDRs are cut from",
        examples=["10.42.0.0/16"],
    )
    service_cidr: Network = Field(
        IPv4Network("10.43.0.0/16"),
        description="range of ClusterIPs, which Kubernetes itself does not tell",
        examples=["10.43.0.0/16"],
    )

    @property
    def pod_networks(self) -> tuple[Network, ...]:
        """Every range of pods."""
        return (self.pod_cidr,)

    @property
    def service_networks(self) -> tuple[Network, ...]:
        """Every range of ClusterIPs."""
        return (self.service_cidr,)


class _TwoFamilies(StrictModel):
    """The cluster's own ranges, one of each address family; the first is the cluster's primary one."""

    pod_cidrs: Networks = Field(
        [IPv6Network("fd00:10:1::/64"), IPv4Network("10.10.1.0/24")],
        description="ranges that the nodes' pod CIDRs are cut from, IPv6 and IPv4",
        examples=[["fd00:10:1::/64", "10.10.1.0/24"]],
    )
    service_cidrs: Networks = Field(
        [IPv6Network("fd00:10:2::/112"), IPv4Network("10.10.2.0/24")],
        description="ranges of ClusterIPs, IPv6 and IPv4",
        examples=[["fd00:10:2::/112", "10.10.2.0/24"]],
    )

    @property
    def pod_networks(self) -> tuple[Network, ...]:
        """Every range of pods."""
        return tuple(self.pod_cidrs)

    @property
    def service_networks(self) -> tuple[Network, ...]:
        """Every range of ClusterIPs."""
        return tuple(self.service_cidrs)


class _Existing(StrictModel):
    kubeconfig: Annotated[str, AfterValidator(files.expanded)] = Field(
        description="path of the kubeconfig, from the project's directory", examples=[".lab/twin/kubeconfig"]
    )
    context: str | None = Field(None, description="context in it, if not the current one", examples=["k3d-mesh-exp"])
    adopt_existing: bool = Field(
        False,
        description="take over objects that exist already: only for a cluster that belongs to this lab alone, where an "
        "interrupted `up` may have left objects that the state does not know",
        examples=[True],
    )


class ClusterSettings(_OneFamily, _Existing):
    """A cluster that is there already."""


class DualStackClusterSettings(_TwoFamilies, _Existing):
    """A cluster of both address families that is there already."""


class K3dClusterSettings(_OneFamily):
    """A k3s cluster in containers of this machine's Docker, made with k3d."""

    name: str = Field("mesh-exp", description="name of the cluster", examples=["mesh-exp"])
    network: str = Field(
        "mesh-exp", description="Docker network of its nodes and of edge containers", examples=["mesh-exp"]
    )
    subnet: Network = Field(
        IPv4Network("172.30.0.0/24"),
        description="range of that network, out of which edge containers have their addresses",
        examples=["172.30.0.0/24"],
    )
    http_port: Port = Field(80, description="port of this machine for the cluster's port 80", examples=[8080])
    https_port: Port = Field(443, description="port of this machine for the cluster's port 443", examples=[8443])
    image: str = Field(versions.K3D_IMAGE, description="image of its nodes", examples=[versions.K3D_IMAGE])
    servers: Annotated[int, Field(ge=1, le=5)] = Field(1, description="how many servers it has", examples=[1])
    agents: Annotated[int, Field(ge=0, le=10)] = Field(0, description="how many further nodes it has", examples=[2])
    adopt: bool = Field(
        False, description="use a cluster of that name that is there already; it is never deleted then", examples=[True]
    )


class KindClusterSettings(_TwoFamilies):
    """A cluster of both address families in containers of this machine's Docker, made with kind."""

    name: str = Field("sma-dual", description="name of the cluster", examples=["sma-dual"])
    image: str = Field(versions.KIND_IMAGE, description="image of its nodes", examples=[versions.KIND_IMAGE])
    load_balancer_addresses: Annotated[list[Network], Field(min_length=1, max_length=2)] = Field(
        [IPv6Network("fc00:f853:ccd:e793:10::/96"), IPv4Network("192.168.147.160/28")],
        description="ranges, inside those of Docker's network `kind`, that MetalLB hands out to Services",
        examples=[["fc00:f853:ccd:e793:10::/96", "172.18.255.0/28"]],
    )
    adopt: bool = Field(
        False, description="use a cluster of that name that is there already; it is never deleted then", examples=[True]
    )


class K3sClusterSettings(_OneFamily):
    """A k3s cluster that the lab installs on one machine over SSH."""

    host: str = Field(description="name or address of the machine", examples=["pi-0.local"])
    user: str | None = Field(None, description="user, if not ssh.user", examples=["pi"])
    port: Port | None = Field(None, description="port of its SSH server, if not ssh.port", examples=[22])
    host_key: str | None = Field(
        None, description="its public host key, if not in ssh.known-hosts", examples=["ssh-ed25519 AAAAC3..."]
    )
    address: Address | None = Field(
        None,
        description="its address on the devices' network, where it has several; k3s chooses one when not set",
        examples=["198.51.100.10"],
    )
    version: str = Field(versions.K3S, description="release of k3s", examples=[versions.K3S])
    sha256: dict[Literal["amd64", "arm64"], Sha256] = Field(
        {},
        description="SHA-256 of that release's program by architecture, for a version that this project does not know",
        examples=[{"arm64": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}],
    )
    artefact: str | None = Field(
        None,
        description="the k3s program for that machine, pushed over SSH instead of downloaded by it",
        examples=[".lab/parts/k3s-arm64"],
    )
    enable_cgroups: bool = Field(
        False,
        description="switch memory cgroups on where Raspberry Pi OS has them off, which takes a reboot of the machine",
        examples=[True],
    )
    adopt: bool = Field(
        False, description="use a k3s that is there already; it is neither changed nor removed then", examples=[True]
    )
    credentials: PositiveInt = Field(
        1,
        description="generation of the administrator's certificate: a higher one reads it again, after k3s renewed it",
        examples=[2],
    )
    gone: bool = Field(
        False, description="the machine does not answer any more: take the lab away without asking it", examples=[True]
    )


def _form(made: str) -> Discriminator:
    """Whoever names a kubeconfig brings the cluster; the names of forms cannot be keys, and are left out of messages."""

    def form(value: Any) -> str:
        if isinstance(value, Mapping):
            return "(existing)" if "kubeconfig" in value else made
        return "(existing)" if isinstance(value, _Existing) else made

    return Discriminator(form)


K3dLabCluster = Annotated[
    Annotated[ClusterSettings, Tag("(existing)")] | Annotated[K3dClusterSettings, Tag("(k3d)")], _form("(k3d)")
]
PiLabCluster = Annotated[
    Annotated[ClusterSettings, Tag("(existing)")] | Annotated[K3sClusterSettings, Tag("(k3s)")], _form("(k3s)")
]
DualStackCluster = Annotated[
    Annotated[DualStackClusterSettings, Tag("(existing)")] | Annotated[KindClusterSettings, Tag("(kind)")],
    _form("(kind)"),
]
AnyCluster = ClusterSettings | DualStackClusterSettings | K3dClusterSettings | K3sClusterSettings | KindClusterSettings
