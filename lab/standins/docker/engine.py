"""The Docker engine as the stand-in's resources reach it: calls in a thread, and errors in the operator's words."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import requests
from docker import APIClient
from docker.errors import APIError, DockerException, NotFound
from docker.tls import TLSConfig

from lab.standins.base import ProviderError

Answer = TypeVar("Answer")
CALL_SECONDS = 60


@dataclass
class Engine:
    """One engine, connected on first use: a preview that needs nothing from it works before it runs.

    `host` is a DOCKER_HOST value; `certificates` a directory with ca.pem, cert.pem and key.pem, for TLS; `logins` are the
    credentials of registries by their address.
    """

    host: str = "unix:///var/run/docker.sock"
    certificates: Path | None = None
    logins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    _client: APIClient | None = None

    async def ask(
        self, what: str, call: Callable[[APIClient], Answer], *, stop: threading.Event | None = None
    ) -> Answer:
        """The answer of `call`, run in a thread; `what` says in an error what was wanted, e.g. `container web: start`.

        Raises NotFound as it is, and ProviderError for every other refusal. When cancelled, the call under way is waited
        for first, since what it made must be known to whoever cleans up; `stop` is set to tell a long one.
        """
        work = asyncio.ensure_future(asyncio.to_thread(self._run, what, call))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            if stop:
                stop.set()
            await asyncio.wait([work])
            raise

    def close(self) -> None:
        """Drop the connections."""
        if self._client:
            self._client.close()
            self._client = None

    def _run(self, what: str, call: Callable[[APIClient], Answer]) -> Answer:
        try:
            return call(self._connected())
        except NotFound:
            raise
        except APIError as refused:
            raise ProviderError(f"{what}: the engine at {self.host} answered {_answer(refused)}") from refused
        except (DockerException, requests.RequestException, OSError) as fault:
            raise ProviderError(
                f"{what}: no Docker engine answers at {self.host} ({fault}); start it, or set docker:host or DOCKER_HOST"
            ) from fault

    def _connected(self) -> APIClient:
        if self._client is None:
            tls = _tls(self.certificates) if self.certificates else False
            self._client = APIClient(base_url=self.host, version="auto", timeout=CALL_SECONDS, tls=tls)
        return self._client


def _tls(directory: Path) -> TLSConfig:
    return TLSConfig(
        client_cert=(str(directory / "cert.pem"), str(directory / "key.pem")),
        ca_cert=str(directory / "ca.pem"),
        verify=True,
    )


def _answer(refused: APIError) -> str:
    status = refused.status_code or "?"
    return f"{status}: {str(refused.explanation or refused).strip()}"


async def or_absent(asked: Awaitable[Answer]) -> Answer | None:
    """None where the engine has no such object."""
    try:
        return await asked
    except NotFound:
        return None


def text(answer: Any) -> str:
    """An identifier of an answer, which the SDK leaves untyped."""
    return str(answer or "")
