"""A route for one path takes the requests for that path, and no others."""

from collections.abc import Iterator
from functools import partial

from domain.routes import TrafficRoute
from lab.verify import asking
from lab.verify.context import Context
from lab.verify.place import Request
from lab.verify.row import Case, Group, Row, Seen
from lab.verify.rows import routes
from lab.verify.rows.shares import request

# Counts requests, where a backend's statuses count every try.
_COUNTER = "outbound_http_route_request_statuses_total"
_COUNT = 10
_ELSEWHERE = "/mesh-expansion-verify"


def _cases(context: Context) -> Iterator[Case]:
    for route in context.promises.routes:
        if route.path is None or route.path == "/" or route.kind == "GRPCRoute":
            continue
        yield Case(
            subject=f"route {route.name}",
            expected=f"requests for {route.path} take it, requests for other paths do not",
            look=partial(_look, context, route),
            workloads=routes.behind(context, route),
        )


async def _look(context: Context, route: TrafficRoute) -> Seen:
    place = await asking.meshed(context, route.service)
    through = await asking.counted(context, place, request(context, route, _COUNT))
    taken = _of(route, through)
    past = await asking.counted(
        context,
        place,
        Request(url=context.promises.url(route.service, _ELSEWHERE), count=_COUNT, method=route.method or "GET"),
    )
    found = f"{place.name}: {taken} of {_COUNT} requests for {route.path} took it; {asking.statuses(through.answers)}"
    look = f"kubectl describe httproute -n {context.promises.namespace} {route.name}"
    if taken < _COUNT:
        return Seen(right=False, found=found, next=look)
    if wrong := _of(route, past):
        return Seen(
            right=False, found=f"{place.name}: {wrong} of {_COUNT} requests for {_ELSEWHERE} took it too", next=look
        )
    return Seen(right=True, found=f"{found}; none for {_ELSEWHERE} did")


def _of(route: TrafficRoute, asked: asking.Asked) -> int:
    counted = asked.counted.by(_COUNTER, "route_name", lambda labels: labels.get("parent_name") == route.service)
    return counted[route.name]


ROW = Row(
    id="traffic.paths",
    title="routes take the paths that they are for",
    group=Group.TRAFFIC,
    results=("R15",),
    needs="somebody on the mesh with a real proxy",
    unasked="no route with a path",
    cases=_cases,
)
