"""The lab's cluster, asked for single documents; one that is silent is found out once, and named by its cause."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lab.doctor import cluster, kubeconfig
from lab.doctor.once import Once
from lab.verify.access_to_cluster import kubeconfig_of
from settings import Settings

Object = Mapping[str, Any]


class SilentError(Exception):
    """The cluster does not answer; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Answering:
    """An API that answers: where it is, and its Kubernetes version."""

    server: str
    version: str


class Api(Protocol):
    """What the screen asks of a cluster. Every call raises SilentError where it does not answer."""

    async def answering(self) -> Answering:
        """Where it is."""

    async def items(self, path: str) -> Sequence[Object]:
        """The objects of a list; none where their kind is not known."""


class ClusterApi:
    """By kubectl, which knows every way to log in that a kubeconfig can name."""

    def __init__(self, opened: Once[tuple[Path, str | None]]) -> None:
        self._opened = opened
        self._answering = Once(self._ask)
        self._gate = asyncio.Semaphore(4)  # each is a process of its own

    async def answering(self) -> Answering:
        """Asked first: whoever is silent is not waited for again and again."""
        return await self._answering()

    async def items(self, path: str) -> Sequence[Object]:
        answering = await self.answering()
        found = await self._get(path, answering.server)
        listed = found.get("items") if found else None
        return [item for item in listed or [] if isinstance(item, dict)]

    async def close(self) -> None:
        """End what goes on still."""
        await self._answering.close()
        await self._opened.close()

    async def _ask(self) -> Answering:
        try:
            file, context = await self._opened()
            server = kubeconfig.read(file, context).server
        except (OSError, ValueError, TimeoutError) as error:
            raise SilentError(str(error)) from None
        found = await self._get("/version", server) or {}
        return Answering(server=server, version=str(found.get("gitVersion", "of an unknown version")))

    async def _get(self, path: str, server: str) -> dict[str, Any] | None:
        file, context = await self._opened()
        try:
            async with self._gate:
                answer = await cluster.Kubectl(file, context).raw(path)
        except OSError as error:
            raise SilentError(f"kubectl cannot be run: {error}") from None
        if answer.status != 0:
            if "(NotFound)" in answer.fault or "could not find the requested resource" in answer.fault:
                return None
            raise SilentError(cluster.why_silent(server, answer.fault))
        try:
            document = json.loads(answer.text)
        except ValueError:
            raise SilentError(f"{server} does not answer as a Kubernetes API does") from None
        return document if isinstance(document, dict) else None


@asynccontextmanager
async def api_of(settings: Settings, stack: str, project: Path) -> AsyncIterator[Api]:
    """The cluster of a stack. Where the stack has made it, the kubeconfig is got out of its state at the first question."""
    async with AsyncExitStack() as stacked:
        api = ClusterApi(Once(lambda: stacked.enter_async_context(kubeconfig_of(settings, stack, project))))
        try:
            yield api
        finally:
            await api.close()
