"""CustomResourceDefinitions whose making a killed API server left half done.

A definition is served once its status says Established. The API server queues that step when it sees the names being
accepted; killed between the two it starts again with the names accepted already, and looks at the definition only when
it changes or after five minutes.
"""

import time
from typing import Any

from lab.twin.api import Api

_LIST = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_SECONDS = 10.0
_MARK = "mesh-expansion/looked-at"


def wake_definitions(api: Api) -> None:
    """Touch every definition that waits to be established until none does, for a few seconds at most."""
    limit = time.monotonic() + _SECONDS
    while time.monotonic() < limit:
        waiting = [item for item in (api.get(_LIST) or {}).get("items", []) if _waits(item)]
        if not waiting:
            return
        for item in waiting:
            change = {"metadata": {"annotations": {_MARK: str(time.time_ns())}}}
            api.merge(f"{_LIST}/{item['metadata']['name']}", change)
        time.sleep(0.2)


def _waits(definition: dict[str, Any]) -> bool:
    if "deletionTimestamp" in definition["metadata"]:
        return False
    states = {item["type"]: item["status"] for item in definition.get("status", {}).get("conditions", [])}
    return states.get("Established") != "True" and states.get("NamesAccepted", "True") == "True"
