"""Many looks at once, each for itself, and none longer than there is time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


async def collect(
    looks: Sequence[Callable[[], AsyncIterator[T]]],
    seconds: float,
    late: Callable[[int], T],
    crashed: Callable[[int, Exception], T],
) -> list[list[T]]:
    """What each look gave, in their order.

    `late` and `crashed` say it for one, by its number, that was not done within `seconds` or that raised.
    """
    found: list[list[T]] = [[] for _ in looks]
    tasks = [asyncio.create_task(_drain(look, place)) for look, place in zip(looks, found, strict=True)]
    try:
        _, unfinished = await asyncio.wait(tasks, timeout=seconds) if tasks else (set(), set[asyncio.Task[None]]())
    finally:
        # Also where somebody interrupts the whole: each has to come to its own end.
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for index, (task, end) in enumerate(zip(tasks, ended, strict=True)):
        if task in unfinished:
            found[index].append(late(index))
        elif isinstance(end, Exception):
            found[index].append(crashed(index, end))
    return found


async def _drain(look: Callable[[], AsyncIterator[T]], found: list[T]) -> None:
    async for item in look():
        found.append(item)
