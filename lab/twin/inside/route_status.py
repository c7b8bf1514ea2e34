"""What Linkerd's policy controller writes into the status of routes, where it was not brought: accepted or not, and why.

Only said: no proxy is told. TCPRoutes, TLSRoutes and parents of kind EgressNetwork are nothing that a lab has; they get no
status here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from lab.twin.api import Api
from lab.twin.inside import controllers
from lab.twin.inside.pod import runs

CONTROLLER = "linkerd.io/policy-controller"
WRITER = "mesh-expansion-twin"  # whoever reads the status can tell that it is not Linkerd's own
_GATEWAY, _POLICY = "gateway.networking.k8s.io", "policy.linkerd.io"
_ROUTES = (
    (f"/apis/{_GATEWAY}/v1", "httproutes"),
    (f"/apis/{_GATEWAY}/v1", "grpcroutes"),
    (f"/apis/{_POLICY}/v1beta3", "httproutes"),
)
_GRPC = "grpcroutes"
_SERVICES, _SERVERS = "/api/v1/services", f"/apis/{_POLICY}/v1beta3/servers"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Parent(NamedTuple):
    """What a route is about: a Service, at one port or all, or a Server."""

    kind: str
    namespace: str
    name: str
    port: int | None


@dataclass(frozen=True, kw_only=True)
class Known:
    """Names as `namespace/name`. Of the Services, those that have an address of their own can be parents; `called` are the
    parents of GRPCRoutes.
    """

    services: Mapping[str, bool] = field(default_factory=dict)
    servers: frozenset[str] = frozenset()
    called: frozenset[Parent] = frozenset()


def write(api: Api) -> None:
    """Bring the status of every route up to date; nothing without a control plane. Raises TwinError."""
    if not runs(api.get(controllers.OWNER)):
        return
    routes = [
        (f"{group}/namespaces/{route['metadata']['namespace']}/{kind}/{route['metadata']['name']}", kind, route)
        for group, kind in _ROUTES
        for route in _items(api, f"{group}/{kind}")
    ]
    if not routes:
        return
    named = {parent.kind for _, _, route in routes for parent in parents(route)}
    known = Known(
        services={_name(service): _has_address(service) for service in _items(api, _SERVICES)},
        servers=frozenset(_name(server) for server in (_items(api, _SERVERS) if "Server" in named else [])),
        called=frozenset(parent for _, kind, route in routes if kind == _GRPC for parent in parents(route)),
    )
    for place, kind, route in routes:
        before = route.get("status", {}).get("parents", [])
        after = statuses(route, known, grpc=kind == _GRPC)
        if _timeless(before) != _timeless(after):
            api.merge(f"{place}/status?fieldManager={WRITER}", {"status": {"parents": after}})


def parents(route: Mapping[str, Any]) -> Iterator[Parent]:
    """Those of the kinds that Linkerd has; a parent's kind has to be written."""
    for reference in route["spec"].get("parentRefs") or []:
        namespace = reference.get("namespace") or route["metadata"]["namespace"]
        if _is(reference, "Service", ("", "core")):
            yield Parent("Service", namespace, reference["name"], reference.get("port"))
        elif _is(reference, "Server", (_POLICY,)):
            yield Parent("Server", namespace, reference["name"], None)


def statuses(route: Mapping[str, Any], known: Known, *, grpc: bool) -> list[dict[str, Any]]:
    """`status.parents`: other controllers' as they are, then one of Linkerd's for each parent.

    As Linkerd's, the conditions say nothing of the generation that they are about.
    """
    others = [status for status in route.get("status", {}).get("parents", []) if status["controllerName"] != CONTROLLER]
    return [*others, *(_status(route, parent, known, grpc=grpc) for parent in parents(route))]


def _status(route: Mapping[str, Any], parent: Parent, known: Known, *, grpc: bool) -> dict[str, Any]:
    reference: dict[str, Any] = {
        "group": "core" if parent.kind == "Service" else _POLICY,
        "kind": parent.kind,
        "namespace": parent.namespace,
        "name": parent.name,
    }
    if parent.port is not None:
        reference["port"] = parent.port
    conditions = [_accepted(parent, known, grpc=grpc)]
    if parent.kind == "Service":
        conditions.append(_resolved(route, known))
    return {"parentRef": reference, "controllerName": CONTROLLER, "conditions": conditions}


def _accepted(parent: Parent, known: Known, *, grpc: bool) -> dict[str, Any]:
    name = f"{parent.namespace}/{parent.name}"
    if name not in (known.services if parent.kind == "Service" else known.servers):
        return _condition("Accepted", "NoMatchingParent")
    if parent.kind == "Service" and not known.services[name]:
        return _condition("Accepted", "NoMatchingParent", "parent service must have a ClusterIP")
    if not grpc and parent in known.called:
        return _condition("Accepted", "RouteReasonConflicted")
    return _condition("Accepted", "Accepted")


def _resolved(route: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """Of the backends, the first that is no good decides."""
    for rule in route["spec"].get("rules") or []:
        for backend in rule.get("backendRefs") or []:
            if not _is({"kind": "Service", **backend}, "Service", ("", "core")):
                return _condition("ResolvedRefs", "InvalidKind")
            if f"{backend.get('namespace') or route['metadata']['namespace']}/{backend['name']}" not in known.services:
                return _condition("ResolvedRefs", "BackendNotFound")
    return _condition("ResolvedRefs", "ResolvedRefs")


def _condition(kind: str, reason: str, message: str = "") -> dict[str, Any]:
    return {
        "type": kind,
        "status": "True" if reason == kind else "False",
        "reason": reason,
        "message": message,
        "lastTransitionTime": datetime.now(UTC).strftime(_TIME),
    }


def _is(reference: Mapping[str, Any], kind: str, groups: Sequence[str]) -> bool:
    written = str(reference.get("kind")).lower(), (reference.get("group") or "").lower()
    return written[0] == kind.lower() and written[1] in groups


def _has_address(service: Mapping[str, Any]) -> bool:
    spec = service["spec"]
    return spec.get("type") != "ExternalName" and (spec.get("clusterIP") or "None").lower() != "none"


def _timeless(given: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Without the times: what is compared."""
    return [
        {
            **status,
            "conditions": [
                {name: value for name, value in condition.items() if name != "lastTransitionTime"}
                for condition in status.get("conditions", [])
            ],
        }
        for status in given
    ]


def _name(found: Mapping[str, Any]) -> str:
    return f"{found['metadata']['namespace']}/{found['metadata']['name']}"


def _items(api: Api, path: str) -> list[dict[str, Any]]:
    """Nothing where the kind is not defined."""
    items: list[dict[str, Any]] = (api.get(path) or {}).get("items", [])
    return items
