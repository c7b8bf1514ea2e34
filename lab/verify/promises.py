"""What a stack file promises, as far as a running lab can be held to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from domain import emojivoto as demo
from domain.access import DEFAULT_ACCOUNT, Access, Caller
from domain.routes import TrafficRoute
from domain.services import ServiceTraffic
from domain.timeouts import Timeouts
from domain.workloads import Workload
from settings import Settings
from settings.access import access
from settings.asked import faces_plan, workload_list
from settings.edge_checks import provisioned
from settings.traffic_checks import known_services, route_list, service_list

NAMESPACE = "faces"


@dataclass(frozen=True, kw_only=True)
class Promises:
    """`workloads` are those outside that are to be in the mesh, `provisioned` the names of those that this lab brings up.

    `chart_services` are Services of Faces' chart, `on_edge` its parts that run outside instead. `fails` is the percentage of
    requests that Faces fails on purpose. `grpc_routes` are emojivoto's. `dns_port` is None where the lab puts no DNS in front of the cluster's.
    """

    workloads: Sequence[Workload]
    provisioned: frozenset[str]
    chart_services: frozenset[str]
    on_edge: Sequence[str]
    routes: Sequence[TrafficRoute]
    services: Sequence[ServiceTraffic]
    access: Access
    dns_port: int | None
    fails: int = 0
    default_inbound: str | None = None
    grpc_routes: Sequence[TrafficRoute] = ()
    emissary: bool = False
    namespace: str = NAMESPACE
    emojivoto_namespace: str = demo.NAMESPACE
    protocols: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def services_outside(self) -> list[str]:
        """Services with a workload outside behind them."""
        return sorted({workload.service for workload in self.workloads})

    @cached_property
    def pods_behind(self) -> frozenset[str]:
        """Services that have pods behind them."""
        return self.chart_services - {*self.on_edge}

    @property
    def judged(self) -> bool:
        """Whether there are policies at all."""
        return bool(self.access.targets)

    @property
    def accounts(self) -> list[str]:
        """Service accounts of Faces' namespace that something runs as."""
        return [DEFAULT_ACCOUNT, *self.access.accounts]

    def url(self, service: str, path: str = "/") -> str:
        """Where a Service of Faces' namespace is asked by its name."""
        return f"http://{service}.{self.namespace}.svc.cluster.local{path}"

    def protocol(self, service: str) -> str:
        """What a Service is asked in: `http` or `grpc`."""
        return self.protocols.get(service, "http")

    def lets(self, caller: Caller, service: str) -> bool:
        """Whether a caller gets through to a Service, in the lab's mode."""
        return self.access.answers(caller, service)

    def timeouts(self, route: TrafficRoute) -> Timeouts | None:
        """Those that hold for a route's requests: its own, or its Service's where it says nothing."""
        own = next((entry.timeout for entry in self.services if entry.name == route.service), None)
        return route.timeout or own


def promises(settings: Settings) -> Promises:
    """Out of settings that fit."""
    workloads = workload_list(settings)
    gone = {workload.name for workload in settings.workloads if workload.device and workload.device.gone}
    plan = faces_plan(settings)
    brought = frozenset(workload.name for workload in provisioned(settings)) - gone
    return Promises(
        workloads=[workload for workload in workloads if workload.name not in gone],
        provisioned=brought,
        chart_services=frozenset(plan.chart_services),
        on_edge=plan.on_edge,
        routes=route_list(settings),
        services=service_list(settings),
        access=access(settings),
        dns_port=settings.edge.dns_port if brought else None,
        fails=plan.error_fraction,
        default_inbound=settings.policy.default_inbound,
        grpc_routes=demo.routes() if settings.emojivoto and settings.emojivoto.routes else (),
        emissary=settings.emissary is not None,
        protocols={name: service.protocol for name, service in known_services(settings).items()},
    )
