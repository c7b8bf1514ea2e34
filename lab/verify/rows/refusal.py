"""One caller, one Service: let in, or refused? Asked until it is settled, as proxies hear of a policy a moment later."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from domain.access import Caller
from domain.workloads import Address, Workload
from lab.verify import asking
from lab.verify.context import Context
from lab.verify.place import NotProvable, Place, Request
from lab.verify.row import Seen
from lab.verify.rows.shares import STATUSES

# A proxy serves the first request to a port before it has heard of the policy there.
_COUNT = 3
_SETTLED_SECONDS = 10.0
_PAUSE_SECONDS = 0.5
_LEAST = 3  # requests that must have reached the Service's own backend
_REFUSED = {"403", "PERMISSION_DENIED"}
_NOBODY = {"", "503", "504", "UNAVAILABLE", "DEADLINE_EXCEEDED"}


@dataclass(frozen=True, kw_only=True)
class Direct:
    """Somebody without a proxy asks a workload at its address."""

    place: Callable[[], Awaitable[Place]]
    workload: Workload


@dataclass(frozen=True, kw_only=True)
class Through:
    """Somebody on the mesh asks a Service by its name."""

    place: Callable[[], Awaitable[Place]]
    caller: Caller
    service: str


async def direct(context: Context, asked: Direct) -> Seen:
    """What the workload's proxy answers. NotProvable where that one only stands in."""
    workload, place = asked.workload, await asked.place()
    await asking.real_at(context, workload.name)
    address = workload.addresses[0]
    host = f"[{address}]" if address.version == 6 else str(address)
    caller = Caller.unmeshed(_own_address(address) if place is await context.places.host() else None)
    _settle(context, caller, workload.service)
    request = Request(url=f"http://{host}:{workload.port}/", count=_COUNT)

    async def ask() -> Mapping[str, int]:
        answers = await place.ask(request)
        return Counter("" if answer.status is None else str(answer.status) for answer in answers[-1:])

    return await _judged(context, place, ask, lets=context.promises.lets(caller, workload.service))


async def through(context: Context, asked: Through) -> Seen:
    """What became of the requests that reached the Service itself: a route may send some of them elsewhere."""
    promises, service = context.promises, asked.service
    place = await asked.place()
    await _real_behind(context, service)
    _settle(context, asked.caller, service)
    calls = next((route for route in promises.routes if route.service == service and route.kind == "GRPCRoute"), None)
    kind, label = ("GRPCRoute", "grpc_status") if calls else ("HTTPRoute", "http_status")
    path = (calls.path if calls else _path(context, service)) or "/"
    request = Request(url=promises.url(service, path), count=_requests(context, service, path), grpc=calls is not None)

    async def ask() -> Mapping[str, int]:
        done = await asking.counted(context, place, request)
        return done.counted.by(
            STATUSES[kind],
            label,
            lambda labels: labels.get("parent_name") == service and labels.get("backend_name") == service,
        )

    return await _judged(context, place, ask, lets=promises.lets(asked.caller, service))


async def _judged(
    context: Context, place: Place, ask: Callable[[], Awaitable[Mapping[str, int]]], *, lets: bool
) -> Seen:
    begun = time.monotonic()
    while True:
        got = await ask()
        if _fits(got, lets=lets) or time.monotonic() - begun > _SETTLED_SECONDS:
            break
        await asyncio.sleep(_PAUSE_SECONDS)
    shown = ", ".join(f"{count} x {status or 'no answer'}" for status, count in sorted(got.items()))
    if _fits(got, lets=lets):
        return Seen(right=True, found=f"{'let in' if lets else 'refused'}: {shown}")
    look = (
        f"make verify STACK={context.stack} ROW=access.policy; then kubectl get servers -n {context.promises.namespace}"
    )
    if not got:
        return Seen(right=False, found=f"{place.name}: no request reached the Service's own backend", next=look)
    if {*got} & _REFUSED:
        return Seen(right=False, found=f"refused: {shown}", next=look)
    if {*got} <= _NOBODY:
        return Seen(right=False, found=f"nobody answers: {shown}", next=look)
    return Seen(right=False, found=f"let in: {shown}", next=look)


def _fits(got: Mapping[str, int], *, lets: bool) -> bool:
    if not got:
        return False
    return not {*got} & _REFUSED and not {*got} <= _NOBODY if lets else {*got} <= _REFUSED


def _path(context: Context, service: str) -> str | None:
    """Where a Service has routes by path only, nothing answers elsewhere: that of the route that leads to itself most."""
    routes = [route for route in context.promises.routes if route.service == service and route.kind == "HTTPRoute"]
    if not routes or any(route.path in (None, "/") for route in routes):
        return None
    return max(routes, key=lambda route: route.shares().get(service, 0.0)).path


def _requests(context: Context, service: str, path: str) -> int:
    """So many that some reach the Service itself. NotProvable where a route keeps all of them away."""
    shares = [
        route.shares().get(service, 0.0)
        for route in context.promises.routes
        if route.service == service and (route.kind == "GRPCRoute" or (route.path or "/") == path)
    ]
    least = min(shares, default=1.0)
    if least <= 0:
        raise NotProvable(f"the route of {service} sends nobody to {service} itself")
    return max(_COUNT, min(round(_LEAST / least * 4), 100)) if least < 1 else _COUNT


def _settle(context: Context, caller: Caller, service: str) -> None:
    """NotProvable where rules go by an address that nobody knows here."""
    access = context.promises.access
    by_address = [rule for rule in access.rules if service in rule.to and any(net.prefixlen for net in rule.networks)]
    if by_address and caller.address is None and not access.allows(caller, service):
        raise NotProvable(f"rule {by_address[0].name} goes by addresses, and pods' own may be another one outside")


async def _real_behind(context: Context, service: str) -> None:
    """NotProvable where what judges is a stand-in, or no pod runs that could be asked."""
    promises = context.promises
    outside = [workload for workload in promises.workloads if workload.service == service]
    if not outside and (why := await context.cluster.no_pods()):
        raise NotProvable(why)
    for workload in outside:
        if workload.name in promises.provisioned:
            await asking.real_at(context, workload.name)


def _own_address(target: Address) -> Address | None:
    """The address that this machine has on the way there; nothing is sent."""
    family = socket.AF_INET6 if target.version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(target), 9))
        except OSError:
            return None
        return ip_address(probe.getsockname()[0])
