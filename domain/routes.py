"""Routes as data: which requests to a Service each is about, where they go, and what may be written."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from domain import retries, services
from domain.problem import Problem, place
from domain.retries import Retry
from domain.services import HTTP_PORT, Service, ServiceTraffic
from domain.timeouts import Timeouts
from domain.workloads import Protocol, is_label

HIGHEST_WEIGHT = 1_000_000  # Gateway API's own limit, as the next
LONGEST_PATH = 1024

_PATH = re.compile(r"/(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*")
_ODD_PATH = re.compile(r"//|/\.{1,2}(?:/|$)|%2[Ff]")
_GRPC_NAME = r"[A-Za-z_][A-Za-z_0-9]*"
_CALL = re.compile(rf"/({_GRPC_NAME}(?:\.{_GRPC_NAME})*)(?:/({_GRPC_NAME}))?")


@dataclass(frozen=True, kw_only=True)
class TrafficRoute:
    """Requests to `service` go to `backends`, a Service name each with its weight, or without any to `service` itself.

    `path` and `method` say which requests; without them all. Where gRPC is spoken a path is a call, `/package.Service/Method`
    or `/package.Service`, and there is no method beside it.
    """

    name: str
    service: str
    port: int = HTTP_PORT
    protocol: Protocol = "http"
    path: str | None = None
    method: str | None = None
    backends: Mapping[str, int] = field(default_factory=dict)
    retry: Retry | None = None
    timeout: Timeouts | None = None

    @property
    def kind(self) -> Literal["HTTPRoute", "GRPCRoute"]:
        """What it is in the Gateway API: only a GRPCRoute sees what becomes of a call."""
        return "GRPCRoute" if self.protocol == "grpc" else "HTTPRoute"

    @property
    def call(self) -> tuple[str, str | None]:
        """Service and method of gRPC that `path` is; ValueError when it is none."""
        found = _CALL.fullmatch(self.path or "")
        if found is None:
            raise ValueError(f"{self.path!r} is no call")
        return found[1], found[2]

    @property
    def annotations(self) -> Mapping[str, str]:
        """What Linkerd reads on the route."""
        return {
            **(self.retry.annotations if self.retry else {}),
            **(self.timeout.annotations if self.timeout else {}),
        }

    def shares(self) -> dict[str, float]:
        """The part of the requests, 0 to 1, that each backend is to get."""
        backends = self.backends or {self.service: 1}
        total = sum(backends.values())
        return {name: weight / total for name, weight in backends.items()}


def problems(
    routes: Sequence[TrafficRoute],
    known: Mapping[str, Service],
    absent: Collection[str],
    entries: Sequence[ServiceTraffic],
) -> list[Problem]:
    """What is wrong with `routes`.

    `known` are the lab's Services, `absent` parts of Faces that the stack file does not ask for, `entries` what it says of
    Services beside their routes.
    """
    found: list[Problem] = []
    names: dict[str, int] = {}
    matches: dict[tuple[str, int, str, str | None], int] = {}
    for index, route in enumerate(routes):
        key = f"routes[{index}]"
        if not is_label(route.name) or route.name in names:
            found.append(
                Problem(
                    f"{key}.name",
                    f"{route.name!r}{' is there twice' if route.name in names else ''}",
                    "a DNS label that no other route has",
                    "rename the route",
                )
            )
        names.setdefault(route.name, index)
        # A slash at the end makes no difference to Linkerd.
        match = (route.service, route.port, (route.path or "/").rstrip("/"), route.method)
        if match in matches:
            found.append(
                Problem(
                    f"{key}.{'path' if route.path else 'service'}",
                    f"it is about the same requests to {route.service} as routes[{matches[match]}]",
                    "a path or a method that no other route of the Service has",
                    "make one route of both, or give it a path of its own",
                )
            )
        matches.setdefault(match, index)
        found += _route(key, route, known, absent)
        found += _with_service(key, route, entries)
    return found


def _route(key: str, route: TrafficRoute, known: Mapping[str, Service], absent: Collection[str]) -> list[Problem]:
    found = [*_match(key, route), *_weights(key, route), *services.handling(key, route.retry, route.timeout)]
    for name in sorted({route.service, *route.backends} - known.keys()):
        where = "service" if name == route.service else place("backends", name)
        found.append(services.unknown(f"{key}.{where}", name, known.keys(), absent))
    service = known.get(route.service)
    if service is None:
        return found
    found += services.fitting(key, service, route.retry, route.timeout, route.port)
    if (why := service.unseen(route.port)) and not (route.retry or route.timeout):
        found.append(Problem(f"{key}.port", f"{why}, so no route is looked at", "80", "leave port out"))
    elif route.port != HTTP_PORT and not why:
        found.append(
            Problem(f"{key}.port", f"{route.port}, where {route.service} does not listen", "80", "leave port out")
        )
    for name in route.backends:
        backend = known.get(name)
        if backend and backend.protocol != service.protocol:
            found.append(
                Problem(
                    f"{key}.{place('backends', name)}",
                    f"{name} speaks {backend.protocol}, while {route.service} is asked by {service.protocol}",
                    f"a Service that speaks {service.protocol}",
                    f"take it out, or say `protocol: {service.protocol}` at the workload behind it",
                )
            )
    return found


def _match(key: str, route: TrafficRoute) -> list[Problem]:
    path = route.path
    if path is not None and not path.startswith("/"):
        return [Problem(f"{key}.path", repr(path), "a path that begins with a slash", f"write {f'/{path}'!r}")]
    if route.kind == "GRPCRoute":
        return _call(key, route)
    if path is None or (_PATH.fullmatch(path) and not _ODD_PATH.search(path) and len(path) <= LONGEST_PATH):
        return []
    return [
        Problem(
            f"{key}.path",
            repr(path),
            f"the beginning of a path, {LONGEST_PATH} characters at most: letters, digits, - . _ ~ ! $ & ' ( ) * + , ; = : @ %XX and "
            "single slashes, without . or .. between two",
            "for example /edge",
        )
    ]


def _call(key: str, route: TrafficRoute) -> list[Problem]:
    found = []
    if route.method is not None:
        found.append(
            Problem(
                f"{key}.method",
                f"{route.method}, while {route.service} speaks gRPC, where every call is a POST",
                "no method",
                "remove it; a method of gRPC is the last part of the path",
            )
        )
    if route.path is not None and (not _CALL.fullmatch(route.path) or len(route.path) > LONGEST_PATH):
        found.append(
            Problem(
                f"{key}.path",
                f"{route.path!r}, while {route.service} speaks gRPC",
                "a call: /package.Service/Method, or /package.Service for all its methods",
                "for example /ColorService/Edge; without a path the route is about every call",
            )
        )
    return found


def _weights(key: str, route: TrafficRoute) -> list[Problem]:
    found = [
        Problem(
            f"{key}.{place('backends', name)}",
            f"a weight of {weight}",
            f"a whole number from 0 to {HIGHEST_WEIGHT}",
            "weights are relative: 80 and 20 send one request in five to the second",
        )
        for name, weight in route.backends.items()
        if not 0 <= weight <= HIGHEST_WEIGHT
    ]
    if route.backends and not any(weight > 0 for weight in route.backends.values()):
        found.append(
            Problem(
                f"{key}.backends",
                "no backend has a weight above 0, so every request would fail",
                "at least one weight above 0",
                "give one backend a weight, or remove the route",
            )
        )
    return found


def _with_service(key: str, route: TrafficRoute, entries: Sequence[ServiceTraffic]) -> list[Problem]:
    """Linkerd takes from the Service what the route does not say: all of its retry, all of its timeout."""
    found: list[Problem] = []
    for index, entry in enumerate(entries):
        if entry.name != route.service:
            continue
        if route.timeout is None:
            found += retries.contradictions(f"{key}.retry", route.retry, entry.timeout, f"services[{index}].timeout")
        if route.retry is None:
            found += retries.contradictions(f"services[{index}].retry", entry.retry, route.timeout, f"{key}.timeout")
    return found
