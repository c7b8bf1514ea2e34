"""A container outside the cluster, on the engine of the stack file."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import docker
from docker.errors import DockerException, NotFound
from requests.exceptions import RequestException

from lab.verify.place import NotProvable, Place
from lab.verify.places.machine import CAPTURE
from lab.verify.places.shell import ShellPlace
from lab.verify.program import Done

_CANNOT = (1, 3, 126, 127)


class Container(ShellPlace):
    """Programs run in it as root, whose requests go through the proxy as the workload's do."""

    def __init__(self, workload: str, container: Any) -> None:
        super().__init__(f"container {workload}", self._run)
        self._container = container

    async def log(self, seconds: float) -> str:
        """Lines of the container's log, which holds the proxy's."""
        since = int(time.time() - seconds)
        text = await self._in_thread(lambda: self._container.logs(since=since))
        return bytes(text).decode(errors="replace")

    async def capture(self, address: str, port: int, seconds: float) -> bytes:
        """Packets as a pcap file. NotProvable where nothing in the container can read them."""
        command = ["sh", "-c", CAPTURE.read_text(), "capture", address, str(port), f"{seconds:.0f}"]
        status, (out, fault) = await self._in_thread(
            lambda: self._container.exec_run(command, user="root", demux=True), seconds + 15
        )
        if status in _CANNOT:
            said = (fault or b"").decode(errors="replace").strip()
            raise NotProvable(f"{self.name}: packets cannot be read there: {said or f'it ended with {status}'}")
        return out or b""

    async def _run(self, command: Sequence[str], seconds: float) -> Done:
        status, (out, fault) = await self._in_thread(
            lambda: self._container.exec_run(list(command), user="root", demux=True), seconds
        )
        out, fault = ((text or b"").decode(errors="replace") for text in (out, fault))
        return Done(status=status, out=out, fault=fault)

    async def _in_thread(self, call: Any, seconds: float = 30) -> Any:
        try:
            return await asyncio.wait_for(asyncio.to_thread(call), seconds)
        except TimeoutError:
            raise TimeoutError(f"{self.name} gave no answer within {seconds:.0f} s") from None
        except (DockerException, RequestException) as problem:
            raise OSError(f"{self.name} cannot be used: {problem}") from None


@asynccontextmanager
async def container(workload: str, name: str, host: str | None) -> AsyncIterator[Place]:
    """OSError where there is no such container, or no engine."""
    try:
        client = await asyncio.to_thread(_client, host)
        found = await asyncio.to_thread(client.containers.get, name)
    except NotFound:
        raise OSError(f"there is no container {name}") from None
    except (DockerException, RequestException) as problem:
        raise OSError(f"the Docker engine{f' at {host}' if host else ''} does not answer: {problem}") from None
    try:
        yield Container(workload, found)
    finally:
        await asyncio.to_thread(client.close)


def _client(host: str | None) -> docker.DockerClient:
    return docker.DockerClient(base_url=host, timeout=120) if host else docker.from_env(timeout=120)
