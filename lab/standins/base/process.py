"""A plugin's process: prints its port, serves until it is told to end, and never outlives the engine that started it."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import grpc.aio

# Lists of manifests and archives pass the default of 4 MiB; the engine itself allows 400 MiB.
_LARGEST_MESSAGE = 400 * 1024 * 1024
_PARENT_CHECK_SECONDS = 0.5
_GRACE_SECONDS = 1


def engine_address() -> str:
    """The engine's address: the argument that is not an option; empty without one."""
    addresses = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    return addresses[-1] if addresses else ""


async def run_server(add: Callable[[Any], None], close: Callable[[], Awaitable[None]]) -> None:
    """Serves what `add` registers on a free loopback port until the end, then awaits `close`."""
    limits = [("grpc.max_receive_message_length", _LARGEST_MESSAGE), ("grpc.max_send_message_length", _LARGEST_MESSAGE)]
    server = grpc.aio.server(options=limits)
    add(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    settled()
    ended = asyncio.create_task(_ended())
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await ended
    await close()
    await server.stop(grace=_GRACE_SECONDS)
    settled()


def settled() -> None:
    """What is in memory now stays until the process ends: the collector, off while modules were imported, leaves it alone.

    Taking it apart would be a third of a short process's time.
    """
    gc.freeze()
    gc.enable()


async def _ended() -> None:
    """Returns on SIGINT and SIGTERM, or when the engine that started the plugin is gone (killed, it tells nobody).

    The engine ends a plugin by SIGINT and waits 5 s before it kills. A terminal's Ctrl-C does not come here: plugins have a process group
    of their own.
    """
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGINT, told.set)
    loop.add_signal_handler(signal.SIGTERM, told.set)
    parent = os.getppid()
    while not told.is_set() and os.getppid() == parent:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), _PARENT_CHECK_SECONDS)
