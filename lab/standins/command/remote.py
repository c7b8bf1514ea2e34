"""`command.remote.Command`: commands on another machine, over SSH."""

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncssh
import pulumi_command

from lab.standins.base import Call, Properties, ProviderError, inputs_of
from lab.standins.command.connection import connected
from lab.standins.command.lifecycle import Command, environment, failed, logged
from lab.standins.command.streams import Output, gather


class RemoteCommand(Command):
    """One connection a command; the user's shell on the other machine runs it."""

    token = "command:remote:Command"  # noqa: S105 - a type token
    inputs = inputs_of(pulumi_command.remote.CommandArgs)
    secret_inputs = frozenset({"connection"})
    secret_outputs = frozenset({"connection"})

    async def run(self, call: Call, command: str, inputs: Properties, previous: Mapping[str, Any]) -> Properties:
        """Runs it; a cancelled one loses its session, which ends a command that reads or writes."""
        output = Output()
        async with connected(call, inputs["connection"]) as connection:
            try:
                async with connection.create_process(
                    command, env=environment(inputs, previous), encoding=None, stderr=asyncssh.PIPE
                ) as process:
                    await _finish(call, process, inputs, output)
            except asyncio.CancelledError:
                connection.abort()
                raise
            except (asyncssh.Error, OSError) as error:
                raise ProviderError(f"{inputs['connection']['host']}: the connection broke: {error}") from None
        if process.exit_signal:
            raise failed(f"Process exited with signal {process.exit_signal[0]}", command, "".join(output.both))
        if process.exit_status:
            raise failed(f"Process exited with status {process.exit_status}", command, "".join(output.both))
        return dict(output.results())


async def _finish(call: Call, process: Any, inputs: Properties, output: Output) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(gather(call, process.stdout, output, "stdout", show=logged(inputs, "stdout")))
        group.create_task(gather(call, process.stderr, output, "stderr", show=logged(inputs, "stderr")))
        if inputs.get("stdin"):
            process.stdin.write(inputs["stdin"].encode())
        process.stdin.write_eof()
    await process.wait()
