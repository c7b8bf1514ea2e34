"""Machines outside find the cluster's names: the project's DNS Service answers on every node, over UDP and TCP."""

import asyncio
from collections.abc import Iterator
from functools import partial

from lab.verify import dns_query
from lab.verify.context import Context
from lab.verify.row import Case, Group, Row, Seen

_SERVICE = "face"


def _cases(context: Context) -> Iterator[Case]:
    promises = context.promises
    if promises.dns_port is None:
        return
    name = f"{_SERVICE}.{promises.namespace}.svc.cluster.local"
    for protocol in ("UDP", "TCP"):
        yield Case(
            subject=f"DNS over {protocol}",
            expected=f"{name} is the ClusterIP of its Service, on port {promises.dns_port} of every node",
            look=partial(_look, context, name, protocol),
        )


async def _look(context: Context, name: str, protocol: str) -> Seen:
    promises, cluster = context.promises, context.cluster
    service = await cluster.get(f"/api/v1/namespaces/{promises.namespace}/services/{_SERVICE}")
    if service is None:
        return Seen(right=False, found=f"there is no Service {_SERVICE}", next=context.up)
    expected = set(service["spec"].get("clusterIPs") or [service["spec"].get("clusterIP")])
    look = "kubectl get service -n kube-system mesh-expansion-dns"
    # A Service of both families answers with an A record for one of its addresses only.
    wanted = {address for address in expected if ":" not in address}
    kind = "A" if wanted else "AAAA"
    nodes = await cluster.node_addresses()
    if not nodes:
        return Seen(right=False, found="no node has an address", next="kubectl get nodes -o wide")
    answered = await asyncio.gather(*(_ask(node, promises.dns_port or 0, name, kind, protocol) for node in nodes))
    for node, answer in zip(nodes, answered, strict=True):
        place = f"{node} port {promises.dns_port}"
        if isinstance(answer, str):
            return Seen(right=False, found=f"{place}: {answer}", next=look)
        if set(answer) != (wanted or expected):
            said = ", ".join(answer) or "no address"
            return Seen(
                right=False, found=f"{place} says {said}; the Service has {', '.join(sorted(expected))}", next=look
            )
    count = "1 node" if len(nodes) == 1 else f"each of {len(nodes)} nodes"
    return Seen(right=True, found=f"{', '.join(sorted(wanted or expected))} from {count}")


async def _ask(node: str, port: int, name: str, kind: str, protocol: str) -> list[str] | str:
    """Addresses, or why there are none."""
    ask = dns_query.over_udp if protocol == "UDP" else dns_query.over_tcp
    try:
        return await ask(node, port, name, kind)
    except TimeoutError:
        return "no answer"
    except (OSError, ValueError) as problem:
        return str(problem)


ROW = Row(
    id="names.dns",
    title="the cluster's names are known outside",
    group=Group.NAMES,
    results=("R6",),
    needs="a way from this machine to the nodes",
    unasked="no workload that this lab provisions, and so no DNS for it",
    cases=_cases,
)
