"""What to do with a release of which something is there already.

helm writes `pending-...` before it works and the result after it; whoever is killed in between leaves a release that
helm refuses to touch ("another operation is in progress"). The official plugin stops there (pulumi-kubernetes#2054);
this one goes back to what was last deployed, or starts again where nothing was.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from lab.standins.kubernetes.client import Client
from lab.standins.kubernetes.errors import ApiError
from lab.standins.kubernetes.manifest import Kind, metadata

OWNER_LABEL: Final = "pulumi.com/resource"
_SECRET: Final = Kind("", "v1", "Secret")
_INTERRUPTED_UPGRADE: Final = frozenset({"pending-upgrade", "pending-rollback"})
_WAS_DEPLOYED: Final = frozenset({"deployed", "superseded"})


class Step(Enum):
    INSTALL = "install"
    UPGRADE = "upgrade"
    REINSTALL = "uninstall what is left, then install"
    ROLL_BACK = "roll back to what was last deployed, then upgrade"
    FOREIGN = "leave it: it belongs to someone else"


@dataclass(frozen=True)
class Revision:
    """One revision of a release, as helm keeps it: `owner` says which resource of which stack made it."""

    number: int
    status: str
    owner: str = ""


@dataclass(frozen=True)
class Plan:
    step: Step
    status: str = ""
    roll_back_to: int = 0


def owner_of(urn: str) -> str:
    return hashlib.sha256(urn.encode()).hexdigest()[:16]


def revisions(client: Client, namespace: str, name: str) -> list[Revision]:
    """All revisions, oldest first; from the labels of helm's Secrets."""
    try:
        found = client.list_all(_SECRET, namespace, labels=f"owner=helm,name={name}")
    except ApiError as problem:
        if problem.not_found:
            return []
        raise
    labels = [metadata(secret).get("labels") or {} for secret in found]
    kept = [
        Revision(int(each["version"]), each["status"], each.get(OWNER_LABEL, ""))
        for each in labels
        if each.get("version")
    ]
    return sorted(kept, key=lambda revision: revision.number)


def plan(known: Sequence[Revision], *, owner: str, in_state: bool, take_any: bool = False) -> Plan:
    """`in_state`: the stack's state has the release. `take_any`: a finished one of someone else is taken over too."""
    if not known:
        return Plan(Step.INSTALL)
    last = known[-1]
    deployed = [revision.number for revision in known if revision.status in _WAS_DEPLOYED]
    if last.status in _INTERRUPTED_UPGRADE and deployed:
        return Plan(Step.ROLL_BACK, last.status, deployed[-1])
    if last.status in _INTERRUPTED_UPGRADE or last.status in {"pending-install", "uninstalling", "uninstalled"}:
        return Plan(Step.REINSTALL, last.status)
    ours = in_state or take_any or last.owner == owner
    return Plan(Step.UPGRADE if ours else Step.FOREIGN, last.status)
