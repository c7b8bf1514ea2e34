"""The places of one run: each is made when the first row asks for it, serves all rows, and is gone at the end."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Self

from lab.verify.place import Place, Places


class Shared:
    """To be entered; at the end everything that was made is taken away, also what is only half made."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._made: dict[tuple[str, str], asyncio.Task[Place]] = {}
        self._locks: dict[int, asyncio.Lock] = {}
        self._stack = AsyncExitStack()

    async def host(self) -> Place:
        """The machine that this program runs on."""
        return await self._place(("host", ""), self._places.host)

    async def unmeshed(self) -> Place:
        """A pod without a proxy. NotProvable where there is none."""
        return await self._place(("unmeshed", ""), self._places.unmeshed)

    async def meshed(self, account: str) -> Place:
        """A pod on the mesh, as that service account. NotProvable where there is none."""
        return await self._place(("meshed", account), lambda: self._places.meshed(account))

    async def outside(self, workload: str) -> Place:
        """A workload's machine. NotProvable where there is no way onto it."""
        return await self._place(("outside", workload), lambda: self._places.outside(workload))

    def alone(self, place: Place) -> asyncio.Lock:
        """To hold while what a place's proxy counts must come from one row only."""
        return self._locks.setdefault(id(place), asyncio.Lock())

    async def _place(self, key: tuple[str, str], make: Callable[[], AbstractAsyncContextManager[Place]]) -> Place:
        if key not in self._made:
            self._made[key] = asyncio.create_task(self._stack.enter_async_context(make()))
        # A row that has no more time does not take the place from the others.
        return await asyncio.shield(self._made[key])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._made.values():
            task.cancel()
        await asyncio.gather(*self._made.values(), return_exceptions=True)
        await self._stack.aclose()
