"""What a stack file may say about who may call whom."""

from typing import Literal

from pydantic import Field

from domain.access import Mode
from settings.addresses import Network
from settings.base import StrictModel

# What Linkerd's `config.linkerd.io/default-inbound-policy` takes.
DefaultInbound = Literal[
    "all-unauthenticated", "all-authenticated", "cluster-unauthenticated", "cluster-authenticated", "deny", "audit"
]


class SourceSettings(StrictModel):
    """Who may call: whoever is any of these."""

    service_accounts: list[str] = Field(
        [],
        description="Faces' parts in the cluster, each of which then runs as a service account of its name; `default` is all others",
        examples=[["face"]],
    )
    workloads: list[str] = Field([], description="workloads outside the cluster", examples=[["smiley"]])
    networks: list[Network] = Field(
        [], description="ranges of addresses, on the mesh or not", examples=[["192.0.2.0/24"]]
    )
    meshed: bool = Field(False, description="everybody on the mesh", examples=[True])


class RuleSettings(StrictModel):
    """One rule: who may call what."""

    name: str = Field(description="its name, part of its objects' names", examples=["face-calls-edge"])
    callers: SourceSettings = Field(
        alias="from", description="who may call; any of them", examples=[{"service-accounts": ["face"]}]
    )
    to: list[str] = Field(description="Services of workloads outside, or Faces' own", examples=[["smiley", "color"]])


class PolicySettings(StrictModel):
    """Who may call whom, and what becomes of other calls."""

    mode: Mode = Field(
        "enforce",
        description="what becomes of a call that no rule allows: `off` lets it through, `audit` too and writes it to the proxy's"
        " log, `enforce` refuses it",
        examples=["audit"],
    )
    access: list[RuleSettings] | None = Field(
        None,
        description="who may call whom; without it everybody on the mesh may call every workload outside, and `[]` is nobody",
        examples=[[{"name": "face-calls-edge", "from": {"service-accounts": ["face"]}, "to": ["smiley"]}]],
    )
    default_inbound: DefaultInbound | None = Field(
        None,
        description="what pods of the lab's namespaces do with calls that no policy speaks of; a change restarts them",
        examples=["deny"],
    )
