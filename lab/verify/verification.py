"""One run of `lab verify`: read what is promised, look at the lab from its places, report."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab import paths
from lab.doctor import configuration, state
from lab.verify.access_to_cluster import kubectl_of
from lab.verify.choice import places_of
from lab.verify.cluster import Cluster
from lab.verify.context import REQUESTS, Context
from lab.verify.judging import judge
from lab.verify.outcome import Outcome
from lab.verify.places.probe_pod import sweep
from lab.verify.promises import NAMESPACE, promises
from lab.verify.registry import ROWS
from lab.verify.report import Report
from lab.verify.selection import Selection
from lab.verify.shared import Shared
from settings import Settings

SECONDS = 180.0


class NotReadyError(Exception):
    """There is nothing to hold against a stack file; the text says why and what to type."""


class InterruptedRunError(Exception):
    """Somebody ended the run, and what it had made is gone. `signal` is the signal's number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}; everything that was made for the run is gone")
        self.signal = number


@dataclass(frozen=True, kw_only=True)
class Options:
    """`seconds` is the time for everything; `told` hears of each outcome as it comes."""

    selection: Selection = field(default_factory=Selection)
    requests: int = REQUESTS
    seconds: float = SECONDS
    told: Callable[[Outcome], None] = lambda _outcome: None


def verify(stack: str, options: Options, project: Path = paths.CHECKOUT) -> Report:
    """Assert against the lab of a stack what its file promises; changes nothing.

    Raises NoStackFile, NotReadyError, UnknownNameError and InterruptedRunError.
    """
    return asyncio.run(_interruptible(stack, options, project))


async def _interruptible(stack: str, options: Options, project: Path) -> Report:
    """A signal ends the rows; whoever made something takes it away, however often the signal comes."""
    loop, running = asyncio.get_running_loop(), asyncio.ensure_future(_verify(stack, options, project))
    came: list[int] = []

    def stop(number: int) -> None:
        came.append(number)
        if len(came) == 1:
            running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        return await running
    except asyncio.CancelledError:
        if came:
            raise InterruptedRunError(came[0]) from None
        raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _verify(stack: str, options: Options, project: Path) -> Report:
    begun = time.monotonic()
    written = configuration.read(stack, project)
    settings = written.settings
    if settings is None or written.problems or written.later:
        raise NotReadyError(f"stacks/{written.file.name} cannot be used as it is; `make doctor STACK={stack}` says why")
    known = state.read(stack)
    rows = options.selection.of(ROWS)
    promised = promises(settings)
    options.selection.check([workload.name for workload in promised.workloads])
    encrypted = "ssh-private-key" in written.encrypted
    async with _surroundings(settings, stack, project, options.seconds, encrypted_key=encrypted) as (cluster, shared):
        context = Context(
            stack=stack,
            promises=promised,
            cluster=cluster,
            places=shared,
            requests=options.requests,
            ends=known.ends,
            anchors=str(known.outputs.get("trustAnchors", "")),
            gui=str(known.outputs.get("gui", "")),
        )
        outcomes = await judge(context, rows, options.selection, options.seconds, options.told)
    return Report(stack=stack, lab=settings.lab, rows=rows, outcomes=outcomes, seconds=time.monotonic() - begun)


@asynccontextmanager
async def _surroundings(
    settings: Settings, stack: str, project: Path, seconds: float, *, encrypted_key: bool
) -> AsyncIterator[tuple[Cluster, Shared]]:
    async with AsyncExitStack() as stacked:
        try:
            kubectl = await stacked.enter_async_context(kubectl_of(settings, stack, project))
            cluster = Cluster(kubectl)
            await sweep(kubectl, NAMESPACE)
        except (OSError, TimeoutError) as problem:
            raise NotReadyError(f"{problem}. Bring the lab up: make up STACK={stack}") from None
        places = places_of(settings, stack, project, kubectl, cluster, seconds=seconds, encrypted_key=encrypted_key)
        yield cluster, await stacked.enter_async_context(Shared(places))
