"""Pods that changed while no kwok ran: a new kwok can overlook them until they change again."""

import time
from typing import Any

from lab.twin.api import Api

_SECONDS = 10.0
_MARK = "mesh-expansion/looked-at"


def wake_pods(api: Api) -> None:
    """Touch every pod that waits for kwok until none does, for a few seconds at most."""
    limit = time.monotonic() + _SECONDS
    while time.monotonic() < limit:
        waiting = [pod for pod in (api.get("/api/v1/pods") or {}).get("items", []) if _waits(pod)]
        if not waiting:
            return
        for pod in waiting:
            place = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
            api.merge(place, {"metadata": {"annotations": {_MARK: str(time.time_ns())}}})
        time.sleep(0.5)


def _waits(pod: dict[str, Any]) -> bool:
    if "deletionTimestamp" in pod["metadata"]:
        return True
    phase = pod["status"].get("phase")
    ready = any(item["type"] == "Ready" and item["status"] == "True" for item in pod["status"].get("conditions", []))
    return phase == "Pending" or (phase == "Running" and not ready)
