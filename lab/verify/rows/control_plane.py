"""Linkerd's control plane is there and available."""

from collections.abc import Iterator
from functools import partial

from lab.verify.cluster import condition
from lab.verify.context import Context
from lab.verify.place import NotProvable
from lab.verify.row import Case, Group, Row, Seen

_NAMESPACE = "linkerd"
_DEPLOYMENTS = ("linkerd-destination", "linkerd-identity", "linkerd-proxy-injector")


def _cases(context: Context) -> Iterator[Case]:
    for name in _DEPLOYMENTS:
        yield Case(subject=name, expected="Deployment available", look=partial(_look, context, name))


async def _look(context: Context, name: str) -> Seen:
    look = f"kubectl get pods -n {_NAMESPACE}"
    found = await context.cluster.named(f"/apis/apps/v1/namespaces/{_NAMESPACE}/deployments", name)
    if found is None:
        return Seen(right=False, found=f"no such Deployment in namespace {_NAMESPACE}", next=context.up)
    available = condition(found, "Available")
    status = found.get("status") or {}
    count = f"{status.get('availableReplicas', 0)} of {found['spec'].get('replicas', 1)} pods available"
    if available is None or available.get("status") != "True":
        return Seen(right=False, found=count, next=look)
    if why := await context.cluster.no_pods():
        raise NotProvable(f"{count}; {why}")
    return Seen(right=True, found=count)


ROW = Row(
    id="mesh.control-plane",
    title="Linkerd's control plane is available",
    group=Group.MESH,
    results=("R2",),
    needs="the cluster's API, pods that run",
    unasked="no control plane",
    cases=_cases,
)
