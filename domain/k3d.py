"""What k3d says, and what follows from it."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.problem import Problem

# k3d shows those labels of its containers that begin with `k3d`, and keeps for itself those that begin with `k3d.`.
MARK = "k3d-mesh-expansion-lab"
MADE = "k3d-mesh-expansion-made"
_VERSION = re.compile(r"^k3d version v(\d+\.\d+\.\d+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class K3dCluster:
    """A cluster as `k3d cluster list` shows it.

    `mark` is that of the stack that made it and `made` when it did; both are empty for a cluster that somebody else made.
    """

    name: str
    network: str
    mark: str
    made: str
    servers: int
    servers_running: int
    agents: int
    agents_running: int


def clusters(text: str) -> list[K3dCluster]:
    """Every cluster of `k3d cluster list -o json`. Raises ValueError when the text is something else."""
    try:
        return [_cluster(item) for item in json.loads(text)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"`k3d cluster list -o json` answered something else than clusters ({error!r})") from None


def named(found: Sequence[K3dCluster], name: str) -> K3dCluster | None:
    """The cluster of that name, if there is one."""
    return next((cluster for cluster in found if cluster.name == name), None)


def problems(cluster: K3dCluster | None, *, name: str, network: str, mark: str | None, adopt: bool) -> list[Problem]:
    """Why the lab cannot use what is there. `mark`: the stack's own, or None before it has one."""
    if cluster is None:
        return []
    problems = []
    if cluster.servers_running < cluster.servers or cluster.agents_running < cluster.agents:
        problems.append(
            Problem(
                "cluster.name",
                f"`{name}` is a cluster that is stopped",
                "one that runs",
                f"`k3d cluster start {name}`",
            )
        )
    # Whose a marked one is can be told only once this stack has a mark.
    if cluster.mark == mark or (cluster.mark and mark is None):
        return problems
    if not adopt:
        problems.append(
            Problem(
                "cluster.name",
                f"`{name}` is a cluster that this stack did not make",
                "a name that no cluster of k3d has",
                f"`cluster.adopt: true` to use that cluster, another name, or `k3d cluster delete {name}`",
            )
        )
    elif cluster.network != network:
        problems.append(
            Problem(
                "cluster.network",
                f"{network}, while cluster `{name}` is in the network {cluster.network}",
                "the network of the cluster that is to be used",
                f"`cluster.network: {cluster.network}`",
            )
        )
    return problems


def kubeconfig(text: str) -> str:
    """The kubeconfig in what `k3d kubeconfig get` prints: what follows the line that begins a document."""
    return text.rpartition("---\n")[2]


def version(text: str) -> str:
    """The version of k3d in `k3d version`, as `5.9.0`. Raises ValueError when the text has none."""
    found = _VERSION.search(text)
    if found is None:
        raise ValueError(f"`k3d version` answered something else than a version: {text[:80]!r}")
    return found[1]


def _cluster(item: Any) -> K3dCluster:
    labels = [node.get("runtimeLabels") or {} for node in item.get("nodes") or []]

    def label(key: str) -> str:
        return next((str(found[key]) for found in labels if key in found), "")

    return K3dCluster(
        name=item["name"],
        network=item["network"]["name"],
        mark=label(MARK),
        made=label(MADE),
        servers=int(item["serversCount"]),
        servers_running=int(item["serversRunning"]),
        agents=int(item["agentsCount"]),
        agents_running=int(item["agentsRunning"]),
    )
