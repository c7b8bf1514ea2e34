"""The machine that `verify` runs on."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx

from lab.verify.place import Answer, NotProvable, Place, Request


class Host:
    """Asks over the network as any machine off the mesh would; settings for web proxies are not looked at."""

    name = "this machine"

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask(self, request: Request) -> Sequence[Answer]:
        """One answer for each of `count`."""
        if request.grpc:
            raise NotProvable("this machine does not speak gRPC")
        return [await self._ask(request) for _ in range(request.count)]

    async def _ask(self, request: Request) -> Answer:
        begun = time.monotonic()
        try:
            answer = await self._client.request(
                request.method, request.url, headers=dict(request.headers or {}), timeout=request.seconds
            )
        except httpx.HTTPError as problem:
            return Answer(status=None, fault=_words(problem), seconds=time.monotonic() - begun)
        return Answer(status=answer.status_code, body=answer.text, seconds=time.monotonic() - begun)

    async def metrics(self) -> str:
        """There are none."""
        raise NotProvable("this machine has no proxy")


def _words(problem: httpx.HTTPError) -> str:
    if isinstance(problem, httpx.TimeoutException):
        return "no answer in time"
    return str(problem) or type(problem).__name__


@asynccontextmanager
async def host() -> AsyncIterator[Place]:
    """Each request has a connection of its own, as a policy is looked up by connection."""
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(trust_env=False, limits=limits, follow_redirects=False) as client:
        yield Host(client)
