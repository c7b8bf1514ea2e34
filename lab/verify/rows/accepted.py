"""Linkerd has accepted the routes and found what they lead to."""

from collections.abc import Iterable, Iterator
from functools import partial

from lab.verify.cluster import Object
from lab.verify.context import Context
from lab.verify.place import NotProvable
from lab.verify.row import Case, Group, Row, Seen
from lab.verify.rows import routes

_CONDITIONS = ("Accepted", "ResolvedRefs")
_CONTROLLER = "linkerd.io/policy-controller"
_OWN = "policy-controller"  # in the name by which it writes


def _cases(context: Context) -> Iterator[Case]:
    promises = context.promises
    for route in promises.routes:
        yield Case(
            subject=f"route {route.name}",
            expected="Accepted, and its references resolved",
            look=partial(_look, context, f"{routes.API}/{promises.namespace}/{route.kind.lower()}s", [route.name]),
            workloads=routes.behind(context, route),
        )
    if promises.grpc_routes:
        yield Case(
            subject=f"{len(promises.grpc_routes)} routes of emojivoto",
            expected="Accepted, and their references resolved",
            look=partial(
                _look,
                context,
                f"{routes.API}/{promises.emojivoto_namespace}/grpcroutes",
                [route.name for route in promises.grpc_routes],
            ),
        )


async def _look(context: Context, path: str, names: Iterable[str]) -> Seen:
    there = {item["metadata"]["name"]: item for item in await context.cluster.items(path)}
    silent, others = 0, set[str]()
    for name in names:
        if name not in there:
            return Seen(right=False, found=f"there is no route {name}", next=context.up)
        said = list(_said(there[name]))
        if not said:
            silent += 1
            continue
        for kind, status, why in said:
            if status != "True":
                look = f"kubectl get {path.rsplit('/', 1)[-1]} -A"
                return Seen(right=False, found=f"{name} is not {kind}: {why}", next=look)
        others |= _strangers(there[name])
        if missing := {*_CONDITIONS} - {kind for kind, _, _ in said}:
            return Seen(right=False, found=f"{name} lacks {', '.join(sorted(missing))}", next=context.up)
    if silent:
        if why := await context.cluster.no_pods():
            raise NotProvable(f"Linkerd's policy controller has said nothing of it, and {why}")
        look = "kubectl logs -n linkerd deploy/linkerd-destination -c policy"
        return Seen(right=False, found="Linkerd's policy controller has said nothing of it", next=look)
    if others:
        raise NotProvable(
            f"Accepted, says {', '.join(sorted(others))}, which stands in for Linkerd's policy controller"
        )
    return Seen(right=True, found="Accepted, ResolvedRefs")


def _strangers(item: Object) -> set[str]:
    """Whoever else than Linkerd's policy controller has written the status."""
    writers = {
        str(entry.get("manager", ""))
        for entry in item["metadata"].get("managedFields") or []
        if entry.get("subresource") == "status"
    }
    return {writer for writer in writers if _OWN not in writer}


def _said(item: Object) -> Iterator[tuple[str, str, str]]:
    """Conditions of Linkerd's own controller, each with its status and the reason."""
    for parent in (item.get("status") or {}).get("parents") or []:
        if parent.get("controllerName") == _CONTROLLER:
            for entry in parent.get("conditions") or []:
                if entry.get("type") in _CONDITIONS:
                    yield entry["type"], entry.get("status", ""), entry.get("reason", "")


ROW = Row(
    id="traffic.accepted",
    title="Linkerd has accepted the routes",
    group=Group.TRAFFIC,
    results=("R13", "R32"),
    needs="the cluster's API, Linkerd's controllers",
    unasked="no routes",
    cases=_cases,
)
