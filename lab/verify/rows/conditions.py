"""Workloads outside are registered as configured, and somebody has seen lately that they are well."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from domain.workloads import Workload
from lab.verify.ages import ago, span
from lab.verify.cluster import Object, condition
from lab.verify.context import Context
from lab.verify.place import NotProvable
from lab.verify.row import Case, Group, Row, Seen

# The prober writes what it sees at least once a minute.
_STALE_SECONDS = 180


def path(namespace: str) -> str:
    """Where the API lists them."""
    return f"/apis/workload.linkerd.io/v1beta1/namespaces/{namespace}/externalworkloads"


def _cases(context: Context) -> Iterator[Case]:
    for workload in context.promises.workloads:
        yield Case(
            subject=f"workload {workload.name}",
            expected=f"registered at {_where(workload)} as {workload.spiffe_id}, and Ready",
            look=partial(_look, context, workload),
            workloads=frozenset({workload.name}),
        )


async def _look(context: Context, workload: Workload) -> Seen:
    promises = context.promises
    found = await context.cluster.named(path(promises.namespace), workload.name)
    if found is None:
        return Seen(right=False, found="no ExternalWorkload of that name", next=context.up)
    if wrong := _difference(found, workload):
        return Seen(right=False, found=wrong, next=context.up)
    ready = condition(found, "Ready")
    if ready is None:
        if workload.name not in promises.provisioned:
            raise NotProvable("registered as configured; nobody probes it, because this lab does not provision it")
        look = "kubectl logs -n mesh-expansion deploy/edge-prober"
        return Seen(right=False, found="no Ready condition: nobody has probed it yet", next=look)
    return _judged(ready, found, context)


def _judged(ready: Object, found: Object, context: Context) -> Seen:
    now = context.now()
    told = f"{ready.get('reason', '')}: {ready.get('message', '')}"
    probed = _moment(ready.get("lastProbeTime"))
    by = f"probed {ago(now - probed)} by {_prober(found)}" if probed else f"said by {_prober(found)}"
    if ready.get("status") != "True":
        return Seen(right=False, found=f"not Ready, {by}: {told}", next=f"make doctor STACK={context.stack}")
    if probed and (now - probed).total_seconds() > _STALE_SECONDS:
        look = "kubectl get pods -n mesh-expansion"
        return Seen(right=False, found=f"Ready, but last {by}: the prober does not run", next=look)
    since = _moment(ready.get("lastTransitionTime"))
    return Seen(right=True, found=f"Ready{f' for {span(now - since)}' if since else ''}, {by}: {told}")


def _difference(found: Object, workload: Workload) -> str:
    """What is registered otherwise than configured."""
    spec = found.get("spec", {})
    addresses = {entry.get("ip") for entry in spec.get("workloadIPs") or []}
    if addresses != {str(address) for address in workload.addresses}:
        return f"registered at {', '.join(sorted(map(str, addresses))) or 'no address'}"
    ports = {entry.get("port") for entry in spec.get("ports") or []}
    if workload.port not in ports:
        return f"registered with port {', '.join(sorted(map(str, ports))) or 'none'}"
    identity = (spec.get("meshTLS") or {}).get("identity")
    return "" if identity == workload.spiffe_id else f"registered as {identity}"


def _prober(found: Object) -> str:
    writers = [entry for entry in found["metadata"].get("managedFields") or [] if entry.get("subresource") == "status"]
    return str(max(writers, key=lambda entry: entry.get("time", ""))["manager"]) if writers else "somebody"


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _where(workload: Workload) -> str:
    return f"{' and '.join(map(str, workload.addresses))} port {workload.port}"


ROW = Row(
    id="devices.ready",
    title="ExternalWorkloads are Ready",
    group=Group.DEVICES,
    results=("R7", "R9"),
    needs="the cluster's API",
    unasked="no workload outside the cluster",
    cases=_cases,
)
