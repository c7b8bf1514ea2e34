"""Who asks: the first place of a lab whose requests go through a real proxy, and what that proxy counted meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from domain.access import Caller
from lab.verify import metrics
from lab.verify.context import Context
from lab.verify.metrics import Metrics
from lab.verify.place import Answer, NotProvable, Place, Request

STAND_IN = "proxies outside are stand-ins here, which know neither routes nor policies"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`answers` of a place, and what its proxy has `counted` meanwhile."""

    answers: Sequence[Answer]
    counted: Metrics


async def meshed(context: Context, service: str, *, refused: bool = False) -> Place:
    """A place on the mesh that may call a Service: a pod where pods run, else a machine outside.

    `refused`: or one that may not. NotProvable where there is none.
    """
    promises, why = context.promises, []
    candidates = [
        *(
            (account, Caller.account(account, promises.namespace), partial(context.places.meshed, account))
            for account in promises.accounts
        ),
        # A machine that asks for itself comes last.
        *(
            (workload.name, Caller.workload(workload.name), partial(context.places.outside, workload.name))
            for workload in sorted(promises.workloads, key=lambda workload: workload.service == service)
            if workload.name in promises.provisioned
        ),
    ]
    for name, caller, place in candidates:
        if not refused and not promises.lets(caller, service):
            why.append(f"policy does not let {name} call {service}")
            continue
        try:
            found = await place()
            await proxy_of(found)
        except NotProvable as reason:
            why.append(str(reason))
        else:
            return found
    raise NotProvable("; ".join(dict.fromkeys(why)) or "nobody in this lab is on the mesh")


async def proxy_of(place: Place) -> Metrics:
    """What a place's proxy counts. NotProvable where it has none, or one that only stands in."""
    counted = metrics.parse(await place.metrics())
    if not counted.real:
        raise NotProvable(STAND_IN)
    return counted


async def real_at(context: Context, workload: str) -> None:
    """NotProvable where the proxy of a workload outside only stands in.

    Where nobody gets onto its machine a cluster whose pods run is taken for a real one.
    """
    try:
        place = await context.places.outside(workload)
    except NotProvable:
        if await context.cluster.no_pods():
            raise
    else:
        await proxy_of(place)


async def counted(context: Context, place: Place, *requests: Request) -> Asked:
    """Send requests one after the other, and read the place's proxy before and after; no other row asks there meanwhile."""
    async with context.places.alone(place):
        before = await proxy_of(place)
        answers = [answer for request in requests for answer in await place.ask(request)]
        return Asked(answers=answers, counted=(await proxy_of(place)).since(before))


def statuses(answers: Sequence[Answer]) -> str:
    """`196 x 200, 4 x 500`."""
    seen: dict[str, int] = {}
    for answer in answers:
        word = str(answer.status) if answer.status is not None else answer.fault or "no answer"
        seen[word] = seen.get(word, 0) + 1
    return ", ".join(f"{count} x {word}" for word, count in sorted(seen.items()))
