"""What the wire to a machine outside shows: nothing of the mesh's requests, everything of the others'."""

import asyncio
import secrets
from collections.abc import Iterator
from functools import partial

from domain.workloads import Workload
from lab.verify import asking, packets
from lab.verify.context import Context
from lab.verify.packets import Wire
from lab.verify.place import Answer, NotProvable, OnTheWire, Place, Request
from lab.verify.row import Case, Group, Row, Seen

_SECONDS = 5.0
_COUNT = 5


def _cases(context: Context, *, meshed: bool) -> Iterator[Case]:
    promises = context.promises
    for workload in promises.workloads:
        if workload.name not in promises.provisioned:
            continue
        yield Case(
            subject=f"workload {workload.name}",
            expected=f"requests {'of the mesh are TLS records' if meshed else 'from off the mesh are plain text'}",
            look=partial(_look_meshed if meshed else _look_plain, context, workload),
            workloads=frozenset({workload.name}),
        )


async def _look_meshed(context: Context, workload: Workload) -> Seen:
    target = await _at_the_wire(context, workload)
    # A refusal comes by the same way.
    place = await asking.meshed(context, workload.service, refused=True)
    if place.name == target.name:
        raise NotProvable("only this machine itself is on the mesh, and what it asks of itself is on no wire")
    token = _token()
    request = Request(url=context.promises.url(workload.service, f"/{token}"), count=_COUNT)
    wire, answers = await _watched(target, workload, place, request)
    found = f"{place.name} asked ({asking.statuses(answers)}): {_said(wire)}"
    look = f"on the machine: sudo tcpdump -n -X port {workload.port}"
    if wire.shows(token):
        return Seen(right=False, found=f"{found}, and the request can be read", next=look)
    if not wire.records:
        return Seen(right=False, found=f"{found}, none of it TLS", next=look)
    return Seen(right=True, found=f"{found}, the request cannot be read")


async def _look_plain(context: Context, workload: Workload) -> Seen:
    target = await _at_the_wire(context, workload)
    address, token = workload.addresses[0], _token()
    host = f"[{address}]" if address.version == 6 else str(address)
    request = Request(url=f"http://{host}:{workload.port}/{token}", count=_COUNT)
    wire, answers = await _watched(target, workload, await context.places.host(), request)
    found = f"this machine asked ({asking.statuses(answers)}): {_said(wire)}"
    if not wire.shows(token):
        look = f"curl -v http://{host}:{workload.port}/"
        return Seen(right=False, found=f"{found}, the request is not to be seen", next=look)
    return Seen(right=True, found=f"{found}, the request can be read by anybody")


async def _at_the_wire(context: Context, workload: Workload) -> Place:
    target = await context.places.outside(workload.name)
    await asking.proxy_of(target)
    return target


async def _watched(target: Place, workload: Workload, place: Place, request: Request) -> tuple[Wire, list[Answer]]:
    """Ask again and again until the look at the wire has ended: nobody has to know when it began."""
    if not isinstance(target, OnTheWire):
        raise NotProvable(f"{target.name}: packets cannot be read there")
    capture = asyncio.create_task(target.capture(str(workload.addresses[0]), workload.port, _SECONDS))
    answers: list[Answer] = []
    try:
        while not capture.done():
            answers += await place.ask(request)
            await asyncio.wait([capture], timeout=0.2)
        return packets.parse(await capture), answers
    finally:
        capture.cancel()


def _token() -> str:
    """A path that nobody else asks for."""
    return f"mesh-expansion-verify-{secrets.token_hex(8)}"


def _said(wire: Wire) -> str:
    return f"{len(wire.payloads)} segments, {wire.records} of them TLS records"


ENCRYPTED = Row(
    id="wire.encrypted",
    title="requests of the mesh are encrypted",
    group=Group.WIRE,
    results=("R16",),
    needs="tcpdump or perl on the machine outside, somebody on the mesh, real proxies",
    unasked="no workload that this lab provisions",
    cases=partial(_cases, meshed=True),
)
PLAIN = Row(
    id="wire.plain",
    title="requests from off the mesh are not",
    group=Group.WIRE,
    results=("R17",),
    needs="tcpdump or perl on the machine outside, a real proxy there",
    unasked="no workload that this lab provisions",
    cases=partial(_cases, meshed=False),
)
