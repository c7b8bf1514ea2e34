"""Where the demo can be looked at."""

from collections.abc import AsyncIterator

from lab.status.context import Context
from lab.status.item import Item, Part, State
from lab.verify.cluster import is_fake

_SERVICES = "/api/v1/namespaces/faces/services"
_NAME = "faces-gui"


async def look(context: Context) -> AsyncIterator[Item]:
    """The stack's own URL, else the way that the cluster offers. SilentError where it does not answer and is needed."""
    if url := context.recorded.outputs.get("gui"):
        yield _item("open", str(url), url=str(url))
        return
    nodes = await context.api.items("/api/v1/nodes")
    if nodes and all(is_fake(node) for node in nodes):
        # The twin's pods are only said to run, so nothing would answer.
        yield _item("not here", "no pod really runs on this cluster; k3d-lab and pi-lab show one", state=State.UNKNOWN)
        return
    services = {str(item["metadata"]["name"]): item for item in await context.api.items(_SERVICES)}
    if (service := services.get(_NAME)) is None:
        return
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    place = next((str(entry.get("ip") or entry.get("hostname")) for entry in ingress), "")
    if place:
        url = f"http://[{place}]/" if ":" in place else f"http://{place}/"
        yield _item("open", url, url=url)
    else:
        command = f"kubectl port-forward -n faces service/{_NAME} 8080:80"
        yield _item("forward", f"{command}, then open http://localhost:8080/")


def _item(word: str, text: str, *, state: State = State.WELL, **facts: str) -> Item:
    return Item(part=Part.GUI, subject="Faces", state=state, word=word, text=text, facts=facts)
