"""`mesh-expansion:index:Route`: which requests to a Service go where."""

from typing import NotRequired, TypedDict

import pulumi

from components.traffic import route as traffic
from domain.routes import TrafficRoute


class RouteArgs(TypedDict):
    """Requests to `service` go to `backends`, or without any to the Service itself."""

    namespace: pulumi.Input[str]
    """Namespace of the Services, and of the route."""
    service: str
    """Name of the Service whose requests these are."""
    port: NotRequired[int]
    """Its port; 80 if it is not said."""
    backends: NotRequired[dict[str, int]]
    """Names of Services, each with its weight."""
    path: NotRequired[str]
    """Only requests to paths below this one."""
    method: NotRequired[str]
    """Only requests with this method."""


class Route(pulumi.ComponentResource):
    """One HTTPRoute, named like this resource; it stands once Linkerd has accepted it. Changing a weight changes it alone."""

    def __init__(self, name: str, args: RouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh-expansion:index:Route", name, None, opts)
        route = TrafficRoute(
            name=name,
            service=args["service"],
            port=int(args.get("port") or 80),
            backends={service: int(weight) for service, weight in (args.get("backends") or {}).items()},
            path=args.get("path"),
            method=args.get("method"),
        )
        traffic.Route(
            name, traffic.RouteArgs(route=route, namespace=args["namespace"]), pulumi.ResourceOptions(parent=self)
        )
        self.register_outputs({})
