"""Changes of Linkerd's policy in words: who may call whom, and what becomes of other calls."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from domain.access import ANYONE, EVERYBODY
from lab.comment.preview import Change, Kind
from lab.comment.values import listed, mapping
from lab.picture import words

_KNOWN = {EVERYBODY: "everybody on the mesh", ANYONE: "anybody"}  # what labs have without rules of their own
_GROUP = "policy.linkerd.io/"
_POLICIES = {
    "deny": "refused",
    "audit": "let through and logged",
    "all-unauthenticated": "let through",
    "all-authenticated": "let through for whoever is on a mesh",
    "cluster-authenticated": "let through for whoever is on this mesh",
    "cluster-unauthenticated": "let through from the cluster's networks",
}


def sentences(changes: Sequence[Change]) -> Iterator[str]:
    """What the changes do to access. A rule's callers are known where its authentication changes as well."""
    ours = [change for change in changes if _GROUP in change.type]
    callers = {
        _name(change): _sources(change.after or change.before)
        for change in ours
        if _kind(change) in ("MeshTLSAuthentication", "NetworkAuthentication")
    }
    for change in ours:
        kind = _kind(change)
        if kind == "AuthorizationPolicy":
            yield from _authorization(change, callers)
        elif kind == "Server":
            yield from _server(change)
        elif change.before and change.after:
            yield from _sources_changed(change)


def _authorization(change: Change, callers: Mapping[str, list[str]]) -> Iterator[str]:
    before, after = _grants(change.before, callers), _grants(change.after, callers)
    if change.kind is Kind.DELETED:
        after = []
    for grant in before:
        if grant not in after:
            yield f"no longer: {grant}"
    for grant in after:
        if grant not in before:
            yield f"new: {grant}"


def _grants(inputs: Mapping[str, Any], callers: Mapping[str, list[str]]) -> list[str]:
    spec = mapping(inputs.get("spec"))
    target = str(mapping(spec.get("targetRef")).get("name", ""))
    service = words.guarded(target)
    called = service if service else f"{target} (what the prober asks)"
    named = [str(reference.get("name")) for reference in listed(spec, "requiredAuthenticationRefs")]
    return [f"{_who(name, callers)} may call {called}" for name in named]


def _who(rule: str, callers: Mapping[str, list[str]]) -> str:
    if rule in _KNOWN:
        return _KNOWN[rule]
    return f"{', '.join(callers[rule])} (rule {rule})" if callers.get(rule) else f"whoever rule {rule} names"


def _server(change: Change) -> Iterator[str]:
    before, after = (mapping(inputs.get("spec")).get("accessPolicy") for inputs in (change.before, change.after))
    called = words.guarded(_name(change)) or _name(change)
    if change.kind is Kind.DELETED:
        yield f"calls of {called} are no longer judged by a Server: what the proxies' default says holds"
    elif before is None and after is not None:
        yield f"calls of {called} are judged from now on: what no rule allows is {_POLICIES.get(str(after), after)}"
    elif before != after:
        yield (
            f"calls of {called} that no rule allows: {_POLICIES.get(str(before), before)} → "
            f"{_POLICIES.get(str(after), after)}"
        )


def _sources_changed(change: Change) -> Iterator[str]:
    before, after = _sources(change.before), _sources(change.after)
    name = _name(change)
    if new := [source for source in after if source not in before]:
        yield f"rule {name} now also lets in: {', '.join(new)}"
    if gone := [source for source in before if source not in after]:
        yield f"rule {name} no longer lets in: {', '.join(gone)}"


def _sources(inputs: Mapping[str, Any]) -> list[str]:
    spec = mapping(inputs.get("spec"))
    identities = spec.get("identities")
    if isinstance(identities, list):
        return words.callers(str(identity) for identity in identities)
    return words.networks(str(network.get("cidr")) for network in listed(spec, "networks"))


def _kind(change: Change) -> str:
    return change.type.rpartition(":")[2]


def _name(change: Change) -> str:
    return str(mapping((change.after or change.before).get("metadata")).get("name", change.name))
