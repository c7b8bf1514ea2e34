"""Whoever is slower than the time limit is answered for with 504."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from domain import durations
from domain.routes import TrafficRoute
from lab.verify import asking
from lab.verify.context import Context
from lab.verify.place import Answer, NotProvable, Request
from lab.verify.row import Case, Group, Row, Seen
from lab.verify.rows import routes
from lab.verify.rows.shares import request

_TIMED_OUT = 504
_AT_ONCE = 20
# Beyond the limit: a busy machine, the way there and back, a connection that has to be made first.
_SLACK_SECONDS = 1.5


def _cases(context: Context) -> Iterator[Case]:
    promises = context.promises
    for route in promises.routes:
        limits = promises.timeouts(route)
        if limits is None or limits.request is None or route.kind == "GRPCRoute":
            continue
        yield Case(
            subject=f"route {route.name}",
            expected=_expected(limits.request),
            look=partial(_look, context, route.service, request(context, route, context.requests), limits.request),
            workloads=routes.behind(context, route),
        )
    for entry in promises.services:
        if entry.timeout is None or entry.timeout.request is None or promises.protocol(entry.name) == "grpc":
            continue
        if any(route.service == entry.name and _takes_all(route) for route in promises.routes):
            continue
        asked = Request(url=promises.url(entry.name), count=context.requests)
        names = frozenset(workload.name for workload in promises.workloads if workload.service == entry.name)
        yield Case(
            subject=f"Service {entry.name}",
            expected=_expected(entry.timeout.request),
            look=partial(_look, context, entry.name, asked, entry.timeout.request),
            workloads=names,
        )


def _takes_all(route: TrafficRoute) -> bool:
    return route.path in (None, "/")


def _expected(limit: str) -> str:
    return f"{_TIMED_OUT} after {limit}, and nothing later"


async def _look(context: Context, service: str, asked: Request, limit: str) -> Seen:
    place = await asking.meshed(context, service)
    answers: list[Answer] = []
    async with context.places.alone(place):
        # Until somebody was cut off, or so many were not that nobody will be.
        while len(answers) < asked.count and not any(answer.status == _TIMED_OUT for answer in answers):
            answers += await place.ask(replace(asked, count=min(_AT_ONCE, asked.count - len(answers))))
    seconds = durations.milliseconds(limit) / 1000
    slowest = max((answer.seconds for answer in answers), default=0.0)
    ended = sum(1 for answer in answers if answer.status == _TIMED_OUT)
    found = f"{place.name}: {asking.statuses(answers)}; the slowest took {slowest * 1000:.0f} ms"
    if slowest > seconds + _SLACK_SECONDS:
        return Seen(right=False, found=f"{found}, while {limit} is the limit", next=context.up)
    if not ended:
        raise NotProvable(f"{found}: nobody was slower than {limit}, so nobody was cut off")
    return Seen(right=True, found=found)


ROW = Row(
    id="traffic.timeouts",
    title="slow answers are cut off",
    group=Group.TRAFFIC,
    results=("R29", "R30"),
    needs="somebody on the mesh with a real proxy, answers that are slow",
    unasked="no timeout.request on routes or services",
    cases=_cases,
)
