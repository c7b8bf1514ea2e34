"""A resource that fails ends what depends on it, and only that.

With `--continue-on-error` the engine goes on after a failure and tells the program. The Python SDK then raises in every
registration that needs the failed resource, and ends the program at the first of them that it happens to look at:
whatever had not been registered by then is left out, a healthy machine's workload too. So such a registration holds its
exception until all others are through. The program still ends with an error, on purpose: after a program that ended
well the engine deletes what was not registered.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pulumi
from pulumi.runtime.settings import _get_rpc_manager
from pulumi.runtime.stack import ResourceRegistrationFailed

_POLL_SECONDS = 0.05


def others_first() -> None:
    """Install this for the program that runs now."""
    manager = _get_rpc_manager()
    usual = manager.do_rpc
    active, held = set[object](), set[object]()

    def do_rpc(name: str, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def registration(*arguments: Any, **named: Any) -> Any:
            mine = object()
            active.add(mine)
            try:
                return await function(*arguments, **named)
            except ResourceRegistrationFailed as failure:
                held.add(mine)
                await asyncio.sleep(_POLL_SECONDS)  # others may be on the point of starting
                while active - held:
                    await asyncio.sleep(_POLL_SECONDS)
                raise pulumi.RunError(f"left out what depends on a failed resource: {failure}") from None
            finally:
                active.discard(mine)
                held.discard(mine)

        return usual(name, registration)

    manager.do_rpc = do_rpc  # type: ignore[method-assign, assignment]
