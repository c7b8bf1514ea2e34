"""What a stack file may say about workloads in Docker containers."""

from typing import Annotated, Literal

from pydantic import Field

import versions
from settings.addresses import Address, Network
from settings.base import StrictModel

HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ContainerSettings(StrictModel):
    """A container on this lab's Docker network that becomes a meshed workload, and leaves no trace."""

    hostname: HostName | None = Field(
        None,
        description="its host name, which Faces shows, if not `<workload>-docker-ext1`",
        examples=["smiley-docker-ext1"],
    )
    gpio: list[Annotated[str, Field(pattern=r"^/dev/\S+$")]] = Field(
        [], description="device files for the workload; all must be there", examples=[["/dev/gpiochip0"]]
    )


class DockerSettings(StrictModel):
    """The engine that runs edge containers, their network, and what their images are made of."""

    host: Annotated[str, Field(pattern=r"^(unix|tcp|ssh|npipe)://\S+$")] | None = Field(
        None,
        description="address of the engine, if not what DOCKER_HOST or Docker's own default says",
        examples=["unix:///var/run/docker.sock"],
    )
    network: str | None = Field(
        None,
        description="Docker network that containers join, if not the one of a cluster that this lab makes on Docker",
        examples=["mesh-exp"],
    )
    subnet: Network | None = Field(
        None,
        description="IPv4 range of that network: set, when this lab is to make it",
        examples=["172.30.0.0/24"],
    )
    dns_address: Address | None = Field(
        None,
        description="address on the network for the DNS server of the containers, which this lab runs",
        examples=["172.30.0.40"],
    )
    base: str = Field(
        versions.EDGE_BASE,
        description="image that theirs are built on: a Debian, or one that has what is needed",
        examples=[versions.EDGE_BASE],
    )
    proxy_image: str | None = Field(
        None,
        description="image that holds linkerd2-proxy at /usr/lib/linkerd, if not the proxy of linkerd.version",
        examples=[f"cr.l5d.io/linkerd/proxy:{versions.LINKERD}"],
    )
    spire_image: str = Field(
        f"ghcr.io/spiffe/spire-agent:{versions.SPIRE}",
        description="image that holds /opt/spire/bin/spire-agent",
        examples=[f"ghcr.io/spiffe/spire-agent:{versions.SPIRE}"],
    )
    spire_sha256: dict[Literal["amd64", "arm64"], Sha256] = Field(
        {},
        description=f"SHA-256 of the archives of SPIRE's release {versions.SPIRE}, to take the agent out of one of them "
        "instead of spire-image",
        examples=[{"amd64": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}],
    )
    workload_image: str | None = Field(
        None,
        description="image that holds a program at /workload, for containers whose workload names no image, if not what "
        "devices run",
        examples=[f"ghcr.io/buoyantio/faces-smiley:{versions.FACES_CHART}"],
    )
