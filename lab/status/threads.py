"""Calls that block, each in a thread that nobody waits for any longer than there is time."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

_T = TypeVar("_T")


async def in_thread(call: Callable[[], _T]) -> _T:
    """What the call returns or raises. A call that never ends does not keep the program from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def settle(result: Callable[[], None]) -> None:
        if not future.done():
            result()

    def run() -> None:
        try:
            value = call()
        except Exception as error:
            outcome = error
            _tell(loop, lambda: settle(lambda: future.set_exception(outcome)))
        else:
            _tell(loop, lambda: settle(lambda: future.set_result(value)))

    threading.Thread(target=run, daemon=True).start()
    return await future


def _tell(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
    # Nobody waits any more where the loop is closed.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(act)
