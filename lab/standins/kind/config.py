"""kind's configuration file, as far as the lab writes one."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from lab.standins.clusters.errors import Refused


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Networking(_Strict):
    """One range of each family, in the cluster's order."""

    ipFamily: Literal["dual"]
    podSubnet: str
    serviceSubnet: str

    @field_validator("podSubnet", "serviceSubnet")
    @classmethod
    def _one_of_each(cls, value: str) -> str:
        versions = [ip_network(text).version for text in value.split(",")]
        if sorted(versions) != [4, 6]:
            raise ValueError("expected one range of each family")
        return value


class Node(_Strict):
    """The one node."""

    role: Literal["control-plane"]
    labels: dict[str, str] = {}


class Config(_Strict):
    """A cluster of one node."""

    kind: Literal["Cluster"]
    apiVersion: Literal["kind.x-k8s.io/v1alpha4"]
    networking: Networking
    nodes: Annotated[list[Node], Field(min_length=1, max_length=1)]

    @property
    def pod_networks(self) -> tuple[str, ...]:
        """Each of a size that has room for one node, as kind's API server cuts them: /24 and /64."""
        return tuple(str(_roomy(ip_network(text))) for text in self.networking.podSubnet.split(","))

    @property
    def service_networks(self) -> tuple[str, ...]:
        """In the cluster's order."""
        return tuple(self.networking.serviceSubnet.split(","))


def read(text: str) -> Config:
    """The configuration. Raises Refused."""
    try:
        content: Any = yaml.safe_load(text)
        return Config.model_validate(content)
    except (yaml.YAMLError, ValidationError) as problem:
        raise Refused(f"unable to decode config: {problem}") from problem


def _roomy(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    if network.prefixlen > (24 if network.version == 4 else 64):
        raise Refused(f"{network} is too small for the pods of one node")
    return network
