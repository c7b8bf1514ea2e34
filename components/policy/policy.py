"""Who may call whom, as Servers, routes, authentications and authorizations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.waiting import declared_at_once
from domain.access import ANYONE, Access, Target

_GROUP = "policy.linkerd.io"
_HEALTH = "/grpc.health.v1.Health/Check"


@dataclass(frozen=True, kw_only=True)
class PolicyArgs:
    """`namespace` is that of everything that is called; `ready_path` is open to anyone, for GET and HEAD only.

    With a target that speaks gRPC the health check of gRPC is open to anyone as well.
    """

    access: Access
    namespace: pulumi.Input[str]
    ready_path: str = "/ready"


class Policy(pulumi.ComponentResource):
    """A Server and a route for each Service that is judged, and who may use each route.

    Authorizations stand at the routes: a proxy takes a route's before the Server's, and what `audit` lets through is the
    Server's, so that its log names those alone whom no rule allows. As soon as a Server has a route of its own, a request
    that fits none is answered with 404; each has one for every path. Proxies outside deny until they have heard of
    this, so it belongs in front of them.
    """

    def __init__(self, name: str, args: PolicyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        own, self._first = declared_at_once(opts)
        super().__init__("mesh:policy:Policy", name, None, own)
        self._name, self._namespace = name, args.namespace
        access = args.access
        # What a Server refers to is there before it and longer than it: pods are not cut off while rules are on their way.
        needed: dict[str, list[pulumi.Resource]] = {target.name: [] for target in access.targets}
        for target in access.targets:
            needed[target.name].append(self._route(target.name, [target.name], [_path("PathPrefix", "/")]))
        for rule, by in dict.fromkeys((grant.rule, grant.by) for grant in access.grants):
            if by == "identities":
                self._object("MeshTLSAuthentication", "v1alpha1", rule.name, {"identities": access.identities(rule)})
            else:
                self._networks(rule.name, [str(network) for network in rule.networks])
        for grant in access.grants:
            kind = "MeshTLSAuthentication" if grant.by == "identities" else "NetworkAuthentication"
            made = self._authorization(grant.name, grant.target.name, kind, grant.rule.name)
            needed[grant.target.name].append(made)
        self._ready(access, args.ready_path, needed)
        for target in access.targets:
            self._server(target, access.access_policy, needed[target.name])
        self.register_outputs({})

    def _server(self, target: Target, access_policy: str, needed: Sequence[pulumi.Resource]) -> None:
        selector = "externalWorkloadSelector" if target.outside else "podSelector"
        self._object(
            "Server",
            "v1beta3",
            target.name,
            {
                selector: {"matchLabels": dict(target.labels)},
                "port": "http",
                # Told HTTP/1, a proxy takes nothing else from who is not meshed, and gRPC is HTTP/2. Pods go on finding out.
                "proxyProtocol": "HTTP/1" if target.outside and not target.grpc else "unknown",
                "accessPolicy": access_policy,
            },
            needed,
        )

    def _ready(self, access: Access, path: str, needed: Mapping[str, list[pulumi.Resource]]) -> None:
        """What the prober asks is open to anyone: it is not on the mesh."""
        if not access.ready_routes:
            return
        self._networks(ANYONE, ["0.0.0.0/0", "::/0"])
        asked = [
            *((method, path) for method in ("GET", "HEAD")),
            *([("POST", _HEALTH)] if any(target.grpc for target in access.targets if target.outside) else []),
        ]
        matches = [{"method": method, **_path("Exact", place)} for method, place in asked]
        for route, servers in access.ready_routes.items():
            made = [
                self._route(route, servers, matches),
                self._authorization(route, route, "NetworkAuthentication", ANYONE),
            ]
            for server in servers:
                needed[server].extend(made)

    def _networks(self, name: str, networks: Sequence[str]) -> None:
        listed = [{"cidr": network} for network in networks]
        self._object("NetworkAuthentication", "v1alpha1", name, {"networks": listed})

    def _route(self, name: str, servers: Sequence[str], matches: Sequence[Mapping[str, Any]]) -> pulumi.Resource:
        parents = [{"group": _GROUP, "kind": "Server", "name": server} for server in servers]
        return self._object("HTTPRoute", "v1beta3", name, {"parentRefs": parents, "rules": [{"matches": matches}]})

    def _authorization(self, name: str, route: str, authentication: str, needed: str) -> pulumi.Resource:
        return self._object(
            "AuthorizationPolicy",
            "v1alpha1",
            name,
            {
                "targetRef": {"group": _GROUP, "kind": "HTTPRoute", "name": route},
                "requiredAuthenticationRefs": [{"group": _GROUP, "kind": authentication, "name": needed}],
            },
        )

    def _object(
        self,
        kind: str,
        version: str,
        name: str,
        spec: dict[str, Any],
        needed: Sequence[pulumi.Resource] = (),
    ) -> pulumi.Resource:
        return k8s.apiextensions.CustomResource(
            f"{self._name}-{name}-{kind.lower()}",
            api_version=f"{_GROUP}/{version}",
            kind=kind,
            metadata={"name": name, "namespace": self._namespace},
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*self._first, *needed]),
        )


def _path(kind: str, value: str) -> dict[str, Any]:
    return {"path": {"type": kind, "value": value}}
