"""Routes in the cluster: the shares that they give, held against those of the last `up`, and what Linkerd says of them."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from lab.status.api import Object
from lab.status.context import Context
from lab.status.item import Item, Part, State

_API = "/apis/gateway.networking.k8s.io/v1"
_KINDS = ("httproutes", "grpcroutes")
_CONTROLLER = "linkerd.io/policy-controller"
_OWN = "policy-controller"  # in the name by which it writes
_CLOSE = 1e-6


async def look(context: Context) -> AsyncIterator[Item]:
    """One item for each route of the last `up`. SilentError where the cluster does not answer."""
    given = context.recorded.outputs.get("routes")
    wanted = given if isinstance(given, dict) else {}
    if not wanted:
        return
    listed = await asyncio.gather(*(context.api.items(f"{_API}/{kind}") for kind in _KINDS))
    found = {str(item["metadata"]["name"]): item for items in listed for item in items if _of_a_service(item)}
    for name, shares in wanted.items():
        yield _judged(context, str(name), dict(shares), found.get(str(name)))


def _judged(context: Context, name: str, wanted: Mapping[str, float], found: Object | None) -> Item:
    def item(state: State, word: str, text: str, following: str = "", **facts: object) -> Item:
        return Item(
            part=Part.ROUTES,
            subject=name,
            state=state,
            word=word,
            text=text,
            next=following,
            plural="routes",
            facts={"shares": dict(wanted), **facts},
        )

    if found is None:
        return item(
            State.BAD, "missing", f"the cluster has no such route; {_words(wanted)} was written", context.refresh
        )
    kind = "grpcroute" if "grpc" in str(found.get("kind", "")).lower() else "httproute"
    where = f"{kind} {name} -n {found['metadata']['namespace']}"
    shares = _shares(found)
    if {*shares} != {*wanted} or any(abs(shares[backend] - wanted[backend]) > _CLOSE for backend in shares):
        # Fields that somebody else has changed are his, and an `up` alone would be refused.
        text = f"the cluster has {_words(shares)}; the last `up` wrote {_words(wanted)}"
        return item(State.BAD, "differs", text, f"kubectl delete {where} && {context.refresh}", found=shares)
    said = {str(entry.get("type")): entry for entry in _said(found)}
    accepted = said.get("Accepted")
    refused = [entry for entry in said.values() if entry.get("status") != "True"]
    if refused:
        why = "; ".join(f"{entry.get('type')} is {entry.get('status')}: {entry.get('reason', '')}" for entry in refused)
        return item(State.BAD, "refused", f"{_words(shares)}; {why}", f"kubectl get {where} -o yaml", accepted=False)
    if accepted is None:
        return item(State.UNKNOWN, "not judged", f"{_words(shares)}; Linkerd has said nothing of it", accepted=None)
    by = "" if _by_linkerd(found) else "; a stand-in of Linkerd says so"
    return item(State.WELL, "Accepted", f"{_words(shares)}{by}", accepted=True)


def _of_a_service(item: Object) -> bool:
    return any(parent.get("kind") == "Service" for parent in (item.get("spec") or {}).get("parentRefs") or [])


def _shares(item: Object) -> dict[str, float]:
    """The part of the requests, 0 to 1, that each backend gets; without backends the Service itself gets all."""
    spec = item["spec"]
    rule: Mapping[str, Any] = next(iter(spec.get("rules") or []), {})
    weights: dict[str, int] = {}
    for backend in rule.get("backendRefs") or []:
        weights[str(backend.get("name"))] = weights.get(str(backend.get("name")), 0) + int(backend.get("weight", 1))
    if not weights:
        weights = {str(parent.get("name")): 1 for parent in spec["parentRefs"][:1]}
    total = sum(weights.values())
    return {name: weight / total if total else 0.0 for name, weight in weights.items()}


def _said(item: Object) -> Iterator[Mapping[str, str]]:
    for parent in (item.get("status") or {}).get("parents") or []:
        if parent.get("controllerName") == _CONTROLLER:
            yield from (
                entry for entry in parent.get("conditions") or [] if entry["type"] in ("Accepted", "ResolvedRefs")
            )


def _by_linkerd(item: Object) -> bool:
    writers = [entry for entry in item["metadata"].get("managedFields") or [] if entry.get("subresource") == "status"]
    return not writers or any(_OWN in str(entry.get("manager")) for entry in writers)


def _words(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{_percent(share)} {name}" for name, share in shares.items())


def _percent(share: float) -> str:
    return f"{share * 100:.3g}%"
