"""Parts of Faces that run outside have no pods in the cluster any more."""

from collections.abc import Iterator
from functools import partial

from lab.verify.context import Context
from lab.verify.row import Case, Group, Row, Seen


def _cases(context: Context) -> Iterator[Case]:
    for part in context.promises.on_edge:
        behind = [workload.name for workload in context.promises.workloads if workload.service == part]
        yield Case(
            subject=f"Deployment {part}",
            expected="scaled to zero, because the part runs outside",
            look=partial(_look, context, part),
            workloads=frozenset(behind),
        )


async def _look(context: Context, part: str) -> Seen:
    found = await context.cluster.named(f"/apis/apps/v1/namespaces/{context.promises.namespace}/deployments", part)
    if found is None:
        return Seen(right=False, found="no such Deployment: the chart's own is to stay, without pods", next=context.up)
    wanted, there = found["spec"].get("replicas", 1), (found.get("status") or {}).get("replicas", 0)
    if wanted or there:
        return Seen(right=False, found=f"{wanted} wanted, {there} there", next=context.up)
    return Seen(right=True, found="no pods")


ROW = Row(
    id="mesh.hand-off",
    title="parts on the edge have left the cluster",
    group=Group.MESH,
    results=("R5",),
    needs="the cluster's API",
    unasked="faces.on-edge names no part",
    cases=_cases,
)
