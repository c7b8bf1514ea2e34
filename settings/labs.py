"""The labs: what each says beside what all of them do."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import Field

from settings.cluster import (
    ClusterSettings,
    DualStackCluster,
    K3dClusterSettings,
    K3dLabCluster,
    KindClusterSettings,
    PiLabCluster,
)
from settings.model import Settings


class TwinSettings(Settings):
    """The whole lab on this machine, on the cluster that `make up` starts."""

    lab: Literal["twin"] = Field("twin", description="which composition under stacks/ to run", examples=["twin"])
    cluster: ClusterSettings = Field(
        description="the Kubernetes cluster", examples=[{"kubeconfig": ".lab/twin/kubeconfig"}]
    )


class K3dLabSettings(Settings):
    """A k3d cluster and edge containers on this machine's Docker."""

    lab: Literal["k3d-lab"] = Field(
        "k3d-lab", description="which composition under stacks/ to run", examples=["k3d-lab"]
    )
    cluster: K3dLabCluster = Field(
        K3dClusterSettings(),
        description="the Kubernetes cluster: made with k3d, or with `kubeconfig` one that is there",
        examples=[{"http-port": 8080}],
    )


class PiLabSettings(Settings):
    """k3s on the first Raspberry Pi, workloads on the others."""

    lab: Literal["pi-lab"] = Field("pi-lab", description="which composition under stacks/ to run", examples=["pi-lab"])
    cluster: PiLabCluster = Field(
        description="the Kubernetes cluster: k3s installed over SSH, or with `kubeconfig` one that is there",
        examples=[{"host": "pi-0.local"}],
    )


class DualStackSettings(Settings):
    """A cluster with IPv4 and IPv6, made with kind."""

    lab: Literal["dual-stack"] = Field(
        "dual-stack", description="which composition under stacks/ to run", examples=["dual-stack"]
    )
    cluster: DualStackCluster = Field(
        KindClusterSettings(),
        description="the Kubernetes cluster: made with kind, or with `kubeconfig` one that is there",
        examples=[{"name": "sma-dual"}],
    )


LABS: Mapping[str, type[Settings]] = MappingProxyType(
    {"twin": TwinSettings, "k3d-lab": K3dLabSettings, "pi-lab": PiLabSettings, "dual-stack": DualStackSettings}
)
