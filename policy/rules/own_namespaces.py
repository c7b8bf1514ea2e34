"""A lab writes into namespaces that it made itself, so that it can leave a cluster of somebody else's as it was."""

from collections.abc import Iterator, Sequence
from typing import Any

from . import kubernetes
from .resource import UNKNOWN, Resource
from .rule import StackRule, Violation

_RELEASE = "kubernetes:helm.sh/v3:Release"
# What stands in front of pods of the cluster's own, and so beside them: (namespace, kind, name).
ALLOWED = {("kube-system", "Service", "mesh-expansion-dns")}


def _check(resources: Sequence[Resource]) -> Iterator[Violation]:
    made = {name for resource in resources for name in _made(resource)}
    if {UNKNOWN, None} & made:
        return  # before the cluster is there, a preview knows nothing of what is to be in it, not even names
    for resource in resources:
        place, what = _place(resource)
        if place in (None, UNKNOWN) or place in made or (place, *what) in ALLOWED:
            continue
        yield Violation(
            resource.urn,
            f"{what[0]} {what[1]} would be written into the namespace {place}, which this stack does not make. "
            f"Use one of {', '.join(sorted(made)) or 'its own'}, or declare the namespace",
        )


def _made(resource: Resource) -> Iterator[Any]:
    if resource.type == "kubernetes:core/v1:Namespace":
        yield resource.get("metadata", "name")
    elif resource.type == _RELEASE and resource.get("createNamespace") is True:
        yield resource.get("namespace")


def _place(resource: Resource) -> tuple[Any, tuple[str, str]]:
    """The namespace that it goes to, and what it is."""
    if resource.type == _RELEASE:
        name = resource.get("name")
        return resource.get("namespace") or "default", ("Release", name if isinstance(name, str) else resource.name)
    if not kubernetes.is_object(resource) or resource.type == "kubernetes:core/v1:Namespace":
        return None, ("", "")
    return kubernetes.namespace(resource), (kubernetes.kind(resource), kubernetes.name(resource))


RULE = StackRule(
    name="own-namespaces",
    description="Nothing is written into a namespace that the stack does not make, but for the DNS Service in kube-system.",
    check=_check,
)
