"""Checks of routes, retries and timeouts, in the words of the stack file."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from packaging.version import InvalidVersion

from domain import routes, services
from domain.faces import SECOND_BACKENDS
from domain.problem import Problem
from domain.retries import Retry
from domain.routes import TrafficRoute
from domain.services import Service, ServiceTraffic
from domain.timeouts import Timeouts
from settings.asked import faces_plan, protocol_of, workload_list
from settings.check import Check
from settings.model import Settings
from settings.traffic import RetrySettings, TimeoutSettings


def route_list(settings: Settings) -> list[TrafficRoute]:
    """The routes."""
    speaking = {name: service.protocol for name, service in known_services(settings).items()}
    return [
        TrafficRoute(
            name=route.name,
            service=route.service,
            port=route.port,
            protocol=speaking.get(route.service, "http"),
            path=route.path,
            method=route.method,
            backends=route.backends,
            retry=_retry(route.retry),
            timeout=_timeouts(route.timeout),
        )
        for route in settings.routes
    ]


def service_list(settings: Settings) -> list[ServiceTraffic]:
    """What holds for all requests to some Services."""
    return [
        ServiceTraffic(name=service.name, retry=_retry(service.retry), timeout=_timeouts(service.timeout))
        for service in settings.services
    ]


def known_services(settings: Settings) -> Mapping[str, Service]:
    """The Services that the lab makes for Faces and for workloads outside. InvalidVersion when Faces' version is none."""
    outside = workload_list(settings)
    found = {}
    for name in {*faces_plan(settings).chart_services, *(workload.service for workload in outside)}:
        behind = [workload for workload in outside if workload.service == name]
        spoken = {workload.protocol for workload in behind} or {protocol_of(name, settings.faces.chart_version)}
        found[name] = Service(
            name=name,
            protocol="grpc" if spoken == {"grpc"} else "http",
            targets={workload.name: workload.port for workload in behind},
        )
    return found


def _retry(given: RetrySettings | None) -> Retry | None:
    return Retry(http=given.http, grpc=given.grpc, limit=given.limit, timeout=given.timeout) if given else None


def _timeouts(given: TimeoutSettings | None) -> Timeouts | None:
    return Timeouts(request=given.request, response=given.response, idle=given.idle) if given else None


def _routes(settings: Settings, _project: Path) -> Iterable[Problem]:
    try:
        known = known_services(settings)
    except InvalidVersion:  # is reported where the version is checked
        return ()
    return routes.problems(route_list(settings), known, _absent(known), service_list(settings))


def _services(settings: Settings, _project: Path) -> Iterable[Problem]:
    try:
        known = known_services(settings)
    except InvalidVersion:
        return ()
    called = {route.service for route in route_list(settings) if route.kind == "GRPCRoute"}
    return services.problems(service_list(settings), known, _absent(known), called)


def _absent(known: Collection[str]) -> Collection[str]:
    return {*SECOND_BACKENDS} - {*known}


# Each with the keys of the top level that it reads.
CHECKS: tuple[Check, ...] = (
    (_routes, {"routes", "services", "faces", "workloads"}),
    (_services, {"services", "routes", "faces", "workloads"}),
)
