"""Changes of routes in words: where requests go, by share."""

from collections.abc import Iterator, Mapping
from typing import Any

from lab.comment.preview import Change, Kind
from lab.comment.values import listed, mapping
from lab.picture import words

_ROUTES = ("gateway.networking.k8s.io/v1:HTTPRoute", "gateway.networking.k8s.io/v1:GRPCRoute")


def sentences(change: Change) -> Iterator[str]:
    """What a change of a route does to requests; nothing for other resources."""
    if not change.type.endswith(_ROUTES):
        return
    before, after = _shares(change.before), _shares(change.after)
    name = _name(change)
    if change.kind is Kind.DELETED:
        yield f"route {name} goes: requests to {_service(change.before)} no longer go {_told(before)}"
    elif not change.before:
        yield f"route {name} is new: requests to {_service(change.after)} go {_told(after)}"
    elif before != after:
        parts = [
            f"{backend} {before.get(backend, 'none')} → {after.get(backend, 'none')}"
            for backend in dict.fromkeys((*before, *after))
            if before.get(backend) != after.get(backend)
        ]
        yield f"route {name}: {', '.join(parts)} of the requests to {_service(change.after)}"
    for topic, old, new in _handling(change):
        yield f"route {name}: {topic} {old or 'none'} → {new or 'none'}"


def _handling(change: Change) -> Iterator[tuple[str, str, str]]:
    def said(inputs: Mapping[str, Any]) -> dict[str, str]:
        annotations = mapping(mapping(inputs.get("metadata")).get("annotations"))
        return dict(line.split(": ", 1) for line in words.handling(annotations))

    old, new = said(change.before), said(change.after)
    for topic in dict.fromkeys((*old, *new)):
        if old.get(topic) != new.get(topic):
            yield topic, old.get(topic, ""), new.get(topic, "")


def _shares(inputs: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, int] = {}
    for rule in listed(mapping(inputs.get("spec")), "rules")[:1]:
        for reference in listed(rule, "backendRefs"):
            weight = reference.get("weight", 1)
            found[str(reference.get("name"))] = weight if isinstance(weight, int) else 0
    total = sum(found.values())
    return {name: words.share(weight, total) for name, weight in found.items()}


def _told(shares: Mapping[str, str]) -> str:
    return ", ".join(f"{share} to {name}" for name, share in shares.items()) or "to itself"


def _name(change: Change) -> str:
    return str(mapping((change.after or change.before).get("metadata")).get("name", change.name))


def _service(inputs: Mapping[str, Any]) -> str:
    parents = listed(mapping(inputs.get("spec")), "parentRefs")
    return str(parents[0].get("name")) if parents else "a Service"
