"""A lab in the words of its picture, whether they come from a stack file or from what the engine has recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lab.picture.graph import Health

Kind = Literal["device", "container", "registered"]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A workload outside the cluster. `common` is what equal ones have in common, `gone` who was given up."""

    name: str
    service: str
    kind: Kind
    addresses: tuple[str, ...]
    identity: str
    common: tuple[str, ...] = ()
    gone: bool = False
    health: Health = Health.UNKNOWN
    says: str = ""


@dataclass(frozen=True, kw_only=True)
class Pods:
    """A Service with pods of the cluster behind it, or an application without one.

    `calls` are names of Services of its namespace, or NAMESPACE/SERVICE.
    """

    name: str
    lines: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Route:
    """Requests for a Service that fit `match` go to `backends`, each with its weight."""

    name: str
    service: str
    backends: Mapping[str, int]
    kind: str = "HTTPRoute"
    match: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Permission:
    """Who may call which Services; `sources` are words."""

    name: str
    sources: tuple[str, ...]
    to: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Namespace:
    """A namespace of an application."""

    name: str
    pods: tuple[Pods, ...]
    meshed: bool = True
    says: str = ""


@dataclass(frozen=True, kw_only=True)
class Plane:
    """What the mesh itself consists of in the cluster; `signed_by` is the generation of its trust anchor, if it has one."""

    name: str
    lines: tuple[str, ...]
    signed_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Lab:
    """`cluster` says where it comes from, `access` in words who may call workloads outside where `permissions` do not.

    `refused` are pairs of a caller among the pods and a Service that it may not call. `handling` are words about the
    retries and time limits of Services; `grounds` says of each kind of machine where it is.
    """

    title: str
    cluster: tuple[str, ...]
    anchors: tuple[str, ...]
    planes: tuple[Plane, ...]
    demo: Namespace
    others: tuple[Namespace, ...] = ()
    machines: tuple[Machine, ...] = ()
    routes: tuple[Route, ...] = ()
    permissions: tuple[Permission, ...] = ()
    access: str = ""
    refused: frozenset[tuple[str, str]] = frozenset()
    handling: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    grounds: Mapping[Kind, str] = field(default_factory=dict)
