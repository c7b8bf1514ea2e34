"""What a stack file may say. Keys are written with hyphens; an unknown key is an error."""

from typing import Annotated, Literal

from pydantic import Field

import versions
from domain.workloads import APPLICATION_PORT, Protocol
from settings.addresses import Address
from settings.apps import EmissarySettings, EmojivotoSettings, ServiceType
from settings.base import StrictModel
from settings.cluster import AnyCluster
from settings.docker import ContainerSettings, DockerSettings
from settings.edge import DeviceSettings, EdgeSettings, SpireSettings, SshSettings
from settings.mesh import GatewayApiSettings, LinkerdSettings
from settings.mirrors import MirrorSettings
from settings.policy import PolicySettings
from settings.traffic import RouteSettings, ServiceSettings
from settings.trust import TrustSettings


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
    gui_service_type: ServiceType | None = Field(
        None,
        description="type of the GUI's Service, if not LoadBalancer, or behind `emissary` ClusterIP",
        examples=["LoadBalancer"],
    )
    error_fraction: Annotated[int, Field(ge=0, le=100)] = Field(
        0, description="percentage of requests that Faces fails on purpose", examples=[0]
    )


class WorkloadSettings(StrictModel):
    """A workload outside the cluster."""

    name: str = Field(description="its name in the mesh, an RFC 1035 label of its own", examples=["smiley"])
    service: str | None = Field(None, description="Service that reaches it, if not its name", examples=["smiley"])
    addresses: Annotated[list[Address], Field(min_length=1, max_length=2)] = Field(
        description="its address, or one of each family", examples=[["198.51.100.11"]]
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(
        APPLICATION_PORT, description="port that it listens on", examples=[APPLICATION_PORT]
    )
    protocol: Protocol | None = Field(
        None,
        description="what it speaks, `http` or `grpc`, if not what Faces' `face` asks it",
        examples=["grpc"],
    )
    image: str | None = Field(
        None,
        description="its image, if not edge.image",
        examples=["ghcr.io/example/faces-pi-workload:1.0"],
    )
    device: DeviceSettings | None = Field(
        None,
        description="set, even if empty, when this lab provisions the machine over SSH",
        examples=[{"host": "pi-1.local"}],
    )
    container: ContainerSettings | None = Field(
        None,
        description="set, even if empty, when this lab runs it in a container on docker.network",
        examples=[{"hostname": "smiley-docker-ext1"}],
    )
    environment: dict[str, str] = Field(
        {}, description="environment of the workload; no secrets", examples=[{"SMILEY": "HeartEyes"}]
    )


class Settings(StrictModel):
    """What every lab has; settings/labs.py holds the labs."""

    lab: str = Field(description="which composition under stacks/ to run", examples=["twin"])
    cluster: AnyCluster = Field(description="the Kubernetes cluster")
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
    mirrors: MirrorSettings = Field(
        MirrorSettings(),
        description="where charts, images and programs come from, instead of their official places",
        examples=[{"charts": ".lab/twin/charts"}],
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
    docker: DockerSettings = Field(
        DockerSettings(),
        description="network and images of edge containers",
        examples=[{"network": "mesh-exp", "dns-address": "172.30.0.40"}],
    )
    spire: SpireSettings = Field(
        SpireSettings(), description="identities of the workloads", examples=[{"device-days": 365}]
    )
    routes: list[RouteSettings] = Field(
        [],
        description="where requests go: canaries, routes by path, retries and timeouts of some requests",
        examples=[[{"name": "smiley-route", "service": "smiley", "backends": {"smiley": 80, "smiley2": 20}}]],
    )
    services: list[ServiceSettings] = Field(
        [],
        description="retries and timeouts of all requests to a Service",
        examples=[[{"name": "color", "timeout": {"request": "300ms"}}]],
    )
    policy: PolicySettings = Field(PolicySettings(), description="who may call whom", examples=[{"mode": "audit"}])
    emojivoto: EmojivotoSettings | None = Field(
        None, description="the emojivoto demo: set, even if empty, when the lab has it", examples=[{"routes": False}]
    )
    emissary: EmissarySettings | None = Field(
        None,
        description="Emissary-ingress, unmeshed, in front of Faces: set, even if empty, when the lab has it",
        examples=[{"version": versions.EMISSARY}],
    )
