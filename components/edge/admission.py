"""Who may ask workloads outside: anybody on the mesh, and anybody at all for one path, which the prober asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

_GROUP = "policy.linkerd.io"
_SERVER = "edge"
_READY, _REST = "edge-ready", "edge-rest"
_ANYONE, _MESHED = "edge-anyone", "edge-meshed"


@dataclass(frozen=True, kw_only=True)
class AdmissionArgs:
    """`namespace` is where the ExternalWorkloads are; `ready_path` is open to anyone, for GET only.

    `spiffe_ids` are the identities outside the cluster that belong to the mesh.
    """

    namespace: pulumi.Input[str]
    spiffe_ids: Sequence[str] = ()
    ready_path: str = "/ready"


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
                "proxyProtocol": "HTTP/1",
                "accessPolicy": "deny",
            },
        )
        self._route(_READY, {"method": "GET", "path": {"type": "Exact", "value": args.ready_path}})
        self._route(_REST, {"path": {"type": "PathPrefix", "value": "/"}})
        everywhere = [{"cidr": "0.0.0.0/0"}, {"cidr": "::/0"}]
        self._object("NetworkAuthentication", "v1alpha1", _ANYONE, {"networks": everywhere})
        # Proxies take "*" for every name of the cluster's own identities; a SPIFFE ID fits only where it is spelt out.
        meshed = {"identities": ["*", *sorted(args.spiffe_ids)]}
        self._object("MeshTLSAuthentication", "v1alpha1", _MESHED, meshed)
        self._policy(_READY, "NetworkAuthentication", _ANYONE)
        self._policy(_REST, "MeshTLSAuthentication", _MESHED)
        self.register_outputs({})

    def _route(self, name: str, match: dict[str, Any]) -> None:
        parent = {"group": _GROUP, "kind": "Server", "name": _SERVER}
        self._object("HTTPRoute", "v1beta3", name, {"parentRefs": [parent], "rules": [{"matches": [match]}]})

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
