"""The twin's places: this machine, containers that stand for pods, devices and edge containers."""

import asyncio
import shlex
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import docker
from docker.errors import DockerException, NotFound
from docker.models.containers import Container

from lab import paths
from lab.docker.errors import DockerError
from lab.stack_file import Outside
from lab.twin.devices import network, shell
from lab.twin.devices.client import connected
from lab.twin.devices.layout import layout
from lab.twin.devices.present import present
from lab.twin.errors import TwinError
from lab.twin.pod.container import PodContainer
from lab.twin.pod.pods import Missing, Pods, lacking
from lab.verify.place import NotProvable, Place
from lab.verify.places import packets
from lab.verify.places.host import host
from lab.verify.places.shell import Runner, ShellPlace
from lab.verify.program import Done

_T = TypeVar("_T")

DEADLINE_SECONDS = 900.0
_DEVICE_LOG = "journalctl --no-pager --output=cat --unit=mesh-expansion-proxy --since=-{seconds:.0f}s"


class OutsidePlace(ShellPlace):
    """A device or an edge container, whose proxy's log and packets can be read too."""

    def __init__(self, name: str, container: Container, log: Callable[[float], str]) -> None:
        super().__init__(name, _runner(partial(shell.shell, container)))
        self._log = log

    async def log(self, seconds: float) -> str:
        """What the proxy has logged within the last `seconds`."""
        return await _in_thread(lambda: self._log(seconds))

    async def capture(self, address: str, port: int, seconds: float) -> bytes:
        """By this machine's end of the container's cable. NotProvable without root."""
        done = await self.run(["cat", "/sys/class/net/eth0/iflink"], shell.SECONDS)
        if done.status:
            raise OSError(f"{self.name} has no network interface: {done.last}")
        try:
            interface = network.interface_number(int(done.out))
            return await _in_thread(lambda: packets.capture(interface, address, port, seconds))
        except PermissionError:
            raise NotProvable("only root may look at this machine's packets") from None


class TwinPlaces:
    """`outside` are the workloads that the stack file wants on devices and in containers; `namespace` is theirs.

    `seconds` is the deadline of what stands for a pod: then it goes, whatever has become of this program.
    """

    def __init__(
        self,
        outside: Outside,
        *,
        directory: Path | None = None,
        namespace: str = "faces",
        seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._outside = outside
        self._directory = directory or paths.twin()
        self._at = layout(self._directory / "devices", list(outside.devices), 1)
        self._namespace = namespace
        self._seconds = seconds

    def host(self) -> AbstractAsyncContextManager[Place]:
        """The machine that the twin runs on, which is in its devices' network too."""
        return host()

    @asynccontextmanager
    async def unmeshed(self) -> AsyncIterator[Place]:
        """A container without a proxy. NotProvable without a real mesh, of which it is to be no part."""
        async with self._pod("a container for an unmeshed pod", lambda pods: pods.unmeshed(), meshed=False) as place:
            yield place

    @asynccontextmanager
    async def meshed(self, account: str) -> AsyncIterator[Place]:
        """A container with a linkerd2-proxy. NotProvable without a real one, or without the service account."""
        name = f"a container for a meshed pod as {account}"
        async with self._pod(name, lambda pods: pods.meshed(account), meshed=True) as place:
            yield place

    @asynccontextmanager
    async def outside(self, workload: str) -> AsyncIterator[Place]:
        """The device or container of a workload. NotProvable for one that is only registered."""
        if workload not in {*self._outside.devices, *self._outside.containers}:
            raise NotProvable(f"{workload} is only registered: this lab has no way onto its machine")
        with self._engine() as client:
            yield self._device(client, workload) if workload in self._outside.devices else self._guest(client, workload)

    @asynccontextmanager
    async def _pod(self, name: str, make: Callable[[Pods], PodContainer], *, meshed: bool) -> AsyncIterator[Place]:
        if why := lacking(self._directory):
            raise NotProvable(why)
        with self._engine() as client:
            pods = Pods(client, self._at, self._directory, namespace=self._namespace, seconds=self._seconds)
            pod = await _made(lambda: make(pods))
            try:
                yield ShellPlace(name, _runner(pod.shell), meshed=meshed)
            finally:
                await _in_thread(pod.remove)

    def _device(self, client: docker.DockerClient, name: str) -> Place:
        container = _running(client, self._at.container(name), f"device {name}")

        def log(seconds: float) -> str:
            return shell.shell(container, _DEVICE_LOG.format(seconds=seconds))[1]

        return OutsidePlace(f"device {name}", container, log)

    def _guest(self, client: docker.DockerClient, name: str) -> Place:
        container = _running(client, self._at.guest(name), f"container {name}")

        def log(seconds: float) -> str:
            return bytes(container.logs(since=time.time() - seconds)).decode(errors="replace")

        return OutsidePlace(f"container {name}", container, log)

    @contextmanager
    def _engine(self) -> Iterator[docker.DockerClient]:
        """NotProvable where the twin has nothing in an engine; what goes wrong in it is an OSError."""
        engine = present()
        if engine is None:
            raise NotProvable("no Docker engine answers, so the twin has no devices")
        try:
            with connected(engine.host) as client:
                yield client
        except (DockerError, TwinError) as problem:
            raise OSError(str(problem)) from problem


def _running(client: docker.DockerClient, name: str, what: str) -> Container:
    try:
        container = client.containers.get(name)
    except NotFound:
        raise NotProvable(f"{what} is not there") from None
    if container.status != "running":
        raise OSError(f"{what} does not run: Docker says {container.status}")
    return container


def _runner(run: Callable[[str, float], tuple[int, str]]) -> Runner:
    """A shell in a container as something that runs programs; both streams are its output."""

    async def runner(command: Sequence[str], seconds: float) -> Done:
        try:
            status, text = await _in_thread(lambda: run(shlex.join(command), seconds))
        except (DockerError, DockerException) as problem:
            raise OSError(str(problem)) from problem
        return Done(status=status, out=text, fault="")

    return runner


async def _made(make: Callable[[], PodContainer]) -> PodContainer:
    """Made in a thread, which nobody can interrupt: whoever is not there any more to use it takes it away again."""
    making = asyncio.ensure_future(_in_thread(make))
    try:
        return await asyncio.shield(making)
    except asyncio.CancelledError:
        with suppress(Exception):
            pod = await making
            await _in_thread(pod.remove)
        raise
    except Missing as missing:
        raise NotProvable(str(missing)) from None


async def _in_thread(act: Callable[[], _T]) -> _T:
    return await asyncio.to_thread(act)
