"""Places from which a lab can be asked: this machine, pods on and off the mesh, machines outside the cluster."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


class NotProvable(Exception):
    """There is no such place in this lab; the message says why, in one line."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """`count` requests for one URL, one after the other or, where they are many, some at a time; `seconds` is the limit for each.

    With `grpc` each is a call by HTTP/2 that carries one empty message; `method` and the answer's body say nothing then.
    """

    url: str
    count: int = 1
    method: str = "GET"
    headers: Mapping[str, str] | None = None
    seconds: float = 5.0
    grpc: bool = False


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`status` is the HTTP status, or None when there was no answer, and then `fault` says why.

    `seconds` is how long it took, where the place can tell.
    """

    status: int | None
    body: str = ""
    fault: str = ""
    seconds: float = 0.0


class Place(Protocol):
    """Somewhere that requests can be sent from."""

    @property
    def name(self) -> str:
        """In words: `a meshed pod as face`, `device smiley`, `this machine`."""

    async def ask(self, request: Request) -> Sequence[Answer]:
        """One answer for each of `count`. OSError or TimeoutError when the place itself cannot be used."""

    async def metrics(self) -> str:
        """What the proxy at this place counts, in the text format of Prometheus. NotProvable where there is no proxy."""


@runtime_checkable
class KeepsLog(Protocol):
    """A place whose proxy's log can be read."""

    async def log(self, seconds: float) -> str:
        """What the proxy has logged within the last `seconds`."""


@runtime_checkable
class OnTheWire(Protocol):
    """A place at whose network interface packets can be looked at."""

    async def capture(self, address: str, port: int, seconds: float) -> bytes:
        """TCP packets from and to a port of an address of its own, as a pcap file, for so long; a bounded number.

        NotProvable where nothing there can read packets.
        """


class Places(Protocol):
    """The places of one lab. Each is made when it is first asked for, and is gone when the context ends.

    What is made carries a label and a deadline of its own, so that nothing stays when this program is killed. A context may
    be left by another task than the one that entered it.
    """

    def host(self) -> AbstractAsyncContextManager[Place]:
        """The machine that this program runs on."""

    def unmeshed(self) -> AbstractAsyncContextManager[Place]:
        """A pod without a proxy. NotProvable where no pod runs and nothing stands for one."""

    def meshed(self, account: str) -> AbstractAsyncContextManager[Place]:
        """A pod on the mesh that runs as a service account of the demo's namespace. NotProvable likewise."""

    def outside(self, workload: str) -> AbstractAsyncContextManager[Place]:
        """The machine or container of a workload. NotProvable where this lab has no way onto it."""
