"""Requests are shared out as the weights say, within what chance allows."""

from collections.abc import Iterator, Mapping
from functools import partial

from domain.routes import TrafficRoute
from lab.verify import asking, tolerance
from lab.verify.context import Context
from lab.verify.place import Request
from lab.verify.row import Case, Group, Row, Seen
from lab.verify.rows import routes

STATUSES = {
    "HTTPRoute": "outbound_http_route_backend_response_statuses_total",
    "GRPCRoute": "outbound_grpc_route_backend_response_statuses_total",
}


def _cases(context: Context) -> Iterator[Case]:
    for route in context.promises.routes:
        if not route.backends:
            continue
        yield Case(
            subject=f"route {route.name}",
            expected=", ".join(_bounds(name, share, context.requests) for name, share in route.shares().items())
            + f" of {context.requests} (binomial, {tolerance.CONFIDENCE:.2%})",
            look=partial(_look, context, route),
            workloads=routes.behind(context, route),
        )


def request(context: Context, route: TrafficRoute, count: int) -> Request:
    """Requests that the route is about; Faces redirects a path to the one with a slash at its end."""
    path = route.path or "/" if route.kind == "GRPCRoute" else f"{(route.path or '').rstrip('/')}/"
    return Request(
        url=context.promises.url(route.service, path),
        count=count,
        method=route.method or "GET",
        grpc=route.kind == "GRPCRoute",
    )


async def _look(context: Context, route: TrafficRoute) -> Seen:
    place = await asking.meshed(context, route.service)
    asked = await asking.counted(context, place, request(context, route, context.requests))
    got = asked.counted.by(
        STATUSES[route.kind],
        "backend_name",
        lambda labels: labels.get("route_name") == route.name and labels.get("parent_name") == route.service,
    )
    answered = asking.statuses(asked.answers)
    total = sum(got.values())
    if total < context.requests / 2:
        found = f"{place.name}: its proxy counted {total} of {context.requests} requests for this route ({answered})"
        look = f"kubectl describe {route.kind.lower()} -n {context.promises.namespace} {route.name}"
        return Seen(right=False, found=found, next=look)
    shares = route.shares()
    shown = ", ".join(f"{name} {got[name]}" for name in sorted({*shares, *got}))
    found = f"{place.name}: {shown} of {total}; {answered}"
    wrong = [*_outside_of(shares, got, total), *sorted({*got} - {*shares})]
    if wrong:
        return Seen(right=False, found=f"{found}: too far off for {', '.join(wrong)}", next=_next(context, route))
    return Seen(right=True, found=found)


def _outside_of(shares: Mapping[str, float], got: Mapping[str, int], total: int) -> Iterator[str]:
    for name, share in shares.items():
        low, high = tolerance.bounds(share, total)
        if not low <= got.get(name, 0) <= high:
            yield f"{name} ({low} to {high})"


def _bounds(name: str, share: float, requests: int) -> str:
    low, high = tolerance.bounds(share, requests)
    return f"{name} {share:.0%}: {low} to {high}" if low < high else f"{name} {share:.0%}: {low}"


def _next(context: Context, route: TrafficRoute) -> str:
    return f"make verify STACK={context.stack} ROW=traffic.routes; kubectl get httproute -A | grep {route.service}"


ROW = Row(
    id="traffic.shares",
    title="backends get their shares",
    group=Group.TRAFFIC,
    results=("R13", "R14"),
    needs="somebody on the mesh with a real proxy",
    unasked="no route with backends",
    cases=_cases,
)
