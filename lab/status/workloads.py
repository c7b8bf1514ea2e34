"""Workloads outside the cluster, as the cluster sees them: the Ready condition that its prober writes, and when."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from lab.status.api import Object
from lab.status.context import Context
from lab.status.item import Item, Part, State
from lab.status.recorded import Kind
from lab.verify.ages import ago, span
from lab.verify.cluster import condition

PATH = "/apis/workload.linkerd.io/v1beta1/externalworkloads"
# The prober writes what it sees at least once a minute.
STALE_SECONDS = 180


async def look(context: Context) -> AsyncIterator[Item]:
    """One item for each that the last `up` has registered. SilentError where the cluster does not answer."""
    asked = context.recorded.workloads
    if not asked:
        return
    found = {str(item["metadata"]["name"]): item for item in await context.api.items(PATH)}
    for name, kind in sorted(asked.items()):
        yield _judged(context, name, kind, found.get(name))


def _judged(context: Context, name: str, kind: Kind, found: Object | None) -> Item:
    def item(state: State, word: str, text: str, following: str = "", **facts: Any) -> Item:
        return Item(
            part=Part.WORKLOADS,
            subject=name,
            state=state,
            word=word,
            text=text,
            next=following,
            plural="workloads",
            facts={"kind": kind, **facts},
        )

    if found is None:
        return item(State.BAD, "missing", "the cluster has no ExternalWorkload of that name", context.refresh)
    ready = condition(found, "Ready")
    if ready is None:
        if kind == "registered":
            return item(State.UNKNOWN, "not probed", "registered alone: nobody probes it")
        return item(State.BAD, "not probed", "nobody has looked at it yet: the prober does not run", _PROBER)
    probed, since = _moment(ready.get("lastProbeTime")), _moment(ready.get("lastTransitionTime"))
    facts: dict[str, Any] = {
        "ready": ready.get("status") == "True",
        "probed": probed.isoformat() if probed else None,
        "since": since.isoformat() if since else None,
        "reason": str(ready.get("reason", "")),
        "message": str(ready.get("message", "")),
    }
    now = context.now()
    by = f"probed {ago(now - probed)}" if probed else "probed at an unknown time"
    for_long = f" for {span(now - since)}" if since else ""
    if ready.get("status") != "True":
        told = f"{facts['reason']}: {facts['message']}"
        return item(State.BAD, "not Ready", f"{told} ({by}, so{for_long})", context.doctor, **facts)
    if probed and (now - probed).total_seconds() > STALE_SECONDS:
        return item(State.BAD, "stale", f"Ready, but last {by}: the prober does not run", _PROBER, **facts)
    return item(State.WELL, "Ready", f"{kind}, Ready{for_long}, {by}", **facts)


_PROBER = "kubectl logs -n mesh-expansion deploy/edge-prober"


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
