"""Emissary is off the mesh, as it has to be to show what the mesh makes of strangers."""

from collections.abc import Iterator
from functools import partial

from lab.verify.context import Context
from lab.verify.place import NotProvable
from lab.verify.row import Case, Group, Row, Seen

_NAMESPACE = "emissary"
_PROXY = "linkerd-proxy"


def _cases(context: Context) -> Iterator[Case]:
    if context.promises.emissary:
        yield Case(subject="Emissary", expected="pods without a proxy", look=partial(_look, context))


async def _look(context: Context) -> Seen:
    pods = await context.cluster.items(f"/api/v1/namespaces/{_NAMESPACE}/pods")
    if not pods:
        return Seen(right=False, found="no pod", next=context.up)
    meshed = [
        pod["metadata"]["name"]
        for pod in pods
        for container in (*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or []))
        if container["name"] == _PROXY
    ]
    if meshed:
        look = f"kubectl get namespace {_NAMESPACE} -o yaml"
        return Seen(right=False, found=f"{', '.join(meshed)} on the mesh", next=look)
    if why := await context.cluster.no_pods():
        raise NotProvable(f"no pod has a proxy, but {why}")
    return Seen(right=True, found=f"{len(pods)} pods, none with a proxy")


ROW = Row(
    id="mesh.emissary",
    title="Emissary is off the mesh",
    group=Group.MESH,
    results=("R36",),
    needs="the cluster's API, pods that run",
    unasked="no emissary",
    cases=_cases,
)
