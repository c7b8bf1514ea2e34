"""Services of workloads outside have their addresses from Linkerd, and none from Kubernetes itself."""

from collections.abc import Iterable, Iterator
from functools import partial

from lab.verify.cluster import Object
from lab.verify.context import Context
from lab.verify.place import NotProvable
from lab.verify.row import Case, Group, Row, Seen

_PREFIX = "linkerd-external-"


def _cases(context: Context) -> Iterator[Case]:
    promises = context.promises
    for service in promises.services_outside:
        behind = [workload for workload in promises.workloads if workload.service == service]
        addresses = sorted(str(address) for workload in behind for address in workload.addresses)
        own = "" if service in promises.pods_behind else ", its own slice empty"
        yield Case(
            subject=f"Service {service}",
            expected=f"{', '.join(addresses)} in slices of Linkerd's{own}",
            look=partial(_look, context, service, frozenset(addresses)),
            workloads=frozenset(workload.name for workload in behind),
        )


async def _look(context: Context, service: str, expected: frozenset[str]) -> Seen:
    promises = context.promises
    listed = await context.cluster.items(f"/apis/discovery.k8s.io/v1/namespaces/{promises.namespace}/endpointslices")
    slices = [item for item in listed if _labels(item).get("kubernetes.io/service-name") == service]
    outside = [item for item in slices if item["metadata"]["name"].startswith(_PREFIX)]
    inside = sorted(_addresses(item for item in slices if item not in outside))
    if inside and service not in promises.pods_behind:
        look = f"kubectl get endpointslices -n {promises.namespace} -l kubernetes.io/service-name={service}"
        return Seen(right=False, found=f"its own slice has {', '.join(inside)}: pods answer too", next=look)
    if not outside and (why := await context.cluster.no_pods()) and not _linkerd_makes_slices(listed):
        raise NotProvable(f"its own slice is empty; Linkerd's controller makes the others, and {why}")
    found = set(_addresses(outside))
    if missing := sorted(expected - found):
        return Seen(right=False, found=f"no slice of Linkerd's has {', '.join(missing)}", next=_why(promises.namespace))
    if foreign := sorted(found - expected):
        return Seen(right=False, found=f"Linkerd's slices have {', '.join(foreign)} too", next=context.up)
    not_ready = sorted(expected - set(_addresses(outside, ready=True)))
    if not_ready:
        found_not = f"{', '.join(not_ready)} not ready in Linkerd's slices"
        return Seen(right=False, found=found_not, next=_why(promises.namespace))
    own = "beside pods" if service in promises.pods_behind else "its own slice is empty"
    return Seen(right=True, found=f"{', '.join(sorted(found))} in {outside[0]['metadata']['name']}; {own}")


def _linkerd_makes_slices(listed: Iterable[Object]) -> bool:
    return any(item["metadata"]["name"].startswith(_PREFIX) for item in listed)


def _why(namespace: str) -> str:
    return f"kubectl get externalworkloads -n {namespace} -o wide"


def _labels(item: Object) -> dict[str, str]:
    return item["metadata"].get("labels") or {}


def _addresses(slices: Iterable[Object], *, ready: bool = False) -> Iterator[str]:
    for item in slices:
        for endpoint in item.get("endpoints") or []:
            if not ready or (endpoint.get("conditions") or {}).get("ready") is not False:
                yield from endpoint.get("addresses") or []


ROW = Row(
    id="devices.endpoints",
    title="EndpointSlices lead outside",
    group=Group.DEVICES,
    results=("R8",),
    needs="the cluster's API, Linkerd's controllers",
    unasked="no workload outside the cluster",
    cases=_cases,
)
