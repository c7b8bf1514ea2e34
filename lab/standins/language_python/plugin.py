"""A plugin that is written in Python: a policy pack, or a package of components. Started in its own virtualenv, ended with the host."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

from pulumi.runtime.proto import language_pb2

# As long as the engine gives a plugin that is a program of its own.
_GRACE_SECONDS = 5
_CHUNK_BYTES = 65536
# A host that is killed cannot end what it started: the kernel does, when told so by prctl(PR_SET_PDEATHSIG, SIGKILL). It is told
# in a process of its own, as gRPC's threads do not survive code between fork and exec.
_END_WITH_PARENT = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execv(sys.argv[1], sys.argv[1:])"


def command(python: Path, kind: str, directory: str, arguments: Sequence[str]) -> list[str]:
    """What the official host runs for a plugin of that kind; ValueError for a kind that it does not run either."""
    if kind == "analyzer":
        return [str(python), "-u", "-m", "pulumi.policy", *arguments, directory]
    if kind == "resource":
        return [str(python), directory, *arguments]
    raise ValueError(
        f"the stand-in for pulumi-language-python runs no plugins of kind {kind!r}, only analyzer and resource"
    )


async def run(
    arguments: Sequence[str], directory: str, environment: Mapping[str, str]
) -> AsyncIterator[language_pb2.RunPluginResponse]:
    """Run it; gives its output as it comes and its exit code last. Closing the iterator ends it with all that it started."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-c", _END_WITH_PARENT),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=directory,
        env=dict(environment),
        start_new_session=True,
    )
    said: asyncio.Queue[language_pb2.RunPluginResponse | None] = asyncio.Queue()
    assert process.stdout and process.stderr  # noqa: S101 - asked for above
    readers = [
        asyncio.create_task(_read(process.stdout, said, lambda text: language_pb2.RunPluginResponse(stdout=text))),
        asyncio.create_task(_read(process.stderr, said, lambda text: language_pb2.RunPluginResponse(stderr=text))),
    ]
    try:
        for _ in readers:
            while (answer := await said.get()) is not None:
                yield answer
        yield language_pb2.RunPluginResponse(exitcode=await process.wait())
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.shield(_end(process))


async def _read(
    stream: asyncio.StreamReader,
    said: asyncio.Queue[language_pb2.RunPluginResponse | None],
    answer: Callable[[bytes], language_pb2.RunPluginResponse],
) -> None:
    while chunk := await stream.read(_CHUNK_BYTES):
        await said.put(answer(chunk))
    await said.put(None)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        _signal(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE_SECONDS)
    _signal(process.pid, signal.SIGKILL)
    await process.wait()


def _signal(leader: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, number)
