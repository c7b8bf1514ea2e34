"""What a stack file may say about machines outside the cluster."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

import versions
from settings.base import Days, Seconds, StrictModel

Port = Annotated[int, Field(ge=1, le=65535)]


class SshSettings(StrictModel):
    """How devices are reached. Host keys are always checked."""

    user: str = Field("root", description="user who is root, or may use sudo without a password", examples=["pi"])
    port: Port = Field(22, description="port of the SSH server", examples=[22])
    private_key_file: str | None = Field(
        None, description="private key, at a path from the project's directory", examples=["~/.ssh/id_ed25519"]
    )
    known_hosts: str = Field(
        "~/.ssh/known_hosts",
        description="file that holds the devices' host keys, as ssh keeps it",
        examples=["~/.ssh/known_hosts"],
    )


class DeviceSettings(StrictModel):
    """A machine that this lab turns into a meshed workload over SSH, and back."""

    host: str | None = Field(
        None, description="name or address for SSH, if not the workload's first address", examples=["pi-1.local"]
    )
    port: Port | None = Field(None, description="port of its SSH server, if not ssh.port", examples=[2222])
    user: str | None = Field(None, description="user, if not ssh.user", examples=["pi"])
    host_key: str | None = Field(
        None, description="its public host key, if not in ssh.known-hosts", examples=["ssh-ed25519 AAAAC3..."]
    )
    architecture: Literal["amd64", "arm64"] | None = Field(
        None, description="what it must be; any when not set", examples=["arm64"]
    )
    gpio: list[str] = Field([], description="device files for the workload, when there", examples=[["/dev/gpiochip0"]])
    gone: bool = Field(
        False,
        description="the machine does not answer any more: take it out of the mesh without asking it",
        examples=[True],
    )


class DownloadSettings(StrictModel):
    """A program that devices fetch themselves."""

    name: Literal["linkerd2-proxy", "spire-agent", "spire-server"] = Field(
        description="which program; spire-server with spire.topology `bundled` only", examples=["spire-agent"]
    )
    url: Annotated[str, Field(pattern=r"^https://\S+$")] = Field(
        description="where it is", examples=["https://mirror.example.com/spire-1.15.3-linux-arm64-musl.tar.gz"]
    )
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="SHA-256 of what is there",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    member: str | None = Field(
        None, description="path inside it, when it is a tar.gz", examples=["spire-1.15.3/bin/spire-agent"]
    )


class EdgeSettings(StrictModel):
    """What runs outside the cluster, and how it reaches the cluster."""

    image: str | None = Field(
        None,
        description="image of every workload, if not the one that faces.chart-version runs for the part",
        examples=[f"ghcr.io/buoyantio/faces-smiley:{versions.FACES_CHART}"],
    )
    image_archive: str | None = Field(
        None,
        description="archive that holds the image, pushed to devices that cannot pull it",
        examples=[".lab/twin/parts/workload.tar"],
    )
    artefacts: str | None = Field(
        None,
        description="directory with linkerd2-proxy and spire-agent (with spire.topology `bundled` also spire-server), pushed "
        "to devices that cannot download them",
        examples=[".lab/twin/parts"],
    )
    downloads: list[DownloadSettings] = Field(
        [],
        description="the same programs, fetched by the devices themselves; one architecture a lab",
        examples=[[{"name": "spire-agent", "url": "https://...", "sha256": "9f86..."}]],
    )
    dns_port: Port = Field(30000, description="port of every node on which the cluster's DNS answers", examples=[30000])
    route_services: bool = Field(
        False,
        description="also route the service range to a node, for machines without a default route",
        examples=[True],
    )
    controllers: str | None = Field(
        None,
        description="where devices find Linkerd's controllers, if not at their Services; at a loopback address no identity "
        "is asked for",
        examples=["127.0.0.1"],
    )
    ready_path: str = Field("/ready", description="path that a healthy workload answers with 200", examples=["/ready"])
    ready_seconds: Seconds = Field(
        120,
        description="how long `up` waits for a workload to be ready, and for Linkerd to accept a route",
        examples=[120],
    )


class SpireSettings(StrictModel):
    """The server that gives workloads their identities. Generations are numbers, as in `trust`."""

    topology: Literal["server", "bundled"] = Field(
        "server",
        description="`server`: one in the cluster, and no authority's key on any device; `bundled`: one on every device, with "
        "an intermediate authority of the device's own",
        examples=["server"],
    )
    upstream: PositiveInt = Field(1, description="generation of the authority that SPIRE signs with", examples=[1])
    upstream_days: Days = Field(365, description="its lifetime in days", examples=[365])
    device_ca: PositiveInt = Field(
        1, description="generation of the authority that signs devices' certificates", examples=[1]
    )
    device_ca_days: Days = Field(3650, description="its lifetime in days", examples=[3650])
    device: PositiveInt = Field(1, description="generation of the devices' certificates", examples=[1])
    device_days: Days = Field(365, description="lifetime of a device's certificate in days", examples=[365])
    intermediate: PositiveInt = Field(
        1, description="generation of the devices' own authorities, with `bundled`", examples=[1]
    )
    intermediate_days: Annotated[int, Field(ge=3)] = Field(
        30,
        description="their lifetime in days; an `up` in the last third renews them, and without one the device leaves the mesh",
        examples=[30],
    )
    server_port: Port = Field(
        30081,
        description="port of every node on which the SPIRE server answers; with `bundled` of the device's loopback address",
        examples=[30081],
    )
    server_address: str | None = Field(
        None,
        description="where devices reach it, if not the first node's address; not with `bundled`",
        examples=["spire.example.com"],
    )
