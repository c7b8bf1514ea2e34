"""An answer that several checks need, and that is looked for once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Calls `find` at the first question; whoever asks meanwhile waits for the same answer."""

    def __init__(self, find: Callable[[], Awaitable[T]]) -> None:
        self._find = find
        self._task: asyncio.Future[T] | None = None

    async def __call__(self) -> T:
        """The answer; what `find` raises is raised to everybody."""
        if self._task is None:
            self._task = asyncio.ensure_future(self._find())
        # One who has no more time does not take the answer from the others.
        return await asyncio.shield(self._task)

    async def close(self) -> None:
        """End a search that goes on still."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
