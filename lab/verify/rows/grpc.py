"""Calls by gRPC are counted for the route of each method, with the status that they ended with."""

from collections.abc import Iterator
from functools import partial

from domain.routes import TrafficRoute
from lab.verify import asking
from lab.verify.context import Context
from lab.verify.place import NotProvable, Request
from lab.verify.row import Case, Group, Row, Seen
from lab.verify.rows import routes
from lab.verify.rows.shares import STATUSES

_COUNT = 5
# What emojivoto makes of the vote for a doughnut: it fails on purpose.
_PLANTED = "VoteDoughnut"
_ANY = "/mesh.expansion.Verify/Ask"  # a call of nobody's, for a route of all calls
_NOBODY = {"", "UNAVAILABLE", "DEADLINE_EXCEEDED"}


def _cases(context: Context) -> Iterator[Case]:
    promises = context.promises
    for route in promises.routes:
        if route.kind == "GRPCRoute":
            yield Case(
                subject=f"route {route.name}",
                expected="calls counted for it, and answered",
                look=partial(_look, context, route, promises.namespace, None),
                workloads=routes.behind(context, route),
            )
    by_method = {route.call[1]: route for route in promises.grpc_routes}
    for method, expected in ((_PLANTED, "UNKNOWN"), ("VoteJoy", "OK"), ("ListAll", "OK")):
        if method in by_method:
            route = by_method[method]
            yield Case(
                subject=f"route {route.name}",
                expected=f'counted, with grpc_status="{expected}"',
                look=partial(_look, context, route, promises.emojivoto_namespace, expected),
            )


async def _look(context: Context, route: TrafficRoute, namespace: str, expected: str | None) -> Seen:
    """With `expected` every call has to end so; without, each way to end is one that somebody answered with."""
    # No policy of the lab speaks of emojivoto, so whoever is on the mesh may ask it.
    place = await asking.meshed(context, route.service if namespace == context.promises.namespace else "")
    url = f"http://{route.service}.{namespace}.svc.cluster.local:{route.port}{route.path or _ANY}"
    asked = await asking.counted(context, place, Request(url=url, count=_COUNT, grpc=True))
    got = asked.counted.by(
        STATUSES["GRPCRoute"],
        "grpc_status",
        lambda labels: labels.get("route_name") == route.name and labels.get("parent_name") == route.service,
    )
    shown = ", ".join(f"{count} x {status or 'no status'}" for status, count in sorted(got.items()))
    found = f"{place.name}: {shown or 'nothing'} counted for {_COUNT} calls"
    well = {*got} == {expected} if expected else bool({*got} - _NOBODY)
    if well:
        return Seen(right=True, found=found)
    if {*got} and {*got} <= _NOBODY and expected and (why := await context.cluster.no_pods()):
        raise NotProvable(f"{found}, but nobody answers: {why}")
    return Seen(right=False, found=found, next=f"kubectl describe grpcroute -n {namespace} {route.name}")


ROW = Row(
    id="traffic.grpc",
    title="calls by gRPC are counted by method",
    group=Group.TRAFFIC,
    results=("R31", "R32", "R33", "R34"),
    needs="somebody on the mesh with a real proxy, somebody who answers",
    unasked="no route where gRPC is spoken, and no emojivoto with routes",
    cases=_cases,
)
