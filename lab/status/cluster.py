"""The cluster: whether its API answers, which version it is, and its nodes."""

from collections.abc import AsyncIterator, Sequence

from lab.status.api import Object, SilentError
from lab.status.context import Context
from lab.status.item import Item, Part, State
from lab.verify.cluster import condition

_FEW = 5


async def look(context: Context) -> AsyncIterator[Item]:
    """The API, then the nodes. SilentError where it answers no more."""
    try:
        answering = await context.api.answering()
    except SilentError as why:
        following = context.doctor
        yield Item(part=Part.CLUSTER, subject="API", state=State.BAD, word="no answer", text=str(why), next=following)
        return
    yield Item(
        part=Part.CLUSTER,
        subject="API",
        state=State.WELL,
        word="answers",
        text=f"Kubernetes {answering.version} at {answering.server}",
        facts={"server": answering.server, "version": answering.version},
    )
    nodes = await context.api.items("/api/v1/nodes")
    if not nodes:
        yield Item(
            part=Part.CLUSTER, subject="nodes", state=State.BAD, word="none", text="the cluster has no node", next=_LOOK
        )
    well = [node for node in nodes if _ready(node)]
    if len(nodes) > _FEW and well:
        yield _nodes(well, f"{len(well)} nodes")
    for node in nodes:
        if not _ready(node):
            yield _not_ready(node)
        elif len(nodes) <= _FEW:
            yield _nodes([node], f"node {node['metadata']['name']}")
    if release := context.recorded.outputs.get("linkerd"):
        yield Item(part=Part.CLUSTER, subject="Linkerd", state=State.WELL, word="installed", text=str(release))


_LOOK = "kubectl get nodes"


def _ready(node: Object) -> bool:
    found = condition(node, "Ready")
    return found is not None and found.get("status") == "True"


def _nodes(nodes: Sequence[Object], subject: str) -> Item:
    ranges = [cidr for node in nodes for cidr in _ranges(node)]
    shown = ", ".join(ranges) if len(ranges) <= _FEW else f"{ranges[0]} and {len(ranges) - 1} more ranges"
    return Item(
        part=Part.CLUSTER,
        subject=subject,
        state=State.WELL,
        word="Ready",
        text=f"pods in {shown}" if shown else "",
        facts={"pod_cidrs": ranges},
    )


def _not_ready(node: Object) -> Item:
    found = condition(node, "Ready") or {}
    name = node["metadata"]["name"]
    return Item(
        part=Part.CLUSTER,
        subject=f"node {name}",
        state=State.BAD,
        word="not Ready",
        text=f"{found.get('reason', 'it has no Ready condition')}: {found.get('message', '')}".removesuffix(": "),
        next=f"kubectl describe node {name}",
    )


def _ranges(node: Object) -> list[str]:
    spec = node.get("spec") or {}
    return [str(cidr) for cidr in spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else [])]
