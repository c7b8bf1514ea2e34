"""What a look at a live object says about how far it is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lab.standins.kubernetes.manifest import Object


@dataclass(frozen=True)
class Progress:
    """`message` says what is waited for; `problems` why it may never come. `good_enough`: accepted when time runs out."""

    ready: bool
    message: str = ""
    problems: tuple[str, ...] = ()
    good_enough: bool = False


READY = Progress(ready=True)
Judge = Callable[[Object], Awaitable[Progress]]


def waiting(message: str, *problems: str) -> Progress:
    return Progress(ready=False, message=message, problems=problems)


async def at_once(_: Object) -> Progress:
    """For kinds that are ready when they exist."""
    return READY
