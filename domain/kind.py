"""What kind is told and says, and what follows from it."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.problem import Problem

MARK = "mesh-expansion-lab/mark"
MADE = "mesh-expansion-lab/made"
_VERSION = re.compile(r"^kind v(\d+\.\d+\.\d+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class KindCluster:
    """A cluster that is there: the mark of the stack that made it, and when; empty where somebody else made it."""

    mark: str
    made: str


def config(*, pod_cidrs: Sequence[str], service_cidrs: Sequence[str], mark: str, made: str) -> str:
    """The configuration for kind of a cluster with one node and both address families. JSON is YAML as well."""
    return json.dumps(
        {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            "networking": {
                "ipFamily": "dual",
                "podSubnet": ",".join(pod_cidrs),
                "serviceSubnet": ",".join(service_cidrs),
            },
            "nodes": [{"role": "control-plane", "labels": {MARK: mark, MADE: made}}],
        },
        indent=1,
        sort_keys=True,
    )


def cluster(text: str) -> KindCluster | None:
    """The cluster whose nodes `kubectl get nodes -o json` shows; None for no text. Raises ValueError."""
    if not text.strip():
        return None
    try:
        labels = [item["metadata"].get("labels") or {} for item in json.loads(text)["items"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"`kubectl get nodes -o json` answered something else than nodes ({error!r})") from None

    def label(key: str) -> str:
        return next((str(found[key]) for found in labels if key in found), "")

    return KindCluster(mark=label(MARK), made=label(MADE))


def problems(found: KindCluster | None, *, name: str, mark: str | None, adopt: bool) -> list[Problem]:
    """Why the lab cannot use what is there. `mark`: the stack's own, or None before it has one."""
    if found is None or adopt or found.mark == mark or (found.mark and mark is None):
        return []
    return [
        Problem(
            "cluster.name",
            f"`{name}` is a cluster that this stack did not make",
            "a name that no cluster of kind has",
            f"`cluster.adopt: true` to use that cluster, another name, or `kind delete cluster --name {name}`",
        )
    ]


def version(text: str) -> str:
    """The version of kind in `kind version`, as `0.31.0`. Raises ValueError when the text has none."""
    found = _VERSION.search(text)
    if found is None:
        raise ValueError(f"`kind version` answered something else than a version: {text[:80]!r}")
    return found[1]
