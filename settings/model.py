"""What a stack file may say. Keys are written with hyphens; an unknown key is an error."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import Field, IPvAnyAddress, PositiveInt

import versions
from domain.workloads import APPLICATION_PORT
from settings.base import StrictModel
from settings.edge import DeviceSettings, EdgeSettings, SpireSettings, SshSettings

Network = IPv4Network | IPv6Network


class ClusterSettings(StrictModel):
    """A cluster that is there already."""

    kubeconfig: str = Field(
        description="path of the kubeconfig, from the project's directory", examples=[".lab/twin/kubeconfig"]
    )
    context: str | None = Field(None, description="context in it, if not the current one", examples=["k3d-mesh-exp"])
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
    adopt_existing: bool = Field(
        False,
        description="take over objects that exist already: only for a cluster that belongs to this lab alone, where an "
        "interrupted `up` may have left objects that the state does not know",
        examples=[True],
    )


class OwnTrustSettings(StrictModel):
    """Certificates that the user issued; the root's key is never seen here. The issuer's key is `trust-issuer-key`."""

    anchors: str = Field(
        description="PEM of the trust anchor, or of several", examples=["-----BEGIN CERTIFICATE-----..."]
    )
    issuer: str = Field(
        description="PEM of the issuer that an anchor signed", examples=["-----BEGIN CERTIFICATE-----..."]
    )
    upstream: str | None = Field(
        None,
        description="PEM of the authority, of path length 1 or more, that an anchor signed for SPIRE; its key is "
        "`trust-upstream-key`",
        examples=["-----BEGIN CERTIFICATE-----..."],
    )


class TrustSettings(StrictModel):
    """The mesh's certificates. Generations are numbers: a rotation is a change that the preview shows."""

    roots: Annotated[list[PositiveInt], Field(min_length=1)] = Field(
        [1], description="generations of the trust anchor that proxies trust; two during a rotation", examples=[[1, 2]]
    )
    issuing_root: PositiveInt = Field(
        1, description="generation of the trust anchor that signs the issuer", examples=[1]
    )
    issuer: PositiveInt = Field(1, description="generation of the issuer", examples=[1])
    root_days: PositiveInt = Field(3650, description="lifetime of a trust anchor in days", examples=[3650])
    issuer_days: PositiveInt = Field(365, description="lifetime of the issuer in days", examples=[365])
    own: OwnTrustSettings | None = Field(
        None,
        description="certificates of your own instead of issued ones",
        examples=[{"anchors": "...", "issuer": "..."}],
    )


class LinkerdSettings(StrictModel):
    """The control plane."""

    version: str = Field(versions.LINKERD, description="edge release of Linkerd", examples=[versions.LINKERD])


class GatewayApiSettings(StrictModel):
    """The Gateway API's CustomResourceDefinitions, which Linkerd does not bring."""

    version: str = Field(
        versions.GATEWAY_API, description="version of the standard channel", examples=[versions.GATEWAY_API]
    )
    manifest: str | None = Field(
        None,
        description="file or URL with them, instead of the official release",
        examples=[".lab/gateway-api/standard-install.yaml"],
    )


class ChartSettings(StrictModel):
    """Where Helm charts come from."""

    mirror: str | None = Field(
        None,
        description="directory of `<chart>-<version>.tgz` files, or a chart repository's URL, for all charts",
        examples=[".lab/twin/charts"],
    )


class FacesSettings(StrictModel):
    """The demo application."""

    chart_version: str = Field(
        versions.FACES_CHART, description="version of faces-chart, 1.x or 2.x", examples=[versions.FACES_CHART]
    )
    on_edge: list[Literal["smiley", "color"]] = Field(
        [], description="parts that run outside the cluster", examples=[["smiley", "color"]]
    )
    second: list[Literal["smiley2", "color2"]] = Field(
        [], description="second backends in the cluster, for canaries", examples=[["smiley2"]]
    )
    gui_service_type: Literal["ClusterIP", "LoadBalancer", "NodePort"] = Field(
        "LoadBalancer", description="type of the GUI's Service", examples=["LoadBalancer"]
    )
    error_fraction: Annotated[int, Field(ge=0, le=100)] = Field(
        0, description="percentage of requests that Faces fails on purpose", examples=[0]
    )


