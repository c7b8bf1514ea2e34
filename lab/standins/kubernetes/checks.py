"""What can be told about an object without a cluster."""

from typing import Final

from lab.standins.base.errors import Problem
from lab.standins.base.values import UNKNOWN
from lab.standins.kubernetes.await_.conditions import wait_for
from lab.standins.kubernetes.manifest import (
    DELETION_PROPAGATION,
    TIMEOUT_SECONDS,
    WAIT_FOR,
    Object,
    annotation,
    metadata,
    name_of,
)

_POLICIES: Final = frozenset({"", "orphan", "background", "foreground"})


def problems_of(obj: Object, *, patch: bool) -> list[Problem]:
    """What is wrong with names and with the annotations that steer the provider."""
    found: list[Problem] = []
    meta = obj.get("metadata")
    if meta is UNKNOWN:
        return found
    if meta is not None and not isinstance(meta, dict):
        return [Problem("metadata", "must be an object with name, namespace, labels and annotations")]
    for field in ("name", "namespace"):
        value = metadata(obj).get(field)
        if value is not None and value is not UNKNOWN and not isinstance(value, str):
            found.append(Problem(f"metadata.{field}", "must be a string"))
    if patch and not name_of(obj) and metadata(obj).get("name") is not UNKNOWN:
        found.append(Problem("metadata.name", "is required for a Patch resource: the name of the object to patch"))
    if metadata(obj).get("generateName") and not name_of(obj):
        found.append(
            Problem(
                "metadata.generateName",
                "is not supported with server-side apply; leave it out and a name is made, or set metadata.name",
            )
        )
    return found + _annotation_problems(obj)


def _annotation_problems(obj: Object) -> list[Problem]:
    found = []
    if wanted := annotation(obj, WAIT_FOR):
        try:
            wait_for(wanted)
        except ValueError as problem:
            found.append(Problem(f'metadata.annotations["{WAIT_FOR}"]', str(problem)))
    seconds = annotation(obj, TIMEOUT_SECONDS)
    if seconds and not seconds.isdigit():
        found.append(
            Problem(f'metadata.annotations["{TIMEOUT_SECONDS}"]', f"must be a whole number of seconds, got {seconds!r}")
        )
    policy = annotation(obj, DELETION_PROPAGATION)
    if policy.lower() not in _POLICIES:
        found.append(
            Problem(
                f'metadata.annotations["{DELETION_PROPAGATION}"]',
                f"must be foreground, background or orphan, got {policy!r}",
            )
        )
    return found
