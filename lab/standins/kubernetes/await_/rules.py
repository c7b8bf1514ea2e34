"""Which rule an object is waited for by, and for how long."""

import asyncio
import os
from typing import Final

from lab.standins.base.errors import ProviderError
from lab.standins.kubernetes.await_ import conditions, workloads
from lab.standins.kubernetes.await_.progress import Judge, at_once
from lab.standins.kubernetes.await_.service import ServiceJudge
from lab.standins.kubernetes.client import Client
from lab.standins.kubernetes.manifest import (
    SKIP_AWAIT,
    TIMEOUT_SECONDS,
    WAIT_FOR,
    Kind,
    Object,
    annotated_true,
    annotation,
    kind_of,
    namespace_of,
)

DEFAULT_TIMEOUT: Final = 600.0
AWAIT_ALL: Final = "PULUMI_K8S_AWAIT_ALL"
_POD: Final = Kind("", "v1", "Pod")

_BY_KIND: Final[dict[Kind, Judge]] = {
    Kind("apps", "v1", "Deployment"): workloads.deployment,
    Kind("apps", "v1", "StatefulSet"): workloads.stateful_set,
    Kind("apps", "v1", "DaemonSet"): workloads.daemon_set,
    Kind("batch", "v1", "Job"): workloads.job,
    Kind("networking.k8s.io", "v1", "Ingress"): workloads.ingress,
    Kind("", "v1", "Pod"): workloads.pod,
    Kind("", "v1", "PersistentVolumeClaim"): workloads.volume_claim,
}
# Kinds whose deletion skipAwait does not wait for either.
_SKIPS_DELETION: Final = frozenset(
    {
        Kind("", "v1", "Namespace"),
        Kind("", "v1", "Pod"),
        Kind("", "v1", "ReplicationController"),
        Kind("apps", "v1", "DaemonSet"),
        Kind("apps", "v1", "Deployment"),
        Kind("apps", "v1", "StatefulSet"),
        Kind("batch", "v1", "Job"),
    }
)


def judge_of(client: Client, inputs: Object) -> Judge:
    """`pulumi.com/skipAwait`, then `pulumi.com/waitFor`, then the kind's own rule, then the generic one if asked for."""
    if annotated_true(inputs, SKIP_AWAIT):
        return at_once
    if wanted := annotation(inputs, WAIT_FOR):
        return conditions.all_of(conditions.wait_for(wanted))
    kind = kind_of(inputs)
    if kind == Kind("", "v1", "Service"):
        return ServiceJudge(client)
    if kind in _BY_KIND:
        return _BY_KIND[kind]
    return conditions.generic_ready if os.environ.get(AWAIT_ALL) == "true" else at_once


def timeout_of(given: float, inputs: Object) -> float:
    """Seconds: `customTimeouts`, else `pulumi.com/timeoutSeconds`, else ten minutes."""
    if given:
        return given
    text = annotation(inputs, TIMEOUT_SECONDS)
    return float(text) if text.isdigit() else DEFAULT_TIMEOUT


def waits_for_deletion(inputs: Object) -> bool:
    return not (annotated_true(inputs, SKIP_AWAIT) and kind_of(inputs) in _SKIPS_DELETION)


async def why_not(client: Client, obj: Object) -> list[str]:
    """What holds the Pods of a workload back, one line each."""
    selector = (obj.get("spec") or {}).get("selector") or {}
    labels = selector.get("matchLabels") if isinstance(selector, dict) else None
    if kind_of(obj) not in _BY_KIND or not labels:
        return []
    query = ",".join(f"{key}={value}" for key, value in labels.items())
    try:
        pods = await asyncio.to_thread(lambda: client.list_all(_POD, namespace_of(obj), labels=query))
    except ProviderError:
        return []
    return [problem for pod in pods for problem in workloads.pod_problems(pod)]
