"""What fails is asked for again, and few requests run out of tries."""

from collections.abc import Iterator, Mapping
from functools import partial

from domain.routes import TrafficRoute
from lab.verify import asking
from lab.verify.context import Context
from lab.verify.metrics import Metrics
from lab.verify.place import Answer, NotProvable, Place
from lab.verify.row import Case, Group, Row, Seen
from lab.verify.rows import routes
from lab.verify.rows.shares import request

_TIMED_OUT = 504
_AT_ONCE = 20
_KINDS = {"HTTPRoute": "http", "GRPCRoute": "grpc"}


def _cases(context: Context) -> Iterator[Case]:
    for route in context.promises.routes:
        if route.retry is None:
            continue
        yield Case(
            subject=f"route {route.name}",
            expected="failed requests are retried, none because of an overflow given up",
            look=partial(_look, context, route),
            workloads=routes.behind(context, route),
        )


async def _look(context: Context, route: TrafficRoute) -> Seen:
    place = await asking.meshed(context, route.service)
    asked = await _until_retried(context, place, route)
    requests, successes, exceeded, overflow = (
        _total(asked.counted, route, name)
        for name in ("requests_total", "successes_total", "limit_exceeded_total", "overflow_total")
    )
    found = (
        f"{place.name}: {requests} tries again, {successes} with success, {exceeded} requests at the limit, {overflow} "
        f"overflows; {asking.statuses(asked.answers)}"
    )
    look = f"kubectl describe {route.kind.lower()} -n {context.promises.namespace} {route.name}"
    # Whoever is cut off by the time limit of the whole request is not asked again.
    failed = sum(
        1 for answer in asked.answers if answer.status and answer.status >= 500 and answer.status != _TIMED_OUT
    )
    if overflow:
        return Seen(right=False, found=found, next=look)
    if not requests and failed:
        return Seen(right=False, found=found, next=look)
    if not requests:
        raise NotProvable(
            f"{place.name}: none of {len(asked.answers)} requests failed, so none was retried; "
            "faces.error-fraction makes some fail"
        )
    return Seen(right=True, found=found)


async def _until_retried(context: Context, place: Place, route: TrafficRoute) -> asking.Asked:
    """Ask until something was retried with success, at most as often as shares are counted from."""
    answers: list[Answer] = []
    async with context.places.alone(place):
        before = await asking.proxy_of(place)
        counted = before.since(before)
        while len(answers) < context.requests and not _total(counted, route, "successes_total"):
            left = context.requests - len(answers)
            answers += await place.ask(request(context, route, min(_AT_ONCE, left)))
            counted = (await asking.proxy_of(place)).since(before)
    return asking.Asked(answers=answers, counted=counted)


def _total(counted: Metrics, route: TrafficRoute, name: str) -> int:
    def of_route(labels: Mapping[str, str]) -> bool:
        return labels.get("route_name") == route.name and labels.get("parent_name") == route.service

    return round(counted.total(f"outbound_{_KINDS[route.kind]}_route_retry_{name}", of_route))


ROW = Row(
    id="traffic.retries",
    title="what fails is retried",
    group=Group.TRAFFIC,
    results=("R27", "R28"),
    needs="somebody on the mesh with a real proxy, requests that fail",
    unasked="no route with retry",
    cases=_cases,
)
