"""What identities, shares and machines are called in pictures and in comments on pull requests."""

import re
from collections.abc import Iterable, Iterator, Mapping

from domain.workloads import TRUST_DOMAIN

_ACCOUNT = re.compile(r"(?P<account>[^.]+)\.(?P<namespace>[^.]+)\.serviceaccount\.identity\.linkerd\.cluster\.local")
_OUTSIDE = f"spiffe://{TRUST_DOMAIN}/"
DEMO = "faces"
# Who asks whom in Faces, whatever stands behind the Services.
CALLS = {"faces-gui": ("face",), "face": ("smiley", "color")}
_EVERY_ADDRESS = frozenset({"0.0.0.0/0", "::/0"})


def caller(identity: str) -> str:
    """Who proves an identity."""
    if found := _ACCOUNT.fullmatch(identity):
        where = "" if found["namespace"] == DEMO else f" of {found['namespace']}"
        return f"service account {found['account']}{where}"
    if identity.startswith(_OUTSIDE):
        return f"workload {identity.removeprefix(_OUTSIDE)}"
    return identity


def callers(identities: Iterable[str]) -> list[str]:
    """Who proves one of the identities; `*` comes with the workloads outside, each spelt out."""
    listed = list(identities)
    return ["everybody on the mesh"] if "*" in listed else [caller(identity) for identity in listed]


def guarded(target: str) -> str | None:
    """The Service whose calls a Server, or a route below it, is about; None for what only the prober asks."""
    place, _, service = target.partition("-")
    ready = re.fullmatch(r"ready(-[0-9]+)?", service) and place == "edge"
    return service if place in ("edge", "cluster") and service and not ready else None


def networks(ranges: Iterable[str]) -> list[str]:
    """From where, on the mesh or not."""
    listed = list(ranges)
    return ["anybody"] if set(listed) >= _EVERY_ADDRESS else [f"network {network}" for network in listed]


def share(weight: int, total: int) -> str:
    """The part of the requests that a weight is."""
    return f"{100 * weight / total:.3g} %" if total else "0 %"


def access(mode: str, rules: int | None) -> str:
    """What holds for calls to workloads outside; `rules` is how many there are, None where nothing is said."""
    if mode == "off":
        return "access rules are off: whoever reaches them may call"
    if mode == "audit":
        return "access rules are audited: nobody is refused, only logged"
    if rules is None:
        return "everybody on the mesh may call them"
    return "access rules are enforced" if rules else "access rules are enforced, and nobody may call them"


def handling(annotations: Mapping[str, str]) -> Iterator[str]:
    """`retry.linkerd.io/http: 5xx` and the like as `retry: http 5xx, limit 3`, a line for retries and one for time limits."""
    for topic in ("retry", "timeout"):
        prefix = f"{topic}.linkerd.io/"
        said = [
            f"{name.removeprefix(prefix)} {value}" for name, value in annotations.items() if name.startswith(prefix)
        ]
        if said:
            yield f"{topic}: {', '.join(sorted(said))}"
