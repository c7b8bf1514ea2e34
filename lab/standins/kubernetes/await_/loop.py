"""Looking again and again until something is so. Polling, as a watch would need a thread for each object that waits."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from lab.standins.base.engine import EngineLog
from lab.standins.kubernetes.await_.progress import Judge, Progress, waiting
from lab.standins.kubernetes.client import Client
from lab.standins.kubernetes.errors import ApiError, NoSuchKind, Unreachable
from lab.standins.kubernetes.manifest import Object, kind_of, metadata, name_of, namespace_of

_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 1.0


class NotReady(Exception):
    """Time ran out, or the object went away; `live` is the last that was seen of it."""

    def __init__(self, live: Object, progress: Progress, reason: str) -> None:
        super().__init__(reason)
        self.live = live
        self.reasons = (reason, *progress.problems)


async def ready(
    client: Client,
    obj: Object,
    judge: Judge,
    *,
    timeout: float,
    log: EngineLog,
    seen: Callable[[Object], None] = lambda _: None,
) -> Object:
    """The object once `judge` is content. `seen` gets each state that was looked at. Raises NotReady after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    pause, told, live = _FIRST_PAUSE, "", obj
    progress = await judge(live)
    while not progress.ready:
        if progress.message and progress.message != told:
            told = progress.message
            await log.status(told)
        if time.monotonic() >= deadline:
            if progress.good_enough:
                return live
            raise NotReady(live, progress, f"not ready after {timeout:g} s: {progress.message or 'no reason given'}")
        await asyncio.sleep(min(pause, max(deadline - time.monotonic(), 0.05)))
        pause = min(pause * 1.5, _LONGEST_PAUSE)
        try:
            live = await asyncio.to_thread(client.get, kind_of(obj), namespace_of(live), name_of(live))
        except ApiError as problem:
            if problem.not_found:
                raise NotReady(
                    live, progress, "the object was deleted by someone else while it was waited for"
                ) from None
            progress = waiting(f"the API server says: {problem}")
            continue
        except Unreachable as problem:
            progress = waiting(str(problem))
            continue
        seen(live)
        progress = await judge(live)
    return live


async def gone(client: Client, obj: Object, *, timeout: float, log: EngineLog) -> None:
    """Returns when the object is no more (or another of its name took its place). Raises NotReady after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    pause, told, live = _FIRST_PAUSE, False, obj
    while True:
        try:
            live = await asyncio.to_thread(client.get, kind_of(obj), namespace_of(obj), name_of(obj))
        except NoSuchKind:
            return
        except ApiError as problem:
            if problem.not_found:
                return
            raise
        if metadata(live).get("uid") != metadata(obj).get("uid", metadata(live).get("uid")):
            return
        if time.monotonic() >= deadline:
            holding = ", ".join(metadata(live).get("finalizers") or []) or "none"
            raise NotReady(
                live, waiting(""), f"still there {timeout:g} s after its deletion was asked for; finalizers: {holding}"
            )
        if not told and time.monotonic() > deadline - timeout + 2:
            told = True
            await log.status("waiting until it is gone")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
