"""Workloads outside are called with TLS by callers that prove who they are: their proxies count it."""

from collections.abc import Iterator
from functools import partial

from domain.workloads import Workload
from lab.verify import asking
from lab.verify.context import Context
from lab.verify.place import Request
from lab.verify.row import Case, Group, Row, Seen

_COUNTER = "request_total"
_COUNT = 20


def _cases(context: Context) -> Iterator[Case]:
    promises = context.promises
    for workload in promises.workloads:
        if workload.name not in promises.provisioned:
            continue
        yield Case(
            subject=f"workload {workload.name}",
            expected='requests from the mesh counted with tls="true" and the caller\'s identity',
            look=partial(_look, context, workload),
            workloads=frozenset({workload.name}),
        )


async def _look(context: Context, workload: Workload) -> Seen:
    target = await context.places.outside(workload.name)
    await asking.proxy_of(target)
    place = await asking.meshed(context, workload.service)
    before = await asking.proxy_of(target)
    async with context.places.alone(place):
        answers = await place.ask(Request(url=context.promises.url(workload.service), count=_COUNT))
    grown = (await asking.proxy_of(target)).since(before)
    callers = grown.by(
        _COUNTER,
        "client_id",
        # The prober comes with TLS too, and with no name.
        lambda labels: (
            labels.get("direction") == "inbound" and labels.get("tls") == "true" and bool(labels.get("client_id"))
        ),
    )
    shown = ", ".join(f"{name} ({count})" for name, count in sorted(callers.items()))
    if not callers:
        look = f"make verify STACK={context.stack} ROW=wire.encrypted"
        found = f"{place.name} asked ({asking.statuses(answers)}), and nothing came with TLS and a name"
        return Seen(right=False, found=found, next=look)
    return Seen(right=True, found=f"from {shown}")


ROW = Row(
    id="wire.counted",
    title="proxies count TLS and who called",
    group=Group.WIRE,
    results=("R43",),
    needs="a way onto the machine outside, somebody on the mesh, real proxies",
    unasked="no workload that this lab provisions",
    cases=_cases,
)
