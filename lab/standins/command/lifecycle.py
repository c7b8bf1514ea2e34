"""What local and remote commands share: when which command runs, and what it leaves."""

import secrets
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from lab.standins.base import UNKNOWN, Call, Properties, ProviderError, Resource, State

_ID_BYTES = 4


class Command(Resource):
    """`create` runs on create, `update` (or `create` where there is none) on a change, `delete` on removal; nothing runs in a preview."""

    replace_on = frozenset({"triggers"})
    # Outputs that a run may give.
    results: tuple[str, ...] = ("stdout", "stderr")

    @abstractmethod
    async def run(self, call: Call, command: str, inputs: Properties, previous: Mapping[str, Any]) -> Properties:
        """Runs one command to its end; gives its results, or raises `ProviderError` with the end of its output."""

    async def create(self, call: Call, inputs: Properties) -> State:
        """Runs `create`; a command that fails leaves nothing in the state."""
        identity = f"{call.name}{secrets.token_hex(_ID_BYTES)}"
        if call.preview:
            return State(outputs={**inputs, **dict.fromkeys(self.results, UNKNOWN)})
        done = await self.run(call, inputs["create"], inputs, {}) if inputs.get("create") else _nothing()
        return State(id=identity, outputs={**inputs, **done})

    async def update(self, call: Call, id: str, state: Properties, inputs: Properties) -> State:
        """Runs `update`, or else `create`; without either only the state changes."""
        before = {name: state[name] for name in self.results if name in state}
        if call.preview:
            return State(id=id, outputs={**inputs, **dict.fromkeys(self.results, UNKNOWN)})
        command = inputs.get("update") or inputs.get("create")
        done = await self.run(call, command, inputs, before) if command else before
        return State(id=id, outputs={**inputs, **done})

    async def delete(self, call: Call, id: str, state: Properties) -> None:
        """Runs `delete` where there is one."""
        del id
        if state.get("delete"):
            await self.run(call, state["delete"], state, state)


def environment(inputs: Mapping[str, Any], previous: Mapping[str, Any]) -> dict[str, str]:
    """The input `environment`, and the previous results where `addPreviousOutputInEnv` does not say no."""
    found = dict(inputs.get("environment") or {})
    if inputs.get("addPreviousOutputInEnv") is not False:
        found |= {
            f"PULUMI_COMMAND_{name.upper()}": previous[name] for name in ("stdout", "stderr") if previous.get(name)
        }
    return found


def failed(reason: str, command: str, output: str) -> ProviderError:
    """The error of a command that did not end well, worded as the official plugin does."""
    return ProviderError(f"{reason}: running {_quoted(command)}:\n{output}")


def logged(inputs: Mapping[str, Any], stream: str) -> bool:
    """Whether the input `logging` lets a stream (`stdout`, `stderr`) be shown while the command runs."""
    return str(inputs.get("logging") or "stdoutAndStderr").lower() in (stream, "stdoutandstderr")


def _nothing() -> Properties:
    return {"stdout": "", "stderr": ""}


def _quoted(command: str) -> str:
    escaped = command.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
