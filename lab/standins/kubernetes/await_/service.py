"""When a Service is ready: one with a selector waits until its endpoints have not changed for ten seconds.

Those ten seconds are the official plugin's (`await/service.go`); `pulumi.com/skipAwait` spares them, and so do headless
Services, ExternalName ones and those without a selector.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from lab.standins.kubernetes.await_.conditions import status_of
from lab.standins.kubernetes.await_.progress import READY, Progress, waiting
from lab.standins.kubernetes.client import Client
from lab.standins.kubernetes.errors import ApiError
from lab.standins.kubernetes.manifest import Kind, Object, metadata, name_of, namespace_of

SETTLE_SECONDS: Final = 10.0
_ENDPOINTS: Final = Kind("", "v1", "Endpoints")
_NO_TARGET: Final = "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' may not match labels on any Pods"
_NO_ADDRESS: Final = "Service was not allocated an IP address; does the cluster have a load balancer?"


class ServiceJudge:
    """Keeps when the endpoints last changed, so one is needed for each wait."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._version = ""
        self._since = 0.0

    async def __call__(self, service: Object) -> Progress:
        spec: dict[str, Any] = service.get("spec") or {}
        balanced = spec.get("type") == "LoadBalancer"
        addressed = not balanced or bool((status_of(service).get("loadBalancer") or {}).get("ingress"))
        if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None" or not spec.get("selector"):
            return READY if addressed else waiting("Attempting to allocate IP address to Service", _NO_ADDRESS)
        subsets = await self._subsets(service)
        reached = any(subset.get("addresses") for subset in subsets)
        pending = any(subset.get("notReadyAddresses") for subset in subsets)
        settled = bool(self._version) and self._clock() - self._since >= SETTLE_SECONDS
        if addressed and settled and not pending:
            return READY
        problems = ([] if reached else [_NO_TARGET]) + ([] if addressed else [_NO_ADDRESS])
        message = "Finding Pods to direct traffic to" if not reached or pending else "Waiting for endpoints to settle"
        return Progress(ready=False, message=message, problems=tuple(problems), good_enough=addressed and not pending)

    async def _subsets(self, service: Object) -> list[dict[str, Any]]:
        try:
            found = await asyncio.to_thread(self._client.get, _ENDPOINTS, namespace_of(service), name_of(service))
        except ApiError as problem:
            if not problem.not_found:
                raise
            return []
        version = str(metadata(found).get("resourceVersion"))
        if version != self._version:
            self._version, self._since = version, self._clock()
        return found.get("subsets") or []
