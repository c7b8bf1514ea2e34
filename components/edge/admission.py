"""Who may ask workloads outside: anybody on the mesh, and anybody at all for what the prober asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

_GROUP = "policy.linkerd.io"
_SERVER = "edge"
_READY, _REST = "edge-ready", "edge-rest"
_HEALTH = "/grpc.health.v1.Health/Check"
_ANYONE, _MESHED = "edge-anyone", "edge-meshed"


@dataclass(frozen=True, kw_only=True)
class AdmissionArgs:
    """`namespace` is where the ExternalWorkloads are; `ready_path` is open to anyone, for GET and HEAD only.

    With `grpc` the health check of gRPC is open to anyone as well.

    `spiffe_ids` are the identities outside the cluster that belong to the mesh.
    """

    namespace: pulumi.Input[str]
    spiffe_ids: Sequence[str] = ()
    ready_path: str = "/ready"
    grpc: bool = False


class Admission(pulumi.ComponentResource):
    """One Server over all workloads outside, two routes, and who may use each.

    As soon as a Server has a route of its own, a request that fits none is answered with 404: hence the second route.
    Proxies outside deny until they have heard of this, so it belongs in front of them.
    """

    def __init__(self, name: str, args: AdmissionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:edge:Admission", name, None, opts)
        self._name, self._namespace = name, args.namespace
        self._object(
            "Server",
            "v1beta3",
            _SERVER,
            {
                "externalWorkloadSelector": {"matchLabels": {"location": "vm"}},
                "port": "http",
                # Told HTTP/1, a proxy takes nothing else from who is not meshed, and gRPC's health check is HTTP/2.
                "proxyProtocol": "unknown" if args.grpc else "HTTP/1",
                "accessPolicy": "deny",
            },
        )
        asked = [
            *((method, args.ready_path) for method in ("GET", "HEAD")),
            *([("POST", _HEALTH)] if args.grpc else []),
        ]
        self._route(_READY, [{"method": method, "path": {"type": "Exact", "value": path}} for method, path in asked])
        self._route(_REST, [{"path": {"type": "PathPrefix", "value": "/"}}])
        everywhere = [{"cidr": "0.0.0.0/0"}, {"cidr": "::/0"}]
        self._object("NetworkAuthentication", "v1alpha1", _ANYONE, {"networks": everywhere})
        # Proxies take "*" for every name of the cluster's own identities; a SPIFFE ID fits only where it is spelt out.
        meshed = {"identities": ["*", *sorted(args.spiffe_ids)]}
        self._object("MeshTLSAuthentication", "v1alpha1", _MESHED, meshed)
        self._policy(_READY, "NetworkAuthentication", _ANYONE)
        self._policy(_REST, "MeshTLSAuthentication", _MESHED)
        self.register_outputs({})

    def _route(self, name: str, matches: list[dict[str, Any]]) -> None:
        parent = {"group": _GROUP, "kind": "Server", "name": _SERVER}
        self._object("HTTPRoute", "v1beta3", name, {"parentRefs": [parent], "rules": [{"matches": matches}]})

    def _policy(self, route: str, authentication: str, name: str) -> None:
        self._object(
            "AuthorizationPolicy",
            "v1alpha1",
            route,
            {
                "targetRef": {"group": _GROUP, "kind": "HTTPRoute", "name": route},
                "requiredAuthenticationRefs": [{"group": _GROUP, "kind": authentication, "name": name}],
            },
        )

    def _object(self, kind: str, version: str, name: str, spec: dict[str, Any]) -> None:
        k8s.apiextensions.CustomResource(
            f"{self._name}-{name}-{kind.lower()}",
            api_version=f"{_GROUP}/{version}",
            kind=kind,
            metadata={"name": name, "namespace": self._namespace},
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self),
        )
