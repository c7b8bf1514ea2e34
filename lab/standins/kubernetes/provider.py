"""The stand-in for pulumi-resource-kubernetes as a plugin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.standins.base import Difference, Properties, Provider, Resource
from lab.standins.base.schema import Schema
from lab.standins.kubernetes import config as configuration
from lab.standins.kubernetes.objects import KubernetesObject, SecretObject
from lab.standins.kubernetes.release import Release
from lab.standins.kubernetes.session import Session


@dataclass(frozen=True, kw_only=True)
class KubernetesProvider(Provider):
    """Any type `kubernetes:<group>/<version>:<Kind>` is an object at the API server; Release is Helm's."""

    config: Schema = field(default_factory=lambda: configuration.SCHEMA)
    session: Session = field(default_factory=Session)

    def resource(self, token: str) -> Resource:
        if token == Release.token:
            return Release(self.session)
        kind = (
            SecretObject
            if token in {"kubernetes:core/v1:Secret", "kubernetes:core/v1:SecretPatch"}
            else KubernetesObject
        )
        return kind(token, self.session)

    async def check_config(self, config: Properties) -> Properties:
        return configuration.check(config)

    async def diff_config(self, old: Properties, new: Properties) -> Difference:
        return configuration.diff(old, new)

    async def configure(self, config: Mapping[str, Any]) -> None:
        await self.session.configure(config)
