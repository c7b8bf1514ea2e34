"""`command.local.Command` and `command.local.run`: commands on this machine."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi_command

from lab.standins.base import Call, Function, Properties, ProviderError, State, inputs_of
from lab.standins.command.globs import located, matching
from lab.standins.command.lifecycle import Command, environment, failed, logged
from lab.standins.command.streams import Output, gather

_SHELL = ("/bin/sh", "-c")
_GRACE_SECONDS = 3


class LocalCommand(Command):
    """Runs through `interpreter` (the shell by default) in `dir`."""

    token = "command:local:Command"  # noqa: S105 - a type token
    inputs = inputs_of(pulumi_command.local.CommandArgs)

    async def run(self, call: Call, command: str, inputs: Properties, previous: Mapping[str, Any]) -> Properties:
        """Runs it; a cancelled one is ended with every process that it started."""
        return await run_locally(call, command, inputs, previous)

    async def read(self, call: Call, id: str, state: Properties, inputs: Properties) -> State | None:
        """The state is believed. The engine leaves out where its files are, and could not put that back after a refresh."""
        found = await super().read(call, id, state, inputs)
        return (
            State(id=id, outputs={**state, **located(Path(state.get("dir") or Path.cwd()), state)}) if found else None
        )


class Run(Function):
    """Runs a command whenever the program runs, in previews too."""

    token = "command:local:run"  # noqa: S105 - a function token
    inputs = {
        "type": "object",
        "properties": {
            "command": {"type": "string"},
            **{
                name: declared
                for name, declared in LocalCommand.inputs["properties"].items()
                if name not in ("create", "update", "delete", "triggers")
            },
        },
        "required": ["command"],
        "additionalProperties": False,
    }

    async def run(self, call: Call, inputs: Properties) -> State:
        """The command's results beside its inputs."""
        return State(outputs={**inputs, **await run_locally(call, inputs["command"], inputs, {})})


async def run_locally(call: Call, command: str, inputs: Properties, previous: Mapping[str, Any]) -> Properties:
    """Runs the command and gives `stdout`, `stderr` and, where asked for, `assets` and `archive`."""
    directory = inputs.get("dir") or str(Path.cwd())
    if not Path(directory).is_dir():
        raise ProviderError(f"dir: there is no directory {directory}")
    arguments = [*(inputs.get("interpreter") or _SHELL), command]
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            cwd=directory,
            env={**os.environ, **environment(inputs, previous)},
            stdin=asyncio.subprocess.PIPE if inputs.get("stdin") else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise ProviderError(f"interpreter: {arguments[0]} cannot be run: {error.strerror}") from None
    output = Output()
    try:
        await _finish(call, process, inputs, output)
    except BaseException:
        # Whatever ends the wait (Cancel above all) must not leave the command running.
        await asyncio.shield(_end(process))
        raise
    if process.returncode:
        code = process.returncode
        raise failed(
            f"exit status {code}" if code > 0 else f"signal: {signal.Signals(-code).name}",
            command,
            "".join(output.both),
        )
    return {**output.results(), **matching(Path(directory), inputs)}


async def _finish(call: Call, process: asyncio.subprocess.Process, inputs: Properties, output: Output) -> None:
    assert process.stdout is not None  # noqa: S101 - asked for above
    assert process.stderr is not None  # noqa: S101
    async with asyncio.TaskGroup() as group:
        group.create_task(gather(call, process.stdout, output, "stdout", show=logged(inputs, "stdout")))
        group.create_task(gather(call, process.stderr, output, "stderr", show=logged(inputs, "stderr")))
        if process.stdin is not None:
            group.create_task(_feed(process.stdin, inputs["stdin"].encode()))
    await process.wait()


async def _feed(writer: asyncio.StreamWriter, content: bytes) -> None:
    # A command need not read what it is given.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        writer.write(content)
        await writer.drain()
    writer.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE_SECONDS)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
