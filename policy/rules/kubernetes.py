"""What rules ask of a Kubernetes object that a resource describes."""

from typing import Any

from .resource import UNKNOWN, Resource

_PREFIX = "kubernetes:"


def is_object(resource: Resource) -> bool:
    """Whether it is one object of a cluster; a Helm release and a file of objects are not."""
    return resource.type.startswith(_PREFIX) and resource.get("metadata") is not None


def kind(resource: Resource) -> str:
    """`Server`, `Namespace`, ... ; what a custom resource says of itself, else the last word of the resource's type."""
    said = resource.get("kind")
    return said if isinstance(said, str) else resource.type.rsplit(":", 1)[-1].removesuffix("Patch")


def group(resource: Resource) -> str:
    """`policy.linkerd.io`, and `core` for those without one."""
    said = resource.get("apiVersion")
    version = said if isinstance(said, str) else resource.type.removeprefix(_PREFIX).rsplit(":", 1)[0]
    return version.split("/")[0] if "/" in version else "core"


def namespace(resource: Resource) -> Any:
    """The namespace that it names; None where it names none, UNKNOWN where a preview cannot know."""
    return resource.get("metadata", "namespace")


def name(resource: Resource) -> str:
    """`smiley`; for messages `?` where it is not known."""
    said = resource.get("metadata", "name")
    return said if isinstance(said, str) else "?"


def may_be(one: Any, other: Any) -> bool:
    """Whether two values are equal, as far as a preview can know."""
    return one is UNKNOWN or other is UNKNOWN or one == other
