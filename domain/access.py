"""Who may call whom, as data: rules, callers, and what of it stands at which Service.

An answer of `allows` is what the rules say; whether a refusal is enforced, written to a log or neither is the mode's matter.
Besides all rules, anybody may ask a workload outside whether it is well: by GET or HEAD of `edge.ready-path`, or by gRPC.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from domain import workloads
from domain.workloads import Address, Network

Kind = Literal["identities", "networks"]
Mode = Literal["off", "audit", "enforce"]
# What each mode is in the words of a Server: the one thing that tells the modes apart.
ACCESS_POLICIES: Mapping[Mode, str] = {"off": "all-unauthenticated", "audit": "audit", "enforce": "deny"}
# Pods that name no service account run as this one: with Faces' chart that is all of them.
DEFAULT_ACCOUNT = "default"
EVERYBODY = "edge-meshed"  # the rule of a lab that says nothing about access
# What lets the prober ask workloads outside, besides all rules: an authentication, and routes that begin so.
ANYONE, _READY = "edge-anyone", "edge-ready"
_MOST_PARENTS = 32  # of a route, by the Gateway API

_IDENTITY_DOMAIN = "cluster.local"


def account_identity(account: str, namespace: str) -> str:
    """The identity of a service account's pods: a DNS name, whatever the workloads outside have."""
    return f"{account}.{namespace}.serviceaccount.identity.linkerd.{_IDENTITY_DOMAIN}"


@dataclass(frozen=True)
class Caller:
    """Who calls: the identity that its proxy proves, None without one, and the address that it calls from, if known."""

    identity: str | None = None
    address: Address | None = None

    @classmethod
    def account(cls, account: str, namespace: str = "faces", address: Address | None = None) -> "Caller":
        """A pod on the mesh that runs as a service account."""
        return cls(account_identity(account, namespace), address)

    @classmethod
    def workload(cls, workload: str, address: Address | None = None) -> "Caller":
        """A workload outside the cluster."""
        return cls(workloads.identity(workload), address)

    @classmethod
    def unmeshed(cls, address: Address | None = None) -> "Caller":
        """Anybody without a proxy."""
        return cls(None, address)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Whoever fits any of the sources may call the Services `to`.

    `service_accounts` are those of Faces' namespace, `workloads` are outside the cluster, `networks` need no identity, and
    `meshed` is every identity of the mesh.
    """

    name: str
    to: tuple[str, ...]
    service_accounts: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    meshed: bool = False


@dataclass(frozen=True, kw_only=True)
class Target:
    """A Service at which calls are judged, and the labels that select what stands behind it at that place.

    `outside`: workloads outside the cluster, else pods. `grpc`: at least one of them speaks it.
    """

    service: str
    outside: bool
    labels: Mapping[str, str]
    grpc: bool = False

    @property
    def name(self) -> str:
        """The name of its Server and of its route."""
        return f"{'edge' if self.outside else 'cluster'}-{self.service}"


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One AuthorizationPolicy: by a rule's identities, or by its networks, to one target."""

    rule: Rule
    target: Target
    by: Kind

    @property
    def name(self) -> str:
        """`<rule>-<service>` for identities outside, longer where that would be said twice."""
        place = "" if self.target.outside else "cluster-"
        return f"{self.rule.name}-{place}{self.target.service}{'-networks' if self.by == 'networks' else ''}"


@dataclass(frozen=True, kw_only=True)
class Access:
    """All rules of a lab, in force at `targets`.

    `outside` are the workloads outside the cluster that belong to the mesh, `namespace` is theirs and Faces'. Linkerd's
    proxies take `*` for every identity that is a DNS name, but a SPIFFE ID only where it is spelt out.
    """

    rules: Sequence[Rule]
    targets: Sequence[Target]
    outside: Collection[str]
    mode: Mode = "enforce"
    namespace: str = "faces"

    @property
    def access_policy(self) -> str:
        """What every Server says about a call that no rule allows."""
        return ACCESS_POLICIES[self.mode]

    def governs(self, service: str) -> bool:
        """Whether calls of this Service are judged here at all."""
        return any(target.service == service for target in self.targets)

    def allows(self, caller: Caller, service: str) -> bool:
        """Whether a rule lets the caller call the Service, whatever the mode; true where nothing is judged."""
        return not self.governs(service) or any(self.fits(rule, caller) for rule in self.rules if service in rule.to)

    def answers(self, caller: Caller, service: str) -> bool:
        """Whether the call is let through in the lab's mode."""
        return self.mode != "enforce" or self.allows(caller, service)

    def fits(self, rule: Rule, caller: Caller) -> bool:
        """Whether a rule speaks of the caller."""
        if any(_lies_in(caller.address, network) for network in rule.networks):
            return True
        if caller.identity is None:
            return False
        identities = self.identities(rule)
        return caller.identity in identities or ("*" in identities and not caller.identity.startswith("spiffe://"))

    def identities(self, rule: Rule) -> list[str]:
        """What a MeshTLSAuthentication lists for the rule, sorted; empty when nobody with an identity is meant."""
        outside = self.outside if rule.meshed else set(rule.workloads) & set(self.outside)
        accounts = ["*"] if rule.meshed else [account_identity(name, self.namespace) for name in rule.service_accounts]
        return sorted({*accounts, *(workloads.identity(name) for name in outside)})

    def account_of(self, part: str) -> str:
        """The service account that a part of Faces in the cluster runs as."""
        return part if part in self.accounts else DEFAULT_ACCOUNT

    def refused(self, calls: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Those of the calls, from a part of Faces in the cluster to a Service, that the lab's mode does not let through."""
        return [
            (part, service)
            for part, service in calls
            if not self.answers(Caller.account(self.account_of(part), self.namespace), service)
        ]

    @property
    def grants(self) -> list[Grant]:
        """One for each rule, target and kind of source that the rule has."""
        return [
            Grant(rule=rule, target=target, by=by)
            for rule in self.rules
            for target in self.targets
            if target.service in rule.to
            for by in self._kinds(rule)
        ]

    @property
    def ready_routes(self) -> dict[str, list[str]]:
        """The routes for what the prober asks, each with the Servers that it is below."""
        servers = [target.name for target in self.targets if target.outside]
        parts = [servers[start : start + _MOST_PARENTS] for start in range(0, len(servers), _MOST_PARENTS)]
        return {f"{_READY}-{number}" if number > 1 else _READY: part for number, part in enumerate(parts, 1)}

    def _kinds(self, rule: Rule) -> Iterator[Kind]:
        if self.identities(rule):
            yield "identities"
        if rule.networks:
            yield "networks"

    @property
    def accounts(self) -> list[str]:
        """Service accounts that a rule names and that Faces' parts do not have of themselves."""
        named = {name for rule in self.rules for name in rule.service_accounts}
        return sorted(named - {DEFAULT_ACCOUNT})


def _lies_in(address: Address | None, network: Network) -> bool:
    """An address that is not known lies in networks that hold every address, and in no other."""
    if address is None:
        return network.prefixlen == 0
    return address.version == network.version and address in network
