"""Faces' page answers where a browser would open it."""

from collections.abc import Iterator
from functools import partial

from lab.verify.cluster import Object
from lab.verify.context import Context
from lab.verify.place import NotProvable, Request
from lab.verify.row import Case, Group, Row, Seen

_GUI, _EMISSARY = "faces-gui", "emissary"


def _cases(context: Context) -> Iterator[Case]:
    yield Case(subject="the GUI", expected="200", look=partial(_look, context))
    if context.promises.emissary:
        yield Case(subject="Emissary", expected="200 for /faces/", look=partial(_look_behind_emissary, context))


async def _look(context: Context) -> Seen:
    namespace = context.promises.namespace
    service = await context.cluster.get(f"/api/v1/namespaces/{namespace}/services/{_GUI}")
    if service is None:
        return Seen(right=False, found=f"there is no Service {_GUI}", next=context.up)
    if why := await context.cluster.no_pods():
        raise NotProvable(why)
    return await _ask(context, context.gui or await _url(context, service))


async def _look_behind_emissary(context: Context) -> Seen:
    service = await context.cluster.get(f"/api/v1/namespaces/{_EMISSARY}/services/{_EMISSARY}")
    if service is None:
        return Seen(right=False, found=f"there is no Service {_EMISSARY}", next=context.up)
    if why := await context.cluster.no_pods():
        raise NotProvable(why)
    return await _ask(context, f"{await _url(context, service)}faces/")


async def _ask(context: Context, url: str) -> Seen:
    (answer,) = await (await context.places.host()).ask(Request(url=url))
    found = f"{url} answers {answer.status}" if answer.status else f"{url}: {answer.fault}"
    return Seen(right=answer.status == 200, found=found, next="" if answer.status == 200 else f"curl -v {url}")


async def _url(context: Context, service: Object) -> str:
    """Where the Service is reached from outside the cluster. NotProvable where it is not."""
    for entry in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []:
        if host := entry.get("ip") or entry.get("hostname"):
            return f"http://{f'[{host}]' if ':' in host else host}:{service['spec']['ports'][0]['port']}/"
    ports = [port["nodePort"] for port in service["spec"]["ports"] if port.get("nodePort")]
    addresses = await context.cluster.node_addresses()
    if ports and addresses:
        host = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
        return f"http://{host}:{ports[0]}/"
    name = service["metadata"]["name"]
    raise NotProvable(f"Service {name} has no address outside the cluster (type {service['spec'].get('type')})")


ROW = Row(
    id="mesh.gui",
    title="Faces' page answers",
    group=Group.MESH,
    results=("R3", "R4", "R9", "R35"),
    needs="pods that run, a way from this machine to the Service",
    unasked="no Faces",
    cases=_cases,
)
