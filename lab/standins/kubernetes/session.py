"""One configured provider: the cluster, the default namespace, the switches, and whether the cluster answers."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from lab.standins.base.errors import ProviderError
from lab.standins.base.values import UNKNOWN
from lab.standins.kubernetes import kubeconfig as kubeconfigs
from lab.standins.kubernetes.client import Client
from lab.standins.kubernetes.config import Options
from lab.standins.kubernetes.discovery import namespaced_by_rule
from lab.standins.kubernetes.errors import ApiError, Unreachable
from lab.standins.kubernetes.kubeconfig import Kubeconfig
from lab.standins.kubernetes.manifest import Kind

_TRIES: Final = 3
_PAUSE: Final = 0.5


class Session:
    """`unreachable` holds the reason when there is no cluster to talk to; previews work all the same."""

    def __init__(self) -> None:
        self.options = Options(helm={})
        self.namespace = "default"
        self.kubeconfig: Kubeconfig = {}
        self.unreachable = "the provider has not been configured"
        self._client: Client | None = None

    async def configure(self, config: Mapping[str, Any]) -> None:
        self.options = Options.read(config)
        self.unreachable = ""
        try:
            self.kubeconfig = _choose(config)
            self.namespace = _text(config, "namespace") or kubeconfigs.namespace(self.kubeconfig)
            self._client = Client(self.kubeconfig, timeout=self.options.request_timeout)
            await self._greet(self._client)
        except Unreachable as problem:
            self.unreachable = str(problem)
        except ApiError as problem:
            self.unreachable = f"the API server refuses: {problem}"
        except ProviderError as problem:
            self.unreachable = str(problem)

    @property
    def client(self) -> Client:
        """Raises Unreachable when there is no cluster to talk to."""
        if self._client is None or self.unreachable:
            raise Unreachable(f"configured Kubernetes cluster is unreachable: {self.unreachable}")
        return self._client

    @property
    def reachable(self) -> bool:
        return not self.unreachable

    def namespaced(self, kind: Kind) -> bool:
        """By the cluster where it answers, else by what is known of built-in kinds."""
        return self.client.discovery.namespaced(kind) if self.reachable else namespaced_by_rule(kind)

    @staticmethod
    async def _greet(client: Client) -> None:
        for attempt in range(_TRIES):
            try:
                await asyncio.to_thread(client.request, "GET", "/version")
            except Unreachable:
                if attempt == _TRIES - 1:
                    raise
                await asyncio.sleep(_PAUSE)
            else:
                return


def _choose(config: Mapping[str, Any]) -> Kubeconfig:
    if config.get("kubeconfig") is UNKNOWN:
        raise ProviderError("the provider's kubeconfig is not known yet")
    text = _text(config, "kubeconfig")
    found = kubeconfigs.read(text) if text else kubeconfigs.ambient()
    if found is None:
        raise ProviderError("no kubeconfig: set the provider's `kubeconfig`, or $KUBECONFIG, or write ~/.kube/config")
    return kubeconfigs.chosen(found, _text(config, "context") or None, _text(config, "cluster") or None)


def _text(config: Mapping[str, Any], name: str) -> str:
    value = config.get(name)
    return value if isinstance(value, str) else ""
