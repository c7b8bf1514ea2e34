"""How the workloads are now: the conditions of their ExternalWorkloads, where the cluster answers."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

from lab.doctor import cluster, configuration
from lab.picture.from_state import health
from lab.picture.graph import Health

_ALL = "/apis/workload.linkerd.io/v1beta1/externalworkloads"


def live(stack: str, project: Path) -> Mapping[str, tuple[Health, str]] | None:
    """By workload; None where the stack file names no kubeconfig, or the cluster does not answer."""
    try:
        settings = configuration.read(stack, project).settings
    except configuration.NoStackFile:
        return None
    kubectl = cluster.brought(settings, project) if settings else None
    if kubectl is None:
        return None
    try:
        answer = asyncio.run(kubectl.raw(_ALL))
        items = json.loads(answer.text)["items"] if answer.status == 0 else None
        return {str(item["metadata"]["name"]): health(item) for item in items} if items is not None else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
