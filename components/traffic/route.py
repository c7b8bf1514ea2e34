"""A route: which requests to one Service go where, how long they may take, what is asked for again."""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.waiting import declared_at_once
from domain.routes import TrafficRoute

_CONTROLLER = "linkerd.io/policy-controller"


@dataclass(frozen=True, kw_only=True)
class RouteArgs:
    """The route as data, the namespace of its Services, and how long Linkerd has to accept it."""

    route: TrafficRoute
    namespace: pulumi.Input[str]
    ready_seconds: int = 120


class Route(pulumi.ComponentResource):
    """One HTTPRoute or GRPCRoute: changing a weight, a retry or a timeout changes this one object.

    It stands once Linkerd has accepted it and has found every backend. Linkerd does not say which generation of a route it
    has looked at: after a change the answer may, for a moment, still be the one to the route as it was.
    """

    def __init__(self, name: str, args: RouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        own, needed = declared_at_once(opts)
        super().__init__("mesh:traffic:Route", name, None, own)
        route_object(
            f"{name}-{args.route.kind.lower()}",
            args,
            pulumi.ResourceOptions(parent=self, depends_on=needed),
        )
        self.register_outputs({})


def route_object(name: str, args: RouteArgs, opts: pulumi.ResourceOptions) -> k8s.apiextensions.CustomResource:
    """The object itself, for whoever has many of them."""
    route, limit = args.route, f"{args.ready_seconds}s"
    return k8s.apiextensions.CustomResource(
        name,
        api_version="gateway.networking.k8s.io/v1",
        kind=route.kind,
        metadata={
            "name": route.name,
            "namespace": args.namespace,
            "annotations": {"pulumi.com/waitFor": _wait(route.service), **route.annotations},
        },
        spec={"parentRefs": [_service(route.service, route.port)], "rules": [_rule(route)]},
        opts=pulumi.ResourceOptions.merge(
            pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create=limit, update=limit)), opts
        ),
    )


def _wait(service: str) -> str:
    """Both conditions, as Linkerd writes them for this parent: those for a parent that the route had before do not count."""
    parent = f'{{.status.parents[?(@.controllerName=="{_CONTROLLER}" && @.parentRef.name=="{service}")]'
    return json.dumps(
        [
            f'jsonpath={parent}.conditions[?(@.type=="{condition}")].status}}=True'
            for condition in ("Accepted", "ResolvedRefs")
        ]
    )


def _rule(route: TrafficRoute) -> dict[str, Any]:
    # Without both, a rule would be empty, and what the API server then writes into it would be a difference.
    whole = not (route.path or route.method or route.backends)
    backends = route.backends or ({route.service: 1} if whole else {})
    rule: dict[str, Any] = {}
    if route.path or route.method:
        rule["matches"] = [_match(route)]
    if backends:
        rule["backendRefs"] = [
            {**_service(backend, route.port), "weight": weight} for backend, weight in backends.items()
        ]
    return rule


def _match(route: TrafficRoute) -> dict[str, Any]:
    if route.kind == "GRPCRoute":
        service, method = route.call
        return {"method": {"type": "Exact", "service": service, **({"method": method} if method else {})}}
    path = {"type": "PathPrefix", "value": route.path or "/"}
    return {"path": path, **({"method": route.method} if route.method else {})}


def _service(name: str, port: int) -> dict[str, Any]:
    return {"group": "", "kind": "Service", "name": name, "port": port}