class WorkloadSettings(StrictModel):
    """A workload outside the cluster."""

    name: str = Field(description="its name in the mesh, an RFC 1035 label of its own", examples=["smiley"])
    service: str | None = Field(None, description="Service that reaches it, if not its name", examples=["smiley"])
    addresses: Annotated[list[IPvAnyAddress], Field(min_length=1, max_length=2)] = Field(
        description="its address, or one of each family", examples=[["198.51.100.11"]]
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(
        APPLICATION_PORT, description="port that it listens on", examples=[APPLICATION_PORT]
    )
    device: DeviceSettings | None = Field(
        None,
        description="set, even if empty, when this lab provisions the machine over SSH",
        examples=[{"host": "pi-1.local"}],
    )
    environment: dict[str, str] = Field(
        {}, description="environment of the workload; no secrets", examples=[{"SMILEY": "HeartEyes"}]
    )


class RouteSettings(StrictModel):
    """A canary: requests to one Service, shared out by weight."""

    name: str = Field(description="name of the HTTPRoute", examples=["smiley-route"])
    service: str = Field(description="Service whose requests it shares out", examples=["smiley"])
    backends: Annotated[dict[str, int], Field(min_length=1)] = Field(
        description="Service names, each with its weight", examples=[{"smiley": 80, "smiley2": 20}]
    )


class Settings(StrictModel):
    """One lab."""

    lab: Literal["twin"] = Field(description="which composition under stacks/ to run", examples=["twin"])
    cluster: ClusterSettings = Field(
        description="the Kubernetes cluster", examples=[{"kubeconfig": ".lab/twin/kubeconfig"}]
    )
    trust: TrustSettings = Field(
        TrustSettings(), description="trust anchors and issuer", examples=[{"issuer-days": 365}]
    )
    trust_issuer_key: str | None = Field(
        None, description="private key of trust.own.issuer", json_schema_extra={"secret": True}
    )
    trust_upstream_key: str | None = Field(
        None, description="private key of trust.own.upstream", json_schema_extra={"secret": True}
    )
    linkerd: LinkerdSettings = Field(
        LinkerdSettings(), description="the control plane", examples=[{"version": versions.LINKERD}]
    )
    gateway_api: GatewayApiSettings = Field(
        GatewayApiSettings(), description="the Gateway API's definitions", examples=[{"version": versions.GATEWAY_API}]
    )
    charts: ChartSettings = Field(
        ChartSettings(), description="where Helm charts come from", examples=[{"mirror": ".lab/twin/charts"}]
    )
    faces: FacesSettings = Field(FacesSettings(), description="the demo", examples=[{"on-edge": ["smiley"]}])
    workloads: list[WorkloadSettings] = Field(
        [], description="workloads outside the cluster", examples=[[{"name": "smiley", "addresses": ["198.51.100.11"]}]]
    )
    ssh: SshSettings = Field(
        SshSettings(), description="how devices are reached", examples=[{"private-key-file": "~/.ssh/id_ed25519"}]
    )
    ssh_private_key: str | None = Field(
        None,
        description="private key for all devices, instead of ssh.private-key-file",
        json_schema_extra={"secret": True},
    )
    edge: EdgeSettings = Field(
        EdgeSettings(),
        description="what runs on devices and in containers",
        examples=[{"artefacts": ".lab/twin/parts"}],
    )
    spire: SpireSettings = Field(
        SpireSettings(), description="identities of the workloads", examples=[{"device-days": 365}]
    )
    routes: list[RouteSettings] = Field(
        [],
        description="canaries",
        examples=[[{"name": "smiley-route", "service": "smiley", "backends": {"smiley": 80, "smiley2": 20}}]],
    )
