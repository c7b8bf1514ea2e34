"""A canary: an HTTPRoute that shares requests to one Service out to several, by weight."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from domain.routes import WeightedRoute


@dataclass(frozen=True, kw_only=True)
class RouteArgs:
    """The route as data, and the namespace of its Services."""

    route: WeightedRoute
    namespace: pulumi.Input[str]


class Route(pulumi.ComponentResource):
    """Changing a weight changes this one object."""

    def __init__(self, name: str, args: RouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:traffic:Route", name, None, opts)
        route = args.route
        k8s.apiextensions.CustomResource(
            f"{name}-httproute",
            api_version="gateway.networking.k8s.io/v1",
            kind="HTTPRoute",
            metadata={"name": route.name, "namespace": args.namespace},
            spec={
                "parentRefs": [{"group": "", "kind": "Service", "name": route.service, "port": route.port}],
                "rules": [
                    {
                        "backendRefs": [
                            {"group": "", "kind": "Service", "name": backend, "port": route.port, "weight": weight}
                            for backend, weight in route.backends.items()
                        ]
                    }
                ],
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
