"""Services of a lab as data: what stands behind each, and what a stack file may say about requests to one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from domain import retries, timeouts
from domain.problem import Problem
from domain.retries import Retry
from domain.timeouts import Timeouts
from domain.workloads import Protocol

HTTP_PORT = 80  # what every Service of a lab listens on
# proxy.opaquePorts of Linkerd's chart: there Linkerd looks at no request, whatever is spoken.
OPAQUE_PORTS = frozenset({25, 587, 3306, 4444, 5432, 6379, 9300, 11211})


@dataclass(frozen=True, kw_only=True)
class Service:
    """`protocol` is what is spoken there; `targets` are the ports that workloads outside listen on, by workload."""

    name: str
    protocol: Protocol
    targets: Mapping[str, int]

    def unseen(self, port: int = HTTP_PORT) -> str | None:
        """Why Linkerd sees no requests there, in words; None where it does."""
        if port in OPAQUE_PORTS:
            return f"port {port} is one that Linkerd takes for plain TCP"
        for workload, target in self.targets.items():
            if target in OPAQUE_PORTS:
                return f"workload {workload} listens on port {target}, which Linkerd takes for plain TCP"
        return None


@dataclass(frozen=True, kw_only=True)
class ServiceTraffic:
    """What holds for every request to a Service that no route of its own says otherwise for."""

    name: str
    retry: Retry | None = None
    timeout: Timeouts | None = None

    @property
    def annotations(self) -> Mapping[str, str]:
        """What Linkerd reads on the Service."""
        return {
            **(self.retry.annotations if self.retry else {}),
            **(self.timeout.annotations if self.timeout else {}),
        }


def unknown(key: str, name: str, services: Collection[str], absent: Collection[str]) -> Problem:
    """The problem of a name that no Service has; `absent` are parts of Faces that the stack file does not ask for."""
    known = f"one of {', '.join(sorted(services))}"
    if name in absent:
        return Problem(
            key,
            f"{name!r} is no Service of this lab: it is not in faces.second",
            known,
            f"add {name} to faces.second, or take it out here before it leaves there",
        )
    return Problem(
        key,
        f"{name!r} is no Service of this lab",
        known,
        "correct the name, or add the workload or the Faces part that it stands for",
    )


def problems(
    entries: Sequence[ServiceTraffic],
    services: Mapping[str, Service],
    absent: Collection[str],
    grpc_routes: Collection[str],
) -> list[Problem]:
    """What is wrong with `services`; `grpc_routes` are the Services that have a GRPCRoute."""
    found: list[Problem] = []
    first: dict[str, int] = {}
    for index, entry in enumerate(entries):
        key = f"services[{index}]"
        if entry.name in first:
            found.append(
                Problem(
                    f"{key}.name",
                    f"{entry.name!r} is what services[{first[entry.name]}] is about too",
                    "one entry for one Service",
                    "make one of both",
                )
            )
        first.setdefault(entry.name, index)
        if not entry.annotations and entry.retry is None and entry.timeout is None:
            found.append(Problem(key, "it says nothing", "retry, timeout or both", "say what, or remove the entry"))
        found += handling(key, entry.retry, entry.timeout)
        service = services.get(entry.name)
        if service is None:
            found.append(unknown(f"{key}.name", entry.name, services.keys(), absent))
            continue
        found += fitting(key, service, entry.retry, entry.timeout)
        if entry.retry and entry.retry.grpc and service.protocol == "grpc" and entry.name not in grpc_routes:
            found.append(
                Problem(
                    f"{key}.retry.grpc",
                    f"{entry.name} has no route, and without one Linkerd does not look at the status of gRPC",
                    "a Service that has a route",
                    f"add a route with `service: {entry.name}`: it needs neither path nor backends",
                )
            )
    return found


def handling(key: str, retry: Retry | None, limits: Timeouts | None) -> list[Problem]:
    """What is wrong with `retry` and `timeout` below `key` by themselves, and with the two together."""
    found = retries.problems(f"{key}.retry", retry) if retry else []
    found += timeouts.problems(f"{key}.timeout", limits) if limits else []
    return found + retries.contradictions(f"{key}.retry", retry, limits, f"{key}.timeout")


def fitting(
    key: str, service: Service, retry: Retry | None, limits: Timeouts | None, port: int = HTTP_PORT
) -> list[Problem]:
    """What cannot be done at that Service: retries of what it does not speak, and anything at all where no requests are seen."""
    why = service.unseen(port)
    if why is not None:
        return [
            Problem(
                f"{key}.{name}",
                f"{why}, so it sees no request that it could {what}",
                "a port that is none of " + ", ".join(str(number) for number in sorted(OPAQUE_PORTS)),
                f"use another port, or remove {name}",
            )
            for name, given, what in (("retry", retry, "try again"), ("timeout", limits, "end"))
            if given is not None
        ]
    other = {"http": "grpc", "grpc": "http"}[service.protocol]
    if retry is None or getattr(retry, other) is None:
        return []
    return [
        Problem(
            f"{key}.retry.{other}",
            f"{service.name} speaks {service.protocol}",
            f"retry.{service.protocol}",
            f"write `{service.protocol}: {_EXAMPLES[service.protocol]}`, or say `protocol: {other}` at the workload behind it",
        )
    ]


_EXAMPLES: Mapping[Protocol, str] = {"http": "5xx", "grpc": "unavailable"}
