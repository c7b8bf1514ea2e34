"""The protocol of the base, and Construct for the components of manifest files."""

from typing import Any

from pulumi.runtime.proto import provider_pb2

from lab.standins.base.engine import EngineLog
from lab.standins.base.servicer import Servicer
from lab.standins.kubernetes.construct import Component
from lab.standins.kubernetes.provider import KubernetesProvider


class KubernetesServicer(Servicer):
    """Children go to the engine's resource monitor, which comes back to this process for each of them."""

    def __init__(self, provider: KubernetesProvider, engine_address: str = "") -> None:
        super().__init__(provider, engine_address)
        self._kubernetes = provider

    async def Construct(self, request: provider_pb2.ConstructRequest, context: Any) -> provider_pb2.ConstructResponse:
        component = Component(request, self._kubernetes.session, self._kubernetes.version, EngineLog(self._engine))
        # Cancel ends the children's creation, not this: the engine ends it, by its answers to the children's registrations.
        return await self._answer(context, component.build(), until_cancel=False)
