"""GRPCRoutes of an application: one a method, so that each has metrics, and may have retries and timeouts, of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.traffic.route import RouteArgs, route_object
from domain.routes import TrafficRoute


@dataclass(frozen=True, kw_only=True)
class GrpcRoutesArgs:
    """The routes as data, and the namespace of their Services, which takes them with it when it leaves."""

    routes: Sequence[TrafficRoute]
    namespace: pulumi.Input[str]
    leaves_with: pulumi.Resource


class GrpcRoutes(pulumi.ComponentResource):
    """One component for all: a hundred more would be as many again for the engine to keep."""

    def __init__(self, name: str, args: GrpcRoutesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:traffic:GrpcRoutes", name, None, opts)
        for route in args.routes:
            route_object(
                f"{name}-{route.name}",
                RouteArgs(route=route, namespace=args.namespace),
                pulumi.ResourceOptions(parent=self, deleted_with=args.leaves_with),
            )
        self.register_outputs({})
