"""Deployment, StatefulSet, DaemonSet, Job, Pod, PersistentVolumeClaim and Ingress: when they are ready."""

from typing import Any

from lab.standins.kubernetes.await_.conditions import condition, observed, status_of
from lab.standins.kubernetes.await_.progress import READY, Progress, waiting
from lab.standins.kubernetes.manifest import Object, name_of


def _spec(obj: Object) -> dict[str, Any]:
    found = obj.get("spec")
    return found if isinstance(found, dict) else {}


def _replicas(obj: Object) -> int:
    wanted = _spec(obj).get("replicas")
    return 1 if wanted is None else int(wanted)


async def deployment(obj: Object) -> Progress:
    """Rolled out: the last change was seen, every Pod is of the new kind and available."""
    if not observed(obj) or "observedGeneration" not in status_of(obj):
        return waiting("Waiting for the Deployment controller")
    status, wanted = status_of(obj), _replicas(obj)
    updated, available = int(status.get("updatedReplicas") or 0), int(status.get("availableReplicas") or 0)
    progressing = condition(obj, "Progressing")
    problems = [str(progressing.get("message"))] if progressing.get("reason") == "ProgressDeadlineExceeded" else []
    failure = condition(obj, "ReplicaFailure")
    if failure.get("status") == "True":
        problems.append(str(failure.get("message")))
    if updated < wanted or int(status.get("replicas") or 0) > updated or available < wanted:
        return waiting(f"Waiting for Pods ({available}/{wanted} available, {updated} of the new kind)", *problems)
    if wanted and condition(obj, "Available").get("status") != "True":
        return waiting(f"Waiting for condition Available: {condition(obj, 'Available').get('message', '')}", *problems)
    return READY


async def stateful_set(obj: Object) -> Progress:
    if not observed(obj) or "observedGeneration" not in status_of(obj):
        return waiting("Waiting for the StatefulSet controller")
    status, wanted = status_of(obj), _replicas(obj)
    strategy = _spec(obj).get("updateStrategy") or {}
    done = int(status.get("readyReplicas") or 0)
    if done < wanted:
        return waiting(f"Waiting for Pods ({done}/{wanted} ready)")
    held_back = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    if strategy.get("type") == "OnDelete" or held_back:
        return (
            READY
            if int(status.get("updatedReplicas") or 0) >= max(wanted - held_back, 0)
            else waiting("Waiting for the update to roll out")
        )
    if status.get("updateRevision") != status.get("currentRevision"):
        return waiting("Waiting for .status.currentRevision to become the new one")
    return READY


async def daemon_set(obj: Object) -> Progress:
    if not observed(obj) or "observedGeneration" not in status_of(obj):
        return waiting("Waiting for the DaemonSet controller")
    status = status_of(obj)
    wanted = int(status.get("desiredNumberScheduled") or 0)
    for field in ("currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady"):
        if int(status.get(field) or 0) < wanted:
            return waiting(f"Waiting for Pods ({field} {int(status.get(field) or 0)}/{wanted})")
    return READY


async def job(obj: Object) -> Progress:
    """Ready when complete; a failed Job never will be."""
    if condition(obj, "Complete").get("status") == "True":
        return READY
    failed = condition(obj, "Failed")
    if failed.get("status") == "True":
        return waiting("Job failed", f"Job {name_of(obj)} failed: {failed.get('message') or failed.get('reason')}")
    status = status_of(obj)
    return waiting(
        f"Waiting for Job to complete ({int(status.get('succeeded') or 0)} succeeded, {int(status.get('active') or 0)} active)"
    )


async def pod(obj: Object) -> Progress:
    if status_of(obj).get("phase") == "Succeeded":
        return READY
    if condition(obj, "Ready").get("status") == "True":
        return READY
    return waiting("Waiting for the Pod to be ready", *pod_problems(obj))


def pod_problems(obj: Object) -> list[str]:
    """One line for each thing that holds a Pod back."""
    found = []
    scheduled = condition(obj, "PodScheduled")
    if scheduled.get("status") == "False":
        found.append(f"Pod {name_of(obj)}: not scheduled: {scheduled.get('message')}")
    status = status_of(obj)
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        state = container.get("state") or {}
        held = state.get("waiting") or state.get("terminated") or {}
        if held.get("reason") not in {None, "ContainerCreating", "PodInitializing", "Completed"}:
            found.append(
                f"Pod {name_of(obj)}, container {container.get('name')}: {held['reason']} {held.get('message') or ''}".rstrip()
            )
    return found


async def volume_claim(obj: Object) -> Progress:
    if status_of(obj).get("phase") == "Bound":
        return READY
    return waiting(f"Waiting for the claim to be bound (phase {status_of(obj).get('phase')})")


async def ingress(obj: Object) -> Progress:
    if (status_of(obj).get("loadBalancer") or {}).get("ingress"):
        return READY
    return waiting(
        "Waiting for an address",
        "Ingress has no address: .status.loadBalancer.ingress is empty; is there an ingress controller?",
    )
