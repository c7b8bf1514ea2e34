"""Who may call a workload outside is decided somewhere: without a Server the default of its proxy alone decides."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import kubernetes
from .resource import UNKNOWN, Resource, opened
from .rule import StackRule, Violation

_WAITED_FOR = "pulumi.com/waitFor"


def _check(resources: Sequence[Resource]) -> Iterator[Violation]:
    objects = [resource for resource in resources if kubernetes.is_object(resource)]
    servers = [item for item in objects if _is(item, "policy.linkerd.io", "Server")]
    for workload in objects:
        if not _is(workload, "workload.linkerd.io", "ExternalWorkload") or not _brought_up(workload):
            continue
        if not any(_covers(server, workload) for server in servers):
            labels = workload.get("metadata", "labels")
            yield Violation(
                workload.urn,
                f"no Server selects the workload {kubernetes.name(workload)} (labels {_shown(labels)}, namespace "
                f"{kubernetes.namespace(workload)}). Declare one whose externalWorkloadSelector does",
            )


def _is(resource: Resource, group: str, kind: str) -> bool:
    return kubernetes.kind(resource) == kind and kubernetes.group(resource) == group


def _brought_up(workload: Resource) -> bool:
    """Whether this stack runs its proxy, and so waits for it. Of one that is only registered the owner decides."""
    annotations = workload.get("metadata", "annotations")
    return isinstance(annotations, Mapping) and _WAITED_FOR in annotations


def _covers(server: Resource, workload: Resource) -> bool:
    if not kubernetes.may_be(kubernetes.namespace(server), kubernetes.namespace(workload)):
        return False
    selector = server.get("spec", "externalWorkloadSelector")
    labels = workload.get("metadata", "labels")
    if UNKNOWN in (selector, labels):
        return True
    return isinstance(selector, Mapping) and selects(selector, labels or {})


def selects(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """As Kubernetes reads a label selector; an empty one selects everything."""
    wanted = opened(selector.get("matchLabels")) or {}
    return all(_equal(labels, key, value) for key, value in wanted.items()) and all(
        _fits(opened(expression), labels) for expression in opened(selector.get("matchExpressions")) or []
    )


def _equal(labels: Mapping[str, Any], key: str, value: Any) -> bool:
    return key in labels and kubernetes.may_be(opened(labels[key]), opened(value))


def _fits(expression: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    key, operator, values = expression["key"], expression["operator"], expression.get("values") or []
    there = key in labels and (UNKNOWN in values or any(_equal(labels, key, value) for value in values))
    answers = {"In": there, "NotIn": not there, "Exists": key in labels, "DoesNotExist": key not in labels}
    return answers[operator]


def _shown(labels: Any) -> str:
    return ", ".join(f"{key}={value}" for key, value in labels.items()) if isinstance(labels, Mapping) else "none"


RULE = StackRule(
    name="workload-covered",
    description="A Server selects every ExternalWorkload that the stack brings up.",
    check=_check,
)
