"""Routes stand in the cluster as configured: what somebody has changed by hand is found here."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from domain.routes import TrafficRoute
from lab.verify.cluster import Object
from lab.verify.context import Context
from lab.verify.row import Case, Group, Row, Seen

API = "/apis/gateway.networking.k8s.io/v1/namespaces"
_OURS = ("retry.linkerd.io/", "timeout.linkerd.io/")


def _cases(context: Context) -> Iterator[Case]:
    for route in context.promises.routes:
        yield Case(
            subject=f"route {route.name}",
            expected=said(route),
            look=partial(_look, context, route),
            workloads=behind(context, route),
        )
    for entry in context.promises.services:
        yield Case(
            subject=f"Service {entry.name}",
            expected=_listed(entry.annotations),
            look=partial(_look_at_service, context, entry.name, entry.annotations),
        )


def behind(context: Context, route: TrafficRoute) -> frozenset[str]:
    """The workloads outside that a route may lead to."""
    services = {route.service, *route.backends}
    return frozenset(workload.name for workload in context.promises.workloads if workload.service in services)


def said(route: TrafficRoute) -> str:
    """What is configured, in words."""
    requests = " ".join(filter(None, (route.method, route.path))) or "all requests"
    shares = ", ".join(f"{share:.0%} {name}" for name, share in route.shares().items())
    extra = f"; {_listed(route.annotations)}" if route.annotations else ""
    return f"{requests} to {route.service}: {shares}{extra}"


async def find(context: Context, route: TrafficRoute) -> Object | None:
    """The route's object."""
    namespace = context.promises.namespace
    return await context.cluster.named(f"{API}/{namespace}/{route.kind.lower()}s", route.name)


async def _look(context: Context, route: TrafficRoute) -> Seen:
    found = await find(context, route)
    if found is None:
        return Seen(right=False, found=f"there is no {route.kind} {route.name}", next=context.up)
    if wrong := difference(found, route):
        return Seen(right=False, found=wrong, next=f"{context.up}, which puts back what {context.file} says")
    return Seen(right=True, found=f"{route.kind} {route.name} says so")


async def _look_at_service(context: Context, name: str, expected: Mapping[str, str]) -> Seen:
    found = await context.cluster.get(f"/api/v1/namespaces/{context.promises.namespace}/services/{name}")
    if found is None:
        return Seen(right=False, found=f"there is no Service {name}", next=context.up)
    if wrong := _annotations(found, expected):
        return Seen(right=False, found=wrong, next=f"{context.up}, which puts back what {context.file} says")
    return Seen(right=True, found=f"Service {name} says so")


def difference(found: Object, route: TrafficRoute) -> str:
    """What the object says otherwise, in words; empty when nothing."""
    spec = found.get("spec", {})
    parents = [entry.get("name") for entry in spec.get("parentRefs") or []]
    if parents != [route.service]:
        return f"it is about requests to {', '.join(map(str, parents)) or 'nothing'}"
    rules = spec.get("rules") or []
    if len(rules) != 1:
        return f"it has {len(rules)} rules, not one"
    weights = {entry["name"]: entry.get("weight", 1) for entry in rules[0].get("backendRefs") or []}
    if weights != dict(route.backends):
        shown = ", ".join(f"{name} {weight}" for name, weight in weights.items()) or "none"
        wanted = ", ".join(f"{name} {weight}" for name, weight in route.backends.items()) or "none"
        return f"its weights are {shown}; configured are {wanted}"
    matches = rules[0].get("matches") or [{}]
    if wrong := _matches(matches, route):
        return wrong
    return _annotations(found, route.annotations)


def _matches(matches: list[dict[str, Any]], route: TrafficRoute) -> str:
    if len(matches) != 1:
        return f"it has {len(matches)} matches, not one"
    match = matches[0]
    if route.kind == "GRPCRoute":
        method = match.get("method") or {}
        service, call = route.call if route.path else (None, None)
        seen = (method.get("service"), method.get("method"))
        return "" if seen == (service, call) else f"it is about calls of {'/'.join(filter(None, seen)) or 'everything'}"
    path = (match.get("path") or {}).get("value", "/")
    if path != (route.path or "/"):
        return f"it is about the path {path}"
    method = match.get("method")
    return "" if method == route.method else f"it is about the method {method or 'any'}"


def _annotations(found: Object, expected: Mapping[str, str]) -> str:
    there = {
        name: value for name, value in (found["metadata"].get("annotations") or {}).items() if name.startswith(_OURS)
    }
    return "" if there == dict(expected) else f"its annotations are {_listed(there)}"


def _listed(annotations: Mapping[str, str]) -> str:
    """`retry.linkerd.io/http=5xx` as `retry http 5xx`."""
    words = [f"{name.split('.')[0]} {name.partition('/')[2]} {value}" for name, value in sorted(annotations.items())]
    return ", ".join(words) or "none"


ROW = Row(
    id="traffic.routes",
    title="routes are as configured",
    group=Group.TRAFFIC,
    results=("R13", "R14", "R15"),
    needs="the cluster's API",
    unasked="neither routes nor services",
    cases=_cases,
)
